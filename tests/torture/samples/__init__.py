"""A sample of each step, and faults that each step must detect."""
