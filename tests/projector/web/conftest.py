"""One browser for all tests of the viewer: they run one after the other, in the group `browser`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projector.web.browser import programs
from tools.screenshots.browser import browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome


@pytest.fixture(scope="package")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser."""
    with browser(*programs(), tmp_path_factory.mktemp("profile")) as found:
        yield found
