"""What was used and paid, by day, model, project and so on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal import Journal
from projector import Projection
from projector.cli import cli
from projector.views import prices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projector import UsageReport

NOON = 1_772_366_400_000_000
"""2026-03-01T12:00:00Z."""
DAY = 86_400_000_000


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """A journal to append to."""
    with Journal.open(journal_dir) as journal:
        yield journal


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the zone in which days begin."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def no_table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the table of prices, which takes long to load, but from a slow test."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(prices, "is_installed", lambda: False)
        prices.table_name.cache_clear()


def used(journal: Journal, session: str, call: str, **data: Any) -> None:  # noqa: ANN401 - counters
    """Append the usage of a call."""
    data = {"timestamp": NOON, "call": call, "api_calls": 1, **data}
    journal.append(session=session, type="usage.added", data=data)


def session(journal: Journal, name: str, **data: Any) -> None:  # noqa: ANN401 - fields
    """Append the fields of a session."""
    journal.append(session=name, type="session.created", data=data)


def report(journal_dir: Path, **asked: Any) -> UsageReport:  # noqa: ANN401 - as `usage`
    """Return what was used."""
    with Projection.open(journal_dir) as projection:
        return projection.usage(**asked)


def inputs(found: UsageReport) -> dict[str | None, int]:
    """Return the input tokens of each group."""
    return {row.name: row.input_tokens for row in found.rows}


def test_usage_is_summed_by_each_group(journal: Journal, journal_dir: Path) -> None:
    """Sub-agents belong to the session that started them; a call that is written twice is one."""
    session(journal, "s1", source="claude-code", cwd="/home/ada/lamp")
    session(journal, "a1", source="claude-code", cwd="/home/ada/lamp", parent="s1")
    journal.append(session="a1", type="session.created", data={"relation": "subagent"})
    session(journal, "s2", source="codex")
    used(journal, "s1", "c1", model="m-1", input_tokens=3, output_tokens=1)
    used(journal, "s1", "c1", model="m-1", input_tokens=3, output_tokens=20)
    used(journal, "a1", "c2", model="m-2", input_tokens=5)
    used(journal, "s2", "c3", model="m-1", input_tokens=7, timestamp=NOON + 40 * DAY)
    assert inputs(report(journal_dir)) == {"2026-03-01": 8, "2026-04-10": 7}
    assert inputs(report(journal_dir, by="week")) == {"2026-W09": 8, "2026-W15": 7}
    assert inputs(report(journal_dir, by="month")) == {"2026-03": 8, "2026-04": 7}
    assert inputs(report(journal_dir, by="model")) == {"m-1": 10, "m-2": 5}
    assert inputs(report(journal_dir, by="project")) == {"/home/ada/lamp": 8, None: 7}
    assert inputs(report(journal_dir, by="source")) == {"claude-code": 8, "codex": 7}
    found = report(journal_dir, by="session")
    assert inputs(found) == {"s1": 8, "s2": 7}
    assert (found.total.output_tokens, found.total.api_calls, found.total.sessions) == (20, 3, 2)
    with pytest.raises(ValueError, match="by must be one of day, week"):
        report(journal_dir, by="colour")


def test_usage_is_filtered(journal: Journal, journal_dir: Path) -> None:
    """Each filter leaves the calls that pass it; a project is a folder or its name."""
    session(journal, "s1", source="claude-code", cwd="/home/ada/lamp")
    session(journal, "s2", source="codex", cwd="/home/ada/house")
    used(journal, "s1", "c1", model="m-1", input_tokens=1)
    used(journal, "s1", "c2", model="m-2", input_tokens=2, timestamp=NOON + DAY)
    used(journal, "s2", "c3", model="m-2", input_tokens=4)
    asked: list[tuple[dict[str, Any], int]] = [
        ({}, 7),
        ({"project": "lamp"}, 3),
        ({"project": "/home/ada/house"}, 4),
        ({"project": "lam"}, 0),
        ({"source": "codex"}, 4),
        ({"model": "m-2"}, 6),
        ({"since": NOON + 1}, 2),
        ({"until": NOON + DAY, "model": "m-2"}, 4),
    ]
    for filters, wanted in asked:
        assert report(journal_dir, **filters).total.input_tokens == wanted, filters


def test_usage_that_is_set_or_deleted_counts_as_in_the_session(
    journal: Journal, journal_dir: Path
) -> None:
    """The total is that of `SessionView.usage`."""
    for name in ("s1", "s2"):
        journal.append_message(name, "user", "hello", id="m1")
    used(journal, "s1", "c1", input_tokens=5)
    journal.append(session="s1", type="usage.set", data={"input_tokens": 100})
    used(journal, "s1", "c2", input_tokens=7)
    used(journal, "s2", "c3", input_tokens=1000)
    journal.append(session="s2", type="session.deleted", data={})
    used(journal, "s2", "c4", input_tokens=10)
    journal.append_message("s2", "user", "hello again", id="m2")
    found = report(journal_dir, by="session")
    with Projection.open(journal_dir) as projection:
        totals = {name: projection.session(name).usage["input_tokens"] for name in ("s1", "s2")}
    assert inputs(found) == totals == {"s1": 107, "s2": 10}


def test_what_the_source_says_comes_first_and_an_unknown_price_is_unknown(
    journal: Journal, journal_dir: Path
) -> None:
    """Costs are whole millionths of a dollar; a model without a price is listed, and not 0."""
    used(journal, "s1", "c1", model="m-1", input_tokens=1, actual_cost=0.0123456)
    used(journal, "s1", "c2", model="m-2", input_tokens=1)
    used(journal, "s2", "c3", input_tokens=1)
    found = report(journal_dir, by="model")
    costs = {row.name: (row.cost, row.unpriced) for row in found.rows}
    assert costs == {"m-1": (12_346, ()), "m-2": (None, ("m-2",)), None: (None, ("",))}
    assert (found.total.cost, found.total.unpriced) == (12_346, ("", "m-2"))
    assert found.prices is None


def test_input_is_without_the_tokens_of_the_cache(journal: Journal, journal_dir: Path) -> None:
    """A source may count them among the input; a newer importer may have written them apart."""
    cached = {"cache_read_tokens": 500, "cache_write_tokens": 100, "output_tokens": 7}
    flag = {"input_includes_cache": True}
    for name in ("apart", "among", "both", "wrong"):
        session(journal, name, source="codex")
    used(journal, "apart", "c1", input_tokens=1000, **cached)
    used(journal, "among", "c2", input_tokens=1600, extra=flag, **cached)
    used(journal, "both", "c3", input_tokens=1600, extra=flag, **cached)
    used(journal, "both", "c3", input_tokens=1000, **cached)
    used(journal, "wrong", "c4", input_tokens=400, extra=flag, **cached)
    found = report(journal_dir, by="session")
    assert {row.name: (row.input_tokens, row.cache_read_tokens) for row in found.rows} == {
        "apart": (1000, 500),
        "among": (1000, 500),
        "both": (1000, 500),
        "wrong": (0, 500),
    }
    with Projection.open(journal_dir) as projection:
        totals = {each.session: each.usage["input_tokens"] for each in projection.sessions()}
    assert totals == {row.name: row.input_tokens for row in found.rows}


@pytest.mark.slow
def test_the_table_of_prices_is_used_offline(journal: Journal, journal_dir: Path) -> None:
    """Tokens of the cache have prices of their own, whether the source adds them to the input."""
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    prices.table_name.cache_clear()
    model = "claude-sonnet-4-5-20250929"
    cached = {"cache_read_tokens": 500, "cache_write_tokens": 100, "output_tokens": 100}
    used(journal, "s1", "c1", model=model, input_tokens=1000, **cached)
    used(
        journal,
        "s2",
        "c2",
        model=model,
        input_tokens=1600,
        extra={"input_includes_cache": True},
        **cached,
    )
    used(journal, "s3", "c3", model="no-such-model", input_tokens=1)
    found = report(journal_dir, by="session")
    assert {row.name: row.cost for row in found.rows} == {"s1": 5025, "s2": 5025, "s3": None}
    assert found.total.unpriced == ("no-such-model",)
    assert "genai-prices" in (found.prices or "")


def test_the_command_prints_a_table_or_an_object_a_row(
    journal: Journal, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has a bar for each row, the longest first, and names the models without a price."""
    monkeypatch.setenv("JOURNAL_DIR", str(journal_dir))
    session(journal, "s1", source="claude-code")
    used(journal, "s1", "c1", model="m-1", input_tokens=30)
    used(journal, "s1", "c2", model="m-2", input_tokens=1, cache_read_tokens=59)
    shown = CliRunner().invoke(cli, ["usage", "--by", "model"], catch_exceptions=False)
    first, second, last = shown.stdout.splitlines()[1:]
    assert (first.split()[:3], first.count("\u2588")) == (["m-2", "1", "1"], 20)
    assert (second.split()[:3], second.count("\u2588")) == (["m-1", "1", "30"], 10)
    assert (last.split()[0], "unknown" in last) == ("total", True)
    assert "no price is known of: m-1, m-2" in shown.stderr
    found = json.loads(CliRunner().invoke(cli, ["usage", "--json"]).stdout)
    assert (found["name"], found["input_tokens"], found["cost"]) == ("2026-03-01", 31, None)


