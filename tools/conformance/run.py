"""Run the suites of agent frameworks on the stores of this project.

Each framework gets an environment of its own in the user's cache ($CONFORMANCE_CACHE), which later
runs use again. The whole run also tests the framework's own store, to compare.

    python -m tools.conformance                          # all, whole
    python -m tools.conformance --only openai_agents
    python -m tools.conformance --sample                 # what .ci/run runs: at most two minutes
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.conformance.environment import PROJECT, Environment, prepare, write_metadata
from tools.conformance.suite import HERE, Outcome
from tools.environments import NotInstalled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.conformance.suite import Suite

FRAMEWORKS: tuple[str, ...] = (
    "claude_agent_sdk",
    "openai_agents",
    "adk",
    "langgraph",
    "recipes",
)
"""Modules of `tools.conformance.frameworks`; a new framework is named here."""
SAMPLE_SECONDS = 120
"""What the samples of all frameworks should take together at most, without making environments."""
_STRESS = "tests/adapters/test_stress.py::test_ours_loses_doubles_and_interleaves_nothing"
"""The test of this project that gives each store a sample of the stress; its parameter is the
framework."""
_PATIENCE = 900
"""Seconds that one run of pytest may take."""
_SHARED = ("journal", "projector", "tools")
"""What the framework's tests can import of this project; its `tests` would hide theirs."""


def main() -> int:
    """Run the suites; return 0 if they passed as their modules say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=FRAMEWORKS, help="one framework")
    parser.add_argument("--sample", action="store_true", help="a sample of each suite")
    options = parser.parse_args()
    names = [options.only] if options.only else FRAMEWORKS
    suites = [load(name) for name in names]
    problems = (_sample if options.sample else _whole)(suites)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def load(name: str) -> Suite:
    """Return the suite of a framework."""
    suite: Suite = importlib.import_module(f"tools.conformance.frameworks.{name}").SUITE
    return suite


def _whole(suites: Iterable[Suite]) -> list[str]:
    """Run suites whole on both stores; return what is not as it should be."""
    problems: list[str] = []
    for suite in suites:
        try:
            environment = prepare(suite)
        except NotInstalled as error:
            problems.append(f"{suite.name}: {error}")
            continue
        if not suite.tests:
            problems += _run_own(suite, environment)
            continue
        theirs = _run(suite, environment, suite.tests, store="own")
        _print(suite, "its own store", theirs)
        ours = _run(suite, environment, suite.tests, store="ours")
        _print(suite, "our store", ours)
        problems += _failures(suite, ours)
        if ours.passed != suite.passing:
            problems.append(
                f"{suite.name}: {ours.passed} tests passed, and its module says {suite.passing}"
            )
        problems += _run_own(suite, environment, f"{_STRESS}[{suite.name}]")
        for name, reason in suite.left_out.items():
            print(f"  left out: {name}: {reason}")
    return problems


def _sample(suites: Iterable[Suite]) -> list[str]:
    """Run the samples on our stores; return what is not as it should be.

    A framework that the package index does not have is named and passed over.
    """
    problems: list[str] = []
    seconds = 0.0
    for suite in suites:
        try:
            environment = prepare(suite)
        except NotInstalled as error:
            print(f"{suite.name} is not available, its sample is skipped: {error}", file=sys.stderr)
            continue
        start = time.monotonic()
        if suite.sample:
            outcome = _run(suite, environment, suite.sample, store="ours", sample=True)
            _print(suite, "sample", outcome)
            problems += _failures(suite, outcome)
            if not outcome.passed:
                problems.append(f"{suite.name}: no test of the sample passed")
        problems += _run_own(suite, environment)
        seconds += time.monotonic() - start
    # a machine that is slow or busy is no fault of a store, so the time is only reported
    print(f"all samples: {seconds:.0f} s; they should take at most {SAMPLE_SECONDS} s")
    return problems


def _run_own(suite: Suite, environment: Environment, *more: str) -> list[str]:
    """Run this project's tests of the adapter, and more, in the framework's environment."""
    if not suite.own:
        return []
    # a plugin that only the framework's own tests need may warn, and a warning is an error here
    tests = ("-p", "no:asyncio", *suite.own, *more)
    outcome = _pytest(suite, environment, tests, cwd=PROJECT, path=PROJECT, variables={})
    _print(suite, "tests of this project", outcome)
    problems = _failures(suite, outcome)
    if outcome.skipped or not outcome.passed:
        problems.append(f"{suite.name}: tests of this project were skipped in its environment")
    return problems


def _run(
    suite: Suite,
    environment: Environment,
    tests: Iterable[str],
    *,
    store: str,
    sample: bool = False,
) -> Outcome:
    """Run tests of a framework, on its own store or on ours."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        here = Path(folder)
        for name in _SHARED:
            (here / name).symlink_to(PROJECT / name)
        module = here / "tools" / "conformance" / "frameworks" / f"{suite.name}.py"
        variables = {"CONFORMANCE_STORE": store} | ({"CONFORMANCE_SAMPLE": "1"} if sample else {})
        source = environment.source or here
        arguments = [test.replace(HERE, str(module)) for test in tests]
        if environment.source is not None:
            arguments += ["--rootdir", str(source), "-c", str(source / "pyproject.toml")]
        return _pytest(
            suite,
            environment,
            [*arguments, "-p", "tools.conformance.plugin", *suite.options],
            cwd=source,
            path=here,
            variables=variables,
        )


def _pytest(
    suite: Suite,
    environment: Environment,
    arguments: Iterable[str],
    *,
    cwd: Path,
    path: Path,
    variables: dict[str, str],
) -> Outcome:
    """Run pytest in an environment, in the folder `cwd`, with `path` to import from."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-result-") as folder:
        report = Path(folder) / "result.json"
        write_metadata(Path(folder))
        own = {
            "PYTHONPATH": os.pathsep.join((str(path), folder)),
            "CONFORMANCE_FRAMEWORK": suite.name,
            "CONFORMANCE_REPORT": str(report),
        }
        kept = {k: v for k, v in os.environ.items() if k not in {"JOURNAL_DIR", "PYTHONPATH"}}
        command = [str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "tools.conformance.result"]
        done = subprocess.run(  # noqa: PLW1510 - the result says what failed
            [*command, *arguments],
            cwd=cwd,
            env=kept | own | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
        )
        if not report.exists():  # pytest itself failed
            return Outcome(0, 1, 0, 0, ("pytest",), time.monotonic() - start, done.stdout)
        result = json.loads(report.read_text("utf-8"))
    failures = tuple(result["failures"])
    return Outcome(
        result["passed"],
        len(failures),
        result["skipped"],
        result["left_out"],
        failures,
        time.monotonic() - start,
        done.stdout,
    )


def _print(suite: Suite, what: str, outcome: Outcome) -> None:
    counts = f"{outcome.passed} passed, {outcome.failed} failed"
    if outcome.skipped:
        counts += f", {outcome.skipped} skipped by the suite"
    if outcome.left_out:
        counts += f", {outcome.left_out} left out"
    print(f"{suite.name}: {what}: {counts} in {outcome.seconds:.1f} s", flush=True)


def _failures(suite: Suite, outcome: Outcome) -> list[str]:
    if not outcome.failed:
        return []
    named = "\n".join(f"  {name}" for name in outcome.failures)
    return [f"{suite.name}: failed:\n{named}\n{outcome.output}"]
