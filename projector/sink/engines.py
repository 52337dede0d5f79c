"""How SQL reaches ClickHouse: over HTTP, or in this process by chdb. Both take the same SQL."""

from __future__ import annotations

import http.client
import ssl
from base64 import b64encode
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from projector.sink.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TIMEOUT = 300.0
"""Seconds for one statement: one that erases reads the whole table."""
_LONGEST = 1 << 24
"""Bytes of a statement without its rows: a search may name thousands of sessions."""
_ROWS = "JSONCompactEachRow"
"""The format of rows that are inserted. Arrow takes ClickHouse as long, and needs pyarrow."""
_SHOWN = 400
"""Characters of an error of the server that are shown."""


class Engine(Protocol):
    """Runs SQL."""

    def run(self, sql: str) -> None:
        """Run a statement."""
        ...

    def insert(self, into: str, rows: bytes) -> None:
        """Insert rows, JSON arrays of the columns that `into` names, one a line.

        They are on the disk when it returns.
        """
        ...

    def select(self, sql: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a query."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Http:
    """A server, over HTTP or HTTPS."""

    def __init__(self, host: str, port: int, *, secure: bool, user: str, password: str) -> None:
        self._where = f"{'https' if secure else 'http'}://{host}:{port}"
        self._headers = {}
        if user:
            token = b64encode(f"{user}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(
                host, port, timeout=_TIMEOUT, context=ssl.create_default_context()
            )
            if secure
            else http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        )

    def run(self, sql: str) -> None:
        """Run a statement.

        Raises:
            SinkError: the server cannot be reached, or refuses.
        """
        self._post(sql.encode(errors="replace"))

    def insert(self, into: str, rows: bytes) -> None:
        """Insert rows, as `Engine.insert`.

        Raises:
            SinkError: as `run`.
        """
        self._post(f"INSERT INTO {into} FORMAT {_ROWS}\n".encode(errors="replace") + rows)

    def select(self, sql: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a query.

        Raises:
            SinkError: as `run`.
        """
        return _rows(self._post(f"{sql} FORMAT JSONCompact".encode(errors="replace")))

    def _post(self, body: bytes) -> bytes:
        # numbers beyond 2^53 must not become text
        path = (
            "/?output_format_json_quote_64bit_integers=0&wait_end_of_query=1"
            f"&max_query_size={_LONGEST}"
        )
        try:
            self._connection.request("POST", path, body, self._headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next statement connects again
            why = str(error) or type(error).__name__
            if isinstance(error, ssl.SSLCertVerificationError):
                why += "; SSL_CERT_FILE names the certificate of an authority of your own"
            raise SinkError(f"cannot reach {self._where}: {why}") from error
        if response.status != http.HTTPStatus.OK:
            what = content.decode(errors="replace").strip()[:_SHOWN]
            raise SinkError(f"{self._where} refuses ({response.status}): {what}")
        return content

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Embedded:
    """ClickHouse in this process, with its files in a folder that no other process uses."""

    def __init__(self, folder: Path) -> None:
        try:
            # half a gigabyte, which a server makes needless
            session: Any = import_module("chdb.session")
        except ImportError as error:
            raise SinkError(
                "a sink in a folder needs chdb: pip install 'agent-journal[chdb]'"
            ) from error
        self._folder = folder
        try:
            self._session = session.Session(str(folder))
            self._session.query(f"SET max_query_size = {_LONGEST}")
        except Exception as error:
            raise SinkError(f"cannot open {folder}: {_text(error)}") from error

    def run(self, sql: str) -> None:
        """Run a statement.

        Raises:
            SinkError: ClickHouse refuses.
        """
        self._query(sql)

    def insert(self, into: str, rows: bytes) -> None:
        """Insert rows, as `Engine.insert`.

        Raises:
            SinkError: as `run`.
        """
        try:
            # rows within the statement would be copied twice, and searched for its end
            with self._session.send_insert(f"INSERT INTO {into}", _ROWS) as inserter:
                inserter.append(rows)
                inserter.finish()
        except Exception as error:  # as in `_query`
            raise self._refused(error) from error

    def select(self, sql: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a query.

        Raises:
            SinkError: as `run`.
        """
        return _rows(self._query(f"{sql} FORMAT JSONCompact"))

    def _query(self, sql: str) -> bytes:
        try:
            found = self._session.query(sql)
        except Exception as error:  # chdb has no class of errors that its releases agree on
            raise self._refused(error) from error
        content: bytes = found if isinstance(found, bytes) else found.bytes()
        return content

    def _refused(self, error: Exception) -> SinkError:
        return SinkError(f"{self._folder} refuses: {_text(error)}")

    def close(self) -> None:
        """Close the files."""
        self._session.close()


def _text(error: Exception) -> str:
    """Return what an error of chdb says, without the stack of its C++ functions."""
    return str(error).partition("Stack trace")[0][:_SHOWN].rstrip(" .,(")


def _rows(content: bytes) -> Sequence[Sequence[Any]]:
    rows: Sequence[Sequence[Any]] = orjson.loads(content)["data"]
    return rows
