"""The sessions of Grok Build."""
