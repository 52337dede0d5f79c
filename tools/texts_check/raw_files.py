"""Reads raw files: JSON, lines of JSON, text, and databases."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]


@dataclass(frozen=True)
class RawFile:
    """A raw file, which several readers look at.

    Attributes:
        path: the file.
    """

    path: Path

    @cached_property
    def text(self) -> str:
        """All of it, as text."""
        return self.path.read_bytes().decode("utf-8", "surrogateescape").lstrip("\ufeff")

    @cached_property
    def document(self) -> object:
        """Its JSON value; None if it is not one value."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @cached_property
    def objects(self) -> list[Json]:
        """The objects of its lines of JSON, also where several are on one line."""
        if self.is_database:
            return []
        decoder, found = json.JSONDecoder(), []
        for line in self.text.split("\n"):
            at, end = 0, len(line.rstrip())
            while at < end:
                try:
                    value, at = decoder.raw_decode(line, at)
                except ValueError:
                    break
                found += [value] if isinstance(value, dict) else []
                at += len(line[at:]) - len(line[at:].lstrip())
        return found

    @cached_property
    def first(self) -> Json:
        """The first object: the document, or that of the first line."""
        if isinstance(self.document, dict):
            return self.document
        return self.objects[0] if self.objects else {}

    @cached_property
    def is_database(self) -> bool:
        """Whether it is a SQLite database."""
        with self.path.open("rb") as stream:
            return stream.read(16) == b"SQLite format 3\0"

    @cached_property
    def tables(self) -> frozenset[str]:
        """The names of its tables, if it is a database."""
        if not self.is_database:
            return frozenset()
        return frozenset(str(row["name"]) for row in self.rows("SELECT name FROM sqlite_master"))

    def rows(self, query: str) -> Iterator[Json]:
        """Yield the rows of a query, as objects."""
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            connection.row_factory = sqlite3.Row
            yield from (dict(row) for row in connection.execute(query))
        finally:
            connection.close()


def plain(content: object) -> Iterator[str]:
    """Yield the texts of a content: strings, `text` of parts, strings of objects without type."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        if isinstance(content.get("text"), str):
            yield content["text"]
        elif "type" not in content:
            yield from (each for each in content.values() if isinstance(each, str))
    elif isinstance(content, list):
        for part in content:
            yield from plain(part)
