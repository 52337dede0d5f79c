"""claude.ai's data export: `conversations.json`, a list of conversations.

A conversation has a list of `chat_messages`. Newer exports name the message above each one; then
the branch of the latest message is the transcript, and the others are archived (see
`parsing.message_tree`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from journal.format.event_types import MESSAGE_APPENDED
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import placeholder
from journal.importers.parsing.message_tree import MessageTree, Node
from journal.importers.parsing.parser import Found, Skipped
from journal.importers.parsing.parts import Parts, blocks, turns
from journal.importers.parsing.source_time import micros, read_time
from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "claude-ai"
_ROLES = {"human": "user", "assistant": "assistant"}
_FILES = ("attachments", "files", "files_v2")


@dataclass(slots=True)
class ClaudeAi:
    """The parser of one export."""

    equal_is_same: ClassVar[bool] = True
    location: Location

    def value(self, line: int, value: Json, raw: bytes | None = None) -> Iterator[Item]:  # noqa: ARG002 - ids are the source's own
        """Handle one conversation."""
        messages = value.get("chat_messages") if isinstance(value, dict) else None
        if not isinstance(messages, list):
            yield Skipped(line, "no conversation: it has no chat_messages")
            return
        session = text_or_none(value.get("uuid")) or f"{self.location.name}-{line}"
        talk = Conversation(session, SOURCE)
        account = value.get("account")
        yield talk.created(
            line,
            title=text_or_none(value.get("name")),
            started=read_time(value.get("created_at")),
            model=text_or_none(value.get("model")),
            user=text_or_none(account.get("uuid")) if isinstance(account, dict) else None,
            extra=non_empty({"summary": value.get("summary")}),
        )
        tree = MessageTree()
        for number, said in enumerate(messages, 1):
            if not isinstance(said, dict):
                yield Skipped(line, "no message: it is no object")
                continue
            id = text_or_none(said.get("uuid")) or str(number)
            parent = text_or_none(said.get("parent_message_uuid"))
            tree.add(Node(id, parent, micros(said.get("created_at")), said))
        made = partial(_message, line, talk, tree)
        yield from tree.items(line, session, made, _leaf(tree, value))

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a conversation that is too long to be read."""
        return placeholder(line, self.location.name, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Yield nothing: no item waits for a later line."""
        return iter(())


def _leaf(tree: MessageTree, value: dict[str, Json]) -> str | None:
    """Return the last message of the live branch; None if the export has no branches."""
    if all(node.parent is None for node in tree.nodes.values()):
        return None
    named = text_or_none(value.get("current_leaf_message_uuid"))
    if named in tree.nodes:
        return named
    ordered = tree.ordered()
    return ordered[-1].id if ordered else None


def _message(line: int, talk: Conversation, tree: MessageTree, node: Node) -> Iterator[Item]:
    value = node.value
    sender = text_or_none(value.get("sender")) or "unknown"
    groups = [blocks(group) for group in turns(value.get("content"))]
    first = groups[0]
    if first.is_empty and not first.results:
        first.text(value.get("text"))
    _add_files(first, value)
    if first.is_empty and not first.results:
        yield Skipped(line, f"{sender} message without text")
        return
    fields = {
        "timestamp": read_time(value.get("created_at")),
        "parent": node.parent if node.parent in tree.nodes else None,
        "model": text_or_none(value.get("model")),
    }
    for number, parts in enumerate(groups, 1):
        id = node.id if number == 1 else f"{node.id}#{number}"
        for item in talk.message(line, id, _ROLES.get(sender, sender), parts, fields):
            if isinstance(item, Found) and item.event["type"] == MESSAGE_APPENDED:
                fields = {**fields, "parent": item.event["id"]}
            yield item


def _add_files(parts: Parts, value: dict[str, Json]) -> None:
    """Add the files that a person attached: their names, and the text that the export has."""
    names: set[Json] = set()
    for field in _FILES:
        files = value.get(field)
        for file in files if isinstance(files, list) else []:
            name = file.get("file_name") if isinstance(file, dict) else None
            if not isinstance(name, str) or name in names:
                continue
            names.add(name)
            part = {
                "type": "file",
                "name": name,
                "media_type": file.get("file_type"),
                "text": file.get("extracted_content"),
            }
            parts.content.append(non_empty(part))
