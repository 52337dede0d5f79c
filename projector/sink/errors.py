"""What can go wrong with a sink."""

from __future__ import annotations

from projector.errors import ProjectorError, QueryError


class SinkError(ProjectorError):
    """The sink cannot be reached, or refuses; what was sent before is there."""


class NoSink(SinkError):  # noqa: N818 - reads as a state
    """No sink is configured."""


class NotAsked(QueryError):  # noqa: N818 - reads as a state
    """A sink cannot answer such a search."""
