"""The sessions of DeepSeek's harness: `~/.dsh/sessions/<project>/<session>/session.jsonl`.

The first line is about the session, and each further one is an event with a number. An answer is
written in pieces and then as a whole; of an answer that was interrupted only the pieces exist, and
they become its message when its turn ends, or the next one begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.events import fact
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, blocks
from journal.importers.parsing.source_time import SourceTime, read_time
from journal.importers.parsing.values import fingerprint, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

SOURCE = "deepseek"
_ENDS = ("turn/end", "user/message")
_PIECES = "assistant/chunk"
_PACKED = "text-chunks"


@dataclass(slots=True)
class DeepSeek(OneSession):
    """The parser of one session.

    Attributes:
        location: the file.
    """

    _pieces: dict[str, list[str]] = field(default_factory=dict)  # of answers, by turn and step
    _time: SourceTime = field(default_factory=SourceTime)  # of the latest piece

    def __post_init__(self) -> None:
        self._talk = Conversation(self.location.name, SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        kind = text_or_none(value.get("type")) or "no type"
        data = value.get("data")
        data = data if isinstance(data, dict) else {}
        if kind == "session":
            yield from self._begin(line, value)
        elif kind in (_PIECES, _PACKED):
            self._piece(kind, value, data)
            yield Skipped(line, f"{kind}, a piece of an answer")
        else:
            if kind in _ENDS:
                yield from self._interrupted(line)
            seq = value.get("seq")
            made = f"line-{line}" if raw is None else fingerprint(raw)
            id = f"seq-{seq}" if isinstance(seq, int) else made
            yield from self._event(line, id, kind, data, read_time(value.get("time")))

    def end(self) -> Iterator[Item]:
        """Yield that answers have not ended: more of them may follow."""
        for _ in self._pieces:
            yield Skipped(0, "pieces of an answer that has not ended")

    def _begin(self, line: int, value: dict[str, Json]) -> Iterator[Item]:
        session = text_or_none(value.get("id"))
        if session is not None:
            self._talk.session = session
        depth = value.get("delegationDepth")
        yield self._talk.created(
            line,
            cwd=text_or_none(value.get("cwd")),
            started=read_time(value.get("createdAt")),
            relation="subagent" if isinstance(depth, int) and depth > 0 else None,
        )

    def _event(
        self, line: int, id: str, kind: str, data: dict[str, Json], time: SourceTime
    ) -> Iterator[Item]:
        body = data.get("message")
        body = body if isinstance(body, dict) else data
        fields: dict[str, Json] = {"timestamp": time}
        source = body.get("source")
        source = source if isinstance(source, dict) else {}
        if kind == "session/title" and text_or_none(data.get("title")):
            yield fact(line, self._talk.session, SESSION_TITLED, {"title": data["title"]})
        elif kind == "user/message":
            if source.get("kind") != "user":
                fields["meta"] = "environment"
                fields["extra"] = {"plugin": text_or_none(source.get("plugin"))}
            yield from self._talk.message(line, id, "user", blocks(body.get("content")), fields)
        elif kind == "assistant/message":
            self._pieces.pop(_step(data), None)
            parts = blocks(body.get("content"))
            parts.calls.clear()  # each has an event of its own
            fields["model"] = text_or_none(source.get("model"))
            yield from self._talk.message(line, id, "assistant", parts, fields)
        elif kind == "tool/call":
            parts = Parts()
            parts.call(data.get("callId"), data.get("name"), data.get("arguments"))
            yield from self._talk.message(line, id, "assistant", parts, fields)
        elif kind == "tool/result":
            yield from self._talk.message(line, id, "tool", blocks(body.get("content")), fields)
        else:
            yield Skipped(line, f"{kind} event")

    def _piece(self, kind: str, value: dict[str, Json], data: dict[str, Json]) -> None:
        chunk = data.get("chunk")
        texts = data.get("texts") if kind == _PACKED else None
        if isinstance(chunk, dict) and chunk.get("type") == "text-delta":
            texts = [chunk.get("text")]
        if isinstance(texts, list):
            found = [text for text in texts if isinstance(text, str)]
            self._pieces.setdefault(_step(data), []).extend(found)
            self._time = read_time(value.get("time") or value.get("time0"))

    def _interrupted(self, line: int) -> Iterator[Item]:
        """Yield the answers of which only pieces were written."""
        for step, texts in self._pieces.items():
            parts = Parts()
            parts.text("".join(texts))
            fields = {"timestamp": self._time, "finish_reason": "interrupted"}
            yield from self._talk.message(line, f"step-{step}", "assistant", parts, fields)
        self._pieces.clear()


def _step(data: dict[str, Json]) -> str:
    return f"{data.get('turn')}.{data.get('step')}"
