"""The lines of one file, as items."""
