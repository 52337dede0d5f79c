"""`make screenshots`: pictures of each page in light, dark and narrow, of a journal made up.

::

    .venv/bin/python -m tools.screenshots               into build/screenshots
    .venv/bin/python -m tools.screenshots --update      and the four of the README into docs/images

It needs Debian's packages chromium and chromium-driver.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.screenshots.browser import HEIGHT, WIDTH, browser, set_scheme, set_size
from tools.screenshots.made_up import LIVE, MAIN, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selenium.webdriver import Chrome

    from tools.screenshots.browser import Scheme

ROOT = Path(__file__).parents[2]
_PAGES = {
    "sessions": "/sessions",
    "tree": "/sessions?sort=tree",
    "nothing": "/sessions?source=none-such",
    "session": f"/session?id={MAIN}",
    "session-open": f"/session?id={MAIN}",
    "session-focus": f"/session?id={MAIN}&focus=1",
    "session-live": f"/session?id={LIVE}",
    "message": f"/message?session={MAIN}&id=m11",
    "search": "/search?q=price+feed",
    "search-empty": "/search",
    "search-near": "/search?q=connection+elephant",
    "dashboard": "/dashboard",
    "missing": "/session?id=none-such",
    "help": "/sessions",
    "palette": "/sessions",
}
_README_SIZE = (1200, 780)
_LOOKS: dict[str, tuple[Scheme, int, int]] = {
    "light": ("light", WIDTH, HEIGHT),
    "dark": ("dark", WIDTH, HEIGHT),
    "narrow": ("light", 360, 740),
}
README = {
    "sessions": ("sessions", "light"),
    "session": ("session-open", "light"),
    "search": ("search", "dark"),
    "dashboard": ("dashboard", "dark"),
}
"""The pictures of the README, by name: a page and a look."""
_PROJECTOR = (sys.executable, "-c", "from projector.cli import main; main()")
_SETTLE = 0.4
_ACTS = {
    "session-open": (
        "const calls = document.querySelectorAll('details.call');"
        " calls[2].open = true; calls[3].open = true;"
    ),
    "help": "document.getElementById('help').showModal();",
    "palette": (
        "document.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}));"
    ),
}
"""What is done on a page before its picture is taken."""
_SCROLLED = {"session-open": "details.call[open]", "session-focus": "article.entry"}
"""What is at the top of a narrow picture; before it is what another page's picture shows."""


@contextmanager
def _served(journal: Path) -> Iterator[str]:
    """Serve the journal; yield the address."""
    process = subprocess.Popen(
        [*_PROJECTOR, "--journal", str(journal), "web", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("http://"):
            raise RuntimeError("projector web did not start")
        yield line.strip().rstrip("/")
    finally:
        process.terminate()
        process.communicate()


def _take(
    driver: Chrome,
    address: str,
    name: str,
    look: str,
    file: Path,
    size: tuple[int, int] | None = None,
) -> None:
    scheme, width, height = _LOOKS[look]
    set_scheme(driver, scheme)
    set_size(driver, *(size or (width, height)))
    driver.get(f"{address}{_PAGES[name]}")
    if name in _ACTS:
        driver.execute_script(_ACTS[name])
    if look == "narrow" and name in _SCROLLED:
        driver.execute_script(f"document.querySelector('{_SCROLLED[name]}').scrollIntoView();")
    time.sleep(_SETTLE)
    driver.save_screenshot(str(file))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="screenshots", description="Take pictures of the viewer.")
    parser.add_argument("--update", action="store_true", help="also those of the README")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--only", action="append", choices=list(_PAGES), help="one page")
    given = parser.parse_args(arguments)
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if programs[0] is None or programs[1] is None:
        print("screenshots: chromium and chromium-driver are needed", file=sys.stderr)
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        journal = Path(folder) / "journal"
        write(journal, time.time_ns() // 1000)
        with (
            _served(journal) as address,
            browser(programs[0], programs[1], Path(folder) / "profile") as driver,
        ):
            driver.get(f"{address}/dashboard")  # it is counted before its picture is taken
            for name in given.only or _PAGES:
                for look in _LOOKS:
                    _take(driver, address, name, look, given.out / f"{name}-{look}.png")
            if given.update:
                images = ROOT / "docs" / "images"
                images.mkdir(parents=True, exist_ok=True)
                for image, (name, look) in README.items():
                    _take(driver, address, name, look, images / f"{image}.png", _README_SIZE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
