"""The names of sessions: `<project key>/<session id>`, and `/<subpath>` for a sub-agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUOTED = str.maketrans({"%": "%25", "/": "%2F"})


def project_prefix(project_key: str) -> str:
    """Return what the names of all sessions of a project begin with."""
    return project_key.translate(_QUOTED) + "/"


def main_name(key: Mapping[str, str]) -> str:
    """Return the name of a session, whatever subpath its key has."""
    return project_prefix(key["project_key"]) + key["session_id"].translate(_QUOTED)


def name_of(key: Mapping[str, str]) -> str:
    """Return the name of a key: it ends with the id that `projector show` is given."""
    subpath = key.get("subpath")
    return main_name(key) if subpath is None else f"{main_name(key)}/{subpath}"


def session_id(name: str, prefix: str) -> str | None:
    """Return the session id in a name of a project; None in the name of a sub-agent."""
    rest = name[len(prefix) :]
    return None if "/" in rest else rest.replace("%2F", "/").replace("%25", "%")


def after(prefix: str) -> str:
    """Return the first text behind all that begin with a prefix that ends with a slash."""
    return prefix[:-1] + chr(ord("/") + 1)
