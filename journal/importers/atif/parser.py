"""Trajectories in the Agent Trajectory Interchange Format, versions 1.0 to 1.8.

A document has a list of `steps`. If the package `atif` is installed (the extra `atif`), a document
is also checked by its models, and what it violates is counted; the steps are imported all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.parser import Repaired, SessionStart, Skipped
from journal.importers.parsing.parts import Result, blocks, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage, without
from journal.importers.parsing.values import list_of, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "atif"
_ROLES = {"agent": "assistant"}
_KEPT = ("reasoning_effort", "is_copied_context", "extra")


@dataclass(slots=True)
class Atif:
    """The parser of one trajectory.

    Attributes:
        location: the file.
    """

    location: Location
    _talk: Conversation = field(init=False)
    _model: str | None = None

    def __post_init__(self) -> None:
        self._talk = Conversation(self.location.name, SOURCE)

    def begin(self, value: dict[str, Json]) -> Iterator[Item]:
        """Yield the session, from the fields beside the steps."""
        agent = value.get("agent")
        agent = agent if isinstance(agent, dict) else {}
        named = text_or_none(value.get("session_id")) or text_or_none(value.get("trajectory_id"))
        self._talk.session = named or self._talk.session
        self._model = text_or_none(agent.get("model_name"))
        name = text_or_none(agent.get("name"))
        if name is not None:
            self._talk.source = name
        if self.location.modified is not None:
            yield SessionStart(1, self._talk.session, self.location.modified)
        kept = {
            "schema_version": value.get("schema_version"),
            "agent_version": agent.get("version"),
            "notes": value.get("notes"),
        }
        yield self._talk.created(1, model=self._model, extra=non_empty(kept))

    def step(self, number: int, value: Json) -> Iterator[Item]:
        """Yield the message of a step, and the results of its calls."""
        if not isinstance(value, dict):
            yield Skipped(number, "no step: it is no object")
            return
        source = text_or_none(value.get("source")) or "unknown"
        parts = blocks(value.get("message"))
        parts.think(value.get("reasoning_content"))
        for call in list_of(value.get("tool_calls")):
            if isinstance(call, dict):
                id, name = call.get("tool_call_id"), call.get("function_name")
                parts.call(id, name, call.get("arguments"))
        observation = value.get("observation")
        found = observation.get("results") if isinstance(observation, dict) else None
        for result in list_of(found):
            if isinstance(result, dict):
                call = text_or_none(result.get("source_call_id"))
                parts.results.append(Result(call, None, _content(result)))
        if parts.is_empty and not parts.results:
            yield Skipped(number, f"{source} step without content")
        time = read_time(value.get("timestamp"))
        model = text_or_none(value.get("model_name"))
        id = str(value.get("step_id") or number)
        role = _ROLES.get(source, source)
        fields = {
            "timestamp": time,
            "model": model or (self._model if role == "assistant" else None),
            "extra": non_empty({name: value.get(name) for name in _KEPT}),
        }
        yield from self._talk.message(number, id, role, parts, fields)
        yield from self._usage(number, id, value, fields)

    def beside(self, name: str) -> Iterator[Item]:
        """Yield that a list beside the steps is not imported."""
        yield Skipped(1, f"beside the steps: {name}")

    def _usage(
        self, number: int, id: str, value: dict[str, Json], fields: dict[str, Json]
    ) -> Iterator[Item]:
        metrics = value.get("metrics")
        if isinstance(metrics, dict) and not value.get("is_copied_context"):
            cached = metrics.get("cached_tokens")
            counts = {
                "input_tokens": without(metrics.get("prompt_tokens"), cached),
                "output_tokens": metrics.get("completion_tokens"),
                "cache_read_tokens": cached,
            }
            cost, model = metrics.get("cost_usd"), fields["model"]
            session = self._talk.session
            yield from usage(
                number, session, id, counts, fields["timestamp"], model=model, cost=cost
            )


def check(value: Json) -> Iterator[Item]:
    """Yield what the package `atif` finds wrong with a document; nothing if it is not installed."""
    try:
        from atif import Trajectory  # noqa: PLC0415 - an extra
        from pydantic import ValidationError  # noqa: PLC0415 - the same
    except ImportError:
        return
    try:
        Trajectory.model_validate(value)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=False, include_input=False):
            place = ".".join("n" if isinstance(part, int) else part for part in found["loc"])
            yield Repaired(1, f"no valid ATIF: {place}: {found['msg']}")


def _content(result: dict[str, Json]) -> str | list[Json]:
    """Return the content of a result, or the trajectory of a sub-agent that it names."""
    content = result.get("content")
    return output(content if content is not None else result.get("subagent_trajectory_ref"))
