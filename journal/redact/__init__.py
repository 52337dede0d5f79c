"""Redaction: secrets are found by rules and replaced by marks before an event is written.

`journal.redact.setup` makes the redactor of a journal, `rules` holds the rules of this program, and
`values` says which values of an event are redacted. What finds secrets is a `scanner.Scanner`.
"""
