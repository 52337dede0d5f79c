"""Flush: make a transcript contain a whole list of messages, each once, in order."""

from projector.store.flush.report import FlushReport, Refused

__all__ = ["FlushReport", "Refused"]
