"""What the tools of a server share: the projection, the redactor, and who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.format.event_types import MESSAGE_APPENDED
from journal.redact.setup import way_out
from projector.mcp.asking import Asker
from projector.mcp.text.cursor import Pages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.redact.redactor import Redactor
    from projector.mcp.asking import Client
    from projector.projection import Projection
    from projector.views.messages import MessageView


@dataclass(frozen=True, slots=True)
class Recall:
    """What a tool is called with, beside its arguments.

    Attributes:
        path: the journal's folder.
        projection: what is read.
        client: who calls.
        meta: metadata of the call.
        pages: what the pages before a cursor showed.
    """

    path: Path
    projection: Projection
    client: Client
    meta: Mapping[str, Any] = field(default_factory=dict)
    pages: Pages = field(default_factory=Pages)

    def redactor(self) -> Redactor:
        """Return what redacts an answer, by the rules of this moment.

        Raises:
            RedactionError: `redact.toml` cannot be used.
        """
        return way_out(self.path)

    def asking(self, given: Mapping[str, Any]) -> Asker:
        """Return the session that asks, for the arguments of a call; none if it is included."""
        if given["include_asking"]:
            return Asker(None)
        return self.client.asking(self.projection, given["asking"], self.meta)


def message_data(view: MessageView) -> dict[str, Any]:
    """Return the data of a message, as a redactor and `projector.text.document` take it."""
    return view.fields if view.content is None else view.fields | {"content": view.content}


def redacted_data(redactor: Redactor, view: MessageView) -> tuple[dict[str, Any], bool]:
    """Return the data of a message without secrets, and whether there were any."""
    data, found = redactor.redact(MESSAGE_APPENDED, message_data(view))
    return data, found is not None
