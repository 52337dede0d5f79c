"""Sessions that no source has any more."""
