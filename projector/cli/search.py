"""`projector search`: find messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from journal.cli.kit.clean import one_line
from journal.cli.kit.exits import DONE
from journal.cli.kit.names import Name
from journal.cli.kit.output import Styled, has_colours, print_json, print_line
from journal.cli.kit.terminal.table import Column, print_table
from journal.cli.kit.terminal.width import cut, terminal_width
from journal.cli.kit.terminal.wrap import print_wrapped
from journal.cli.kit.times import format_local_time
from journal.fs.directory import open_directory
from projector.cli.kit.behind import behind_json, warn_if_behind
from projector.cli.kit.filters import about, filter_options, print_unknown
from projector.cli.kit.part import parts_option
from projector.cli.kit.queries import query_options, take_asked
from projector.cli.kit.render import hit_json, readable
from projector.cli.kit.short_names import short_names
from projector.cli.kit.timeout import timeout_option
from projector.db.generations import is_in_parts
from projector.projection import Projection
from projector.search.hits import Look

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projector.fold.part import Part
    from projector.parts import Parts
    from projector.search.hits import Hit
    from projector.search.ordering.order import Group
    from projector.search.results import Results
    from projector.sink.search import SinkSearch

_OPEN, _CLOSE = "\x01", "\x02"
"""Marks around a match. No snippet has these characters: they become spaces in it."""
_CONTEXT_WIDTH = 120
"""Columns of a line of context, of which the first are an indent."""
_READ = 1_000
"""Characters of a message that a line of context is made of."""
_INDENT = "     "
_PLACE = (Column(rank=1), Column(rank=2), Column(rank=3), Column())
"""Time, role, source and session of a hit."""


@click.command("search")
@click.argument("query")
@query_options
@filter_options
@click.option(
    "--session",
    type=Name(),
    metavar="S",
    help="Only this session: its id, or its beginning or end.",
)
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@click.option("--offset", type=click.IntRange(0, 1_000_000), default=0, help="Hits to skip.")
@click.option(
    "--context",
    type=click.IntRange(0, 1_000_000),
    default=0,
    metavar="N",
    help="N messages around each hit.",
)
@click.option("--group", type=click.Choice(["session"]), help="Each session once, by its best hit.")
@click.option(
    "--enough",
    type=click.IntRange(0, 1_000_000),
    default=1,
    show_default=True,
    metavar="N",
    help="If fewer match, also what comes nearest; 0: never.",
)
@parts_option()
@click.option("--sink", "by_sink", is_flag=True, help="Ask the sink: the newest matches first.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one argument an option, as click passes them
    context_: click.Context,
    /,
    query: str,
    session: str | None,
    limit: int,
    offset: int,
    context: int,
    group: Group | None,
    enough: int,
    parts: tuple[Part, ...],
    by_sink: bool,  # noqa: FBT001 - click gives flags so
    timeout: float,
    as_json: bool,  # noqa: FBT001 - click gives flags so
    **filters: Any,  # noqa: ANN401 - the options of `query_options` and `filter_options`
) -> None:
    """Find messages.

    QUERY holds words (a message must have all), "phrases", prefix*, AND, OR, NOT and parentheses.
    Identifiers such as get_user_name, P2.2, chat-send or path/to/file.py are found as written,
    phrases with their signs ("C++", "100%"), and Chinese, Japanese and Korean text of any length.
    Quote the query for your shell.

    With --literal the whole QUERY is found as it is typed, and is no language: 'a AND "b" (c*)'.
    With --regex it is a regular expression of RE2, which needs agent-journal[regex]. Upper and
    lower case are the same for --literal, and differ for --regex, unless it begins with (?i).

    T is a date (2026-01-31), a time (2026-01-31T12:00:00Z; local without a zone), or how far
    back (30m, 2h, 3d, 1w).

    If no message has all words of a query without quotes, operators and stars, the messages that
    come nearest are printed below a line that says so: those with the rarest and the most of the
    words, also in other forms (deploy, deployed). `docs/search.md` explains it.

    A message that forks repeat is found once, in the session where it is at home.

    A message without a source, model or branch of its own has that of its session; its project is
    that of its session, as `projector sessions --json` shows it (`cwd`). A file is found by its
    path or by the last parts of it: --file src/a.py finds /home/me/project/src/a.py. `projector
    facets` lists the values that there are.

    \b
        projector search 'docker compose'
        projector search '"connection refused" NOT redis' --role tool --since 3d
        projector search 'get_user* OR 北京' --context 1
        projector search migration --project web --tool Bash --has errors
        projector search timeout --json | jq -r '.hits[].session' | sort -u

    JSON: {"query", "total", "exact", "cut", "fresh", "hits": [{"session", "id", "role",
    "source", "title", "time", "score", "snippet",
    "context": [{"id", "role", "time", "content", ...}]}],
    "near": [], "near_total", "missing": [], "meant": {}, "unsearched": [],
    "behind": {"bytes", "events", "as_of", "why"}}

    `near` is what comes nearest if fewer than --enough match: hits, each with `missing`, the words
    that its session lacks. `missing` are words that no message has, identifiers that none has as
    they were typed, and parts of Chinese or Japanese; `meant` is what was searched for in place of
    words. `unsearched` are emoji without quotes, which are not searched for.
    With --group session a hit has `more`: the other messages of its session.
    With `same`, so many other matches say the same and are not shown: texts of 160 characters or
    more that differ in numbers at most. With `in_title`, the title of the session has all
    words; the hit is its best message, or its first.
    A hit that is a replay has `home`: the session in which the message counts.
    `total` is how many messages match. `exact` is false if there are more, of which not all were
    ranked: only the newest 5,000 (3,000 for a query with a prefix), or, where no word narrows a
    search of texts down, 1,000.
    `cut` is null, or how many texts were read before two seconds were over.
    `fresh` is false, and `behind` is there, if the projection lacks events of the journal.

    A journal that is projected in parts alone is searched in all of them, with the scores of one
    projection; if one is missing, an error names it. With --part only the named parts are searched,
    and stderr says so. Nothing nearest is looked for in parts, and --include-replays is refused.

    With --sink the sink is asked (`projector sink`): the newest come first, and nothing is ranked.
    --include-replays, --regex, --sort oldest and --group are refused then.

    The exit code is 3 if nothing is found and a filter names a value that nothing has: the nearest
    values that there are are printed on stderr.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    asked = take_asked(filters)
    marks = ("**", "**") if as_json else (_OPEN, _CLOSE)
    with _opened(context_.obj, parts, timeout, by_sink=by_sink) as projection:
        results = projection.search(
            query,
            limit=limit,
            offset=offset,
            session=None if session is None else _session(projection, session),
            group=group,
            enough=enough,
            look=Look(open=marks[0], close=marks[1], context=context),
            **asked.arguments(),
            **about(filters),
        )
        shown = (*results.hits, *results.near)
        found = [name for hit in shown for name in (hit.session, hit.home) if name]
        names, code = None, DONE
        if isinstance(projection, Projection):
            names = None if as_json else short_names(projection, found)
            code = DONE if shown else print_unknown(projection, {**filters, "role": asked.role})
        elif by_sink:
            print_line("from the sink: the newest first, and not ranked", err=True)
            results = results if as_json else replace(results, exact=True)
        elif not getattr(projection, "is_whole", True):
            print_line(f"only part {', '.join(map(str, parts))} was searched", err=True)
    if as_json:
        answer = {
            "query": results.query,
            "total": results.total,
            "exact": results.exact,
            "cut": results.cut,
            "fresh": results.fresh,
            "hits": [hit_json(hit) for hit in results.hits],
            **_near_json(results),
            "unsearched": list(results.unsearched),
            **behind_json(results.behind),
        }
        print_json(answer)
        warn_if_behind(results.behind)
        context_.exit(code)
    for number, hit in enumerate(results.hits, offset + 1):
        _print_hit(number, hit, names)
    if results.near:
        _print_near(results, offset + len(results.hits) + 1, names)
    _print_notes(results)
    context_.exit(code)


