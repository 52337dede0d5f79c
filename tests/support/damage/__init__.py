"""Segments that are damaged, and what must be read of them."""
