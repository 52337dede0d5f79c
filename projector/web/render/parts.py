"""The parts of a content as blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.cli.kit.clean import json_line
from projector.web.render.blocks import Block, Code, Image, Link, Prose, Thinking
from projector.web.render.code import SHOWN, code, plain
from projector.web.render.diff import is_patch, patched
from projector.web.render.markdown import as_html, first_line, is_image, is_link, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

_DEEP = 8
"""Results within results that are shown as such."""
_LINE = 120
"""Characters of the line over what is folded."""
_SAID = 20_000
"""Characters of what was said that are shown; the rest is on a page of its own."""
_IMAGES = frozenset({"image", "input_image", "image_url"})


def prose(text: str, *, breaks: bool, whole: bool) -> Prose:
    """Return what was said; all of it if it is to be whole."""
    html, left = _marked_up(text, breaks=breaks, whole=whole)
    return Prose(html, left)


def thinking(text: str, *, whole: bool) -> Thinking:
    """Return what a model thought."""
    html, left = _marked_up(text, breaks=False, whole=whole)
    return Thinking(first_line(text, _LINE), html, left)


def _marked_up(text: str, *, breaks: bool, whole: bool) -> tuple[Markup, int]:
    """Return Markdown as HTML, and the number of characters that it leaves out."""
    if whole:  # it is shown once: to keep it would cost memory
        return as_html(text, breaks=breaks), 0
    shown = text[:_SAID]
    return markdown(shown, breaks=breaks), len(text) - len(shown)


def output(text: str, *, whole: bool) -> Iterator[Block]:
    """Yield the output of a tool: a patch as diffs, all else as it is."""
    if is_patch(text) and (diffs := patched(text, whole=whole)):
        yield from diffs
        return
    shown = text if whole else text[:SHOWN]
    yield Code(plain(shown), len(text) - len(shown))


def said(content: object, *, breaks: bool, whole: bool) -> Iterator[Block]:
    """Yield the parts of a content that are no calls and no results."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and part.get("type") in {"tool_use", "tool_result"}:
            continue
        yield from _part(part, breaks=breaks, whole=whole)


def results(content: object, *, whole: bool) -> Iterator[Block]:
    """Yield what a result says: its texts as output, images as such."""
    yield from _results(content, 0, whole=whole)


def _results(content: object, depth: int, *, whole: bool) -> Iterator[Block]:
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            if part.strip():
                yield from output(part, whole=whole)
        elif isinstance(part, dict) and part.get("type") == "tool_result" and depth < _DEEP:
            yield from _results(part.get("content"), depth + 1, whole=whole)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            yield from output(part["text"], whole=whole)
        else:
            yield from _part(part, breaks=False, whole=whole)


def _part(part: object, *, breaks: bool, whole: bool) -> Iterator[Block]:
    if part is None:
        return
    text = part.get("text") if isinstance(part, dict) else part
    if isinstance(part, dict) and (other := _other(part, whole=whole)) is not None:
        yield other
    elif not isinstance(text, str):
        yield _json(part, whole=whole)
    elif text.strip():
        yield prose(text, breaks=breaks, whole=whole)


def _other(part: dict[str, Any], *, whole: bool) -> Block | None:
    """Return a part that is no text as a block; None if it is a text, or of an unknown kind."""
    kind, thought = part.get("type"), part.get("thinking")
    if kind == "thinking" and isinstance(thought, str):
        return thinking(thought, whole=whole)
    if kind in _IMAGES or isinstance(part.get("inlineData"), dict):
        return image(part)
    if kind == "file":
        name = part.get("name") or part.get("path") or ""
        return Link(f"[file: {name}]", _address(part.get("url")))
    return None


def image(part: dict[str, Any]) -> Image | Link:
    """Return an image if its data are in the part; else a link to it, or what it is."""
    found = part.get("url") or part.get("image_url")
    if isinstance(found, dict):
        found = found.get("url")
    source, inline = part.get("source"), part.get("inlineData")
    if isinstance(source, dict):
        found = source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}"
    elif isinstance(inline, dict):
        found = f"data:{inline.get('mimeType')};base64,{inline.get('data')}"
    if isinstance(found, str) and is_image(found):
        return Image(found)
    return Link("[image]", _address(found))


def _address(value: object) -> str | None:
    return (
        value
        if isinstance(value, str) and is_link(value) and not value.startswith("mailto")
        else None
    )


def _json(value: object, *, whole: bool) -> Code:
    text = json_line(value, indent=True)
    shown = text if whole else text[:SHOWN]
    return Code(code(shown, "json"), len(text) - len(shown))
