"""A source that is read again after parts of it were forgotten and redacted, or the key changed."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from journal import Journal, make_backup, restore_backup
from journal.format.event_types import MESSAGE_APPENDED
from journal.importers.run.driver import Importer
from projector import NotFound
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.redaction import redact_secrets
from tests.importers.every_source.samples import SAMPLES
from tests.importers.source_lines import claude, write
from tests.support.journals import events
from tests.torture.redaction.checks import Wrong, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

_WORD = re.compile(r"[a-z]{5,12}")
"""What can be a secret by the rules of a user: a word of the source."""


def branched(folder: Path) -> None:
    """Write a session that was rewound, with a fork and a sub-agent."""
    place = folder / "projects" / "-home-ada-lighthouse"
    about = {"cwd": "/home/ada/lighthouse", "gitBranch": "br-secret", "version": "2.1.0"}
    said = [
        ("u1", None, "user", "start with the lighthouse"),
        ("u2", "u1", "assistant", "reply about harbours"),
        ("u3", "u2", "user", "wrong path to the harbour"),
        ("u4", "u3", "assistant", "wrong answer"),
        ("u5", "u2", "user", "right path"),
        ("u6", "u5", "assistant", "fine answer"),
    ]
    lines = [
        claude(uuid, parent, text, second, type=role, **about)
        for second, (uuid, parent, role, text) in enumerate(said)
    ]
    title = {"type": "summary", "summary": "the lighthouse title", "leafUuid": "u6"}
    write(place / "cc.jsonl", [*lines, title])
    fork = [
        {
            **line,
            "sessionId": "fork",
            "forkedFrom": {"sessionId": "cc", "messageUuid": line["uuid"]},
        }
        for line in lines
    ]
    more = claude("f7", "u6", "the fork continues", 20, sessionId="fork", **about)
    write(place / "fork.jsonl", [*fork, more])
    agent = [{**line, "isSidechain": True, "agentId": "a1"} for line in lines[:2]]
    write(place / "cc" / "subagents" / "agent-a1.jsonl", agent)


SOURCES: dict[str, Callable[[Path], object]] = {**SAMPLES, "branched": branched}
"""What writes a source into a folder, by its name."""


class Reread:
    """A journal and one source of it.

    Args:
        folder: for the source, the journal and its backups.
        random: decides.
        name: the source, one of `SOURCES`; None chooses one.
    """

    def __init__(self, folder: Path, random: Random, name: str | None = None) -> None:
        self._random = random
        self._folder = folder
        self.name = name or random.choice([*SOURCES, *["branched"] * 8])
        self._path = folder / "journal"
        self._source = folder / "source"
        self._source.mkdir()
        SOURCES[self.name](self._source)
        self._words: list[str] = []
        self._copies = 0
        self._has_forgotten = False
        self._has_lost_key = False

    def run(self) -> None:
        """Import the source, and read it again after each of some changes of the journal.

        Raises:
            Wrong: what the journal has is appended again, or is a conflict.
        """
        with Journal.open(self._folder / "scratch", fsync="never") as journal:
            self._run(journal)
        texts = (str(record.event.data) for record in events(self._folder / "scratch"))
        self._words = sorted(set(_WORD.findall(" ".join(texts))))
        self._path.mkdir(mode=0o700)
        self._name_secrets()
        self._import(redact=self._random.random() < 0.7)
        self._check("import")
        changes = [self._forget, self._redact, self._restore, self._forget]
        for change in self._random.sample(changes, self._random.randint(1, len(changes))):
            if self._random.random() < 0.3:
                self._change_key()
                self._check("a new key")
            change()
            self._check(change.__name__)

    def _name_secrets(self) -> None:
        """Give the journal more rules of a user."""
        chosen = self._random.sample(self._words, min(len(self._words), 4))
        rule = "[[rule]]\nkind = 'word'\npattern = '\\b{}\\b'\n"
        with (self._path / "redact.toml").open("a", encoding="utf-8") as file:
            file.writelines(map(rule.format, chosen))

    def _import(self, *, redact: bool) -> None:
        with Journal.open(self._path, fsync="never", redact=redact) as journal:
            self._run(journal)

    def _run(self, journal: Journal) -> None:
        importer = Importer(journal, "auto", reread=True)
        report = importer.run(importer.sources([self._source]))
        if report.conflicts or report.errors:
            raise Wrong(f"the import gives {report}")

    def _check(self, what: str) -> None:
        """Read the source again, in each way."""
        ways = ["redact", "no-redact", "without imports/", "a copy"]
        if not self._has_lost_key:  # rules that are gone are known by the key alone
            ways.append("without rules")
        for way in self._random.sample(ways, 2):
            before = len(events(self._path))
            if way == "without imports/":
                shutil.rmtree(self._path / "imports")
            elif way == "a copy" and self.name == "branched":
                self._copies += 1
                shutil.copytree(
                    self._source / "projects", self._source / f"{self._copies}" / "projects"
                )
            rules, aside = self._path / "redact.toml", self._folder / "redact.toml"
            without = way == "without rules" and rules.exists()
            if without:
                rules.rename(aside)
            try:
                self._import(redact=way != "no-redact")
            except Wrong as error:
                raise Wrong(f"{self.name}, after {what}, {way}: {error}") from error
            if without:
                aside.rename(rules)
            new = events(self._path)[before:]
            if new:
                raise Wrong(f"{self.name}, after {what}, {way}: {len(new)} again, {new[0]}")
            project(self._path)

    def _forget(self) -> None:
        """Forget a session or a message."""
        found = [record.event for record in events(self._path) if record.event.session != "@forget"]
        if not found:
            return
        event = self._random.choice(found)
        if event.type == MESSAGE_APPENDED and self._random.random() < 0.5:
            selection = Selection(messages=((event.session, event.id),))
        else:
            selection = Selection(sessions=(event.session,))
        try:
            forget(self._path, selection)
        except NotFound:  # a message that no session shows
            return
        self._has_forgotten = True

    def _redact(self) -> None:
        """Redact what more rules find."""
        """Redact what more rules find."""
        self._name_secrets()
        redact_secrets(self._path)

    def _change_key(self) -> None:
        """Lose the key; with that of a request, what that forgets would come back."""
        if not self._has_forgotten:
            (self._path / "key").unlink(missing_ok=True)
            self._has_lost_key = True

    def _restore(self) -> None:
        backup = self._folder / f"backup-{self._random.getrandbits(32)}"
        make_backup(self._path, backup)
        restore_backup(backup, self._path)
