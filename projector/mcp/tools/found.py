"""What an answer says of a search: how many were found, why, and what was not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import counted
from projector.mcp.refs import session_refs
from projector.mcp.text.fence import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projector.projection import Projection
    from projector.search.hits import Hit
    from projector.search.results import Results


def nearest(results: Results, asking: str | None) -> tuple[int, bool]:
    """Return how many sessions come nearest without that which asks, and if that is exact."""
    if asking in {hit.session for hit in results.near}:
        return results.near_total - 1, True
    # it may be behind those that were read
    return results.near_total, asking is None or results.near_total <= len(results.near)


def found(
    results: Results, before: int, is_near: list[bool], out: int, nearest: tuple[int, bool]
) -> str:
    """Return how many of how many are shown.

    Args:
        results: what was found.
        before: how many sessions earlier pages showed.
        is_near: for each session that is shown, whether it only comes near.
        out: how many messages of the session that asks match.
        nearest: what `nearest` returned.
    """
    if not is_near:
        if before:
            return "No more."
        # what was not read may match
        so_far = " in what was read" if results.cut is not None else ""
        return f"Nothing found{so_far}, and nothing comes near."
    total = (results.sessions or 0) - (1 if out else 0)
    messages = results.total - out
    exactly = "" if results.exact else "at least "
    near = sum(is_near)
    whole = len(is_near) - near
    # those that came nearest when an earlier page was made may do so no more
    last = near if whole else before - total + near
    of = f"{'' if nearest[1] else 'at most '}{max(nearest[0], last):,}"
    if not whole:
        which = f"The nearest, {last - near + 1:,}-{last:,} of {of}:"
        none = "No message" if results.cut is None else "No message that was read"
        return which if total else f"{none} has all words. {which}"
    return (
        f"Sessions {before + 1:,}-{before + whole:,} of {exactly}{counted(total, 'session')}:"
        f" {counted(messages, 'message')} {'has' if messages == 1 else 'have'} all words."
        + (f" Behind them {near} of {of} that come nearest." if near else "")
    )


def about(
    results: Results,
    out: int,
    asking: str | None,
    notes: Sequence[str],
    projection: Projection,
) -> Iterator[str]:
    """Yield what else is to be known of an answer, on at most three lines.

    Args:
        results: what was found.
        out: how many messages of the session that asks match.
        asking: that session; None if none is left out.
        notes: what else is to be said; each may be empty.
        projection: where it is looked for.
    """
    if asking is not None:
        name = projection.read(lambda db: session_refs(db, [asking]))[0][asking]
        yield (
            f"Left out: the session that asks ({short(name, 40)}), with"
            f" {counted(out, 'message')} that match{'es' if out == 1 else ''};"
            " include_asking=true searches it, too."
        )
    if said := "; ".join(filter(None, (*_unread(results), *notes, *_lacking(results)))):
        yield said
    if results.behind is not None:
        yield str(results.behind)


def why(hit: Hit, *, nearest: bool) -> str:
    """Return why a hit is shown, and how many others of its session were found."""
    if not nearest:
        why = "its title has all words" if hit.in_title else "has all words"
    elif hit.missing:
        why = f"near; without: {short(', '.join(hit.missing), 100)}"
    else:
        why = "near; the session has all words, this message has not"
    return why + (f"; {counted(hit.more, 'other message')} of it found" if hit.more else "")


def _unread(results: Results) -> Iterator[str]:
    """Yield which messages were not looked at, or not ranked."""
    if results.cut is not None:
        yield (
            f"the time was over after the texts of {counted(results.cut, 'message')}; what was not"
            " read may match, too: narrow it down"
        )
    elif not results.exact:
        # one more than is ranked is counted: it shows that there are more
        yield f"only {results.total - 1:,} of the messages that match were ranked: narrow it down"


def _lacking(results: Results) -> Iterator[str]:
    for word in results.missing:
        meant = " or ".join(results.meant.get(word, ()))
        yield f"no message has {word}" + (f", searched for {meant} instead" if meant else "")
