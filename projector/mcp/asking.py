"""The session that asks: what it says itself is no recall, so it is left out of answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.process import clock
from projector.mcp.text.fence import short
from projector.views.session_names import matching

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.projection import Projection

VARIABLES = (
    "AGENT_JOURNAL_SESSION",
    "CLAUDE_CODE_SESSION_ID",
    "COPILOT_AGENT_SESSION_ID",
    "GEMINI_SESSION_ID",
    "CODEX_THREAD_ID",
)
"""Variables that name the session, in the order in which they count.

Claude Code and Copilot set theirs for the servers that they start. Codex sets its own only for
shells, and the user can pass it on.
"""
NOTES = "agent-note"
"""The source of notes, whose sessions never ask."""
_FOLDERS = ("CLAUDE_PROJECT_DIR", "GEMINI_PROJECT_DIR")
_SOURCES = ("claude-code", "codex", "gemini-cli", "opencode", "copilot-cli")
_CODEX = "x-codex-turn-metadata"
_LIVE = 15 * 60 * 1_000_000
"""Microseconds since its last message in which a session may be the one that asks."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The session that asks.

    Attributes:
        session: its id; None if it is not known.
        unknown: why the session that the call names is not taken for it; empty if there is no
            reason.
    """

    session: str | None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """The program that calls tools.

    Attributes:
        environment: the variables that it started the server with; empty over HTTP.
        folder: where it works; None if that is not known.
        name: its name, as it introduced itself; empty if it did not.
    """

    environment: Mapping[str, str]
    folder: str | None
    name: str = ""

    def asking(self, projection: Projection, given: str | None, meta: Mapping[str, Any]) -> Asker:
        """Return the session that asks.

        It is the one that the call names, if there is exactly one, that its metadata names, or that
        the environment names. If none does, it is the session of this program in this folder with
        the latest message, if that is of the last 15 minutes and the session did not end.

        Args:
            projection: where it is looked for.
            given: what the call names.
            meta: metadata of the call.
        """
        unknown = ""
        if given:
            found = projection.read(lambda db: matching(db, given))[0]
            if len(found) == 1:
                return Asker(found[0])
            how = "several sessions match" if found else "no session matches"
            unknown = f"asking: {how} {short(given, 60)!r}, so it is not left out"
        named = [_of_codex(meta), *map(self.environment.get, VARIABLES)]
        names = [name for name in named if name]
        if names:
            found = projection.read(lambda db: matching(db, names[0]))[0]
            return Asker(found[0] if len(found) == 1 else None, unknown)
        return Asker(self._newest(projection), unknown)

    def project(self) -> str | None:
        """Return the working directory of the client; None if it is not known."""
        return next(filter(None, map(self.environment.get, _FOLDERS)), self.folder)

    def _newest(self, projection: Projection) -> str | None:
        folder = self.project()
        if folder is None:
            return None
        found = projection.sessions(limit=2, project=folder, source=self._source(), subagents=False)
        view = next((view for view in found if view.source != NOTES), None)
        if view is None or view.ended is not None or view.last is None:
            return None
        return view.session if view.last >= clock.wall() - _LIVE else None

    def _source(self) -> str | None:
        name = self.name.lower()
        return next((one for one in _SOURCES if one.partition("-")[0] in name), None)


def _of_codex(meta: Mapping[str, Any]) -> str | None:
    """Return the thread that Codex names in the metadata of a call."""
    found = meta.get(_CODEX)
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return None
    if not isinstance(found, dict):
        return None
    names = (found.get("thread_id"), found.get("session_id"))
    return next((name for name in names if isinstance(name, str) and name), None)
