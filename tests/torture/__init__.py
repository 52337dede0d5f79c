"""The torture: a ladder of steps that crash, damage and confuse a journal."""
