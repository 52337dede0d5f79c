"""ChatGPT's data export: `conversations.json`, a list of conversations.

A conversation has its messages in `mapping`, a tree, and `current_node` names the leaf that was
shown. Its live branch is the transcript, and the other branches are archived (see
`parsing.message_tree`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from journal.importers.chatgpt.message import meta_of, parts_of
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import placeholder
from journal.importers.parsing.message_tree import MessageTree, Node
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.source_time import micros, read_time
from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "chatgpt"
_KEPT = ("gizmo_id", "gizmo_type", "is_archived", "is_starred", "conversation_template_id")
_ABOUT = ("citations", "content_references", "aggregate_result", "channel")


@dataclass(slots=True)
class ChatGPT:
    """The parser of one export."""

    equal_is_same: ClassVar[bool] = True
    location: Location

    def value(self, line: int, value: Json, raw: bytes | None = None) -> Iterator[Item]:  # noqa: ARG002 - ids are the source's own
        """Handle one conversation."""
        mapping = value.get("mapping") if isinstance(value, dict) else None
        if not isinstance(mapping, dict):
            yield Skipped(line, "no conversation: it has no mapping")
            return
        name = f"{self.location.name}-{line}"
        ids = (text_or_none(value.get(field)) for field in ("conversation_id", "id"))
        talk = Conversation(next(filter(None, ids), name), SOURCE)
        yield talk.created(
            line,
            title=text_or_none(value.get("title")),
            started=read_time(value.get("create_time")),
            model=text_or_none(value.get("default_model_slug")),
            extra=non_empty({name: value.get(name) for name in _KEPT}),
        )
        tree = MessageTree()
        for id, node in mapping.items():
            if isinstance(node, dict):
                said = node.get("message")
                time = micros(said.get("create_time")) if isinstance(said, dict) else None
                tree.add(Node(id, text_or_none(node.get("parent")), time, said))
        leaf = text_or_none(value.get("current_node"))
        made = partial(_message, line, talk, tree)
        yield from tree.items(line, talk.session, made, leaf)

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a conversation that is too long to be read."""
        return placeholder(line, self.location.name, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Yield nothing: no item waits for a later line."""
        return iter(())


def _message(line: int, talk: Conversation, tree: MessageTree, node: Node) -> Iterator[Item]:
    value = node.value
    if not isinstance(value, dict):
        return
    author = value.get("author")
    author = author if isinstance(author, dict) else {}
    about = value.get("metadata")
    about = about if isinstance(about, dict) else {}
    role = text_or_none(author.get("role")) or "unknown"
    id = text_or_none(value.get("id")) or node.id
    parts = parts_of(id, value)
    if parts.is_empty and not parts.results:
        content = value.get("content")
        kind = content.get("content_type") if isinstance(content, dict) else None
        yield Skipped(line, f"{role} message without text ({kind!s})")
        return
    end, above = about.get("finish_details"), _above(tree, node)
    if above is not None and talk.calls(above):
        parts.results = [replace(result, call=above) for result in parts.results]
    fields = {
        "timestamp": read_time(value.get("create_time")),
        "parent": above,
        "model": text_or_none(about.get("model_slug")),
        "meta": meta_of(value),
        "finish_reason": text_or_none(end.get("type")) if isinstance(end, dict) else None,
        "extra": non_empty({name: about.get(name) for name in _ABOUT}),
    }
    yield from talk.message(line, id, role, parts, fields)


def _above(tree: MessageTree, node: Node) -> str | None:
    """Return the nearest message above a place."""
    for id in tree.above(node.id):
        if id in tree.keys:
            return tree.keys[id][-1]
    return None
