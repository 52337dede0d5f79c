"""Sessions written back as files of the programs that they were imported from."""
