"""Lists of role/content messages."""
