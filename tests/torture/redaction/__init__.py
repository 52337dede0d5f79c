"""Secrets that are planted in what is appended, imported and exported, and looked for then."""
