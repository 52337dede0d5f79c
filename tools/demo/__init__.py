"""The parts of `make demo`; `tools/demo.py` puts them together."""
