"""What it costs to share a journal among machines."""
