"""The state that a set of events gives: pure functions, without a database."""
