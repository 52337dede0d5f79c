"""Debian's Chromium, without a window and without a network of its own."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def programs() -> tuple[str, str]:
    """Return Chromium and its driver; skip the test where they are missing, but not in CI."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if found[0] is None or found[1] is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs the packages chromium and chromium-driver")
        pytest.skip("Chromium and its driver are not installed: chromium, chromium-driver")
    return found[0], found[1]


@contextmanager
def browser(folder: Path, width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """Run a browser with an empty profile; `folder` is for that."""
    chromium, driver = programs()
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={folder}")
    options.add_argument(f"--window-size={width},{height}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with Chrome(options, Service(driver)) as found:
        found.set_page_load_timeout(_TIMEOUT)
        found.set_script_timeout(_TIMEOUT)
        # the size of a window has a least width; that of the page has none
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        found.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield found


def requests(driver: Chrome) -> list[str]:
    """Return the addresses that the browser requested since the last call, by its own events."""
    found = []
    for entry in _log(driver, "performance"):
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(str(message["params"]["request"]["url"]))
        elif message["method"] == "Network.webSocketCreated":
            found.append(str(message["params"]["url"]))
    return found


def complaints(driver: Chrome) -> list[str]:
    """Return what the browser has logged since the last call: refusals of the policy, errors."""
    return [str(entry["message"]) for entry in _log(driver, "browser")]


def _log(driver: Chrome, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = driver.get_log(name)  # type: ignore[no-untyped-call] # of Selenium
    return found
