"""OpenHands: a trajectory as one list of events, the outputs of its evaluations, or single events.

A trajectory is a JSON document; an evaluation writes one line for each task, with the events in
`history`; a conversation is a folder `<session>/events` with a document for each event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.importers.openhands.event import read_event
from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.parser import SessionStart, Skipped
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage, without
from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

SOURCE = "openhands"
_EVENTS = "events"
_BESIDE = ("instruction", "test_result", "git_patch", "metrics", "issue", "error")


@dataclass(slots=True)
class OpenHands(OneSession):
    """The parser of one file.

    Attributes:
        location: the file.
    """

    _said: bool = False  # the session was yielded

    def __post_init__(self) -> None:
        folders = self.location.folders
        in_folder = len(folders) > 1 and folders[0] == _EVENTS
        self._talk = Conversation(folders[1] if in_folder else self.location.name, SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:  # noqa: ARG002 - ids are the source's own
        """Handle one line of an evaluation: a task with its events."""
        history = value.get("history") if isinstance(value, dict) else None
        if not isinstance(history, list):
            yield Skipped(line, "no task: it has no history")
            return
        issue = value.get("issue")
        named = text_or_none(value.get("instance_id"))
        if named is None and isinstance(issue, dict):
            named = f"{issue.get('owner')}/{issue.get('repo')}#{issue.get('number')}"
        session = f"{self.location.name}:{named or line}"
        self._talk, self._said = Conversation(session, SOURCE), True
        about = value.get("metadata")
        about = about if isinstance(about, dict) else {}
        model = about.get("llm_config")
        commit = text_or_none(value.get("base_commit"))
        title = named if not isinstance(issue, dict) else text_or_none(issue.get("title"))
        started = read_time(about.get("start_time"))
        if started.micros is None and self.location.modified is not None:
            # the events of the first versions have no times
            yield SessionStart(line, session, self.location.modified)
        yield self._talk.created(
            line,
            title=title,
            started=started._replace(original=None),
            model=text_or_none(model.get("model")) if isinstance(model, dict) else None,
            commit=commit,
            extra=non_empty({"agent": about.get("agent_class"), "success": value.get("success")}),
        )
        for number, event in enumerate(history):
            yield from self.event(line, event, number)
        metrics = value.get("metrics")
        if isinstance(metrics, dict):
            cost = metrics.get("accumulated_cost")
            yield from usage(line, session, "all", {"api_calls": None}, cost=cost)
        for name in _BESIDE:
            if value.get(name):
                yield Skipped(line, f"beside the events: {name}")

    def event(self, line: int, value: Json, number: int | None = None) -> Iterator[Item]:
        """Yield the message of one event, and what the call of the model used."""
        if not self._said:
            self._said = True
            yield self._talk.created(line)
        if not isinstance(value, dict):
            yield Skipped(line, "no event: it is no object")
            return
        own = value.get("id")
        id = str(own) if isinstance(own, int | str) and own != "" else str(number or line - 1)
        found = read_event(value, id)
        if found.parts.is_empty and not found.parts.results:
            yield Skipped(line, found.name)
            return
        response = _response(value)
        time = read_time(value.get("timestamp"))
        model = text_or_none(response.get("model"))
        fields = {"timestamp": time, "model": model, "meta": found.meta}
        yield from self._talk.message(line, id, found.role, found.parts, fields)
        used = response.get("usage")
        if isinstance(used, dict) and found.role == "assistant":
            details = used.get("prompt_tokens_details")
            cached = details.get("cached_tokens") if isinstance(details, dict) else None
            written = used.get("cache_creation_input_tokens")
            counts = {
                "input_tokens": without(used.get("prompt_tokens"), cached, written),
                "output_tokens": used.get("completion_tokens"),
                "cache_read_tokens": cached,
                "cache_write_tokens": written,
            }
            call = text_or_none(response.get("id")) or id
            yield from usage(line, self._talk.session, call, counts, time, model=model)


def _response(value: dict[str, Json]) -> dict[str, Json]:
    about = value.get("tool_call_metadata")
    found = about.get("model_response") if isinstance(about, dict) else None
    return found if isinstance(found, dict) else {}
