"""Redaction: secrets are found by rules and replaced by marks before an event is written.

`journal.redact.setup` makes the redactor of a journal, `rules` holds the rules of this program, and
`values` selects the values of an event that are redacted. A `scanner.Scanner` finds secrets.
"""
