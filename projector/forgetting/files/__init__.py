"""The files below a journal's folder: which can hold what was forgotten, and which are removed."""
