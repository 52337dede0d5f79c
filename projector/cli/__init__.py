"""The `projector` command."""
