"""Whether one order of all calls explains every answer."""
