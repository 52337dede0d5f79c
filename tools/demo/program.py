"""The steps of the demonstration: import or talk, search, prove, show what comes next."""

from __future__ import annotations

import argparse
import io
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.text import Text

from journal import Journal, JournalError
from projector import Projection, ProjectorError
from tools.demo import proof, show, talk, transcripts, viewer
from tools.demo.processes import DemoError, Tools, short

if TYPE_CHECKING:
    from types import FrameType

_SECONDS = 9.0
"""Seconds that each agent needs for its part, without restarts."""
_FEWEST = 20
"""Minimum number of messages, so that every thread of the conversation has some."""
_INTERRUPTED = 130


def _options(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=description)
    parser.add_argument("--journal", type=Path, help="a new folder [default: demo-journal, here]")
    parser.add_argument("--talk", action="store_true", help="eight processes, whatever is found")
    parser.add_argument("--messages", type=int, default=5_000, help="of each process [%(default)s]")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="that it takes for them")
    options = parser.parse_args()
    if options.messages < _FEWEST or options.seconds <= 0:
        parser.error(f"--messages must be at least {_FEWEST}, --seconds above 0")
    return options


def _new_folder(wanted: Path | None) -> Path:
    """Return a new folder for the demonstration, which git ignores."""
    if wanted is not None and wanted.exists():
        raise DemoError(f"{wanted} is there already; the demonstration needs a folder of its own")
    base, number = Path.cwd() / "demo-journal", 1
    path = base if wanted is None else wanted.absolute()
    while path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    Journal.open(path).close()
    # transcripts are private: they must not be committed by accident
    (path / ".gitignore").write_text("*\n", encoding="ascii")
    return path


def _import(console: Console, tools: Tools, found: transcripts.Found) -> list[str] | None:
    """Import and search the user's own transcripts; return what failed, None without messages."""
    home = Path.home()
    roots = " and ".join(f"~/{root.relative_to(home)}" for root in found.roots)
    console.print(f"Your own transcripts: {found.files:,} files in {roots}", markup=False)
    if found.bytes < found.all_bytes:
        console.print(
            f"Only the newest {found.bytes / 1e6:,.0f} of {found.all_bytes / 1e6:,.0f} MB."
        )
    began = time.monotonic()
    report = transcripts.bring_in(console, tools, found)
    for name, why in report["errors"].items():
        console.print(Text(f"not imported: {name}: {why}", "yellow"))
    if not report["messages"]:
        console.print("There is no message in them.")
        return None
    console.print(
        f"{report['messages']:,} messages of {report['sessions']:,} sessions imported and"
        f" searchable in {time.monotonic() - began:.1f} s;"
        f" {sum(report['skipped'].values()):,} lines hold none."
    )
    show.headline(console, "Search")
    queries = show.own_queries(tools.journal)
    show.search(console, tools, queries, by="role")
    show.headline(console, "Nothing lost, nothing repeated")
    codes = (0, 1)  # 1 if a file cannot be read, which was reported above
    parts = map(str, found.parts)
    again = tools.json("journal", "import", "auto", *parts, codes=codes)
    growing = transcripts.find(home).all_bytes != found.all_bytes
    failed = show.checks(console, proof.prove_import(tools, report, again, growing=growing))
    _say_next(console, tools, queries[0], own=True)
    return failed


def _talk(console: Console, tools: Tools, messages: int, seconds: float) -> list[str]:
    """Let the eight agents write, search their messages, and return what failed."""
    console.print(
        f"Eight agents build a small program together: eight processes, {messages:,} messages"
        " each, all into one journal at once. Each is killed with SIGKILL and started again"
        " at least once; so is the projector beside them.\n"
    )
    held = talk.hold(console, tools, tools.journal, messages, messages / seconds)
    count = sum(map(len, held.acknowledged))
    console.print(
        f"{count:,} messages written in {held.seconds:.1f} s, all searchable"
        f" within {held.behind + 0.1:.1f} s of the last."
    )
    show.headline(console, "Search")
    if not show.search(console, tools, show.TALK_QUERIES, by="source"):
        return ["a search found nothing"]
    show.headline(console, "Nothing lost, nothing repeated")
    failed = show.checks(console, proof.prove_talk(tools, held, messages))
    _say_next(console, tools, "灯台 OR 등대 OR 灯塔", own=False)
    return failed


def _say_next(console: Console, tools: Tools, query: str, *, own: bool) -> None:
    with Projection.open(tools.journal) as projection:
        latest = projection.sessions(limit=1)[0].session
    show.next_steps(console, tools, query, latest, own=own)


def _demonstrate(console: Console, options: argparse.Namespace) -> None:
    began = time.monotonic()
    tools = Tools(_new_folder(options.journal))
    console.print(Text.assemble(("Agent Journal", "bold"), f" in {short(tools.journal)}\n"))
    found = transcripts.find(Path.home())
    for why in found.unreadable:
        console.print(Text(f"cannot look into {why}", "yellow"))
    failed = None
    if found.parts and not options.talk:
        failed = _import(console, tools, found)
    if failed is None:
        if not found.parts:
            console.print("No agent's transcripts in ~/.claude/projects or ~/.codex/sessions.")
        failed = _talk(console, tools, options.messages, options.seconds)
    if failed:
        raise DemoError(f"not as promised: {'; '.join(failed)}; the journal is {tools.journal}")
    console.print(f"Done in {time.monotonic() - began:.1f} s.", style="dim")
    viewer.offer(console, tools)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def main(description: str | None) -> int:
    """Run the demonstration; return 0 if all checks hold, else 1."""
    options = _options(description)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)  # ends the started programs, as Ctrl-C does
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show Chinese
    console = Console(highlight=False)
    try:
        _demonstrate(console, options)
    except (DemoError, JournalError, ProjectorError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was left running", file=sys.stderr)
        return _INTERRUPTED
    return 0
