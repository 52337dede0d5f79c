"""Sessions as files to keep: the format `html`, and answers that are files."""
