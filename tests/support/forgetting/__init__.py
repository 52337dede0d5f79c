"""Requests to forget, and a model of what they forget."""
