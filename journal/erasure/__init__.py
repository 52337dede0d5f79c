"""Erasure: the requests to forget of a journal, and how the bytes that they name are removed."""
