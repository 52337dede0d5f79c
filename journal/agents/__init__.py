"""The agents of this machine: which there are, and what of theirs the journal has."""
