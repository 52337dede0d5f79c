"""The viewer beside a million messages."""
