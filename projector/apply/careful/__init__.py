"""Find events that cannot be applied: each is tried alone."""
