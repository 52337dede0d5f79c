"""Chromium without a window, with an empty profile and no host but this machine's loopback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Scheme = Literal["light", "dark"]

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
    # a request to any other host than the viewer's fails at once, and is still reported
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_TIMEOUT = 20
WIDTH, HEIGHT = 1280, 900


@contextmanager
def browser(chromium: str, driver: str, folder: Path) -> Iterator[Chrome]:
    """Run a browser.

    Args:
        chromium: path of the program.
        driver: path of `chromedriver`.
        folder: for its profile.
    """
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={folder}")
    options.add_argument(f"--window-size={WIDTH},{HEIGHT}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with Chrome(options, Service(driver)) as found:
        found.set_page_load_timeout(_TIMEOUT)
        found.set_script_timeout(_TIMEOUT)
        set_size(found)
        yield found


def set_size(driver: Chrome, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Give the page a size; that of a window has a least width."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def set_scheme(driver: Chrome, scheme: Scheme) -> None:
    """Ask for light or dark colours."""
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
