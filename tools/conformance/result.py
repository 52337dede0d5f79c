"""The plugin of pytest that writes how a run ended to the file `CONFORMANCE_REPORT` (JSON)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

LEFT_OUT = "left out: "
"""Begins the reason of a skip that `left_out` of a suite asks for."""

_counts = {"passed": 0, "skipped": 0, "left_out": 0}
_failures: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count a test by its call, and by its setup and teardown if these failed."""
    if report.failed:
        _failures.append(report.nodeid)
    elif report.skipped:
        _counts["left_out" if LEFT_OUT in str(report.longrepr) else "skipped"] += 1
    elif report.when == "call":
        _counts["passed"] += 1


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Count a module that cannot be imported as a failure."""
    if report.failed:
        _failures.append(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write the result."""
    result = {**_counts, "failures": _failures}
    Path(os.environ["CONFORMANCE_REPORT"]).write_text(json.dumps(result), "utf-8")
