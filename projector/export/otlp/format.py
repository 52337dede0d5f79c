"""The format `otlp`: sessions as lines of spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.export.conversation import Format
from projector.export.otlp.conventions import VERSIONS
from projector.export.otlp.spans import lines
from projector.export.otlp.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.export.conversation import Conversation, Settings


def _write(conversations: Iterable[Conversation], settings: Settings) -> Iterator[str]:
    conventions = VERSIONS[settings.otlp_version]
    for conversation in conversations:
        service = conversation.session.source or "unknown"
        yield from lines(Trace(conversation, conventions).spans(), service, conventions)


OTLP = Format("otlp", "spans of OpenTelemetry's GenAI conventions, in lines of JSON", _write)
