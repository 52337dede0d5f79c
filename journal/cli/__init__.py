"""The `journal` command."""
