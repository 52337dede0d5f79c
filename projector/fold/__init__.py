"""What the events mean: pure functions, without a database."""
