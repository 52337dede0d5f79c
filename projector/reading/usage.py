"""The part of the reading handle that sums what was used and paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.timestamps import moment
from journal.process.fork import no_fork
from projector.arguments import check_filters

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import apsw

    from projector.reading.reader import Answer
    from projector.views.freshness import Freshness
    from projector.views.usage import By, UsageReport


class UsageReader:
    """Reads usage with the query function of the handle."""

    if TYPE_CHECKING:

        def read(self, query: Callable[[apsw.Connection], Answer]) -> tuple[Answer, Freshness]:
            """Query the database."""
            ...

    def usage(
        self,
        *,
        by: By = "day",
        since: datetime | str | int | None = None,
        until: datetime | str | int | None = None,
        project: str | None = None,
        branch: str | None = None,
        source: str | None = None,
        model: str | None = None,
    ) -> UsageReport:
        """Return what was used and paid.

        Costs are what the source says, else by a table of prices (the extra `prices`). A call whose
        price is not known has none, and its model is listed.

        Args:
            by: `day`, `week` (of ISO 8601) or `month`, all in local time, `model`, `project` (the
                working directory), `branch` (of git), `source` or `session`; sub-agents belong to
                the session that started them.
            since: only calls of this moment or later: an aware datetime, an ISO 8601 string or
                microseconds since 1970. Calls are dated to the minute.
            until: only calls before this moment.
            project: only sessions with this working directory, or with one of this name.
            branch: only sessions on this git branch.
            source: only sessions from there.
            model: only calls of this model; one without a model has that of its session.

        Raises:
            ValueError: there is no such group.
            QueryError: a filter is no text.
            EventError: a moment is none.
            ProjectionError: the projection cannot be read or built.
        """
        with no_fork.turn:
            from projector.views import usage  # noqa: PLC0415 - few programs ask for it

        usage.check_by(by)
        check_filters({"project": project, "branch": branch, "source": source, "model": model})
        bounds = [
            None if value is None else moment(name, value)
            for name, value in (("since", since), ("until", until))
        ]
        filters = usage.UsageFilters(bounds[0], bounds[1], project, branch, source, model)
        (rows, total, table), fresh = self.read(lambda db: usage.usage(db, by, filters))
        return usage.UsageReport(rows, total, table, fresh.behind)
