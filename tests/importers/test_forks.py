"""What a fork repeats of its parent is recognised, whatever its source rewrites."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.claude_code.parser import ClaudeCode
from journal.importers.codex.parser import Codex
from projector import Projection
from tests.importers.feed import facts, feed, line, messages
from tests.importers.source_lines import take

if TYPE_CHECKING:
    from pathlib import Path

_PARENT = "01900000-0000-7000-8000-0000000000aa"
_FORK = "01900000-0000-7000-8000-0000000000bb"
_CHILD = "01900000-0000-7000-8000-0000000000cc"


def _meta(second: int, id: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    return _line(second, "session_meta", id=id, cwd="/w", **more)


def _line(second: int, kind: str, **payload: Any) -> bytes:  # noqa: ANN401 - any JSON
    stamp = f"2026-01-02T12:{second // 60:02d}:{second % 60:02d}.000Z"
    return line(timestamp=stamp, type=kind, payload=payload)


def _says(second: int, role: str, text: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    content = [{"type": "input_text", "text": text}]
    return _line(second, "response_item", type="message", role=role, content=content, **more)


def _call(second: int, id: str) -> bytes:
    return _line(
        second, "response_item", type="function_call", call_id=id, name="sh", arguments="{}"
    )


_SAID = [("user", "quokka"), ("assistant", "which quokka?"), ("user", "continue")]


def _used(second: int, *totals: int) -> bytes:
    names = ("input_tokens", "cached_input_tokens", "output_tokens")
    figures = dict(zip(names, totals, strict=True))
    return _line(second, "event_msg", type="token_count", info={"total_token_usage": figures})


def _rollouts() -> dict[str, list[bytes]]:
    """Return a rollout, its fork, and a fork of that, with other times for what they repeat."""
    parent = [_meta(0, _PARENT), *(_says(n, *said) for n, said in enumerate(_SAID, 1))]
    parent += [_call(9, "call_0"), _used(9, 5, 2, 1), _says(10, "user", "continue")]
    copied = [_meta(60, _PARENT), *(_says(60, *said) for said in _SAID), _call(60, "call_0")]
    copied.append(_used(60, 5, 2, 1))
    own = [_says(70, "user", "wombat"), _used(71, 9, 2, 2)]
    fork = [_meta(60, _FORK, forked_from_id=_PARENT), *copied, *own]
    again = [_meta(90, _FORK, forked_from_id=_PARENT), *copied, _says(90, "user", "wombat")]
    child = [_meta(90, _CHILD, forked_from_id=_FORK), *again, _says(99, "user", "emu")]
    return {_PARENT: parent, _FORK: fork, _CHILD: child}


def _stem(id: str) -> str:
    return f"rollout-2026-01-02T12-00-00-{id}"


def test_a_codex_fork_of_a_fork_has_the_lines_of_what_it_repeats() -> None:
    """The times differ, and the fork names its parent and what it is of it."""
    lines = {
        id: [m["line"] for m in messages(feed(Codex, rollout, _stem(id)))]
        for id, rollout in _rollouts().items()
    }
    assert lines[_FORK][:4] == lines[_PARENT][:4]
    assert lines[_CHILD][:5] == lines[_FORK]
    everything = [each for found in lines.values() for each in found]
    assert len(set(everything)) == 5 + 1 + 1
    fork = feed(Codex, _rollouts()[_FORK], _stem(_FORK))
    named: dict[str, Any] = {}
    for _, data in facts(fork):
        named |= data
    assert (named["parent"], named["relation"]) == (_PARENT, "fork")


def test_equal_texts_of_unrelated_rollouts_are_no_replays() -> None:
    """Two rollouts begin with the same words; and a part without its meta has no lines."""
    one = [_meta(0, _PARENT), _says(1, "user", "hello")]
    other = [_meta(0, _FORK), _says(1, "user", "hello")]
    first, second = (messages(feed(Codex, lines, "x"))[0]["line"] for lines in (one, other))
    assert first != second
    assert "line" not in messages(feed(Codex, one[1:], _stem(_PARENT)))[0]


def _claude(session: str, uuid: str, parent: str | None, text: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    return line(
        type="user",
        uuid=uuid,
        parentUuid=parent,
        sessionId=session,
        timestamp=f"2026-03-01T10:00:{uuid[-2:]}.000Z",
        message={"role": "user", "content": text},
        **more,
    )


_UUIDS = [f"3f2b8c4e-0000-4000-8000-0000000000{n:02d}" for n in range(10, 14)]


def test_a_claude_code_fork_names_what_it_was_forked_from() -> None:
    """`forkedFrom` in the lines that were copied is the parent."""
    origin = {"sessionId": "s1", "messageUuid": _UUIDS[0]}
    lines = [
        _claude("s2", _UUIDS[0], None, "quokka", forkedFrom=origin),
        _claude("s2", _UUIDS[1], _UUIDS[0], "more", forkedFrom=origin),
        _claude("s2", _UUIDS[2], _UUIDS[1], "wombat"),
    ]
    named = [data for session, data in facts(feed(ClaudeCode, lines)) if "parent" in data]
    assert named == [{"parent": "s1", "relation": "fork"}]


def test_a_claude_code_session_after_lines_of_another_continues_that() -> None:
    """A file whose first lines keep the session that they were copied from."""
    lines = [
        _claude("s1", _UUIDS[0], None, "quokka"),
        _claude("s2", _UUIDS[1], _UUIDS[0], "more"),
        _claude("s2", _UUIDS[2], _UUIDS[1], "wombat"),
    ]
    named = [found for found in facts(feed(ClaudeCode, lines)) if "parent" in found[1]]
    assert named == [("s2", {"parent": "s1", "relation": "continuation"})]


def test_what_a_fork_repeats_was_used_once_also_with_short_ids(tmp_path: Path) -> None:
    """Short ids of messages are no calls of another session, unless that copies their lines."""
    fresh = "5f000000-0000-4000-8000-000000000009"
    for session, uuid in (("s1", _UUIDS[0]), ("s2", _UUIDS[0]), ("s3", fresh)):
        body = {"id": "msg_1", "content": "quokka", "usage": {"input_tokens": 3}}
        value = {"type": "assistant", "uuid": uuid, "sessionId": session, "message": body}
        (tmp_path / f"{session}.jsonl").write_bytes(line(**value) + b"\n")
    take(tmp_path / "j", *sorted(tmp_path.glob("*.jsonl")))
    with Projection.open(tmp_path / "j") as projection:
        used = {row.name: row.input_tokens for row in projection.usage(by="session").rows}
    assert used == {"s1": 3, "s3": 3}


@pytest.mark.slow
def test_forks_count_once_in_any_order_of_import(tmp_path: Path) -> None:
    """Fork and parent of Claude Code and Codex: one digest, and each message is found once."""
    rollouts = _rollouts()
    claude = {
        "s1": [_claude("s1", _UUIDS[0], None, "quokka"), _claude("s1", _UUIDS[1], None, "emu two")],
        "s2": [_claude("s2", _UUIDS[0], None, "quokka"), _claude("s2", _UUIDS[2], None, "dingo")],
    }
    files = {f"{_stem(id)}.jsonl": lines for id, lines in rollouts.items()}
    files |= {f"{id}.jsonl": lines for id, lines in claude.items()}
    sources = tmp_path / "sources"
    sources.mkdir()
    for name, lines in files.items():
        (sources / name).write_bytes(b"".join(each + b"\n" for each in lines))
    digests = set()
    for number, order in enumerate(itertools.islice(itertools.permutations(files), 0, 120, 41)):
        folder = tmp_path / str(number)
        for name in order:
            format = "codex" if name.startswith("rollout") else "claude-code"
            take(folder, sources / name, format=format)
        with Projection.open(folder) as projection:
            digests.add(projection.digest())
            found = [(hit.session, hit.snippet) for hit in projection.search("quokka")]
            assert sorted(session for session, _ in found) == [_PARENT, _PARENT, "s1"]
            status = projection.status()
            assert (status.messages, status.replays) == (7 + 3, 4 + 5 + 1)
            fork = projection.conversation(_FORK)[1]
            assert [m.home for m in fork] == [_PARENT] * 4 + [None]
            child = projection.conversation(_CHILD)[1]
            assert [m.home for m in child] == [_PARENT] * 4 + [_FORK] + [None]
            used = {row.name: row.input_tokens for row in projection.usage(by="session").rows}
            assert used == {_PARENT: 5 - 2, _FORK: 4}, "also if a copy has another time"
    assert len(digests) == 1
