"""Plant words in random values of sessions, forget these, and search all written files for them.

::

    python -m tests.torture.steps.erasure.forgotten                       300 seeds
    python -m tests.torture.steps.erasure.forgotten --seeds 50 --seed 7   seeds 7 to 56
    python -m tests.torture.steps.erasure.forgotten --seconds 60          as many as fit
    python -m tests.torture.steps.erasure.forgotten --sample              a few, as `make test` does

Each seed plants a Latin and a Chinese word in ids of sessions and at random places of their events:
contents and parts of them, arguments and results of tools, JSON in JSON, reasoning, titles,
prompts, `extra`, `config`, new transcripts, events of unknown types, usage, contents in conflict,
key-values that mention a session. A fork repeats some messages and all usage. The events are in
short segments of up to three lanes, and some are projected before. Then the sessions are forgotten,
together or one by one, and after that, in random order, some of these happen:

- the projection is rebuilt,
- an older projection is put back, and salvaged,
- an older lane is put back, and erasure is done again,
- the same events are appended again, and erasure is done again,
- a backup of before is restored, and then made again at its old place.

After each, no file of the journal contains one of the words: as plain text, as JSON or JSON in
JSON, as a pair of Chinese characters, or as base64. `verify --erased` has checked everything and
found nothing, and all other messages are there.

In a second journal the messages of one session contain secrets, and further sessions repeat them
under other ids and parents. Each session is imported in clear, by the rules, or by other rules. The
first one is forgotten, and the plan names all that repeat it. Then more of them are imported, also
of files whose secrets were redacted before, old lanes are put back, a backup is restored, and an
old projection is salvaged. No forgotten message is written, shown or left.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from journal import Journal, make_backup, restore_backup
from journal.fs.directory import open_directory
from projector import NotFound, Projection
from projector.forgetting.files.check import check_erased
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.upkeep.salvage import salvage
from tests.support.disks.in_memory import MEMORY
from tests.support.redaction.comparing import find_secrets
from tests.support.redaction.drawing import Planted
from tests.support.redaction.planted_secrets import planted_secrets
from tests.support.redaction.planting import Planter
from tests.torture.arguments import Amount, again, step_parser
from tests.torture.redaction.appended import made_up
from tests.torture.redaction.checks import Wrong
from tests.torture.redaction.replayed import Replays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_AMOUNT = Amount(300, sample=2)
_RARE = "鑫龘靐齉齾爨麤籱"
_KEPT = 5
"""Messages of each session that stays."""
_T = 1_700_000_000_000_000

Event = dict[str, Any]


class Round:
    """One journal, and what happens to it.

    Args:
        folder: for the journal and copies of it.
        random: decides.

    Attributes:
        looked_for: number of files that were searched for the words, each time.
    """

    def __init__(self, folder: Path, random: Random) -> None:
        self.looked_for = 0
        self._random = random
        self._folder = folder
        self._path = folder / "journal"
        latin = "zq" + "".join(random.choices("bcdfghjkmnpvwx", k=12))
        chinese = "".join(random.sample(_RARE, 4))
        self._words = (latin, *(chinese[at : at + 2] for at in range(3)))
        planted = [Planted("word", False, f"see {it} there", (it,)) for it in (latin, chinese)]  # noqa: FBT003 - not of Kingfisher
        self._planter = Planter(random, planted)
        self._gone = [f"{latin}-1", f"2 {chinese}", "plain"]

    def run(self) -> None:
        """Fill the journal, forget, and let things happen.

        Raises:
            Wrong: a word is left, or something else is gone.
        """
        events = self._events()
        with patch("journal.lanes.writer.ROLL_SIZE", self._random.choice([1, 2_000, 32 << 20])):
            self._append(events)
        if not find_secrets(self._path, self._words):
            raise Wrong("nothing was planted")
        with Projection.open(self._path) as projection:
            projection.sessions()
        make_backup(self._path, self._folder / "backup")
        for name in ("projection", "lanes"):
            shutil.copytree(self._path / name, self._folder / name)
        sessions = sorted({event["session"] for event in events} & set(self._gone))
        together = [tuple(sessions)] if self._random.random() < 0.5 else [(it,) for it in sessions]
        for part in together:
            # all that a session had may have repeated messages of one before
            with contextlib.suppress(NotFound):
                forget(self._path, Selection(sessions=part))
        self._check("forget")
        later: list[Callable[[], None]] = [
            self._rebuild,
            self._put_projection_back,
            self._put_lanes_back,
            lambda: self._append_again(events),
            self._restore,
        ]
        for happens in self._random.sample(later, self._random.randint(1, len(later))):
            happens()
            self._check(getattr(happens, "__name__", "append again"))

    def _events(self) -> list[Event]:
        """Return the events of all sessions, in random order."""
        events = made_up(self._random, self._planter, self._gone)
        events += [
            {**each, "data": {"role": "user", "content": self._planter.content()}}
            for each in events[:2]
            if each["type"] == "message.appended"
        ]
        first = self._gone[0]
        used = {"input_tokens": 3, "model": self._words[0], "call": f"call-{self._words[0]}-1"}
        named = {"key": f"at:{first}", "value": self._planter.value()}
        events += [
            _event(first, "first", "message.appended", role="user", content=self._words[0]),
            _event("@keys", f"key-{first}", "key.set", **named),
            _event("fork", "parent", "session.created", parent=first, relation="fork"),
            *(_event(session, "used", "usage.added", **used) for session in (first, "fork")),
        ]
        events += [
            {**each, "session": "fork", "id": f"again-{each['id']}"}
            for each in events
            if each["type"] == "message.appended" and "timestamp" in each["data"]
        ]
        self._random.shuffle(events)
        for session in ("fork", "other"):
            for number in range(_KEPT):
                data = {"role": "user", "content": f"kept {session} {number}"}
                at = self._random.randint(0, len(events))
                events.insert(at, _event(session, f"kept-{number}", "message.appended", **data))
        return events

    def _append(self, events: Iterable[Event]) -> None:
        """Append events to up to three lanes, and project some of them before the others."""
        with ExitStack() as stack:
            lanes = [
                stack.enter_context(Journal.open(self._path, fsync="never"))
                for _ in range(self._random.randint(1, 3))
            ]
            for event in events:
                self._random.choice(lanes).append(**event)
                if self._random.random() < 0.02:
                    with Projection.open(self._path) as projection:
                        projection.sessions()

    def _rebuild(self) -> None:
        with Projection.open(self._path) as projection:
            projection.rebuild()

    def _put_projection_back(self) -> None:
        shutil.rmtree(self._path / "projection")
        shutil.copytree(self._folder / "projection", self._path / "projection")
        salvage(open_directory(self._path))

    def _put_lanes_back(self) -> None:
        for lane in sorted((self._folder / "lanes").iterdir()):
            shutil.copytree(lane, self._path / "lanes" / f"7{lane.name}", dirs_exist_ok=True)
        self._check_kept("old lanes")
        finish_forgetting(self._path)

    def _append_again(self, events: Sequence[Event]) -> None:
        self._append(self._random.sample(events, len(events) // 2))
        self._check_kept("append again")
        finish_forgetting(self._path)

    def _restore(self) -> None:
        restore_backup(self._folder / "backup", self._path)
        make_backup(self._path, self._folder / "backup")
        self._check_files("backup", self._folder / "backup")

    def _check(self, what: str) -> None:
        """Check the journal after something happened.

        Raises:
            Wrong: a word is left, or something else is gone.
        """
        self._check_kept(what)
        self._check_files(what, self._path)
        report = check_erased(open_directory(self._path))
        if report.found or report.unchecked or report.lost:
            raise Wrong(f"after {what}: {report}")

    def _check_files(self, what: str, folder: Path) -> None:
        self.looked_for += sum(path.is_file() for path in folder.rglob("*"))
        left = find_secrets(folder, self._words)
        left += [str(path) for path in folder.rglob("*") if self._words[0] in path.name]
        if left:
            raise Wrong(f"after {what}: {len(left)} words are left, such as {left[0]}")

    def _check_kept(self, what: str) -> None:
        """Check that all other messages are shown, and nothing that was forgotten."""
        with Projection.open(self._path) as projection:
            shown = {view.session for view in projection.sessions()}
            if projection.status().reread:
                raise Wrong(f"after {what}: a segment counts as cut off, and it was only rewritten")
            ids = {name: [it.id for it in projection.messages(name)] for name in shown}
        wanted = {f"kept-{number}" for number in range(_KEPT)}
        if {name: set(found) for name, found in ids.items()} != dict.fromkeys(
            ("fork", "other"), wanted
        ):
            raise Wrong(f"after {what}: {ids} are shown")


def _event(session: str, id: str, type: str, **data: Any) -> Event:  # noqa: ANN401 - any JSON
    return {"session": session, "id": id, "type": type, "data": data}


def trouble(seed: int) -> tuple[str | None, int]:
    """Check one seed; return what is wrong, if anything is, and how many files were searched."""
    with tempfile.TemporaryDirectory(prefix="forgotten-", dir=MEMORY) as folder:
        for name in ("words", "replays"):
            (Path(folder) / name).mkdir()
        played = Round(Path(folder) / "words", Random(seed))
        try:
            played.run()
            Replays(Path(folder) / "replays", Random(seed), planted_secrets(seed)).run()
        except Wrong as error:
            return str(error), played.looked_for
        except Exception:  # noqa: BLE001 - the seed is printed with it
            return traceback.format_exc(), played.looked_for
    return None, played.looked_for


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the seeds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    logging.getLogger("projector").setLevel(logging.ERROR)  # lanes that are put back are warnings
    began, seeds, files = time.monotonic(), 0, 0
    for seed in _AMOUNT.budget(given).seeds():
        seeds += 1
        wrong, searched = trouble(seed)
        files += searched
        if wrong is not None:
            print(f"FAILED seed {seed}: {wrong[-3000:]}")
            print(f"again: {again('erasure.forgotten', seed, 'seeds')}")
            return 1
    print(
        f"forgotten: seeds {given.seed} to {given.seed + seeds - 1}: {files:,} files searched, no"
        f" word left; {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
