"""What the viewer and the format `html` need: the packages of the extra `web`."""

from __future__ import annotations

from importlib.util import find_spec

EXTRA = "pip install 'agent-journal[web]'"
RENDERING = ("jinja2", "linkify_it", "markdown_it", "nh3", "pygments")
"""Packages that make HTML."""
SERVING = ("starlette", "uvicorn", *RENDERING)


def missing(packages: tuple[str, ...]) -> str:
    """Return the packages that are not installed, as a text; empty if all are."""
    return ", ".join(name for name in packages if find_spec(name) is None)
