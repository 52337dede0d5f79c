"""What a framework's suite consists of, and how a run of it ended."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of a framework that run on our store.

    Attributes:
        name: the framework's, and that of its module in `tools.conformance.frameworks`.
        extra: the extra of `pyproject.toml` whose packages are installed; empty for none.
        packages: pinned packages for the environment: the framework, and what its tests import.
        source: the source distribution that has the tests, as `name==version`; None if the tests
            come in a wheel.
        tests: arguments for pytest: files of the unpacked source, or `HERE` for the test functions
            of the framework's module. None if there are only tests of this project.
        sample: the same for the sample of `.ci/run`; these must take 30 s at most.
        left_out: a test's node id without parameters -> why it says nothing about our store.
            A test of the sample may be among them. A name that no test has is an error.
        passing: how many tests pass in the whole run, parameters counted.
        own: test files of this project that need the framework.
        options: more options for pytest.
    """

    name: str
    extra: str
    packages: tuple[str, ...]
    source: str | None
    tests: tuple[str, ...]
    sample: tuple[str, ...]
    passing: int
    left_out: Mapping[str, str] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


HERE = "@here"
"""Stands for the framework's module among the tests; `@here::test_x` is one test of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of pytest ended.

    Attributes:
        passed, failed, skipped: numbers of tests; an error counts as failed, and a test that is
            left out as neither.
        left_out: number of tests that were left out.
        failures: node ids of what failed.
        seconds: how long it took.
        output: what pytest printed.
    """

    passed: int
    failed: int
    skipped: int
    left_out: int
    failures: tuple[str, ...]
    seconds: float
    output: str


def is_own() -> bool:
    """Return whether the framework's own store is tested, for comparison."""
    return os.environ.get("CONFORMANCE_STORE") == "own"
