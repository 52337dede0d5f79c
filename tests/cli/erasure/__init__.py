"""Commands that forget and redact, and what comes again."""
