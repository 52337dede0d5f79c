"""A search over parts: the hits of one projection, in the same order, with the same scores."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal import Journal
from projector import Parts, Projection, ProjectionError, QueryError
from projector.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

_WORDS = [f"word{n}" for n in range(40)]
_BEGAN = 1_770_000_000_000_000
_LONG = "the same long report of a command that was run again and again " * 4


def _events(random: Random) -> Iterator[dict[str, Any]]:
    weights = [1 / (n + 1) for n in range(len(_WORDS))]
    for n in range(12):
        title = f"{_WORDS[n]} and {_WORDS[n + 1]}"
        yield {"session": f"s{n}", "type": "session.created", "data": {"title": title}}
    for n in range(500):
        words = random.choices(_WORDS, weights, k=random.randint(1, 30))
        text = " ".join(words) if n % 9 else f"{_LONG}{n}"
        data = {"role": random.choice(["user", "assistant", "tool"]), "content": text}
        if n % 3:
            data["source"] = random.choice(["cli", "web"])
        yield {
            "session": f"s{n % 12}",
            "id": f"m{n}",
            "type": "message.appended",
            "data": data | {"timestamp": _BEGAN + 1_000_000 * n, "line": f"line-{n}"},
        }
        if n % 12 == 5:  # a fork repeats it
            again = {"session": "fork", "id": f"f{n}", "type": "message.appended"}
            yield again | {
                "data": data | {"timestamp": _BEGAN + 1_000_000 * n, "line": f"line-{n}"}
            }
    own = {"role": "user", "content": "word1 in the fork alone", "timestamp": _BEGAN + 10**9}
    yield {"session": "fork", "id": "own", "type": "message.appended", "data": own}


@pytest.fixture
def both(journal_dir: Path) -> Iterator[tuple[Projection, Parts]]:
    """One projection, and three parts, of a journal of random words with titles and a fork."""
    with Journal.open(journal_dir) as journal:
        journal.append_many(_events(Random(7)))  # noqa: S311 - reproducible, not secret
    for number in (1, 2, 3):
        with Projection.open(journal_dir, part=f"{number}/3") as part:
            part.rebuild()
    with Projection.open(journal_dir) as whole, Parts.open(journal_dir) as parts:
        yield whole, parts


_SEARCHES: list[tuple[str, dict[str, Any]]] = [
    ("word0", {}),
    ("word0 word1", {}),
    ("word3 OR word9 OR word30", {}),
    ('"word1 word0"', {}),
    ("word1 NOT word0", {}),
    ("word1*", {}),
    ("wor* word2", {}),
    ("report command", {}),
    ("report command", {"group": "session"}),
    ("word2 word5", {"group": "session", "limit": 3, "offset": 2}),
    ("word0 word4", {"limit": 7, "offset": 13}),
    ("word0 word4", {"sort": "newest"}),
    ("word0 word4", {"sort": "oldest", "limit": 5, "offset": 5}),
    ("word0 word7", {"role": "user"}),
    ("word0 word7", {"source": "web"}),
    ("word0 word7", {"session": "s3"}),
    ("word0 word7", {"since": _BEGAN + 100_000_000, "until": _BEGAN + 300_000_000}),
    ("word1 word0", {"mode": "literal"}),
    ("word6 word7", {}),
    ("word35 word36 word37", {}),
]


def test_parts_find_what_one_projection_finds(both: tuple[Projection, Parts]) -> None:
    """In the same order, with the same scores, counts and snippets."""
    whole, parts = both
    for query, asked in _SEARCHES:
        wanted = whole.search(query, **{"limit": 50, "enough": 0} | asked)
        found = parts.search(query, **{"limit": 50} | asked)
        case = query, asked
        assert wanted.hits or query == "word35 word36 word37", case
        assert [(h.session, h.id) for h in found] == [(h.session, h.id) for h in wanted], case
        assert [replace(h, score=0) for h in found] == [replace(h, score=0) for h in wanted], case
        scores = [hit.score for hit in wanted]
        assert [hit.score for hit in found] == pytest.approx(scores, abs=2e-4), case
        counts = found.total, found.exact, found.sessions
        assert counts == (wanted.total, wanted.exact, wanted.sessions), case


def test_the_digest_of_parts_is_that_of_one_projection(both: tuple[Projection, Parts]) -> None:
    """Forks and all."""
    whole, parts = both
    assert parts.digest() == whole.digest()


def test_what_is_appended_is_found_in_its_part(
    both: tuple[Projection, Parts], journal_dir: Path
) -> None:
    """A search applies what the journal has gained, as one of one projection does."""
    _, parts = both
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "a zebra")
    [hit] = parts.search("zebra")
    assert hit.session == "s1"


def test_replays_are_not_answered_by_parts(both: tuple[Projection, Parts]) -> None:
    """With an error, rather than with a part of them."""
    with pytest.raises(QueryError, match="ask the whole projection"):
        both[1].search("word1", include_replays=True)


def test_a_missing_part_is_named(both: tuple[Projection, Parts], journal_dir: Path) -> None:
    """Unless some parts alone are asked for."""
    whole, _ = both
    (journal_dir / "projection" / "part-02-of-03" / "CURRENT").unlink()
    with pytest.raises(ProjectionError, match="part 2/3 of the projection is not there"):
        Parts.open(journal_dir)
    with Parts.open(journal_dir, only=["1/3", "3/3"]) as some:
        assert not some.is_whole
        every = {hit.session for hit in whole.search("word0", limit=1000)}
        found = {hit.session for hit in some.search("word0", limit=1000)}
        assert found < every
    with pytest.raises(ValueError, match="one number of parts"):
        Parts.open(journal_dir, only=["1/3", "1/4"])


def test_commands_search_parts(both: tuple[Projection, Parts], journal_dir: Path) -> None:
    """All of them where there is no whole projection; else those that are named."""
    whole, parts = both
    digest = whole.digest()
    whole.close()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--journal", str(journal_dir), *arguments])

    first = run("search", "word1", "--part", "1/3")
    assert "only part 1/3 was searched" in first.stderr
    (journal_dir / "projection" / "CURRENT").unlink()
    assert run("digest").stdout.strip() == digest
    found = run("search", "word1", "--session", "s3")
    assert "s3" in found.stdout
    assert not (journal_dir / "projection" / "CURRENT").exists()
    for command in ("sync", "rebuild", "status"):
        assert run(command, "--part", "2/3").exit_code == 0
    parts.close()
    wrong = run("search", "word1", "--part", "4/3")
    assert wrong.exit_code == 2
    assert "a part is K/N" in wrong.stderr
