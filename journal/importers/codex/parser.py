"""Codex CLI's rollouts: `~/.codex/sessions/<y>/<m>/<d>/rollout-<time>-<session>.jsonl`.

A line is `{timestamp, type, payload}`. The shapes follow codex-rs `protocol` (`RolloutItem`,
`ResponseItem`, `EventMsg`) as written by versions 0.40 to 0.146; the first versions wrote the
items bare, without a time.

* `response_item` lines are the conversation. Each text is written a second time as
  `event_msg`; see `duplicates` for how it is imported once and none of it is lost.
* A line has no id: it is the payload's, the call's, or the fingerprint of the line, which holds a
  time in milliseconds. So a line that is there twice, byte for byte, is one message. Bare items
  have no time: their id is their place, and they name the item before as their parent.
* Call ids may start from 0 in each turn: see `reused_ids`.
* A fork repeats the items of its parent with other times: see `copied_items`.
* The session is that of the first `session_meta` (a forked rollout also repeats that of its
  parent), else the one in the file's name. A session that was resumed is written to further
  files, `rollout-<time>-<session>_<segment>.jsonl`.
* `thread_rolled_back` retracts the last turns of the user: see `turns`.
* `token_count` lines hold running totals: see `usage`. What no person wrote has a `meta`.
* Each turn names its model, which its messages and its usage have; the session has that of its
  first turn, and a turn with another model or folder than the one before it gives a system message
  without text for the change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from journal.format.event_types import SESSION_CREATED, SESSION_TITLED
from journal.importers.codex.copied_items import CopiedItems
from journal.importers.codex.duplicates import DuplicateTexts, texts_of
from journal.importers.codex.event_text import error_text, plan, shorten
from journal.importers.codex.response_item import item_data
from journal.importers.codex.restored import fields_in, id_in, restored_of
from journal.importers.codex.session_index import title_of
from journal.importers.codex.turns import Turns, begins_turn, meta_of
from journal.importers.codex.usage import SOURCE, RunningTotals
from journal.importers.parsing.events import fact, message, placeholder
from journal.importers.parsing.parser import SessionStart, Skipped
from journal.importers.parsing.reused_ids import is_numbered
from journal.importers.parsing.source_time import SourceTime, micros, read_time
from journal.importers.parsing.values import fingerprint, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found, Item, Location
    from journal.importers.parsing.values import Json

_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = re.compile(rf"({_ID})(?:_({_ID}))?\Z", re.IGNORECASE)
"""The session's uuid at the end of a file's name, and that of a resumed segment after it."""
_DATE = re.compile(r"rollout-([0-9]{4}-[0-9]{2}-[0-9]{2}T)([0-9]{2})-([0-9]{2})-([0-9]{2})-")
_TEXT_EVENTS = ("error", "warning")
"""Events whose text is in no other line."""


@dataclass(slots=True)
class Codex:
    """The parser of one rollout."""

    equal_is_same: ClassVar[bool] = False
    location: Location
    _duplicates: DuplicateTexts = field(default_factory=DuplicateTexts)
    _turns: Turns = field(default_factory=Turns)
    _copied: CopiedItems = field(default_factory=CopiedItems)
    _segment: str | None = None  # uuid of the segment, in a file that continues a session
    _named: str = ""  # the session in the file's name
    _session: str | None = None
    _dated: bool = False  # the start of the session is known
    _begins: bool = False  # the file begins with the session's meta
    _turn: tuple[Json, Json] | None = None  # model and folder of the turn
    _before: str | None = None  # id of the bare item before
    _restored: dict[str, Json] | None = None  # what `journal restore` wrote beside the item
    _totals: RunningTotals = field(default_factory=RunningTotals)

    def __post_init__(self) -> None:
        named = _NAME.search(self.location.stem)
        self._named = self.location.stem if named is None else named[1].lower()
        self._segment = None if named is None or named[2] is None else named[2].lower()

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle the value of one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        self._restored = restored_of(value)
        id = f"line-{line}" if raw is None else fingerprint(raw)
        yield from self._value(line, value, id_in(self._restored) or id)
        for found in self._duplicates.overdue(line):
            yield found
            yield from self._turns.late(found)

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        return placeholder(line, self.session, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Yield the texts whose item has not followed yet, as skipped; and the title."""
        yield from self._duplicates.end()
        yield from title_of(self.location, self.session)

    def _value(self, line: int, value: dict[str, Json], id: str) -> Iterator[Item]:
        kind, payload = value.get("type"), value.get("payload")
        if not isinstance(payload, dict):
            yield from self._bare(line, value, id)
            return
        timestamp = read_time(value.get("timestamp"))
        if kind != "session_meta" and not self._dated:
            yield from self._date(line)
        if kind == "session_meta":
            yield from self._meta(line, payload)
        elif kind == "response_item":
            yield from self._item(line, payload, id, timestamp, None)
        elif kind == "event_msg":
            yield from self._event(line, payload, id, timestamp)
        elif kind == "turn_context":
            yield from self._context(line, payload, id, timestamp)
        elif kind == "compacted":
            text = text_or_none(payload.get("message"))
            data = {
                "role": "system",
                "content": text,
                "source": SOURCE,
                "timestamp": timestamp,
                "line": self._copied.line(payload),
                "extra": {"compacted": True},
            }
            yield message(line, self.session, id, data | fields_in(self._restored))
        else:
            yield Skipped(line, shorten(kind))

    @property
    def session(self) -> str:
        """The session of this file."""
        if self._session is None:
            self._session = self._named
        return self._session

    def _date(self, line: int) -> Iterator[Item]:
        """Yield the start of the session, if the file name has the time."""
        self._dated = True
        date = _DATE.match(self.location.stem)
        if date is not None:
            found = micros("{}{}:{}:{}Z".format(*date.groups()))
            if found is not None:
                yield SessionStart(line, self.session, found)

    def _meta(self, line: int, payload: dict[str, Json]) -> Iterator[Item]:
        own = text_or_none(payload.get("id")) or text_or_none(payload.get("session_id"))
        forked_from = text_or_none(payload.get("forked_from_id"))
        # a copy repeats the heads of all that it is a copy of, the first of them last
        self._totals.root = forked_from or ("" if self._session is None else own) or ""
        if self._session is not None:
            other = own not in (None, self._session)
            if own is not None and other:
                self._copied.goes_back_to(own)
            yield Skipped(line, f"session_meta{' of the session it was forked from' * other}")
            return
        if own is not None and own.lower() == self._segment:
            self._session = self._named
        elif own is not None:
            self._session = own
        self._begins = self._totals.is_sourced = True
        git = payload.get("git")
        git = git if isinstance(git, dict) else {}
        spawned_by = text_or_none(payload.get("parent_thread_id"))
        parent = spawned_by or forked_from
        relation = "subagent" if spawned_by else "fork" if forked_from else None
        started = read_time(payload.get("timestamp"))
        data = {
            "source": SOURCE,
            "cwd": text_or_none(payload.get("cwd")),
            "parent": parent,
            "started": started,
            "branch": text_or_none(git.get("branch")),
            "commit": text_or_none(git.get("commit_hash")),
            "relation": relation,
            "extra": non_empty(
                {
                    "cli_version": payload.get("cli_version"),
                    "originator": payload.get("originator"),
                    "model_provider": payload.get("model_provider"),
                    "git_branch": git.get("branch"),
                    "git_commit": git.get("commit_hash"),
                    "repository": git.get("repository_url"),
                }
            ),
        }
        yield fact(line, self.session, SESSION_CREATED, data)
        self._copied.goes_back_to(forked_from or self.session)
        if parent is not None:
            yield fact(line, self.session, SESSION_CREATED, {"relation": relation})
        if started.micros is None:
            yield from self._date(line)
        self._dated = True
        instructions = payload.get("base_instructions") or payload.get("instructions")
        if instructions:
            yield Skipped(line, "session_meta: base instructions, the same in every session")

    def _item(
        self,
        line: int,
        payload: dict[str, Json],
        id: str,
        timestamp: SourceTime,
        parent: str | None,
    ) -> Iterator[Item]:
        data = item_data(payload, id)
        if isinstance(data, str):
            yield Skipped(line, data)
            return
        yield from self._duplicates.item(line, texts_of(payload))
        own = source = text_or_none(payload.get("id"))
        if own is None and (call := text_or_none(payload.get("call_id"))) is not None:
            # a call and its output share the call's id
            source = call
            own = f"{call}:output" if data["role"] == "tool" else call
        if self._segment is not None and source is not None and is_numbered(source):
            own = f"{own}~{id}"  # other files of the session use the same call numbers
        if data["role"] == "user" and begins_turn(payload):
            self._turns.begin(line, id)
        if data["role"] == "user":
            data["meta"] = meta_of(data["content"])
        elif data["role"] == "assistant":
            data["model"] = self._totals.model
        copied = self._copied.line(payload)
        shared = {"source": SOURCE, "timestamp": timestamp, "parent": parent, "line": copied}
        self._before = found = (own or id) if self._restored is None else id
        yield message(line, self.session, found, data | shared | fields_in(self._restored))

    def _event(
        self, line: int, payload: dict[str, Json], id: str, timestamp: SourceTime
    ) -> Iterator[Item]:
        kind = payload.get("type")
        text = text_or_none(payload.get("message")) or text_or_none(payload.get("text"))
        shared = {"source": SOURCE, "timestamp": timestamp, "extra": {"event": shorten(kind)}}
        shared |= fields_in(self._restored)
        spoken = {"role": "assistant", "model": self._totals.model, **shared}
        if kind in ("user_message", "agent_message") and text is not None:
            by = {"role": "user", **shared} if kind == "user_message" else spoken
            found = message(line, self.session, id, {"content": text, **by})
            yield from self._once(line, kind, text, found)
        elif kind in ("agent_reasoning", "agent_reasoning_raw_content") and text is not None:
            found = message(line, self.session, id, {"reasoning": text, **spoken})
            yield from self._once(line, kind, text, found)
        elif kind == "item_completed" and (text_of_plan := plan(payload)) is not None:
            found = message(line, self.session, id, {"content": text_of_plan, **spoken})
            yield from self._once(line, kind, text_of_plan, found)
        elif kind == "thread_rolled_back":
            waiting = self._duplicates.waiting("user_message")
            yield self._turns.roll_back(line, id, payload.get("num_turns"), waiting)
        elif kind == "token_count":
            yield from self._totals.take(line, payload, self.session, timestamp)
        elif kind == "thread_name_updated" and text_or_none(payload.get("thread_name")):
            title = {"title": payload["thread_name"]}
            yield fact(line, self.session, SESSION_TITLED, title)
        elif kind in _TEXT_EVENTS and (text := text or error_text(payload)) is not None:
            yield message(line, self.session, id, {"role": "system", "content": text, **shared})
        elif kind == "web_search_end" and isinstance(payload.get("results"), list):
            data = {
                "role": "tool",
                "content": payload["results"],
                "tool_name": "web_search",
                "tool_call_id": text_or_none(payload.get("call_id")),
                **shared,
            }
            yield message(line, self.session, id, data)
        else:
            yield Skipped(line, f"event_msg/{shorten(kind)}")

    def _once(self, line: int, kind: str, text: str, found: Found) -> Iterator[Item]:
        """Return the message of an event, unless an item has its text, as in no restored file."""
        repeated = self._duplicates.repeated(line, kind, text, found, begins=self._begins)
        return repeated if self._restored is None else iter((found,))

    def _context(
        self, line: int, payload: dict[str, Json], id: str, timestamp: SourceTime
    ) -> Iterator[Item]:
        before, turn = self._turn, (payload.get("model"), payload.get("cwd"))
        self._turn = turn
        model = self._totals.model = text_or_none(payload.get("model"))
        if before is None and self._begins and model is not None:
            yield fact(line, self.session, SESSION_CREATED, {"model": model})
        elif before not in (None, turn):
            data = {
                "role": "system",
                "model": model,
                "source": SOURCE,
                "timestamp": timestamp,
                "extra": non_empty(
                    {
                        "event": "turn_context",
                        "cwd": payload.get("cwd"),
                        "effort": payload.get("effort"),
                        "turn_id": payload.get("turn_id"),
                    }
                ),
            }
            yield message(line, self.session, id, data)
            return
        yield Skipped(line, "turn_context")

    def _bare(self, line: int, value: dict[str, Json], id: str) -> Iterator[Item]:
        """Handle a line of the first versions: the item itself, after a first line with no type."""
        kind = value.get("type")
        if kind is None and "id" in value and "timestamp" in value:
            yield from self._meta(line, value)
        elif isinstance(kind, str) or {"role", "created_at"} <= value.keys():
            if kind is None:  # a message of a version that is drifted, with its text in `message`
                text = value.get("content") or value.get("message")
                value = {**value, "type": "message", "content": text}
            # equal texts may occur twice, and no time distinguishes them
            place = f"{line}-{id[:16]}"
            time = read_time(value.get("timestamp", value.get("created_at")))
            yield from self._item(line, value, place, time, self._before)
        else:
            yield Skipped(line, shorten(value.get("record_type")))
