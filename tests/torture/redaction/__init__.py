"""Secrets that are planted in appended, imported and exported values, and then searched for."""
