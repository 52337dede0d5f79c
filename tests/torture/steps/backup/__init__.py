"""The steps of the ladder for backups."""
