"""axe, the automatic checks of accessibility, on every page in light, in dark, and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from projector.web import urls
from tests.projector.web.axe import faults, program
from tests.projector.web.browser import open_page, wait
from tests.projector.web.served import served
from tools.screenshots.browser import set_scheme, set_size
from tools.screenshots.made_up import LIVE, MAIN, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

    from tests.projector.web.served import Served
    from tools.screenshots.browser import Scheme

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

_NOW = 1_795_000_000_000_000
_PAGES = (
    urls.SESSIONS,
    urls.page(urls.SESSIONS, sort="tree"),
    urls.page(urls.SESSIONS, source="none-such"),
    urls.session(MAIN),
    urls.session(MAIN, focus=1),
    urls.session(LIVE),
    urls.page(urls.MESSAGE, session=MAIN, id="m11"),
    urls.SEARCH,
    urls.page(urls.SEARCH, q="price feed"),
    urls.page(urls.SEARCH, q="connection elephant", source="claude-code"),
    urls.page(urls.DASHBOARD, days="all"),
    urls.session("none-such"),
)
_LOOKS: tuple[tuple[Scheme, int], ...] = (("light", 1280), ("dark", 1280), ("light", 360))
_COLOURS = {"dark": ("color-contrast",)}
"""Rules by a scheme whose pages differ from those of the light one in nothing else."""


@pytest.fixture(scope="module")
def axe() -> str:
    """The program that checks a page."""
    return program()


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A viewer of a journal that has something for each page."""
    path = tmp_path_factory.mktemp("axe") / "journal"
    write(path, _NOW)
    with served(path) as found:
        yield found


@pytest.fixture
def look(request: pytest.FixtureRequest, driver: Chrome) -> Iterator[tuple[str, ...]]:
    """The rules for a look of the browser, which is then as it was; all if there are none."""
    scheme, width = request.param
    set_scheme(driver, scheme)
    set_size(driver, width)
    yield _COLOURS.get(scheme, ())
    set_scheme(driver, "light")
    set_size(driver)


@pytest.mark.parametrize(
    "look", _LOOKS, indirect=True, ids=[f"{name}-{width}" for name, width in _LOOKS]
)
def test_axe_finds_no_fault(
    driver: Chrome, viewer: Served, axe: str, look: tuple[str, ...]
) -> None:
    """On every page, with all that is folded opened, and in the dialogs."""
    wrong: list[tuple[str, dict[str, Any]]] = []
    for address in _PAGES:
        open_page(driver, viewer, address)
        wait(driver, lambda found: not found.find_elements("css selector", "[data-again]"))
        driver.execute_script(
            "for (const one of document.querySelectorAll('details')) one.open = true;"
        )
        driver.execute_script(axe)
        wrong += [(address, one) for one in faults(driver, *look)]
    for dialog in ("help", "palette"):
        driver.execute_script(f"document.getElementById('{dialog}').showModal()")
        wrong += [(dialog, one) for one in faults(driver, *look)]
        driver.execute_script(f"document.getElementById('{dialog}').close()")
    assert wrong == []


def test_axe_would_find_a_fault(driver: Chrome, viewer: Served, axe: str) -> None:
    """An image without a text, and a text that is hardly lighter than its ground."""
    open_page(driver, viewer, urls.SESSIONS)
    driver.execute_script(
        "const image = document.createElement('img'); image.src = '/assets/icon.svg';"
        "const text = document.createElement('p'); text.textContent = 'hardly seen';"
        "text.style.color = '#eee'; text.style.background = '#fff';"
        "document.querySelector('main').append(image, text);"
    )
    driver.execute_script(axe)
    rules = {one["rule"] for one in faults(driver)}
    assert {"image-alt", "color-contrast"} <= rules
