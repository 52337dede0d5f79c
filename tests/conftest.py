"""Fixtures that all tests share."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from journal.erasure.eraser import erase
from journal.fs.directory import open_directory
from journal.verify import verify
from projector.projection import Projection
from projector.run.build import rebuild
from tests.support.programs.commands import Commands
from tests.support.programs.end import end

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import FrameType

    from journal.verify.checks import Kind

# a shell that runs the tests in the background, and nohup, make them ignore these signals; programs
# that tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# a test's own journal is open and appends nothing: waiting a second for it would change nothing
erase.__kwdefaults__ = {**(erase.__kwdefaults__ or {}), "patience": 0.1}

# a shared machine is sometimes slow, which is no failure; `make torture` runs many more examples
settings.register_profile("journal", deadline=None, max_examples=30)
settings.register_profile("torture", deadline=None, max_examples=1000)
settings.load_profile("journal")


def few() -> int:
    """Return half of the profile's examples, for properties that take 0.1 s or more each."""
    return settings().max_examples // 2


_PARTS = Path(__file__).parent
_STARTS_PROCESSES = {"commands", "start_command"}
"""Fixtures that start programs."""
_TEARDOWN = 30
"""Seconds that the fixtures of a test may take to end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make check`."""
    parser.addoption(
        "--no-rebuild",
        action="store_true",
        help="do not compare each projection with a rebuild at the end of its test",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make check` leaves out, and run them first.

    The slow tests are the samples of the ladder, and those that start programs: an interpreter
    takes longer than most tests. Others are marked in their modules. A slow test at the end of a
    run would keep one process busy while the others are idle.
    """
    for item in items:
        if is_slow(item):
            item.add_marker(pytest.mark.slow)
    # a process that has loaded ClickHouse is large, and so looks each program that it starts later
    items.sort(key=lambda item: (_loads_clickhouse(item), item.get_closest_marker("slow") is None))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a pytest for which the groups of pytest-xdist have no effect, as 9.2 was.

    Tests that share a browser or a server would start one in each process, or disturb each other.
    """
    if session.config.getoption("loadgroup", default=False):
        for item in session.items:
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
                raise pytest.UsageError("this pytest ignores the groups of tests (xdist_group)")


def _loads_clickhouse(item: pytest.Item) -> bool:
    return item.path.parent.name in {"sink", "large"} or item.path.name == "test_large.py"


def is_slow(item: pytest.Item) -> bool:
    """Return whether a test starts programs or is a sample of the ladder."""
    module = getattr(item, "module", None)
    fixtures = set(getattr(item, "fixturenames", ()))
    return (
        hasattr(module, "subprocess")
        or not fixtures.isdisjoint(_STARTS_PROCESSES)
        or item.path.is_relative_to(_PARTS / "torture" / "samples")
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Limit the time of a test's teardown.

    `pytest-timeout` limits the test only: it stops its clock at the first failure.
    """

    def fail(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"the teardown of {item.name} took more than {_TEARDOWN} s")

    handler = signal.signal(signal.SIGALRM, fail)
    timer = signal.setitimer(signal.ITIMER_REAL, _TEARDOWN)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


@pytest.fixture(autouse=True)
def own_signal_handlers() -> Iterator[None]:
    """Restore the signal handlers after each test: a command replaces them."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class ExpectedProblems:
    """The kinds of problems that a test causes on purpose."""

    def __init__(self) -> None:
        self.kinds: set[Kind] = set()

    def __call__(self, *kinds: Kind) -> None:
        """Declare kinds of problems that `verify` is to find at the end of the test."""
        self.kinds.update(kinds)


@pytest.fixture
def expect_problems() -> ExpectedProblems:
    """Declare the problems that a test causes on purpose; every other problem fails it."""
    return ExpectedProblems()


@pytest.fixture
def journal_dir(
    tmp_path: Path, expect_problems: ExpectedProblems, pytestconfig: pytest.Config
) -> Iterator[Path]:
    """A folder for a journal, which does not exist yet; the journal is verified after the test."""
    path = tmp_path / "journal"
    yield path
    if (path / "lanes").exists():
        problems = verify(path / "lanes").problems
        kinds = {problem.kind for problem in problems}
        assert kinds == expect_problems.kinds, "\n".join(map(str, problems)) or "no problems"
        if not pytestconfig.getoption("no_rebuild"):
            assert_function_of_the_events(path)


def assert_function_of_the_events(path: Path) -> None:
    """Fail unless the projection equals a rebuild from the lanes."""
    with Projection.open(path) as projection:
        before = projection.digest()
        rebuild(open_directory(path))
        assert projection.digest() == before, "a rebuild gives another digest"


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """Run commands without starting an interpreter for each."""
    with Commands() as commands:
        yield commands


@pytest.fixture
def start_command() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start programs, given as commands and arguments; end them after the test."""
    started: list[subprocess.Popen[str]] = []

    def start_command(*command: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_command
    for process in started:
        end(process)


@pytest.fixture
def start(
    start_command: Callable[..., subprocess.Popen[str]],
) -> Callable[..., subprocess.Popen[str]]:
    """Start Python programs, given as source and arguments; end them after the test."""
    return partial(start_command, sys.executable, "-c")
