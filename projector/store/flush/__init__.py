"""A conversation that is listed over whole, again and again: each message once, in order."""

from projector.store.flush.report import FlushReport, Refused

__all__ = ["FlushReport", "Refused"]
