"""Commands of `journal` that forget: it finds them as entry points of `journal.commands`."""
