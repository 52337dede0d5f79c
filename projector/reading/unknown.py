"""The values of filters that nothing has: why a search or a list found nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.views.nearest import unknown, unknown_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.reading.listing import ListingReader
    from projector.views.nearest import UnknownValue


def unknown_filters(reader: ListingReader, filters: Mapping[str, Any]) -> list[UnknownValue]:
    """Return those of some filters, by their names, whose values no message and no session has.

    Raises:
        ProjectionError: the projection cannot be read.
    """
    found = reader.read(lambda db: unknown_values(db, filters))[0]
    machine = filters.get("machine")
    if machine is not None and not reader.facets(by="machine", machine=machine):
        names = [row.name for row in reader.facets(by="machine") if row.name is not None]
        found.append(unknown("machine", machine, names))
    return found
