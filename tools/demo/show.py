"""The output of the demonstration: hits, checks, and the next commands."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from projector import Look, Projection
from projector.cli.kit.render import readable
from tools.demo.processes import short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from projector import Hit, MessageView
    from tools.demo.processes import Tools
    from tools.demo.proof import Check

Speaker = Literal["role", "source"]
"""What identifies a speaker: the sources of the made-up agents are their names."""
TALK_QUERIES = (
    "flag_lamp_outage",
    "海鸥岩 OR カモメ岩 OR 갈매기바위",
    "消灯",
    '"storm warnings" NOT cache',
)
"""An identifier, one place in three scripts, a word of two characters, a phrase and a NOT."""
_COUNTED = 1_000
_SHOWN = 1
_OPEN, _CLOSE = "\x01", "\x02"
"""Marks that no snippet contains."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_IDENTIFIER = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_CJK = re.compile("[\u4e00-\u9fff]{2}|[\u30a1-\u30fa\u30fc]{3,6}|[\uac00-\ud7a3]{2,4}")
_LATELY = 12
"""Number of the latest sessions in which search words are chosen."""
_LOOKED_AT = 20_000
"""Characters of each of their messages that are read."""
_NAME = 9
"""Columns for the speaker."""


def headline(console: Console, text: str) -> None:
    """Print the title of the next part."""
    console.print()
    console.print(Text(text, "bold"))


def search(console: Console, tools: Tools, queries: Iterable[str], *, by: Speaker) -> int:
    """Search, show the best hit of each query with its neighbours; return the hits found."""
    found = 0
    marked = not console.is_terminal
    width = max(console.width - _NAME - 12, 24)
    with Projection.open(tools.journal) as projection:
        for number, query in enumerate(queries):
            if number:
                console.print()
            began = time.perf_counter()
            look = Look(width=2 * width, open=_OPEN, close=_CLOSE, context=1)
            results = projection.search(query, limit=_SHOWN, look=look)
            milliseconds = (time.perf_counter() - began) * 1000
            count = len(projection.search(query, limit=_COUNTED).hits)
            found += count
            many = f"{count:,}{'' if count < _COUNTED else ' or more'}"
            console.print(
                Text.assemble(
                    ("  search ", "dim"),
                    (query, "bold cyan"),
                    (f"   {many} found, {milliseconds:.1f} ms", "dim"),
                )
            )
            for hit in results.hits:
                shown = _hit(hit, width, by, marked=marked)
                console.print(Padding(shown, (0, 0, 0, 4), expand=False))
    return found


def _hit(hit: Hit, width: int, by: Speaker, *, marked: bool) -> Table:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(width=1)
    rows.add_column(width=_NAME, no_wrap=True)
    rows.add_column(overflow="fold")
    title = f"{_clean(hit.title)} ({hit.session})" if hit.title else hit.session
    rows.add_row("", "in", _cut(title, width), style="dim")
    for view in hit.context:
        name = _cut(_clean(view.role if by == "role" else view.source), _NAME)
        if view.id == hit.id:
            rows.add_row(Text(">", "bold"), Text(name, "bold"), _marked(hit.snippet, marked=marked))
        else:
            text = _cut(" ".join(_clean(readable(view)).split()), width)
            rows.add_row("", Text(name, "dim"), Text(text, "dim"))
    return rows


def _marked(snippet: str, *, marked: bool) -> Text:
    text = Text()
    for index, piece in enumerate(snippet.replace(_CLOSE, _OPEN).split(_OPEN)):
        if not index % 2:
            text.append(piece)
        elif marked:
            text.append(f"**{piece}**")
        else:
            text.append(piece, "bold red")
    return text


def _cut(text: str, width: int) -> str:
    """Shorten a text to a number of columns; Chinese, Japanese and Korean take two each."""
    shown = Text(text)
    shown.truncate(width, overflow="ellipsis")
    return shown.plain


def _clean(text: str | None) -> str:
    """Remove terminal control characters from the text of a transcript."""
    return _UNPRINTABLE.sub(" ", text or "")


def _words(view: MessageView) -> str:
    """Return the text of a message, without the input and output of tools."""
    parts = view.content if isinstance(view.content, list) else [view.content]
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return " ".join(text for text in texts if isinstance(text, str))


def own_queries(journal: Path) -> list[str]:
    """Choose words from the user's own latest conversations."""
    names: Counter[str] = Counter()
    words: Counter[str] = Counter()
    with Projection.open(journal) as projection:
        for session in projection.sessions(limit=_LATELY):
            for view in projection.messages(session.session):
                text = _words(view)[:_LOOKED_AT]
                names.update(set(_IDENTIFIER.findall(text)))
                words.update(set(_CJK.findall(text)))
    chosen = [word for counts in (names, words) for word, _ in counts.most_common(1)]
    return [*chosen, "error OR failed", "test* AND fix*"]


def checks(console: Console, found: Iterable[Check]) -> list[str]:
    """Show checks as they finish; return those that failed."""
    failed = []
    for check in found:
        rows = Table.grid(padding=(0, 1))
        rows.add_column(width=6, justify="right")
        rows.add_column(overflow="fold")
        sign = Text("ok", "green") if check.so else Text("FAILED", "bold red")
        rows.add_row(sign, check.text)
        if check.note:
            rows.add_row("", Text(check.note, "dim"))
        console.print(rows)
        if not check.so:
            failed.append(check.text)
    return failed


def next_steps(console: Console, tools: Tools, query: str, session: str, *, own: bool) -> None:
    """Print the commands to try next."""
    headline(console, "Go on from here")
    lines = [
        tools.shown("projector", "search", query, "--context", "1"),
        tools.shown("projector", "sessions"),
        tools.shown("projector", "show", session),
        tools.shown("journal", "append", "--session", "s1", "--role", "user", "hello"),
        tools.shown("journal", "verify"),
    ]
    for line in lines:
        console.print(f"  {line}", soft_wrap=True, markup=False)
    stays = f"The journal stays in {short(tools.journal)}; delete the folder when you are done."
    console.print(f"\n{stays}", style="dim", markup=False)
    if own:
        python = short(Path(sys.executable))
        line = f"Eight agents, killed at work: {python} -m tools.demo --talk"
        console.print(line, style="dim", markup=False, soft_wrap=True)
