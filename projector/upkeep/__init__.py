"""Status, verification and salvage of a projection."""
