"""Compare the usage that was imported with a plain count over the raw files.

The count is made here, line by line, without any code of the importers: of Claude Code the greatest
figures of each call of the API, of Codex the growth of the running totals of each file, which may
begin again. The input is what was not in a cache: Codex counts what it read from there, too, so
that is subtracted.

    python -m tools.usage_check ../shared/data/claude-code ../shared/data/codex
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journal import Journal
from journal.importers.run.driver import Importer
from projector import Projection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COUNTERS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_CLAUDE = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
_CODEX = ("input_tokens", "output_tokens", "cached_input_tokens")
_UNIQUE = 16
"""Characters of the shortest id that is unique among all sessions; `msg_002` is not."""

Figures = tuple[int, ...]


def main(folders: list[str]) -> int:
    """Print a table; return 1 if a figure differs."""
    paths = [Path(folder) for folder in folders]
    counted = count(path for folder in paths for path in sorted(folder.rglob("*.json*")))
    found = imported(paths)
    print(f"{'source':<12} {'counter':<20} {'raw files':>16} {'imported':>16}")
    same = True
    for source, totals in counted.items():
        for name in COUNTERS:
            one, other = totals[name], found[source][name]
            same = same and one == other
            print(f"{source:<12} {name:<20} {one:>16,} {other:>16,}{'' if one == other else '  !'}")
    return 0 if same else 1


def count(paths: Iterable[Path]) -> dict[str, Counter[str]]:
    """Return the totals of the raw files, by source."""
    claude, codex = _Claude(), _Codex()
    for path in paths:
        claude.path = path
        codex.begin(path)
        for number, line in enumerate(_objects(path), 1):
            claude.take(number, line)
            codex.take(line)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for source, calls in (("claude-code", claude.calls), ("codex", codex.calls)):
        for each in calls.values():
            found[source].update(dict(zip(COUNTERS, each, strict=False)))
    return found


@dataclass(slots=True)
class _Claude:
    """The calls of Claude Code, each by its name, with the greatest figures of its lines."""

    calls: dict[str, Figures] = field(default_factory=dict)
    path: Path = Path()
    _by_line: dict[str, str] = field(default_factory=dict)  # names of calls, by uuids of lines

    def take(self, number: int, line: dict[str, Any]) -> None:
        # each line of a transcript names its session, but not in the wrapped form
        if self.path.suffix == ".jsonl" and "sessionId" not in line:
            return
        for body in _bodies(line):
            usage = body["usage"]
            figures = tuple(usage.get(name) or 0 for name in _CLAUDE)
            call = self._name(number, line, body)
            known = self.calls.get(call, figures)
            self.calls[call] = tuple(map(max, known, figures))

    def _name(self, number: int, line: dict[str, Any], body: dict[str, Any]) -> str:
        uuid = line.get("uuid")
        name = str(body.get("id") or line.get("requestId") or uuid or f"{self.path}:{number}")
        if len(name) >= _UNIQUE:
            return name
        own = f"{line.get('sessionId')} {name}"
        # a fork repeats the line, with its uuid, under its own session
        return own if uuid is None else self._by_line.setdefault(uuid, own)


@dataclass(slots=True)
class _Codex:
    """The calls of Codex, each by its session and the totals after it."""

    calls: dict[tuple[str, Figures], Figures] = field(default_factory=dict)
    _session: str = ""
    _before: Figures = ()

    def begin(self, path: Path) -> None:
        self._session, self._before = path.stem, (0, 0, 0)

    def take(self, line: dict[str, Any]) -> None:
        payload = line.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        if line.get("type") == "session_meta":
            self._session = str(payload.get("forked_from_id") or payload.get("id"))
        info = payload.get("info") if payload.get("type") == "token_count" else None
        totals = info.get("total_token_usage") if isinstance(info, dict) else None
        if not isinstance(totals, dict):
            return
        total = tuple(totals.get(name) or 0 for name in _CODEX)
        if total != self._before:
            # the same totals of one session, in several files, are one call
            whole, output, cached = _growth(self._before, total)
            self.calls[self._session, total] = (max(0, whole - cached), output, cached)
        self._before = total


def _growth(before: Figures, total: Figures) -> Figures:
    """Return by how much totals have grown; all of them, if they began again."""
    grown = tuple(now - then for now, then in zip(total, before, strict=True))
    return grown if min(grown) >= 0 else total


def imported(paths: list[Path]) -> dict[str, Counter[str]]:
    """Return the totals of an import into an empty journal, by source."""
    with tempfile.TemporaryDirectory() as folder:
        with Journal.open(folder, fsync="never") as journal:
            importer = Importer(journal, "auto")
            importer.run(importer.sources(paths))
        with Projection.open(folder) as projection:
            rows = projection.usage(by="source").rows
    return defaultdict(
        Counter,
        {str(row.name): Counter({name: getattr(row, name) for name in COUNTERS}) for row in rows},
    )


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    whole = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".json":
        found = json.loads(whole)
        yield from found.get("loglines", ()) if isinstance(found, dict) else ()
        return
    for text in whole.split("\n"):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _bodies(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the message of a line of Claude Code, and that of a sub-agent within it."""
    data = line.get("data")
    inner = data.get("message") if isinstance(data, dict) else None
    for value in (line, inner):
        if isinstance(value, dict) and value.get("type") == "assistant":
            body = value.get("message")
            if isinstance(body, dict) and isinstance(body.get("usage"), dict):
                yield body


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
