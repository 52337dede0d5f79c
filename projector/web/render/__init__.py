"""Messages as HTML that can do nothing."""
