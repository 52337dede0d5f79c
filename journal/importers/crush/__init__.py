"""Sessions of Crush: one database for each project."""
