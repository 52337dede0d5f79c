"""The pieces of a message as values. All HTML in them is safe; all other texts are still raw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Prose:
    """What was said.

    Attributes:
        html: the text, made of its Markdown.
        left: characters that are not shown.
    """

    html: Markup
    left: int = 0
    kind: Literal["prose"] = "prose"


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a model thought before it answered; it is folded.

    Attributes:
        line: its beginning.
        html: all of it.
        left: characters that are not shown.
    """

    line: str
    html: Markup
    left: int = 0
    kind: Literal["thinking"] = "thinking"


@dataclass(frozen=True, slots=True)
class Code:
    """A text that is shown as it is.

    Attributes:
        html: the text, highlighted.
        left: characters that are not shown.
        name: what stands above it; empty for nothing.
    """

    html: Markup
    left: int = 0
    name: str = ""
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Image:
    """An image whose data are in the message.

    Attributes:
        src: a data URI of a raster image.
    """

    src: str
    kind: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class Link:
    """An image or a file that is elsewhere; it is not loaded.

    Attributes:
        text: what it is.
        href: an address of http or https; None if it has none.
    """

    text: str
    href: str | None
    kind: Literal["link"] = "link"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff.

    Attributes:
        sign: `+`, `-`, a space, or `@` for what is left out between two parts.
        text: the line without its sign.
    """

    sign: Literal["+", "-", " ", "@"]
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """A change of a file.

    Attributes:
        path: of the file.
        added, removed: numbers of lines.
        lines: what to show.
        left: lines that are not shown.
    """

    path: str
    added: int
    removed: int
    lines: tuple[DiffLine, ...]
    left: int = 0
    kind: Literal["diff"] = "diff"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a call.

    Attributes:
        message: id of the message that it is; None if it is a part of another one.
        blocks: what it says.
        outcome: `exit 1`, `error`, or empty.
        failed: whether it reports an error.
        took: microseconds from the call on; None if they are not known.
    """

    message: str | None
    blocks: tuple[Block, ...]
    outcome: str
    failed: bool
    took: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, which is folded under one line.

    Attributes:
        tool: its name.
        target: what it is about, such as a path or a command, in one line.
        added, removed: lines of the files that it changes; both 0 if it changes none.
        blocks: its arguments.
        result: None if it has none yet.
    """

    tool: str
    target: str
    added: int
    removed: int
    blocks: tuple[Block, ...]
    result: Result | None
    kind: Literal["call"] = "call"


@dataclass(frozen=True, slots=True)
class Answer:
    """A result whose call is not shown beside it, folded under one line.

    Attributes:
        tool: name of the tool.
        line: its beginning.
        result: itself.
    """

    tool: str
    line: str
    result: Result
    kind: Literal["answer"] = "answer"


Block = Prose | Thinking | Code | Image | Link | Diff | Call | Answer
