"""The parts of `make bench`; `run.py` puts them together."""
