"""The sessions of Factory's Droid."""
