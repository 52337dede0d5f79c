"""What all parsers share: what they yield, and how it becomes events."""
