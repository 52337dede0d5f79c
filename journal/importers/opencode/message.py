"""The events of one message of opencode: pure.

A message is an object `info` and a list of parts, in any of opencode's stores. What an assistant
writes after the results of tools is a message of its own, so that texts and results stay in the
order in which they were written. Each step of a message is one API call, with its own usage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.conversation import Conversation, result_ids
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import non_empty, object_of, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

SOURCE = "opencode"
_MARKS = {
    "step-start": "the beginning of a step",
    "snapshot": "a snapshot of the files",
}
"""Parts that hold nothing of the conversation."""
_INVALID = "invalid"
"""The tool that opencode calls in place of one that it does not have: it succeeds with an error."""


@dataclass(slots=True)
class Session:
    """A session of opencode, as far as it was read.

    Attributes:
        talk: its messages.
        model: the model of its first answer.
    """

    talk: Conversation
    model: str | None = None


def session_of(id: str) -> Session:
    """Return a session without messages."""
    return Session(Conversation(key(id), SOURCE))


def session_items(line: int, talk: Conversation, info: dict[str, Json]) -> Iterator[Item]:
    """Yield the facts of a session."""
    times = object_of(info.get("time"))
    parent = text_or_none(info.get("parentID"))
    yield talk.created(
        line,
        cwd=text_or_none(info.get("directory")),
        parent=None if parent is None else key(parent),
        relation=None if parent is None else "subagent",
        started=read_time(times.get("created")),
        extra=non_empty(
            {
                "version": text_or_none(info.get("version")),
                "project": text_or_none(info.get("projectID")),
                "slug": text_or_none(info.get("slug")),
                "share": text_or_none(object_of(info.get("share")).get("url")),
            }
        ),
    )
    title = text_or_none(info.get("title"))
    if title is not None:
        yield fact(line, talk.session, SESSION_TITLED, {"title": title})


def message_items(
    line: int, session: Session, info: dict[str, Json], parts: list[Json]
) -> Iterator[Item]:
    """Yield the items of a message; one without an id or a role is skipped."""
    id, role = text_or_none(info.get("id")), text_or_none(info.get("role"))
    if id is None or role is None:
        yield Skipped(line, "message without an id or a role")
        return
    model = text_or_none(_model(info, "modelID")) if role == "assistant" else None
    if session.model is None and model is not None:
        session.model = model
        yield session.talk.created(line, model=model)
    work = _Message(line, session.talk, info, id, role)
    for part in parts:
        if isinstance(part, dict):
            yield from work.part(part)
        else:
            yield Skipped(line, "part that is no object")
    yield from work.end()


@dataclass(slots=True)
class _Message:
    """One message, as far as its parts were read.

    Attributes:
        line: number of its line.
        talk: its session.
        info: its fields.
        id: its id.
        role: its role.
    """

    line: int
    talk: Conversation
    info: dict[str, Json]
    id: str
    role: str
    _parts: Parts = field(default_factory=Parts)
    _results: list[tuple[Result, SourceTime]] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)  # that a patch changed
    _time: SourceTime | None = None  # of the first part of a later message
    _segment: int = 1
    _step: int = 0
    _machine: list[Json] = field(default_factory=list)  # texts that opencode itself wrote

    def part(self, part: dict[str, Json]) -> Iterator[Item]:
        """Take the next part."""
        kind = text_or_none(part.get("type")) or "no type"
        if kind in ("text", "reasoning", "file") and self._parts.calls:
            yield from self._flush()
        if self._time is None and kind != "step-start":
            self._time = read_time(object_of(part.get("time")).get("start"))
        if kind == "text" and (part.get("synthetic") or part.get("ignored")):
            self._machine.append(part.get("text"))
        elif kind == "tool":
            self._tool(part)
        elif kind == "step-finish":
            yield from self._usage(part)
        elif kind in _MARKS:
            yield Skipped(self.line, f"part {kind}: {_MARKS[kind]}")
        elif not self._kept(kind, part):
            yield Skipped(self.line, f"part {kind}")

    def _kept(self, kind: str, part: dict[str, Json]) -> bool:
        """Add a part to the message; return whether its kind is known."""
        if kind == "text":
            self._parts.text(part.get("text"))
        elif kind == "reasoning":
            self._parts.think(part.get("text"))
        elif kind == "file":
            self._parts.content.append(_file(part))
        elif kind in ("agent", "subtask"):
            self._parts.content.append(_without_ids(part))
        elif kind == "patch":
            files = part.get("files")
            self._files += map(str, files) if isinstance(files, list) else []
        else:
            return False
        return True

    def end(self) -> Iterator[Item]:
        """Yield what is left after the last part."""
        yield from self._flush()
        for number, text in enumerate(self._machine, 1):
            parts = Parts()
            parts.text(text)
            fields = {**self._fields(), "meta": "instructions"}
            id = f"{self.id}:synthetic-{number}"
            yield from self.talk.message(self.line, id, self.role, parts, fields)
        if not self._step:
            yield from self._usage(self.info)

    def _tool(self, part: dict[str, Json]) -> None:
        state = object_of(part.get("state"))
        call, name = text_or_none(part.get("callID")), text_or_none(part.get("tool"))
        self._parts.call(call, name, state.get("input") or {})
        status, about = state.get("status"), object_of(state.get("metadata"))
        given = state.get("error") if status == "error" else state.get("output")
        if given is None and status in (None, "pending", "running"):
            return  # it has no result yet
        content = output(given)
        attached = state.get("attachments")
        if isinstance(attached, list) and attached:
            texts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            content = [*texts, *(_file(object_of(one)) for one in attached)]
        code = about.get("exit")
        result = Result(
            call,
            name,
            content,
            error=status == "error" or name == _INVALID,
            exit_code=code if type(code) is int else None,
        )
        times = object_of(state.get("time"))
        self._results.append((result, read_time(times.get("end") or times.get("start"))))

    def _fields(self) -> dict[str, Any]:
        """Return the fields of the message that follow from `info`."""
        info = self.info
        error = object_of(info.get("error"))
        first = self._segment == 1
        created = read_time(object_of(info.get("time")).get("created"))
        later = self._time if self._time is not None and self._time.micros is not None else created
        return {
            "timestamp": created if first else later,
            "model": text_or_none(_model(info, "modelID")),
            "finish_reason": text_or_none(info.get("finish")),
            "meta": "summary" if info.get("summary") is True else None,
            "extra": non_empty(
                {
                    "agent": text_or_none(info.get("agent")) or text_or_none(info.get("mode")),
                    "provider": text_or_none(_model(info, "providerID")),
                    "error": error if first else None,
                    "files": sorted(set(self._files)),
                }
            ),
        }

    def _flush(self) -> Iterator[Item]:
        """Yield the message of the parts so far, and the results of its tools."""
        fields = self._fields()
        if self._parts.is_empty and self._segment == 1:  # the error is all that it says
            self._parts.text(_error_text(object_of(self.info.get("error"))))
        id = self.id if self._segment == 1 else f"{self.id}:{self._segment}"
        yield from self.talk.message(self.line, id, self.role, self._parts, fields)
        own = result_ids(id, [result for result, _ in self._results])
        for of_result, (result, time) in zip(own, self._results, strict=True):
            shared = {"timestamp": time if time.micros is not None else fields["timestamp"]}
            yield self.talk.result(self.line, of_result, result, shared)
        self._segment += not self._parts.is_empty
        self._parts, self._results, self._files, self._time = Parts(), [], [], None

    def _usage(self, part: dict[str, Json]) -> Iterator[Item]:
        """Yield what one API call used: that of a step, or of a message without steps."""
        tokens = object_of(part.get("tokens"))
        cache = object_of(tokens.get("cache"))
        self._step += 1
        times = object_of(self.info.get("time"))
        # an export may have its ids blanked: then calls differ by their time
        own = self.id if self.id.startswith("msg") else f"{self.id}@{times.get('created')}"
        call = own if self._step == 1 else f"{own}:{self._step}"
        yield from usage(
            self.line,
            self.talk.session,
            call,
            {
                "input_tokens": tokens.get("input"),
                "output_tokens": tokens.get("output"),
                "reasoning_tokens": tokens.get("reasoning"),
                "cache_read_tokens": cache.get("read"),
                "cache_write_tokens": cache.get("write"),
            },
            read_time(times.get("created")),
            model=_model(self.info, "modelID"),
            provider=_model(self.info, "providerID"),
            cost=part.get("cost"),
        )


def _file(part: dict[str, Json]) -> dict[str, Json]:
    """Return an attached file as a part of a message, with its name and media type."""
    named = {
        "type": "file",
        "name": text_or_none(part.get("filename")),
        "media_type": text_or_none(part.get("mime")),
        "url": text_or_none(part.get("url")),
    }
    return {name: value for name, value in named.items() if value is not None}


def _without_ids(part: dict[str, Json]) -> dict[str, Json]:
    """Return a part without the ids that only its store needs."""
    ids = ("id", "sessionID", "messageID")
    return {name: value for name, value in part.items() if name not in ids}


def _model(info: dict[str, Json], name: str) -> Json:
    """Return the model or the provider: newer versions have both in an object."""
    return info.get(name) or object_of(info.get("model")).get(name)


def _error_text(error: dict[str, Json]) -> str | None:
    text = text_or_none(object_of(error.get("data")).get("message"))
    name = text_or_none(error.get("name"))
    return ": ".join(part for part in (name, text) if part is not None) or None
