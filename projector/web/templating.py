"""Templates: each value that they write is escaped, also what would reorder or hide text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from journal.cli.kit.clean import clean
from projector.web import formats, urls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def visible(value: object) -> object:
    r"""Return a text with unsafe characters spelt, such as `\\u202e`; other values as they are.

    Jinja calls it for each value that a template writes, before it is escaped. What is markup
    already was made by `projector.web.render` or by another template.
    """
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value)
    return value


def templates(links: Mapping[str, Callable[..., str]]) -> Environment:
    """Return the templates of this package.

    Args:
        links: functions by their names in the templates, that return addresses of pages and the
            ids of elements; an address is empty where there is no such page.
    """
    found = Environment(
        loader=PackageLoader("projector.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters.update(formats.FILTERS)
    found.globals.update(links)
    return found


@cache
def environment() -> Environment:
    """Return the templates as the pages of the viewer have them."""
    return templates(urls.GLOBALS)


def fill(template: str, values: Mapping[str, object]) -> Markup:
    """Return a template with its values."""
    return Markup(environment().get_template(template).render(values))  # noqa: S704 - each value was escaped


def load() -> None:
    """Compile all templates, which takes longer than to fill one."""
    for name in environment().list_templates(extensions=["html", "svg"]):
        environment().get_template(name)
