"""The client of the server: headers, and what else is installed beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nats.aio.client
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from projector.relay.server.connection import _Client
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.relay.servers import Server

_NAMES = st.from_regex(r"[A-Za-z-]{1,40}", fullmatch=True)
_VALUES = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))


@given(st.dictionaries(_NAMES, _VALUES))
def test_headers_are_read_as_the_library_reads_them(fields: dict[str, str]) -> None:
    """Names and values, without the spaces around them."""
    raw = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
    assert _Client._parse_header_lines(raw) == Client._parse_header_lines(raw)


def test_a_parser_of_mails_beside_the_client_stops_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nats-py uses it where it is installed; it returns lists, of which no chunk can be read."""

    class Parsed:
        headers: dict[str, Any]

    def parse(raw: bytes) -> Parsed:
        parsed = Parsed()
        fields = Client._parse_header_lines(raw)
        parsed.headers = {name: [value] for name, value in fields.items()}
        return parsed

    monkeypatch.setattr(nats.aio.client, "parse_email", parse)
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("hello")
    for machine in (a, b, a):
        machine.relay()
    assert_same(a, b)
