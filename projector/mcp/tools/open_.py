"""`open`: what was said in a session, from its beginning or around a message."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from journal.cli.kit.times import format_local_time
from journal.errors import counted
from projector.cli.kit.render import readable
from projector.fold.messages import IN_ARCHIVE, IN_TRANSCRIPT
from projector.mcp.recall import redacted_data
from projector.mcp.refs import index_of, message_refs, projects, resolve, session_refs
from projector.mcp.text.answer import LEAST, MOST, answer
from projector.mcp.text.budget import Block, around, fill
from projector.mcp.text.cursor import cursor, places
from projector.mcp.text.fence import prepared, short
from projector.mcp.tools.argument import Argument
from projector.mcp.tools.common import CURSOR
from projector.views.messages import messages
from projector.views.sessions import session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import apsw

    from projector.mcp.recall import Recall
    from projector.mcp.refs import Place
    from projector.mcp.text.budget import Shown
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

_WEIGHT = 3
"""How much more of the space the message that is asked for gets than those around it."""

ARGUMENTS = (
    Argument(
        "ref",
        "string",
        "A handle from an answer, the id of a session or a message, or the beginning of either.",
        required=True,
    ),
    Argument("before", "integer", "Messages before the message.", 2, 0, 100),
    Argument("after", "integer", "Messages after the message.", 4, 0, 100),
    Argument("max_chars", "integer", "Most characters of the answer.", 8_000, LEAST, MOST),
    CURSOR,
)


def open_ref(recall: Recall, given: Mapping[str, Any]) -> str:
    """Return an answer of at most `max_chars` characters.

    Raises:
        ToolError: an argument cannot be used.
        NotFound: the handle names nothing, or several things.
        ProjectorError, JournalError: the journal cannot be read.
    """
    (place, view, found), fresh = recall.projection.read(partial(_find, given["ref"]))
    head = [] if fresh.behind is None else [str(fresh.behind)]
    pages = _Pages(recall, place, view, found, given)
    if given["cursor"] is not None:
        first, offset = places(given["cursor"], given["ref"], 2)
        return pages.onwards(first, offset, head)
    if place.message is None:
        return pages.onwards(0, 0, head)
    return pages.window(index_of(found, place.message), head)


def _find(ref: str, db: apsw.Connection) -> tuple[Place, SessionView, list[MessageView]]:
    place = resolve(db, ref)
    return place, session(db, place.session), messages(db, place.session, state=IN_ARCHIVE)


class _Pages:
    """The messages of a session, as blocks of answers."""

    def __init__(
        self,
        recall: Recall,
        place: Place,
        view: SessionView,
        found: Sequence[MessageView],
        given: Mapping[str, Any],
    ) -> None:
        self._projection = recall.projection
        self._redactor = recall.redactor()
        self._view = view
        self._messages = found
        self._given = given
        self._name = recall.projection.read(lambda db: session_refs(db, [place.session]))[0][
            place.session
        ]

    def window(self, at: int, head: list[str]) -> str:
        """Return an answer with a message and those around it."""
        first = max(at - self._given["before"], 0)
        end = min(at + self._given["after"] + 1, len(self._messages))
        blocks = list(self._blocks(range(first, end)))
        asked = at - first
        blocks[asked] = replace(blocks[asked], weight=_WEIGHT)
        about = self._about()

        def divide(given: Sequence[Block], space: int) -> Shown:
            own = len(about) + 1
            shown = around(given, asked, space - own)
            return replace(shown, lines=f"{about}\n{shown.lines}")

        def tail(shown: Shown) -> list[str]:
            left = len(blocks) - shown.blocks
            end_of_asked = shown.ends[asked - shown.first]
            after = (first + shown.first + shown.blocks, 0)
            if end_of_asked < len(blocks[asked].text):
                after = (at, end_of_asked)
            return [*self._cut(shown.cut, left), *self._next(*after)]

        def lines(shown: Shown | None) -> list[str]:
            if shown is None:
                return [self._title(f"{end:,}-{end:,}"), *head]
            begin = first + shown.first
            return [self._title(f"{begin + 1:,}-{begin + shown.blocks:,}"), *head]

        return answer(self._given["max_chars"], lines, blocks, divide, tail)

    def onwards(self, first: int, offset: int, head: list[str]) -> str:
        """Return an answer with the messages from one on, and from a character of it on."""
        count = len(self._messages)
        if first >= count:
            return "\n".join(
                [f"Session {self._name} has no more messages: {count:,} in all.", *head]
            )
        blocks: list[Block] = []
        space = self._given["max_chars"]
        for block in self._blocks(range(first, count)):
            blocks.append(block)
            space -= len(block.head) + len(block.text)
            if space < -offset:
                break
        blocks[0] = replace(blocks[0], offset=min(offset, len(blocks[0].text)))
        about = self._about()

        def divide(given: Sequence[Block], space: int) -> Shown:
            shown = fill(given, space - len(about) - 1)
            return replace(shown, lines=f"{about}\n{shown.lines}")

        def tail(shown: Shown) -> list[str]:
            after = (first + shown.blocks, 0)
            if shown.cut:  # only the last one can be
                after = (first + shown.blocks - 1, shown.ends[-1])
            return [*self._cut(shown.cut, 0), *self._next(*after)]

        def lines(shown: Shown | None) -> list[str]:
            if shown is None:
                return [self._title(f"{count:,}-{count:,}"), *head]
            return [self._title(f"{first + 1:,}-{first + shown.blocks:,}"), *head]

        return answer(self._given["max_chars"], lines, blocks, divide, tail)

    def _title(self, which: str) -> str:
        return (
            f"Session {self._name}: messages {which} of {len(self._messages):,}."
            f" The handle of a message: {self._name}#..."
        )

    def _cut(self, cut: int, left: int) -> Iterator[str]:
        parts = [counted(cut, "text") + " shortened"] if cut else []
        if left:
            parts.append(f"{counted(left, 'message')} not shown")
        if parts:
            yield f"Cut to max_chars={self._given['max_chars']}: {', '.join(parts)}."

    def _next(self, index: int, offset: int) -> Iterator[str]:
        if index < len(self._messages):
            yield f'Next: cursor="{cursor(self._given["ref"], index, offset)}"'

    def _about(self) -> str:
        """Return the line that says what the session is; others wrote parts of it."""
        view, text = self._view, self._redactor.text
        folder = self._projection.read(lambda db: projects(db, [view.session]))[0]
        about = [
            short(text(view.title or ""), 100),
            short(view.source, 24),
            short(text(folder.get(view.session, "")), 40),
            short(view.model, 40),
            short(text(view.branch or ""), 40),
        ]
        return "# " + "  ".join(filter(None, about))

    def _blocks(self, which: range) -> Iterator[Block]:
        views = list(islice(self._messages, which.start, which.stop))
        for number, view in enumerate(views, which.start + 1):
            pair = (view.session, view.id)
            ref = self._projection.read(partial(_ref, pair))[0]
            about = [
                f"[{number}] {short(view.role, 20)}",
                format_local_time(view.time, "minutes"),
                f"#{ref.rpartition('#')[2]}",
                "" if view.state == IN_TRANSCRIPT else "archived",
                "" if view.home is None else "also said in another session",
            ]
            data, _ = redacted_data(self._redactor, view)
            content = data.get("content")
            fields = {name: value for name, value in data.items() if name != "content"}
            text = readable(replace(view, content=content, fields=fields))
            yield Block("  ".join(filter(None, about)), prepared(text))


def _ref(pair: tuple[str, str], db: apsw.Connection) -> str:
    return message_refs(db, [pair])[pair]
