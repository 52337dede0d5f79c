"""Answers as text: fenced, and of a bounded length."""
