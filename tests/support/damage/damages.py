"""Kinds of accidental damage to the files of a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import orjson

from journal.format.frame import MAX_RECORD
from journal.format.record import FORMAT
from tests.support.projections import header

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

Place = tuple[str, int]
"""A lane folder and a segment's number."""
Files = dict[Place, bytes]
"""The contents of a journal's segments."""


def pick(random: Random, files: Files) -> Place:
    """Choose a segment; an empty one only if all are empty."""
    return random.choice([at for at in sorted(files) if files[at]] or sorted(files))


def _edges(content: bytes) -> list[int]:
    """Return the offsets where the lines of a segment begin, and its end."""
    edges = [0]
    while (newline := content.find(b"\n", edges[-1])) >= 0:
        edges.append(newline + 1)
    return edges if edges[-1] == len(content) else [*edges, len(content)]


def _at(random: Random, content: bytes) -> int:
    """Choose an offset: any, or one where a line begins or ends."""
    near = random.choice(_edges(content)) + random.choice([-1, 0, 0, 1])
    return min(max(random.choice([near, random.randint(0, len(content))]), 0), len(content))


def _a_line(random: Random, files: Files) -> bytes:
    """Choose a line of any segment, with its newline if it has one."""
    content = files[pick(random, files)]
    edges = _edges(content)
    index = random.randrange(len(edges))
    return content[edges[index] : edges[index + 1]] if index + 1 < len(edges) else b"\n"


def _torn(random: Random, files: Files) -> None:
    """A write that was not finished."""
    at = pick(random, files)
    begin = max(0, files[at].rstrip(b"\n").rfind(b"\n") + 1)
    files[at] = files[at][: random.randint(begin, len(files[at]))]


def _spliced(random: Random, files: Files) -> None:
    """A line inside another one, complete or in part, with or without its newline."""
    at = pick(random, files)
    inner = _a_line(random, files)
    inner = random.choice([inner, inner.rstrip(b"\n"), inner[: random.randint(0, len(inner))]])
    place = _at(random, files[at])
    files[at] = files[at][:place] + inner + files[at][place:]


def _interleaved(random: Random, files: Files) -> None:
    """Two writers in one file: pieces of two lines alternate."""
    at = pick(random, files)
    one, other = _a_line(random, files), _a_line(random, files)
    cut, also = random.randint(0, len(one)), random.randint(0, len(other))
    place = random.choice(_edges(files[at]))
    mixed = one[:cut] + other[:also] + one[cut:] + other[also:]
    files[at] = files[at][:place] + mixed + files[at][place:]


def _newlines_lost(random: Random, files: Files) -> None:
    """One newline is missing, or all are."""
    at = pick(random, files)
    if random.random() < 0.2:
        files[at] = files[at].replace(b"\n", b"")
        return
    newline = random.choice([0, *_edges(files[at])]) - 1
    files[at] = files[at][: max(newline, 0)] + files[at][newline + 1 :]


def _newlines_changed(random: Random, files: Files) -> None:
    """An editor or a transfer in text mode changed the line ends."""
    at = pick(random, files)
    files[at] = files[at].replace(b"\n", random.choice([b"\r\n", b"\r", b"\n\n", b" \n"]))


def _nuls(random: Random, files: Files) -> None:
    """A power loss left NUL bytes: in place of other bytes, between them, or after them."""
    at = pick(random, files)
    content, place = files[at], _at(random, files[at])
    run = b"\0" * random.choice([1, 7, 100, 512, 4096])
    how = random.choice(["over", "between", "behind"])
    if how == "over":
        files[at] = content[:place] + run[: len(content) - place] + content[place + len(run) :]
    elif how == "between":
        files[at] = content[:place] + run + content[place:]
    else:
        files[at] = content + run


def _bits_flipped(random: Random, files: Files) -> None:
    """A few bits are flipped."""
    at = pick(random, files)
    content = bytearray(files[at])
    for _ in range(random.choice([1, 1, 2, 8]) if content else 0):
        content[random.choice([_at(random, files[at]) - 1, -1])] ^= 1 << random.randrange(8)
    files[at] = bytes(content)


def _noise(random: Random, files: Files) -> None:
    """Random bytes replace others, or are between them."""
    at = pick(random, files)
    place = _at(random, files[at])
    noise = random.randbytes(random.choice([1, 3, 60, 700]))
    behind = place + len(noise) * random.randint(0, 1)
    files[at] = files[at][:place] + noise + files[at][behind:]


def _truncated(random: Random, files: Files) -> None:
    """A file is cut off at any place."""
    at = pick(random, files)
    files[at] = files[at][: _at(random, files[at])]


def _front_lost(random: Random, files: Files) -> None:
    """The beginning of a file is missing: its header, and perhaps more."""
    at = pick(random, files)
    files[at] = files[at][_at(random, files[at]) :]


def _emptied(random: Random, files: Files) -> None:
    """A file without a byte."""
    files[pick(random, files)] = b""


def _deleted(random: Random, files: Files) -> None:
    """A file is missing."""
    if len(files) > 1:
        del files[random.choice(sorted(files))]


def _swapped(random: Random, files: Files) -> None:
    """Two segments have each other's names, in one lane or in two."""
    one, other = random.choice(sorted(files)), random.choice(sorted(files))
    files[one], files[other] = files[other], files[one]


