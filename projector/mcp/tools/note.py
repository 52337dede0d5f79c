"""`note`: an agent writes something down for later sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.process.fork import no_fork
from journal.process.ids import uuid7
from projector.mcp.asking import NOTES
from projector.mcp.errors import ToolError
from projector.mcp.refs import is_plain, session_refs
from projector.mcp.tools.argument import Argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.mcp.recall import Recall

_TAGS = 20
_LONGEST = 200
"""Characters of a session's id that is named whole."""

ARGUMENTS = (
    Argument(
        "text", "string", "What later sessions should know, in full sentences.", required=True
    ),
    Argument("tags", "strings", "Words to find it by."),
)


def note(recall: Recall, given: Mapping[str, Any]) -> str:
    """Append a note to the session of notes of this project; say how it is found.

    Raises:
        ToolError: there is nothing to note.
        JournalError: it cannot be appended.
    """
    text, tags = given["text"].strip(), given["tags"] or []
    if not text:
        raise ToolError("text is empty: nothing was noted")
    if len(tags) > _TAGS:
        raise ToolError(f"tags are {len(tags)}, and may be {_TAGS}: nothing was noted")
    with no_fork.turn:
        from journal.writer import Journal  # noqa: PLC0415 - a server starts without what writes

    folder = recall.client.project()
    session, id = f"notes:{folder or ''}", uuid7()
    content = text + ("" if not tags else f"\n\nTags: {', '.join(tags)}")
    with Journal.open(recall.path, fsync="always", redact=True) as journal:
        if folder is not None:
            about = {"cwd": folder, "title": f"Notes of {folder}", "source": NOTES}
            journal.append(session=session, id="notes", type="session.created", data=about)
        position = journal.append_message(
            session, "assistant", content, id=id, source=NOTES, extra={"tags": tags}
        )
    name = session
    if len(session) > _LONGEST or not is_plain(session):
        projection = recall.projection.after(position)
        name = projection.read(lambda db: session_refs(db, [session])[session])[0]
    # notes of other folders and later notes begin alike: whole ids are unique for good
    return f'Noted. open(ref="{name}#{id}") shows it, and search finds it.'
