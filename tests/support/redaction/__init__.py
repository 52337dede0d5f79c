"""Events that are redacted by several rules, and what docs/format.md says of them."""