def _duplicated(random: Random, files: Files) -> None:
    """A segment occurs twice: after its lane's last one, in another lane, or in a new one."""
    at = pick(random, files)
    folder = random.choice([at[0], *(folder for folder, _ in sorted(files)), "9", "copy"])
    number = max((n for lane, n in files if lane == folder), default=0) + random.randint(1, 3)
    files[folder, number] = files[at]


def _concatenated(random: Random, files: Files) -> None:
    """A segment follows another one in the same file."""
    files[pick(random, files)] += files[pick(random, files)]


def _shuffled(random: Random, files: Files) -> None:
    """Lines in another order, some of them twice."""
    at = pick(random, files)
    lines = files[at].splitlines(keepends=True) or [b""]
    files[at] = b"".join(random.sample(lines, len(lines)) + random.choices(lines, k=2))


def _foreign_lines(random: Random, files: Files) -> None:
    """Lines that are not records: text, JSON, separators that some programs treat as line ends."""
    at = pick(random, files)
    lines: list[bytes] = [
        b"\n",
        b"hello\n",
        b'{"a":1}\n',
        "a\u2028b\u2029c\u0085d\x0b\x0c\x1e\n".encode(),
        "\u2028".encode(),
        b"\xff\xfe\xc3\x28\n",
        b'{"crc":"00000000","seq":1}\n',
        b'{"crc":"' * 40 + b"\n",
        b"<<<<<<< HEAD\n",
    ]
    place = random.choice([random.choice(_edges(files[at])), _at(random, files[at])])
    files[at] = files[at][:place] + random.choice(lines) + files[at][place:]


def _not_utf8(random: Random, files: Files) -> None:
    """Bytes of another encoding within a record, with a corrected checksum or not."""
    at = pick(random, files)
    inner = _a_line(random, files).replace(b"alpha", b"\xe4lpha\xff").replace(b" ", b"\xa0")
    if random.random() < 0.5:
        inner = _checked(inner.rstrip(b"\n")[18:])
    place = random.choice(_edges(files[at]))
    files[at] = files[at][:place] + inner + files[at][place:]


def _forged(random: Random, files: Files) -> None:
    """Lines with a valid checksum that no writer of this version creates."""
    at = pick(random, files)
    fields = {"seq": 1, "id": "f", "type": "x", "session": "f", "time": 1, "data": {}}
    wrong = random.choice([("seq", "1"), ("id", 7), ("time", -1), ("data", []), ("session", "")])
    bodies = [b"{}", b"null}", b'"seq":1', orjson.dumps(fields | {wrong[0]: wrong[1]})[1:]]
    place = random.choice(_edges(files[at]))
    files[at] = files[at][:place] + _checked(random.choice(bodies)) + files[at][place:]


def _checked(rest: bytes) -> bytes:
    """Return a line with a valid checksum, whatever its content is."""
    return b'{"crc":"%08x",%b\n' % (crc32(rest), rest)


def _from_the_future(random: Random, files: Files) -> None:
    """A segment of a format that this version does not know."""
    at = pick(random, files)
    behind = files[at].partition(b"\n")[2]
    files[at] = header("later", at[1], format=FORMAT + random.randint(1, 9)) + behind


def _overlong(random: Random, files: Files) -> None:
    """More bytes without a newline than a record may have."""
    at = pick(random, files)
    place = _at(random, files[at])
    filling = random.choice([b"\0", b"x", b'{"crc":"00000000",', b"}"])
    much = filling * (random.choice([MAX_RECORD - 10, MAX_RECORD + 4000]) // len(filling))
    files[at] = files[at][:place] + much + random.choice([b"", b"\n"]) + files[at][place:] + b"\n"


def _too_large(random: Random, files: Files) -> None:
    """A record with a good checksum that is larger than a record may be."""
    at = pick(random, files)
    data = b'"data":{"content":"%b"}}' % (b"y" * MAX_RECORD)
    body = b'"seq":1,"id":"f","type":"x","session":"f","time":1,' + data
    place = random.choice(_edges(files[at]))
    files[at] = files[at][:place] + _checked(body) + files[at][place:]


KINDS: dict[str, Callable[[Random, Files], None]] = {
    "torn tail": _torn,
    "spliced line": _spliced,
    "interleaved lines": _interleaved,
    "lost newline": _newlines_lost,
    "changed line ends": _newlines_changed,
    "NUL run": _nuls,
    "flipped bits": _bits_flipped,
    "noise": _noise,
    "truncated file": _truncated,
    "lost front": _front_lost,
    "emptied file": _emptied,
    "deleted segment": _deleted,
    "swapped segments": _swapped,
    "duplicated segment": _duplicated,
    "concatenated segments": _concatenated,
    "shuffled lines": _shuffled,
    "foreign lines": _foreign_lines,
    "invalid UTF-8": _not_utf8,
    "forged lines": _forged,
    "future format": _from_the_future,
}
"""Each kind of damage by name."""
LARGE: dict[str, Callable[[Random, Files], None]] = {
    "overlong line": _overlong,
    "too large a record": _too_large,
}
"""Kinds of damage that need 16 MiB or more."""