def _opened(
    path: Path, parts: tuple[Part, ...], timeout: float, *, by_sink: bool
) -> Projection | Parts | SinkSearch:
    if by_sink:
        from projector.sink.search import SinkSearch  # noqa: PLC0415 - most journals have no sink

        return SinkSearch(path, timeout=timeout)
    if parts or is_in_parts(open_directory(path, create=False).path):
        from projector.parts import Parts  # noqa: PLC0415 - most journals have no parts

        return Parts.open(path, timeout=timeout, only=map(str, parts) if parts else None)
    return Projection.open(path, timeout=timeout)


def _session(projection: Projection | Parts | SinkSearch, name: str) -> str:
    shows = projection if isinstance(projection, Projection) else projection.shows
    found = shows.session(name)
    return found if isinstance(found, str) else found.session


def _near_json(results: Results) -> dict[str, Any]:
    """Return what comes nearest, and what was searched for in place of words."""
    return {
        "near": [hit_json(hit) for hit in results.near],
        "near_total": results.near_total,
        "missing": list(results.missing),
        "meant": {word: list(meant) for word, meant in results.meant.items()},
    }


def _print_near(results: Results, number: int, names: Mapping[str, str] | None) -> None:
    """Write what comes nearest, below a line that says that it is no match."""
    others = "other " if results.hits else ""
    print_line(f"No {others}message has all of these words. The nearest:")
    for at, hit in enumerate(results.near, number):
        _print_hit(at, hit, names)
        if hit.missing:
            print_wrapped(_INDENT, [Styled(f"without: {', '.join(hit.missing)}", dim=True)])


