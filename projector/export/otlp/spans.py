"""Spans and lines of OTLP in JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal import __version__
from journal.cli.kit.clean import json_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from projector.export.otlp.conventions import Conventions

INTERNAL, CLIENT = 1, 3
_ERROR = 2
_MOST, _SIZE = 100, 1024 * 1024
"""Spans of a line, and characters of them."""

Value = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class Span:
    """A span.

    Attributes:
        trace, id, parent: hexadecimal; the parent of a root is None.
        name: its name.
        kind: `INTERNAL` or `CLIENT`.
        start, end: microseconds since 1970.
        attributes: by name; those without a value (None) are left out.
        failed: whether what it stands for ended with an error.
        links: trace and id of other spans.
    """

    trace: str
    id: str
    parent: str | None
    name: str
    kind: int
    start: int
    end: int
    attributes: Mapping[str, Value | None]
    failed: bool = False
    links: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of OTLP."""
        found: dict[str, Any] = {"traceId": self.trace, "spanId": self.id}
        if self.parent is not None:
            found["parentSpanId"] = self.parent
        found |= {
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": f"{min(self.start, self.end)}000",
            "endTimeUnixNano": f"{self.end}000",
            "attributes": attributes(self.attributes),
        }
        if self.links:
            found["links"] = [{"traceId": trace, "spanId": id} for trace, id in self.links]
        if self.failed:
            found["status"] = {"code": _ERROR}
        return found


def trace_id(session: str) -> str:
    """Return the id of a session's trace: the same in each export."""
    return _hash("trace", session)[:32]


def span_id(session: str, *names: str) -> str:
    """Return the id of a span: the same in each export."""
    return _hash("span", session, *names)[:16]


def _hash(*names: str) -> str:
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()


def attributes(values: Mapping[str, Value | None]) -> list[dict[str, Any]]:
    """Return attributes as OTLP has them, without those that are None."""
    return [
        {"key": name, "value": _value(value)} for name, value in values.items() if value is not None
    ]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [{"stringValue": each} for each in value]}}
    return {"stringValue": value}


def lines(spans: Iterable[Span], service: str, conventions: Conventions) -> Iterator[str]:
    """Yield lines of JSON, each with some spans of one service."""
    resource = json_line({"attributes": attributes({"service.name": service})})
    scope = json_line({"name": "agent-journal", "version": __version__})
    schema = json_line(conventions.schema)

    def line(texts: list[str]) -> str:
        return (
            f'{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"scope":{scope},'
            f'"spans":[{",".join(texts)}],"schemaUrl":{schema}}}]}}]}}\n'
        )

    texts, size = list[str](), 0
    for span in spans:
        texts.append(json_line(span.as_json()))
        size += len(texts[-1])
        if len(texts) >= _MOST or size >= _SIZE:
            yield line(texts)
            texts, size = [], 0
    if texts:
        yield line(texts)
