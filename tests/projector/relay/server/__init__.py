"""Tests of `projector.relay.server`."""
