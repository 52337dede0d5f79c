"""Whether one order of all calls explains what each of them was answered."""
