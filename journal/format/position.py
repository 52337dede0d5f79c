"""The position of a record: what `append` returns and a reader can wait for."""

from __future__ import annotations

import re
from typing import NamedTuple

from journal.format.bounds import LARGEST
from journal.process.ids import UUID

_FORM = re.compile(rf"(?P<lane>{UUID}):(?P<seq>[1-9][0-9]{{0,15}})")


class Position(NamedTuple):
    """One record of one lane. It stays the same wherever the record's file is moved or copied.

    ::

        position = Position.parse("0199c0de-0000-7000-8000-000000000001:1")
        print(position.lane, position.seq)

    Attributes:
        lane: the lane's uuid.
        seq: the record's sequence number in the lane, from 1.
    """

    lane: str
    seq: int

    def __str__(self) -> str:
        return f"{self.lane}:{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Parse the result of `str(position)`.

        Raises:
            ValueError: the text is no position.
        """
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None or int(found["seq"]) > LARGEST:
            raise ValueError(
                f"{text!r:.80} is no position: it must be <lane uuid>:<number>, with a uuid in"
                " lower case and a number from 1"
            )
        return cls(found["lane"], int(found["seq"]))
