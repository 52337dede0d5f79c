"""Messages that say the same: the first of them are shown, with how many others there are.

System prompts, reminders and outputs of the same command repeat hundreds of times, and would leave
no room for anything else. Long ones are equal but for numbers, such as dates, ids and counts. Of
short ones a number may be all that matters: these are equal, but for blank space and case, and have
the same role.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from projector.search.texts import COLUMNS, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.search.ordering.databases import Databases
    from projector.search.ordering.order import Scored

_LONG = 160
"""Characters from which a text is long: of a shorter one a snippet shows all."""
_SHORT = 3
"""How many short ones that say the same are shown: a person may look for one of a few."""
_MASKED = 20_000
"""Characters of a text whose numbers are masked; behind them each one counts."""
_READ = 400
"""Most texts that are read for a page beyond one for each hit."""
_SURE = 8
"""Equal texts from which others of equal score and length are taken for equal without reading."""
_LENGTH = "octet_length(e.content)"
# a number of its own, decimal or hexadecimal: a digit in a name is a part of the name
_NUMBER = re.compile(r"\b(?=[a-f-]*+[0-9])[0-9a-f-]++\b")
_BLANK = re.compile(r"\s++")


@dataclass(slots=True)
class FoldedMessages:
    """Messages, each with how many others that say the same were left out.

    Attributes:
        rows: rowids and scores of the messages that remain, in order.
        same: for each of these how many others say the same and are left out.
    """

    rows: list[Scored] = field(default_factory=list)
    same: Counter[int] = field(default_factory=Counter)


def folded(dbs: Databases, ordered: Sequence[Scored], count: int) -> FoldedMessages:
    """Return the first `count` messages of which no two say the same; of short ones, no four.

    Args:
        dbs: the projection.
        ordered: rowids and scores, the first to be shown first.
        count: how many are needed.

    Raises:
        apsw.Error: the database refuses.
        TextDamaged: a text is not what was written.
    """
    found = FoldedMessages()
    first: dict[object, int] = {}
    short: Counter[object] = Counter()
    alike: dict[tuple[float, int], int] = {}
    read = f"SELECT {_LENGTH}, e.role, {COLUMNS} FROM _events e WHERE e.id = ?"
    tied = Counter(score for _, score in ordered)
    for row, score in ordered:
        if len(found.rows) >= count and score != found.rows[-1][1]:
            break
        if tied[score] == 1:
            # equal ones have equal scores, but for who wrote them
            if len(found.rows) < count:
                found.rows.append((row, score))
            continue
        if found.same.total() > _READ:
            db, rowid = dbs.find(row)
            length = db.execute(f"SELECT {_LENGTH} FROM _events e WHERE e.id = ?", (rowid,)).get
            known = alike.get((score, length), row)
        else:
            db, rowid = dbs.find(row)
            [(length, role, *columns)] = db.execute(read, (rowid,))
            text = text_of(columns)
            key = _signature(text) if len(text) >= _LONG else (role, _plain(text))
            known = first.setdefault(key, row)
            if len(text) < _LONG and short[key] < _SHORT:
                short[key] += 1
                known = row
            if found.same[known] >= _SURE:
                alike[score, length] = known
        if known != row:
            found.same[known] += 1
        elif len(found.rows) < count:
            found.rows.append((row, score))
        else:
            break
    return found


def _signature(text: str) -> object:
    """Return what is equal for texts that say the same."""
    masked = _NUMBER.sub("0", text[:_MASKED].lower())
    return hash(_plain(masked)), hash(text[_MASKED:])


def _plain(text: str) -> str:
    return _BLANK.sub(" ", text.lower())
