"""Tests of forgetting and erasure in the journal."""
