"""The parts of the kill sweep and the fault sweep."""
