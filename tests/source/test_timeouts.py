"""A test that hangs ends with a failure that says where, within two minutes."""

from __future__ import annotations

import ast
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import conftest
from tests.support.programs.end import end

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

TESTS = Path(__file__).parents[1]
WAITS = {"run", "check_call", "check_output", "call"}
"""Functions of `subprocess` that wait for the end of a program."""


def waits(source: str) -> Iterator[int]:
    """Yield the lines of calls that wait for a program for ever."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        of = call.func.value
        runs = isinstance(of, ast.Name) and of.id == "subprocess" and call.func.attr in WAITS
        if runs or call.func.attr == "communicate":
            names = {keyword.arg for keyword in call.keywords}
            if "timeout" not in names:
                yield call.lineno


@pytest.mark.slow
def test_no_test_waits_for_a_program_for_ever() -> None:
    """Each call that waits for a program has a timeout, so that its error names the program."""
    modules = [*TESTS.rglob("test_*.py"), *TESTS.rglob("conftest.py"), *TESTS.rglob("support/*.py")]
    assert len(modules) > 100
    sources = {path: path.read_text("utf-8") for path in modules}
    found = [
        f"{path}:{line}"
        for path, source in sources.items()
        if "subprocess" in source or "communicate" in source
        for line in waits(source)
    ]
    assert found == []


def test_a_call_without_a_timeout_is_found() -> None:
    """The check can fail: it names the lines."""
    source = "import subprocess\nsubprocess.run(['x'])\nsubprocess.run(['x'], timeout=1)\n"
    assert list(waits(source + "process.communicate()\n")) == [2, 4]


def test_a_fixture_that_hangs_at_its_end_is_a_failure(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure, `pytest-timeout` does not limit teardown; the fixture's own bound does."""
    monkeypatch.setattr(conftest, "_TEARDOWN", 0.05)
    with closing(conftest.pytest_runtest_teardown(request.node)) as teardown:
        next(teardown)
        with pytest.raises(pytest.fail.Exception, match=r"took more than 0\.05 s"):
            time.sleep(10)


def test_a_program_ends_though_its_child_keeps_the_pipes(
    start_command: Callable[..., subprocess.Popen[str]],
) -> None:
    """`Popen.communicate` would wait for the child, and `end` does not."""
    process = start_command("/bin/sh", "-c", "sleep 20 & echo started; wait")
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    began = time.monotonic()
    end(process)
    assert time.monotonic() - began < 15
