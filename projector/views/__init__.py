"""What readers get of sessions and messages."""
