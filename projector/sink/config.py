"""Which sink a journal has: `sink.toml` in its folder.

::

    url = "https://search.example.org:8443"   # a server; or chdb:///var/lib/agents, a folder
    database = "journal"
    table = "messages"
    user = "agents"
    password_file = "/etc/agents/clickhouse"  # one line; empty if there is no password
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from journal.fs.files import replace_file
from journal.fs.ownership import read_own
from journal.fs.toml_file import parse_toml
from projector.outbox import CONFIG
from projector.sink.clickhouse import ClickHouse
from projector.sink.engines import Embedded, Http
from projector.sink.errors import NoSink, SinkError

if TYPE_CHECKING:
    from journal.fs.directory import Directory
    from projector.sink.document import Sink

_MOST = 64 * 1024
_PORTS = {"http": 8123, "https": 8443}


@dataclass(frozen=True, slots=True)
class Config:
    """Where documents are sent; all are texts, as in the file."""

    url: str
    database: str = "journal"
    table: str = "messages"
    user: str = ""
    password_file: str = ""

    def __post_init__(self) -> None:
        url = urlsplit(self.url)
        # a folder without its third slash would be taken for a host, and the rest for the folder
        is_folder = url.scheme == "chdb" and not url.netloc and len(url.path) > 1
        if not is_folder and (url.scheme not in _PORTS or not url.hostname):
            raise ValueError(
                f"url is {self.url!r}: give http://HOST:8123, https://HOST:8443 or chdb:///FOLDER"
            )
        if url.username or url.password:
            raise ValueError("url must have no user: give `user` and `password_file`")
        for name in (self.database, self.table):
            if not name or "`" in name or "\\" in name:
                raise ValueError(f"{name!r} is no name of a database or a table")

    @property
    def address(self) -> str:
        """The table, for people; two of one address are the same table."""
        return f"the table {self.database}.{self.table} of {self.url}"

    def connect(self) -> Sink:
        """Return the sink.

        Raises:
            SinkError: it cannot be opened, or the password cannot be read.
        """
        url = urlsplit(self.url)
        if url.scheme == "chdb":
            return ClickHouse(Embedded(Path(url.path)), self.database, self.table)
        port = url.port or _PORTS[url.scheme]
        secure = url.scheme == "https"
        password = self._password()
        http = Http(url.hostname or "", port, secure=secure, user=self.user, password=password)
        return ClickHouse(http, self.database, self.table)

    def _password(self) -> str:
        if not self.password_file:
            return ""
        try:
            text = Path(self.password_file).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SinkError(f"cannot read the password in {self.password_file}: {error}") from error
        return text.strip("\r\n")


def read_config(journal: Directory) -> Config:
    """Read the configuration of a journal's sink.

    Raises:
        NoSink: there is none.
        SinkError: it cannot be read or understood.
    """
    path = journal.path / CONFIG
    try:
        values = parse_toml(read_own(path, _MOST))
        known = {field.name for field in fields(Config)}
        for name, value in values.items():
            if name not in known or not isinstance(value, str):
                raise ValueError(f"`{name}` is unknown or no text")  # noqa: TRY301 - handled below
        return Config(**values)
    except FileNotFoundError:
        raise NoSink(f"{journal.path} has no sink: `projector sink use URL`") from None
    except (OSError, ValueError, TypeError) as error:
        raise SinkError(f"cannot use {path}: {error}") from error


def write_config(journal: Directory, config: Config) -> None:
    """Write the configuration of a journal's sink: from now on its outbox is filled.

    Raises:
        OSError: the file system refuses.
    """
    lines = [f"{name} = {orjson.dumps(value).decode()}\n" for name, value in asdict(config).items()]
    replace_file(journal.path / CONFIG, "".join(lines).encode())
