"""A page: a template with the values that it shows, and the same values as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from journal.cli.kit.clean import json_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to a request.

    Attributes:
        template: name of the template.
        title: of the window.
        view: what the template shows as `view`: a frozen dataclass.
        json: makes what a program gets; called only for one.
        status: of HTTP.
        whole: whether it is a page; else it is a part of one, which a script asked for.
        is_ready: whether nothing of it is still being counted; else it loads itself again, and a
            program gets the status 503.
    """

    template: str
    title: str
    view: Any
    json: Callable[[], Mapping[str, Any]]
    status: int = 200
    whole: bool = True
    is_ready: bool = True


def as_json(value: Mapping[str, Any]) -> bytes:
    """Return a value as a line of JSON, with unsafe characters escaped."""
    return json_line(value).encode() + b"\n"


def plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return a dataclass as an object for JSON; other values as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value


def wants_json(path: str, accept: str) -> bool:
    """Return whether JSON is asked for: by the ending of the path, or by the header `Accept`."""
    if path.endswith(".json"):
        return True
    kinds = [kind.partition(";")[0].strip() for kind in accept.split(",")]
    return JSON in kinds and "text/html" not in kinds
