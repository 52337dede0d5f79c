"""Tests of the journal and the projector, by feature."""