def test_a_filter_that_no_usage_has_is_answered_with_the_nearest_values(
    journal: Journal, journal_dir: Path
) -> None:
    """The exit code is 3; that of filters which no usage passes together is 0."""
    session(journal, "s1", source="codex", cwd="/home/ada/lamp")
    session(journal, "s2", source="cli")
    journal.append_message("s2", "user", "hello", id="m1", model="m-9")
    used(journal, "s1", "c1", model="m-1", input_tokens=1)
    used(journal, "s2", "c2", model="m-2", input_tokens=1)

    def asked(*options: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(cli, ["--journal", str(journal_dir), "usage", *options])
        return result.exit_code, result.stdout, result.stderr

    unused = "no usage passes the filters\n"
    about = "no usage has the model 'm-9'; nearest: m-2, m-1\n"
    assert asked("--model", "m-9") == (3, "", about + unused)
    assert asked("--model", "m-9", "--json") == (3, "", about)
    about = "no usage has the project 'lmap'; nearest: /home/ada/lamp\n"
    assert asked("--project", "lmap", "--source", "cli") == (3, "", about + unused)
    about = "no usage has the source 'xyz'; there are: cli, codex\n"
    assert asked("--source", "xyz") == (3, "", about + unused)
    assert asked("--model", "m-1", "--source", "cli") == (0, "", unused)


def test_a_call_without_a_model_has_that_of_its_session(
    journal: Journal, journal_dir: Path
) -> None:
    """As a message has, so that usage, searches, lists and counts say the same of a model."""
    session(journal, "s1", model="m-1", source="cli", cwd="/home/ada/lamp")
    for id, model in (("a", None), ("b", "m-2"), ("c", "<synthetic>")):
        own: dict[str, Any] = {} if model is None else {"model": model}
        journal.append_message("s1", "assistant", f"needle {id}", id=id, **own)
        used(journal, "s1", id, input_tokens=1, **own)
    session(journal, "s2", source="cli", cwd="/home/ada/house/")
    journal.append_message("s2", "user", "needle", id="d")
    used(journal, "s2", "d", input_tokens=1)
    about: dict[str, Any] = {"git_branch": "b-1", "cwd": "/home/ada/garden"}
    journal.append_message("s3", "user", "needle", id="e")  # has all from the message behind it
    journal.append_message("s3", "assistant", "needle", id="f", model="m-3", extra=about)
    for id in "ef":
        used(journal, "s3", id, input_tokens=1)
    with Projection.open(journal_dir) as projection:
        for by in ("branch", "model", "source", "project"):
            rows = projection.usage(by=by).rows
            counted = {row.name: row.messages for row in projection.facets(by=by)}
            assert {row.name: row.api_calls for row in rows} == counted, by
            for row in rows:
                if row.name is not None:
                    asked: dict[str, Any] = {by: row.name}
                    assert projection.usage(by=by, **asked).rows == (row,)
                    assert len(projection.search("needle", **asked).hits) == counted[row.name]
        assert counted["/home/ada/house/"] == projection.usage(project="house").total.api_calls == 1
        assert {view.session for view in projection.sessions(model="m-2")} == {"s1"}
