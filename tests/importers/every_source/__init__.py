"""What holds for the importer of every source."""
