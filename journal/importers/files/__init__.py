"""Files of sources: found, followed, and read as values."""
