"""Zed's `threads.db`: each thread is one row, with a JSON document that zstandard compresses.

A thread is replaced as a whole when it grows, and its row gets a new number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.format.event_types import SESSION_TITLED
from journal.importers.files.compressed import decompress
from journal.importers.files.decode import BadLine, decode
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.parser import Repaired, Skipped
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import text_or_none
from journal.importers.sqlite.conversations import Growth, Head, Probe
from journal.importers.sqlite.snapshot import Program
from journal.importers.zed.message import message_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Snapshot

SOURCE = "zed"
_MOST = 512 * 1024 * 1024
"""Bytes of a document, up to which it is read."""
_TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
}
_PROGRAM = Program(
    "Zed",
    "its threads.db, such as ~/.local/share/zed/threads/threads.db",
    {"threads": frozenset(("id", "summary", "updated_at", "data_type", "data"))},
)


@dataclass(frozen=True, slots=True)
class ZedDatabase:
    """Reads the threads of a `threads.db`."""

    program: Program = _PROGRAM

    def heads(self, snapshot: Snapshot) -> Iterator[Head]:
        """List all threads; columns behind the document are not read."""
        query = "SELECT rowid AS r, id, summary, updated_at FROM threads ORDER BY rowid"
        for row in snapshot.rows(query):
            yield Head(str(row.values["id"]), row.values)

    def growth(self, snapshot: Snapshot) -> Sequence[Growth]:
        """Return the table of threads."""
        del snapshot
        return (Growth("threads", "id", "t.id FROM threads t"),)

    def probe(self, snapshot: Snapshot, id: str) -> Probe:
        """Return the number of a thread's row, and its time."""
        query = "SELECT rowid AS r, updated_at, length(data) AS n FROM threads WHERE id = ?"
        return Probe(snapshot.all(query, (id,))[0].values)

    def items(self, snapshot: Snapshot, id: str) -> Iterator[Item]:
        """Read one thread."""
        return _items(id, snapshot.all("SELECT * FROM threads WHERE id = ?", (id,))[0].values)


def _items(id: str, row: dict[str, Any]) -> Iterator[Item]:
    try:
        document, repairs = decode(_content(row))
    except (BadLine, OSError, ValueError) as error:
        yield Skipped(1, f"thread that cannot be read: {error}")
        return
    yield from (Repaired(1, repair) for repair in repairs)
    if not isinstance(document, dict):
        yield Skipped(1, "thread that is no object")
        return
    talk = Conversation(key(id), SOURCE)
    time = read_time(row.get("created_at") or row.get("updated_at"))
    model = document.get("model")
    model = model if isinstance(model, dict) else {}
    parent = text_or_none(row.get("parent_id"))
    yield talk.created(
        1,
        cwd=_folder(row),
        started=time,
        model=text_or_none(model.get("model")),
        parent=None if parent is None else key(parent),
        relation=None if parent is None else "subagent",
        **_git(document),
    )
    title = text_or_none(document.get("title")) or text_or_none(row.get("summary"))
    if title is not None:
        yield fact(1, talk.session, SESSION_TITLED, {"title": title})
    messages = document.get("messages")
    # a thread has no times of messages
    fields = {"timestamp": time, "extra": {"estimated_time": True}}
    for place, message in enumerate(messages if isinstance(messages, list) else [], 1):
        found = message_of(place, message)
        if isinstance(found, str):
            yield Skipped(place, found)
            continue
        own, role, parts = found
        answered = {"model": text_or_none(model.get("model"))} if role == "assistant" else {}
        yield from talk.message(place, own, role, parts, {**fields, **answered})
    used = document.get("cumulative_token_usage")
    used = used if isinstance(used, dict) else {}
    counts = {name: used.get(own) for name, own in _TOKENS.items()}
    yield from usage(
        1,
        talk.session,
        "thread",
        counts,
        time,
        model=model.get("model"),
        provider=model.get("provider"),
    )


def _content(row: dict[str, Any]) -> bytes:
    """Return the JSON of a thread.

    Raises:
        OSError: it is compressed, and broken or too large.
        ValueError: it is stored in an unknown way.
    """
    data, kind = row["data"], row["data_type"]
    raw = data if isinstance(data, bytes) else str(data).encode()
    if kind == "zstd":
        return decompress(raw, _MOST)
    if kind == "json":
        return raw
    raise ValueError(f"data_type {str(kind)[:40]!r}")


def _folder(row: dict[str, Any]) -> str | None:
    """Return the first folder of a thread: paths are sorted, and their order is beside them."""
    paths = [path for path in str(row.get("folder_paths") or "").split("\n") if path]
    order = str(row.get("folder_paths_order") or "").split(",")
    places = [int(place) for place in order if place.isdigit()]
    if len(places) == len(paths) and 0 in places:
        return paths[places.index(0)]
    return paths[0] if paths else None


def _git(document: dict[str, Json]) -> dict[str, Json]:
    """Return branch and commit of the first folder, as Zed noted them when the thread began."""
    snapshot = document.get("initial_project_snapshot")
    trees = snapshot.get("worktree_snapshots") if isinstance(snapshot, dict) else None
    tree = trees[0] if isinstance(trees, list) and trees else None
    state = tree.get("git_state") if isinstance(tree, dict) else None
    if not isinstance(state, dict):
        return {}
    return {
        "branch": text_or_none(state.get("current_branch")),
        "commit": text_or_none(state.get("head_sha")),
    }
