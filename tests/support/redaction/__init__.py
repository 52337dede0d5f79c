"""Events that several rules redact, and the programs of docs/format.md."""
