"""The trajectories of SWE-agent (`.traj`) and mini-swe-agent (`.traj.json`).

`history` is the conversation: the prompts, the answers of the model, and what the environment
answered, which has the role "user" before version 1. `trajectory` has the same steps once more;
what only it has, such as the last observation, is added at the end. `info` has the result and what
the calls used in all.

There are no times: the messages get that of the file, as an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.parser import SessionStart, Skipped
from journal.importers.parsing.parts import Parts, Result, blocks, tool_call
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import list_of, non_empty, object_of, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "swe-agent"
_KEPT = ("agent", "message_type", "action", "state", "tags")


@dataclass(slots=True)
class SweAgent:
    """The parser of one trajectory.

    Attributes:
        location: the file.
    """

    location: Location
    _talk: Conversation = field(init=False)
    _answered: bool = False
    _texts: set[str] = field(default_factory=set)
    _count: int = 0

    def __post_init__(self) -> None:
        self._talk = Conversation(self.location.name, SOURCE)

    def begin(self, value: dict[str, Json]) -> Iterator[Item]:
        """Yield the session, from the fields beside the messages."""
        info, config = object_of(value.get("info")), object_of(value.get("replay_config"))
        stats = object_of(info.get("model_stats"))
        model = object_of(object_of(object_of(config.get("agent")).get("model"))).get("name")
        kept = {
            "exit_status": info.get("exit_status"),
            "environment": value.get("environment"),
            "swe_agent_version": info.get("swe_agent_version"),
        }
        if self.location.modified is not None:
            yield SessionStart(1, self._talk.session, self.location.modified)
        yield self._talk.created(1, model=text_or_none(model), extra=non_empty(kept))
        counts = {
            "input_tokens": stats.get("tokens_sent"),
            "output_tokens": stats.get("tokens_received"),
            "api_calls": stats.get("api_calls"),
        }
        cost = stats.get("instance_cost")
        yield from usage(1, self._talk.session, "all", counts, model=model, cost=cost)
        for name in sorted(info.keys() - {"model_stats", "exit_status", "swe_agent_version"}):
            yield Skipped(1, f"beside the messages: info.{name}")

    def message(self, number: int, value: Json) -> Iterator[Item]:
        """Yield a message of the conversation."""
        self._count = max(self._count, number)
        role = text_or_none(value.get("role")) if isinstance(value, dict) else None
        if role is None:
            yield Skipped(number, "no message: it has no role")
            return
        parts = blocks(value.get("content"))
        self._note(parts)
        for thought in list_of(value.get("thinking_blocks")):
            parts.think(object_of(thought).get("thinking"))
        for call in list_of(value.get("tool_calls")):
            function = object_of(object_of(call).get("function"))
            arguments = function.get("arguments")
            parts.calls.append(tool_call(call.get("id"), function.get("name"), arguments))
        kept = {name: value.get(name) for name in _KEPT if value.get(name) != value.get("content")}
        fields: dict[str, Json] = {"extra": non_empty(kept)}
        ids = [text_or_none(id) for id in list_of(value.get("tool_call_ids"))]
        call_id = text_or_none(value.get("tool_call_id")) or next(iter(ids), None)
        if role == "tool":
            parts = Parts(results=[Result(call_id, None, parts.fields()["content"] or "")])
        elif role == "user":
            fields["meta"] = self._meta(value)
        elif role == "system":
            fields["meta"] = "instructions"
        self._answered = self._answered or (role == "assistant" and not value.get("is_demo"))
        if parts.is_empty and not parts.results:
            yield Skipped(number, f"{role} message without content")
        yield from self._talk.message(number, str(number - 1), role, parts, fields)

    def step(self, number: int, value: Json) -> Iterator[Item]:
        """Yield what a step of the trajectory has beyond the conversation."""
        step = object_of(value)
        for name, role in (("response", "assistant"), ("observation", "tool")):
            text = text_or_none(step.get(name))
            if text is None or any(text.strip() in known for known in self._texts):
                continue
            self._texts.add(text)
            parts = blocks(text)
            if role == "tool":
                parts = Parts(results=[Result(None, None, text)])
            fields = {"extra": {"step": number - 1}}
            line = self._count + number
            id = f"step-{number - 1}-{name}"
            yield from self._talk.message(line, id, role, parts, fields)

    def _meta(self, value: dict[str, Json]) -> str | None:
        if value.get("is_demo"):
            return "instructions"
        # the environment answers with the role of a user
        return "notification" if self._answered else None

    def _note(self, parts: Parts) -> None:
        texts = (part.get("text") for part in parts.content)
        self._texts.update(text for text in texts if isinstance(text, str))