def _print_hit(number: int, hit: Hit, names: Mapping[str, str] | None) -> None:
    _print_place(number, hit, names or {})
    for view in hit.context:
        if view.id == hit.id:
            print_wrapped(_INDENT, _bold(hit.snippet))
        else:
            text = f"{view.role}: {' '.join(readable(view)[:_READ].split())}"
            width = min(terminal_width() or _CONTEXT_WIDTH, _CONTEXT_WIDTH) - len(_INDENT)
            print_line(_INDENT, Styled(cut(one_line(text), max(width, 1)), dim=True))
    if not hit.context:
        print_wrapped(_INDENT, _bold(hit.snippet))
    if hit.in_title:
        print_line(_INDENT, Styled("the title has the words", dim=True))
    if hit.same:
        noun = "message says" if hit.same == 1 else "messages say"
        print_line(_INDENT, Styled(f"and {hit.same:,} more {noun} the same", dim=True))
    if hit.more:
        noun = "message" if hit.more == 1 else "messages"
        print_line(_INDENT, Styled(f"and {hit.more:,} more {noun} of this session", dim=True))


def _print_place(number: int, hit: Hit, names: Mapping[str, str]) -> None:
    """Write where a hit is, on one line."""
    head = f"{number:>{len(_INDENT) - 2}}. "
    about = [format_local_time(hit.time, "minutes"), hit.role or "", hit.source or ""]
    session = names.get(hit.session, hit.session)
    if hit.home is not None:
        session += f"  replays {names.get(hit.home, hit.home)}"
    if hit.title:
        first = Styled(head + hit.title, bold=True)
        columns: tuple[Column, ...] = (Column(least=len(head) + 12), *_PLACE)
    else:
        first = Styled(head + about.pop(0), dim=True)
        columns = (Column(), *_PLACE[1:])
    print_table(columns, [(first, *(Styled(text, dim=True) for text in (*about, session)))])


def _bold(snippet: str) -> list[Styled | str]:
    """Return a snippet with matches in bold; between `**` where there are no styles."""
    if not has_colours():
        return [snippet.replace(_OPEN, "**").replace(_CLOSE, "**")]
    pieces = snippet.replace(_CLOSE, _OPEN).split(_OPEN)
    return [
        Styled(piece, bold=True, fg="red") if index % 2 else piece
        for index, piece in enumerate(pieces)
    ]


def _print_notes(results: Results) -> None:
    if not results.hits and not results.near:
        print_line("nothing found", err=True)
    for word in results.missing:
        meant = " or ".join(results.meant.get(word, ()))
        note = f"; searched for {meant} instead" if meant else ""
        print_line(f"no message has {word}{note}", err=True)
    for emoji in results.unsearched:
        print_line(f"{emoji} was not searched for: put it in quotes", err=True)
    if results.cut is not None:
        print_line(
            f"the time was over after the texts of {results.cut:,} messages, of which"
            f" {results.total:,} match; narrow the query down",
            err=True,
        )
    elif not results.exact:
        print_line(
            f"only {results.total - 1:,} of the matches were ranked; narrow the query down",
            err=True,
        )
    warn_if_behind(results.behind)
