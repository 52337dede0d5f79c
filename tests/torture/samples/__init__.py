"""A sample of each step, and what makes it fail."""
