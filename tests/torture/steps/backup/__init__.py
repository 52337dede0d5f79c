"""The steps of the ladder that concern backups."""
