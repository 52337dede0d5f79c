"""Claude Code's transcripts: `~/.claude/projects/<folder>/<session>.jsonl`.

The format has no published description; this follows the files that Claude Code 1.0 to 2.1 wrote.

* Every `user`, `assistant` or `system` line with something to read is a message; its id is the
  line's `uuid`, its parent the line's `parentUuid` (even if that line is in another file, or has no
  text). One API message on several lines becomes several messages, which share
  `extra.api_message_id` (and repeat its `token_count`).
* Content parts are kept as they are, but calls of tools, which go to `tool_calls`. A line of tool
  results alone has the role "tool". What no person wrote has a `meta` (`meta`).
* Each call of the API gives `usage.added` events, which name one `call`.
* Lines of a sub-agent within `progress` lines are its lines, by the same uuids as in its own file.
* What may change in the middle of a session (working directory, branch, version) is kept with
  each message. Session events have only values that cannot differ between two slices of the
  session: the first folder and the first model, from the slice with its first message.
* A sub-agent's lines (see `agent`) are a session of their own, named as its file, whose `parent` is
  the session that started it. Sidechains of older versions name no agent; they stay where they are,
  marked `extra.sidechain`.
* A fork (`--fork-session`, and `--resume` of older versions) begins with the lines of the session
  that it continues, under its own `sessionId`. They keep their `uuid`, by which a projection
  recognises them. `forkedFrom` in them names that session, which becomes the fork's `parent`. In
  other files they keep their `sessionId`, too: then they are that session's, and the lines after
  them are a session that continues it.
* What the user retracted with /rewind leaves the transcript: see `rewinds`.
* A large output of a tool is a file in `<session>/tool-results/`; its line holds the beginning,
  in `<persisted-output>`. The file's text is a message of its own after it (see `outputs`).
* A `summary` names the message it sums up, not its session. It is a title if that message is
  in the same file, before it; Claude Code writes those of other sessions, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from journal.format.event_types import MESSAGE_REMOVED, SESSION_CREATED, SESSION_TITLED
from journal.importers.claude_code.agent import agent_of
from journal.importers.claude_code.message import message_data
from journal.importers.claude_code.meta import first_text
from journal.importers.claude_code.outputs import outputs_of
from journal.importers.claude_code.queued_prompts import PromptQueue
from journal.importers.claude_code.reshape import as_user, is_root, of_agent
from journal.importers.claude_code.rewinds import Rewinds
from journal.importers.claude_code.session_index import title_of
from journal.importers.claude_code.usage import usage_of
from journal.importers.parsing.events import fact, message, placeholder
from journal.importers.parsing.parser import Retraction, Skipped
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import fingerprint, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from journal.importers.parsing.parser import Found, Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "claude-code"
_REMEMBERED = 65_536
"""Messages whose session is kept for the summaries that name them, which bounds the memory."""
_SHORT_AGENT = 16
"""Agent ids shorter than this are not unique among all sessions."""
_REWOUND = "rewound in Claude Code"
_TAKEN_BACK = "taken back from the queue in Claude Code"
_REPEATED = "a later line repeats the queued prompt"
_CALLS = 64
"""Events of usage that are remembered: the lines of one call are near, and mostly equal."""
_TITLES = {"custom-title": "customTitle", "ai-title": "aiTitle"}


@dataclass(slots=True)
class ClaudeCode:
    """The parser of one file."""

    equal_is_same: ClassVar[bool] = True
    location: Location
    _queue: PromptQueue = field(default_factory=PromptQueue)
    _rewinds: Rewinds = field(default_factory=Rewinds)
    _last: str | None = None  # the session of the line before
    _leaves: dict[str, str] = field(default_factory=dict)  # uuid of a message: its session
    _created: set[str] = field(default_factory=set)  # sessions with a session.created
    _forked: set[str] = field(default_factory=set)  # sessions whose origin is known
    _renamed: set[str] = field(default_factory=set)  # sessions that the user gave a title
    _titled: set[str] = field(default_factory=set)  # sessions with any title in their lines
    _begun: bool = False  # a line with a place in the conversation was read
    _began: dict[str, Json] | None = None  # its first line, if it is in this file
    _root: str | None = None  # the session that began in this file and has no model yet
    _used: dict[str, None] = field(default_factory=dict)  # ids of events, the latest last

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle the value of one line."""
        if not isinstance(value, dict):
            return iter((Skipped(line, "JSON, but no object"),))
        if not self._begun and text_or_none(value.get("uuid")):
            self._begun = True
            self._began = value if is_root(value) else None
        items = self._line(line, value, raw)
        if retracted := self._rewinds.take(line, value):
            return chain(items, (Retraction(line, retracted, _REWOUND),))
        return iter(items)

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        return placeholder(line, self._last or self.location.stem, id, size, SOURCE)

    def _line(self, line: int, value: dict[str, Json], raw: bytes | None) -> Iterable[Item]:
        kind = text_or_none(value.get("type"))
        items: Iterable[Item]
        if kind in ("user", "assistant", "system"):
            items = self._message(line, value, raw)
        elif kind == "summary":
            items = (self._summary(line, value),)
        elif kind in _TITLES:
            items = (self._title(line, value),)
        elif kind == "attachment":
            items = self._attachment(line, value, raw)
        elif kind == "queue-operation":
            items = self._queued(line, value, raw)
        elif kind == "progress" and (inner := of_agent(value)) is not None:
            items = self._line(line, inner, None)
        elif kind == "pr-link" and text_or_none(value.get("prUrl")):
            items = self._link(line, value, raw)
        else:
            items = (Skipped(line, _name(value)),)
        return items

    def end(self) -> Iterator[Item]:
        """Yield the title that an index has; no item waits for a later line."""
        if (session := self.location.stem) in self._created and session not in self._titled:
            yield from title_of(self.location, session)

    def session(self, value: dict[str, Json]) -> str:
        """Return the session of a line."""
        own = text_or_none(value.get("sessionId"))
        agent = agent_of(value) if "agentId" in value else None
        if agent is None:
            return own or self.location.stem
        if own is None or len(agent) >= _SHORT_AGENT or own == f"agent-{agent}":
            return f"agent-{agent}"
        return f"agent-{agent}-{own}"

    def _message(self, line: int, value: dict[str, Json], raw: bytes | None) -> Sequence[Item]:
        data = message_data(value)
        if isinstance(data, str):
            return (Skipped(line, data),)
        placed = self._place(line, value, raw, data)
        if value["type"] == "user" and data["role"] != "tool":
            return (*self._repeated(line, data["content"]), *placed)
        return placed

    def _place(
        self, line: int, value: dict[str, Json], raw: bytes | None, data: dict[str, Json]
    ) -> Sequence[Item]:
        """Return the session events that a message needs, and the message."""
        session = self.session(value)
        id = self._id(line, value, raw)
        self._leaves[id] = session
        if len(self._leaves) > _REMEMBERED:
            del self._leaves[next(iter(self._leaves))]
        if raw is not None:
            self._last = session
        found: list[Item] = []
        if not (session in self._created and self._began is None and self._root != session):
            found += self._facts(line, value, session)
        if session not in self._forked and (origin := self._continued(value, session)):
            self._forked.add(session)
            found.append(fact(line, session, SESSION_CREATED, origin))
        data["source"] = SOURCE
        found.append(message(line, session, id, data))
        kind = value.get("type")
        if kind == "assistant":
            found += self._new_usage(usage_of(line, session, id, value))
        elif kind == "user" and isinstance(data["content"], list):
            shared = {"source": SOURCE, "timestamp": data["timestamp"], "parent": id}
            found += outputs_of(line, session, value, data["content"], shared)
        return found

    def _new_usage(self, usage: Sequence[Found]) -> Iterator[Found]:
        """Yield usage that the lines before do not have."""
        for found in usage:
            if (id := found.event["id"]) not in self._used:
                self._used[id] = None
                if len(self._used) > _CALLS:
                    del self._used[next(iter(self._used))]
                yield found

    def _id(self, line: int, value: dict[str, Json], raw: bytes | None) -> str:
        # the wrapped form has neither uuids nor lines: its place is the line's number
        own = text_or_none(value.get("uuid"))
        return own or (f"line-{line}" if raw is None else fingerprint(raw))

    def _facts(self, line: int, value: dict[str, Json], session: str) -> Iterator[Item]:
        if session not in self._created:
            self._created.add(session)
            yield fact(line, session, SESSION_CREATED, self._origin(value, session))
            yield from title_of(self.location, session)
        if self._began is not None:
            if self.session(self._began) == session:
                self._root = session
                yield from _session_field(line, session, "cwd", self._began.get("cwd"))
            self._began = None
        aside = value.get("isSidechain") and agent_of(value) is None
        if self._root == session and value.get("type") == "assistant" and not aside:
            model = text_or_none(value["message"].get("model"))
            if model is not None and not model.startswith("<"):  # "<synthetic>" is no model
                self._root = None
                yield from _session_field(line, session, "model", model)

    def _continued(self, value: dict[str, Json], session: str) -> dict[str, Json] | None:
        """Return what the session continues: a copied line says it, or a line of it is above."""
        origin, parent = value.get("forkedFrom"), value.get("parentUuid")
        parent = self._leaves.get(parent) if isinstance(parent, str) else None
        forked = text_or_none(origin.get("sessionId")) if isinstance(origin, dict) else None
        parent = forked or parent
        if parent in (None, session) or agent_of(value) is not None:
            return None
        return {"parent": parent, "relation": "fork" if forked else "continuation"}

    def _origin(self, value: dict[str, Json], session: str) -> dict[str, Json]:
        """Return the fields that are equal in all lines of the session."""
        agent = agent_of(value)
        if agent is None:
            return {"source": SOURCE}
        parent = text_or_none(value.get("sessionId"))
        if parent in (session, None):  # newer files: <parent session>/subagents/agent-<id>.jsonl
            folders = self.location.folders
            parent = folders[1] if folders[:1] == ("subagents",) and len(folders) > 1 else None
        about = {"source": SOURCE, "parent": parent, "extra": {"agent_id": agent}}
        return about if parent is None else {**about, "relation": "subagent"}

    def _summary(self, line: int, value: dict[str, Json]) -> Item:
        title = text_or_none(value.get("summary"))
        leaf = text_or_none(value.get("leafUuid"))
        if title is None:
            return Skipped(line, "summary without text")
        session = self._leaves.get(leaf) if leaf is not None else None
        if session is None:
            return Skipped(line, "summary of a message that is not in this file")
        if session in self._renamed:
            return Skipped(line, "summary after a title that the user gave")
        self._titled.add(session)
        return fact(line, session, SESSION_TITLED, {"title": title})

    def _title(self, line: int, value: dict[str, Json]) -> Item:
        kind = value["type"]
        title = text_or_none(value.get(_TITLES[kind]))
        if title is None:
            return Skipped(line, f"{kind} without text")
        session = self.session(value)
        if kind == "custom-title":
            self._renamed.add(session)
        elif session in self._renamed:
            return Skipped(line, f"{kind} after a title that the user gave")
        self._titled.add(session)
        return fact(line, session, SESSION_TITLED, {"title": title})

    def _attachment(self, line: int, value: dict[str, Json], raw: bytes | None) -> Iterator[Item]:
        """Import a text that was typed while the agent was busy."""
        attached = value.get("attachment")
        attached = attached if isinstance(attached, dict) else {}
        prompt = attached.get("prompt")
        if attached.get("type") != "queued_command" or not isinstance(prompt, str | list):
            yield Skipped(line, f"attachment/{_named(attached.get('type'))}")
            return
        yield from self._repeated(line, prompt)
        data = message_data(as_user(value, prompt), taken_from="queued_command")
        if isinstance(data, dict):
            if attached.get("commandMode") == "task-notification":
                data["meta"] = "notification"
            yield from self._place(line, value, raw, data)

    def _queued(self, line: int, value: dict[str, Json], raw: bytes | None) -> Iterator[Item]:
        operation, content = value.get("operation"), value.get("content")
        if operation == "popAll":
            for queued in self._queue.pop_all():
                yield Retraction(line, (queued.line,), _TAKEN_BACK)
        if operation != "enqueue" or not first_text(content):
            yield Skipped(line, "queue-operation")
            return
        data = message_data(as_user(value, content), taken_from="queue-operation")
        if isinstance(data, dict):
            id = self._id(line, value, raw)
            self._queue.put(line, self.session(value), id, content)
            yield from self._place(line, {**value, "uuid": id}, raw, data)

    def _repeated(self, line: int, content: Json) -> Iterator[Item]:
        """Remove the queued prompts that a line repeats."""
        for queued in self._queue.repeated(content):
            removed = {"messages": [queued.id], "reason": _REPEATED}
            yield fact(line, queued.session, MESSAGE_REMOVED, removed)

    def _link(self, line: int, value: dict[str, Json], raw: bytes | None) -> Sequence[Item]:
        number, repository = value.get("prNumber"), value.get("prRepository")
        about = {"subtype": "pr-link", "number": number, "repository": repository}
        data = {
            "role": "system",
            "content": value["prUrl"],
            "timestamp": read_time(value.get("timestamp")),
            "extra": non_empty(about),
        }
        return self._place(line, value, raw, data)


def _session_field(line: int, session: str, name: str, value: Json) -> Sequence[Item]:
    text = text_or_none(value)
    return () if text is None else (fact(line, session, SESSION_CREATED, {name: text}),)


def _name(value: dict[str, Json]) -> str:
    """Return the kind of a line that is not imported, for the report."""
    kind, data = _named(value.get("type")), value.get("data")
    if kind == "progress" and isinstance(data, dict):
        return f"progress/{_named(data.get('type'))}"
    return kind


def _named(name: Json) -> str:
    return text_or_none(name) or "no type"
