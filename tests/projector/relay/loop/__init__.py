"""Tests of `projector.relay.loop`."""
