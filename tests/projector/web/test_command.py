"""`projector web`, and the small values of its pages."""

from __future__ import annotations

import signal
import socket
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from click.testing import CliRunner

from journal import Journal
from projector.cli import cli
from projector.errors import ProjectionError
from projector.web import formats
from projector.web.charts.buckets import Bucket, buckets, heat, steps
from projector.web.memo import Memo
from projector.web.serve import Address, is_any, is_loopback

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    import pytest


def test_it_serves_until_a_signal(
    journal_dir: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """The command prints its address as soon as it answers; a signal ends it."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "hello", id="m1")
    program = Path(sys.executable).with_name("projector")
    server = start_command(program, "--journal", journal_dir, "web", "--port", "0")
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    with urlopen(f"{url}sessions.json", timeout=20) as answer:  # noqa: S310 - of the test
        assert b'"session":"s1"' in answer.read()
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == -signal.SIGTERM


def test_wrong_usage_is_refused(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short token, an address for all without a name, and packages that are missing."""
    with Journal.open(journal_dir):
        run = CliRunner().invoke
        journal = ["--journal", str(journal_dir), "web"]
        short = run(cli, [*journal, "--token", "short"])
        assert short.exit_code == 2
        assert "at least 16" in short.stderr
        every = run(cli, [*journal, "--host", "0.0.0.0"])  # noqa: S104 - it is refused
        assert every.exit_code == 2
        assert "--name" in every.stderr
        monkeypatch.setattr("projector.web.needed.find_spec", lambda _: None)
        missing = run(cli, journal)
        assert missing.exit_code == 1
        assert "pip install 'agent-journal[web]'" in missing.stderr


def test_a_port_in_use_is_named(journal_dir: Path) -> None:
    """The error says which address it is, and what to do."""
    with Journal.open(journal_dir), socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = CliRunner().invoke(cli, ["--journal", str(journal_dir), "web", "--port", port])
    assert found.exit_code == 1
    assert found.stderr == (
        f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use;"
        " `--port 0` takes a free one\n"
    )


def test_addresses_and_their_names() -> None:
    """Loopback needs no token; the printed address has it where one is needed."""
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("192.168.1.5")
    assert not is_loopback("localhost.evil.example")
    assert is_any("0.0.0.0")  # noqa: S104 - it is asked about
    there = Address("::", 0, ("box.example",), "a-token-of-the-test")
    assert there.url(80) == "http://box.example:80/?token=a-token-of-the-test"
    assert Address("::1", 0, (), "a+b/c%==").url(80).endswith("/?token=a%2Bb%2Fc%25%3D%3D")
    assert "box.example:81" in there.allowed(81)
    assert Address("127.0.0.1", 0, (), None).url(5) == "http://127.0.0.1:5/"


def test_dates_are_counted_in_days_weeks_or_months() -> None:
    """The longer the time, the longer the bars; empty ones are among them."""
    begin = date(2023, 11, 14).toordinal() * 24 + 22
    days = buckets({begin: 2, begin + 48: 1})
    assert [bucket.count for bucket in days] == [2, 0, 1]
    assert days[0] == Bucket("2023-11-14", "2023-11-15", 2)
    assert len(buckets({begin: 1, begin + 24 * 200: 1})) in {29, 30}
    assert len(buckets({begin: 1, begin + 24 * 3_000: 1})) in {99, 100}
    assert buckets({}) == ()
    assert sum(map(sum, heat({begin: 2, begin + 48: 1}))) == 3
    assert steps("2025-12", "2026-02", "month") == ("2025-12", "2026-01", "2026-02")
    assert steps("2025-W52", "2026-W02", "week") == ("2025-W52", "2026-W01", "2026-W02")
    assert steps("2026-02-28", "2026-03-01", "day") == ("2026-02-28", "2026-03-01")


def test_numbers_are_short() -> None:
    """Counts, costs, sizes, spans and shares."""
    assert [formats.short(value) for value in (0, 9_999, 12_345, 1_234_567, 5e9)] == [
        "0", "9,999", "12.3k", "1.2M", "5.0G",
    ]  # fmt: skip
    assert [formats.money(value) for value in (None, 0, 5, 1_500_000)] == [
        "", "$0.00", "<$0.01", "$1.50",
    ]  # fmt: skip
    assert [formats.span(value * 1_000_000) for value in (0, 59, 3_661, 90_000)] == [
        "0s", "59s", "1h 1m", "1d 1h",
    ]  # fmt: skip
    assert (formats.size(999), formats.size(1_500)) == ("999 B", "1.5 kB")
    assert (formats.percent(1, 8), formats.percent(1, 0)) == ("12.5 %", "")
    assert (formats.folder("/a/b/"), formats.project("/a/b/c")) == ("b", "b/c")
    assert formats.minute(10**18) == "33658-09-27" or "since 1970" in formats.minute(10**18)


def test_an_answer_that_cannot_be_made_again_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where the projection was removed: the page itself shows the error."""
    memo, made = Memo(), list[int]()

    def make() -> int:
        made.append(1)
        if len(made) > 1:
            raise ProjectionError("there is no projection")
        return 7

    caplog.set_level("INFO")
    monkeypatch.setattr("threading.excepthook", lambda _: made.append(100))
    end = time.monotonic() + 10
    while "not made again" not in caplog.text and time.monotonic() < end:
        assert memo.get("key", -1.0, make) == 7
        time.sleep(0.01)
    assert "not made again: there is no projection" in caplog.text
    assert set(made) == {1}


def test_an_old_answer_is_given_while_the_next_is_made() -> None:
    """No request but the first waits; a slow answer is None at first, and there later."""
    memo, made = Memo(), list[int]()

    def make() -> int:
        made.append(1)
        return len(made)

    assert [memo.get("a", 60, make) for _ in range(3)] == [1, 1, 1]
    assert memo.get("a", 0, make) == 1
    end = time.monotonic() + 10
    while memo.get("a", 0, make) == 1:
        assert time.monotonic() < end
        time.sleep(0.01)

    def slow() -> int:
        time.sleep(1.2)
        return 7

    assert memo.soon("b", 60, slow) is None
    while (answer := memo.soon("b", 60, slow)) is None:
        assert time.monotonic() < end
    assert answer == 7
