"""`journal forget`: hide messages for ever, and remove their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.names import Name
from journal.cli.kit.output import print_json
from journal.fs.directory import open_directory
from journal.fs.key_file import own_key
from projector.cli.erasure.confirm import Mode, carry_out, show
from projector.cli.erasure.options import Age, mode_options
from projector.cli.erasure.show_outcome import outcome_json
from projector.cli.erasure.whole_ids import whole_ids
from projector.cli.kit.codes import CODES
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget, plan
from projector.forgetting.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

_NOTHING = {
    "sessions": (),
    "messages": (),
    "query": None,
    "source": None,
    "before": None,
    "deleted": False,
    "replaced": False,
}
"""The fields of a selection where no argument or option gives one."""


@click.command("forget", cls=ExitCommand, codes=CODES)
@click.argument("sessions", nargs=-1, type=Name(), metavar="[SESSION]...")
@click.option(
    "--message",
    "messages",
    nargs=2,
    type=Name(),
    multiple=True,
    metavar="SESSION ID",
    help="One message.",
)
@click.option(
    "--query",
    metavar="WORDS",
    help="Every message that a search finds; it names what else has the words, such as titles.",
)
@click.option("--source", type=Name(), help="Everything that comes from there.")
@click.option(
    "--older-than",
    "before",
    type=Age(),
    metavar="AGE",
    help="Sessions whose last message is older (90d, 2026-01-31); with --query older messages.",
)
@click.option("--deleted", is_flag=True, help="What is deleted, to get its space back.")
@click.option(
    "--replaced", is_flag=True, help="Values that were replaced, to get their space back."
)
@mode_options
@click.option("--allow-again", is_flag=True, help="The same may come again.")
@click.option("--reason", metavar="TEXT", help="Why; it stays in the journal.")
@click.option("--finish", "finishes", is_flag=True, help="Carry out requests that are pending.")
@click.option(
    "--new-key", is_flag=True, help="With --finish: make a key where it is lost for ever."
)
@click.option("--erase-damage", is_flag=True, help="Erase bytes that are no valid record, too.")
@click.pass_context
def command(
    context: click.Context,
    /,
    dry_run: bool,  # noqa: FBT001 - click gives flags so
    yes: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    finishes: bool,  # noqa: FBT001
    allow_again: bool,  # noqa: FBT001
    erase_damage: bool,  # noqa: FBT001
    reason: str | None,
    **selected: Any,  # noqa: ANN401 - the fields of a selection, and `new_key`
) -> None:
    """Hide messages for ever, and remove their bytes.

    Shows what would be forgotten, and asks. Then a request is appended that names the messages by
    keyed hashes. They are hidden at once, also if they arrive later from another lane, import,
    backup or machine. The lines in the lanes are erased, the database is rebuilt, and old databases
    and temporary files are deleted. It takes about as long as `projector rebuild`. There is no time
    limit.

    A session goes with its messages and usage in other sessions that repeat them, and with the
    key-values and claims that mention its id. What else has its id stays, and is named, such as a
    sub-agent. --older-than forgets single events instead: a session can continue, and a younger one
    that repeats its messages keeps them. An age of zero and a time in the future are refused, since
    everything is older. --query can be narrowed by sessions, --source and --older-than. It forgets
    what a search finds, and names what else has these words and stays, with the command that
    forgets it: titles and other fields of sessions, removed and deleted messages, texts that a
    revision replaced, contents in conflict, fields of messages such as `extra`, key-values, other
    events. It reads all of these once.

    --deleted gets space back: it forgets removed and cleared messages, and deleted sessions that
    were not created again, since at least the age that --older-than gives. What readers see stays
    the same. The deletions themselves stay, and so do deleted messages that the order of others
    follows from, or that a fork repeats and shows. A message that it forgets cannot be restored any
    more, also not by a flush of its agent. It can be narrowed by sessions and --older-than.

    --replaced gets space back, too: it forgets revisions of messages, fields of sessions,
    key-values and totals of usage that have had no effect since at least that age, because later
    events replaced all of their values. What readers see stays the same. Those of less than 512
    bytes stay: the request keeps 35 bytes for each for ever. What a message said when it was
    appended stays with it. It can be combined with --deleted.

    SESSION is a whole id, or a short one as for `projector show`: the plan shows the whole one.
    With --yes, when no plan is shown, only whole ids are taken.

    With --allow-again the same messages may be appended again; an import that has read them before
    needs --reread.

    \b
        journal forget 01998a8e-1c3f-7000-8000-3f6b1c2d4e5f --dry-run
        journal forget --query 'hunter2' --reason 'a password'
        journal forget --source web --older-than 90d --yes
        journal forget --deleted --replaced --older-than 30d
        journal forget --finish

    A process that holds a lane has to append once more, or to end, before the lane's last segment
    can be rewritten. Such a segment is named as pending, and the exit code is 7. `--finish` does
    the rest, and so does `projector run`. Damaged bytes cannot be searched for what is forgotten:
    they are named, and the exit code is 6 until --erase-damage erases them; before, it writes back
    what the database has of other conversations in them. The exit code is also 6 where a request is
    in no lane and in no database any more, where the journal lacks the key of one, where only a
    newer version can read a segment, and where a file in the journal's folder is none of its own,
    such as a copy of a segment: it may hold what is forgotten. See also `journal erasures` and
    `journal verify --erased`.

    If the journal's file `key` is missing, and requests need it, no new request is made: put the
    file back from a backup or a copy. --finish --new-key makes a new key where there is none; what
    the old requests forget is never recognized again.

    A sink (docs/large.md) has what is forgotten until its drainer has sent the projection again:
    that is named, `journal erasures` shows when it is removed, and the exit code is the same.

    What is forgotten cannot be brought back. Bytes that a disk or a file system keeps by itself,
    such as snapshots, are not erased.

    JSON: {"scope", "sessions": [{"session", "title", "source", "messages", "words"}],
    "messages": [{...}], "replays": [{...}], "keys": [{...}], "replaced": [{...}], "children",
    "events", "elsewhere", "outcome"};
    {"scope", "sessions": [{...}], "messages", "replays", "keys", "replaced", "children", "events",
    "elsewhere", "outcome": {"requests", "lines", "segments", "bytes", "generations",
    "pending": [{...}], "unreadable": [{...}], "newer": [{...}], "lost", "foreign",
    "unknown_keys", "sink", "started", "duration"}};
    {"outcome": {...}}

    The first is that of --dry-run, the last that of --finish. Messages and replays have "session",
    "id", "role", "time" and "words"; keys "namespace", "id" and "key"; replaced values "session",
    "id", "type", "of", "time" and "bytes"; what is elsewhere "kind" (session, removed, replaced,
    conflict, field, key or other), "session" and "id"; what is pending "lane_folder", "lane",
    "segment", "pid" and "host"; unreadable bytes "lane_folder", "segment", "offset", "length" and
    "reason"; newer segments "lane_folder" and "segment".
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    path: Path = context.obj
    new_key = selected.pop("new_key")
    if finishes:
        if selected != _NOTHING or dry_run or allow_again or reason is not None:
            raise click.UsageError("--finish carries out all pending requests: select nothing")
        if new_key:
            own_key(open_directory(path, create=False).path)
        outcome = finish_forgetting(path, erase_damage=erase_damage)
        if as_json:
            print_json({"outcome": outcome_json(outcome)})
        show(context, outcome, as_json=as_json)
        return
    _check(context, selected, new_key=new_key)
    mode = Mode(dry_run, yes, as_json)
    selection = Selection(**(selected | _with_whole_ids(path, selected, mode)))
    carry_out(
        context,
        mode,
        plan(path, selection),
        lambda found: forget(
            path, found, reason=reason, allow_again=allow_again, erase_damage=erase_damage
        ),
    )


