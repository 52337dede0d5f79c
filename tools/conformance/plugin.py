"""The plugin of pytest that puts our store in the place of the framework's own.

The environment variable `CONFORMANCE_FRAMEWORK` names the framework. With `CONFORMANCE_STORE=own`
the framework's own store stays.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from tools.conformance.result import LEFT_OUT
from tools.conformance.suite import is_own

if TYPE_CHECKING:
    from tools.conformance.suite import Suite


def _framework() -> Any:  # noqa: ANN401 - a module
    name = os.environ["CONFORMANCE_FRAMEWORK"]
    return importlib.import_module(f"tools.conformance.frameworks.{name}")


def pytest_configure() -> None:
    """Put our store in the place of the framework's own before a test module is imported."""
    if not is_own():
        _framework().install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that are left out, each with its reason."""
    suite: Suite = _framework().SUITE
    unknown = set(suite.left_out)
    for item in items:
        name = item.nodeid.split("[")[0]
        if name in suite.left_out:
            unknown.discard(name)
            if not is_own():
                item.add_marker(pytest.mark.skip(reason=LEFT_OUT + suite.left_out[name]))
    if unknown and "CONFORMANCE_SAMPLE" not in os.environ:
        raise pytest.UsageError(f"no test is named {', '.join(sorted(unknown))}: see left_out")
