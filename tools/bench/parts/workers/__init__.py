"""Parts about processes that share work."""
