"""A forgotten session with secrets, whose messages arrive again in other sessions and forms."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any
from uuid import UUID

from journal import Journal, make_backup, restore_backup
from journal.format.event_types import MESSAGE_APPENDED
from journal.fs.directory import open_directory
from journal.fs.key_file import new_key, own_key
from journal.importers.run.driver import Importer
from journal.redact.redactor import Redactor
from journal.redact.setup import own_rules
from projector import Projection
from projector.forgetting.files.check import check_erased
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget, plan
from projector.forgetting.selection import Selection
from projector.upkeep.salvage import salvage
from tests.importers.source_lines import claude, write
from tests.support.redaction.comparing import find_secrets
from tests.support.redaction.planting import Planter
from tests.torture.redaction.checks import Wrong
from tests.torture.redaction.imported import some_rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from journal.importers.run.report import Report
    from tests.support.redaction.drawing import Planted

_CLEAR, _RULES, _OTHER = "in clear", "by the rules", "by other rules"
_WAYS = (_CLEAR, _RULES, _OTHER)
"""How a session is imported."""


class Replays:
    """A journal, and sessions that all have the same messages under other ids and parents.

    Args:
        folder: for the journal, copies of it and the sources.
        random: decides.
        planted: secrets for the messages.
    """

    def __init__(self, folder: Path, random: Random, planted: Sequence[Planted]) -> None:
        self._random = random
        self._folder = folder
        self._path = folder / "journal"
        planter = Planter(random, planted)
        self._words = [f"zq{random.getrandbits(60):x}" for _ in range(random.randint(2, 5))]
        self._said = [
            (random.choice(["user", "assistant"]), _with(word, planter.content()))
            for word in self._words
        ]
        self._sessions = 0

    def run(self) -> None:
        """Import a session and some that repeat it, forget it, and let all of it arrive again.

        Raises:
            Wrong: a forgotten message is written or shown, or another one is gone.
        """
        stored = self._random.choice(_WAYS)
        self._import(self._path, stored)
        own_key(self._path)  # the copy has the same one
        repeated = self._random.randint(0, 2)
        for _ in range(repeated):
            self._import(self._path, self._random.choice(_WAYS))
        copy = self._folder / "copy"
        shutil.copytree(self._path, copy)
        self._import(copy, self._random.choice(_WAYS))
        make_backup(copy, self._folder / "backup")
        found = plan(self._path, Selection(sessions=("session-1",)))
        if len(found.replays) != repeated * len(self._words):
            raise Wrong(f"{repeated} sessions repeat it; the plan names {len(found.replays)}")
        with Projection.open(self._path) as projection:
            projection.sessions()
        shutil.copytree(self._path / "projection", self._folder / "projection")
        forget(self._path, found)
        self._check("forget")
        for _ in range(2):
            self._import_again(stored)
        for arrives in self._random.sample([self._lanes, self._backup, self._salvage], 3):
            arrives()
            self._check(arrives.__name__)

    def _import_again(self, stored: str) -> None:
        """Import one more session; what is forgotten is not written."""
        way = self._random.choice(_WAYS)
        # of what other rules left, those of today need not leave the same
        is_exported = stored != _OTHER and self._random.random() < 0.5
        report = self._import(self._path, way, is_exported=is_exported)
        what = f"stored {stored}, import {way}, {'exported' if is_exported else 'original'}"
        if (report.forgotten, report.messages) != (len(self._words), 1):
            raise Wrong(f"{what}: {report.forgotten} forgotten, {report.messages} written")
        self._check(what)

    def _import(self, journal: Path, way: str, *, is_exported: bool = False) -> Report:
        """Write a session with an own message and the others, and import it."""
        self._sessions += 1
        name = f"session-{self._sessions}"
        lines, parent = [], None
        if self._sessions > 1:
            parent = self._uuid()
            lines = [claude(parent, None, f"kept {name}", 1000 + self._sessions, sessionId=name)]
        of_key = self._random.choice([new_key, lambda: own_key(journal)])
        exporter = Redactor([own_rules()], of_key)
        for second, (role, content) in enumerate(self._said):
            data: dict[str, Any] = {"role": role, "content": content}
            if is_exported:
                data, _ = exporter.redact(MESSAGE_APPENDED, data)
            uuid = self._uuid()
            more = {"type": role, "sessionId": name}
            lines.append(claude(uuid, parent, data["content"], second, **more))
            parent = uuid
        source = write(self._folder / "projects" / "-w" / f"{name}.jsonl", lines)
        other = [some_rules(self._random, self._sessions)]
        redact = other if way == _OTHER else way == _RULES
        with Journal.open(journal, fsync="never", redact=redact) as handle:
            importer = Importer(handle, "claude-code")
            return importer.run(importer.sources([source]))

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128)))

    def _lanes(self) -> None:
        for lane in sorted((self._folder / "copy" / "lanes").iterdir()):
            shutil.copytree(lane, self._path / "lanes" / f"7{lane.name}")
        self._check_shown("old lanes")
        finish_forgetting(self._path)

    def _backup(self) -> None:
        restore_backup(self._folder / "backup", self._path)

    def _salvage(self) -> None:
        shutil.rmtree(self._path / "projection")
        shutil.copytree(self._folder / "projection", self._path / "projection")
        salvage(open_directory(self._path))

    def _check(self, what: str) -> None:
        self._check_shown(what)
        if left := find_secrets(self._path, self._words):
            raise Wrong(f"after {what}: {len(left)} words are left, such as {left[0]}")
        report = check_erased(open_directory(self._path))
        if report.found or report.unchecked or report.lost:
            raise Wrong(f"after {what}: {report}")

    def _check_shown(self, what: str) -> None:
        """Check that of each session only its own message is shown."""
        with Projection.open(self._path) as projection:
            for view in projection.sessions():
                shown = [message.content for message in projection.messages(view.session)]
                if shown != [f"kept {view.session}"]:
                    raise Wrong(f"after {what}: {shown} is shown")


def _with(word: str, content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return a content that has a word, too."""
    if isinstance(content, str):
        return f"{word} {content}"
    return [{"type": "text", "text": word}, *content]
