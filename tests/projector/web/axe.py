"""axe, a program that checks a page for faults of accessibility."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_RUN = """
const done = arguments[arguments.length - 1];
const only = arguments[0].length ? {runOnly: arguments[0]} : {};
axe.run(document, {resultTypes: ['violations'], ...only}).then(
  (found) => done(found.violations.map((one) => ({
    rule: one.id, about: one.help, where: one.nodes.map((node) => node.html.slice(0, 200)),
    why: one.nodes.map((node) => node.failureSummary.slice(0, 300)),
  }))),
  (error) => done([{rule: 'axe', about: String(error), where: [], why: []}]));
"""


def program() -> str:
    """Return the program; skip the test where it is missing, but not in CI.

    `.ci/run` installs the package `axe-core` of npm, and names the file in `AXE`.
    """
    given = os.environ.get("AXE")
    if given is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs the package axe-core of npm, and its axe.min.js in AXE")
        pytest.skip("AXE does not name the file axe.min.js of the package axe-core of npm")
    return Path(given).read_text(encoding="utf-8")


def faults(driver: Chrome, *rules: str) -> list[dict[str, Any]]:
    """Return what the program, which is in the page, finds wrong with it: by all rules, or some."""
    found: list[dict[str, Any]] = driver.execute_async_script(_RUN, rules)
    return found
