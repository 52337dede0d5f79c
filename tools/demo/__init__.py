"""The parts of `make demo`; `python -m tools.demo` puts them together."""
