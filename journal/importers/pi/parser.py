"""The sessions of pi, omp and openclaw: JSON lines, each with its own id and that of its parent.

`~/.pi/agent/sessions/<project>/<time>_<uuid>.jsonl`, the same below `~/.omp`, and
`~/.openclaw/agents/<agent>/sessions/<session>.jsonl`. The first line is about the session. The
lines are a tree: a person who goes back and goes on from there leaves a branch (see
`parsing.branches`). openclaw copies a session before it compacts it; these copies are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.branches import Branches
from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.events import fact
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, blocks, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import count_or_none, fingerprint, non_empty, text_or_none
from journal.importers.pi.session_index import title_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

_CHECKPOINT = ".checkpoint."
_ROLES = ("user", "assistant", "system", "developer")
_SUMMARIES = ("compaction", "branch_summary", "compactionSummary", "branchSummary")
_HOMES = {".pi": "pi", ".omp": "omp", ".openclaw": "openclaw"}
"""The folders that the programs keep in the home folder."""
_TITLES = ("title", "title_change", "session_info")


@dataclass(slots=True)
class Pi(OneSession):
    """The parser of one session.

    Attributes:
        location: the file.
    """

    _branches: Branches = field(default_factory=Branches)

    def __post_init__(self) -> None:
        self._talk = Conversation(_session(self.location), _source(self.location))

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        if _CHECKPOINT in self.location.stem:
            yield Skipped(line, "copy of a session before its compaction")
            return
        kind = text_or_none(value.get("type")) or "no type"
        if kind == "session":
            yield from self._begin(line, value)
            if self._talk.source == "openclaw":
                yield from title_of(self.location, self._talk.session)
            return
        made = f"line-{line}" if raw is None else fingerprint(raw)
        id = text_or_none(value.get("id")) or made
        yield from self._branches.take(line, id, text_or_none(value.get("parentId")))
        body = value.get("message")
        if kind == "message" and isinstance(body, dict):
            yield from self._message(line, id, value, body)
        elif kind in _SUMMARIES or kind == "custom_message":
            yield from self._beside(line, id, kind, value)
        elif kind in _TITLES and (title := _title(value)) is not None:
            yield fact(line, self._talk.session, SESSION_TITLED, {"title": title})
        elif kind == "model_change" and (model := _model(value)) is not None:
            yield from self._talk.model(line, model)
        else:
            yield Skipped(line, f"{kind} {value.get('customType') or ''!s}".strip())

    def _begin(self, line: int, value: dict[str, Json]) -> Iterator[Item]:
        session = text_or_none(value.get("id"))
        if session is not None:
            self._talk.session = session
        above = text_or_none(value.get("parentSession"))
        yield self._talk.created(
            line,
            title=text_or_none(value.get("title")),
            cwd=text_or_none(value.get("cwd")),
            started=read_time(value.get("timestamp")),
            parent=None if above is None else _uuid(above),
            relation=None if above is None else "fork",
            extra=non_empty({"version": value.get("version")}),
        )

    def _message(
        self, line: int, id: str, value: dict[str, Json], body: dict[str, Json]
    ) -> Iterator[Item]:
        role = text_or_none(body.get("role")) or "unknown"
        time = read_time(value.get("timestamp") or body.get("timestamp"))
        if role in _SUMMARIES:
            yield from self._beside(line, id, role, {**value, **body})
            return
        if role == "toolResult":
            result = Result(
                text_or_none(body.get("toolCallId")),
                text_or_none(body.get("toolName")),
                output(body.get("content")),
                body["isError"] if isinstance(body.get("isError"), bool) else None,
            )
            yield self._talk.result(line, id, result, {"timestamp": time})
            return
        if role == "bashExecution":
            yield from self._command(line, id, body, {"timestamp": time})
            return
        parts = blocks(body.get("content"))
        fields = {
            "timestamp": time,
            "model": text_or_none(body.get("model")),
            "finish_reason": text_or_none(body.get("stopReason")),
            "meta": None if role in _ROLES else "notification",
            "extra": non_empty({"error": body.get("errorMessage")}),
        }
        if parts.is_empty and not parts.results:
            yield Skipped(line, f"{role} message without content")
        yield from self._talk.message(line, id, role, parts, fields)
        yield from self._usage(line, id, body, value)

    def _usage(
        self, line: int, id: str, body: dict[str, Json], value: dict[str, Json]
    ) -> Iterator[Item]:
        used = body.get("usage")
        if not isinstance(used, dict):
            return
        cost = used.get("cost")
        counts = {
            "input_tokens": used.get("input"),
            "output_tokens": used.get("output"),
            "cache_read_tokens": used.get("cacheRead"),
            "cache_write_tokens": used.get("cacheWrite"),
        }
        yield from usage(
            line,
            self._talk.session,
            text_or_none(body.get("responseId")) or id,
            counts,
            read_time(value.get("timestamp")),
            model=body.get("model"),
            provider=body.get("provider"),
            cost=cost.get("total") if isinstance(cost, dict) else cost,
        )

    def _command(
        self, line: int, id: str, body: dict[str, Json], fields: dict[str, Json]
    ) -> Iterator[Item]:
        """Yield a command that the person ran, and its output."""
        call = Parts()
        call.call(id, "bash", {"command": body.get("command")})
        yield from self._talk.message(line, id, "user", call, {**fields, "meta": "command"})
        code = count_or_none(body.get("exitCode"))
        result = Result(id, "bash", output(body.get("output")), exit_code=code)
        yield self._talk.result(line, f"{id}:output", result, {**fields, "parent": id})

    def _beside(self, line: int, id: str, kind: str, value: dict[str, Json]) -> Iterator[Item]:
        """Yield a summary, or a message that an extension added."""
        parts = blocks(value.get("summary") or value.get("content"))
        meta = "summary" if kind in _SUMMARIES else "environment"
        about = {"kind": text_or_none(value.get("customType")) or kind}
        fields = {"timestamp": read_time(value.get("timestamp")), "meta": meta, "extra": about}
        yield from self._talk.message(line, id, "system", parts, fields)


def _title(value: dict[str, Json]) -> str | None:
    return text_or_none(value.get("title")) or text_or_none(value.get("name"))


def _model(value: dict[str, Json]) -> str | None:
    return text_or_none(value.get("modelId")) or text_or_none(value.get("model"))


def _session(location: Location) -> str:
    """Return the session that a file's name has; the file itself may name another."""
    return _uuid(location.stem) if "_" in location.stem else location.name


def _uuid(path: str) -> str:
    """Return the session at the end of a path such as `.../<time>_<uuid>.jsonl`."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".jsonl")
    return name.rsplit("_", 1)[-1] or name


def _source(location: Location) -> str:
    """Return which of the programs has a file in such a folder.

    omp names the folder of a project outside of the home as pi does: `--path--`.
    """
    home = next((_HOMES[name] for name in location.folders if name in _HOMES), None)
    if home is not None:
        return home
    folder = location.folders[0] if location.folders else ""
    if folder == "sessions":
        return "openclaw"
    return "omp" if folder.startswith("-") and not folder.startswith("--") else "pi"
