"""The failures that users of Hermes's store reported, tried on it and on the one that stands in."""