def _check(context: click.Context, selected: dict[str, Any], *, new_key: bool) -> None:
    """Refuse options that do not go together, and a selection of nothing.

    Raises:
        click.UsageError: the message says what goes together.
    """
    if new_key:
        raise click.UsageError("--new-key goes with --finish alone; then select what to forget")
    if selected == _NOTHING:
        raise click.UsageError(_unselected(context))
    for name in ("deleted", "replaced"):
        if selected[name] and context.params["allow_again"]:
            raise click.UsageError(f"--allow-again would show again what --{name} forgets")
    options = {name for each in context.command.params for name in each.opts}
    for session, id in selected["messages"]:
        if id in options:  # click takes the next word, whatever it is
            raise click.UsageError(
                f"--message needs the ids of a session and of a message: after {session!r} comes"
                f" the option {id}"
            )


def _unselected(context: click.Context) -> str:
    """Return what is to be added where nothing is selected."""
    if context.params["erase_damage"]:
        return (
            "nothing is selected: give --finish with --erase-damage to carry out pending requests"
            " and erase damage, or select what is to be forgotten as well"
        )
    with_it = {"allow_again": "--allow-again", "reason": "--reason"}
    given = [name for field, name in with_it.items() if context.params[field]]
    what = "sessions, --message, --query, --source, --older-than, --deleted or --replaced"
    if given:
        return f"nothing is selected: with {' and '.join(given)} give {what}"
    return f"nothing is selected: give {what}; or --finish for requests that are pending"


def _with_whole_ids(path: Path, selected: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Return what is selected of sessions and messages, with whole ids of sessions."""
    sessions, messages = selected["sessions"], selected["messages"]
    names = (*sessions, *(session for session, _ in messages))
    whole = whole_ids(path, names, asks=mode.dry_run or not mode.yes)
    return {
        "sessions": tuple(whole[name] for name in sessions),
        "messages": tuple((whole[session], id) for session, id in messages),
    }
