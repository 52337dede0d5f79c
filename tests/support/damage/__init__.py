"""Damaged segments, and the records that must be found in them."""
