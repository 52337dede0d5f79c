"""What a machine knows of its fleet: `relay/config.toml`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import orjson

from journal.fs.files import make_folder, replace_file
from journal.fs.ownership import read_own
from journal.fs.toml_file import parse_toml
from projector.relay.chunk import NAME
from projector.relay.errors import NotJoined, RelayError
from projector.relay.files.mirror import MAX_MIRRORS
from projector.relay.identity import RELAY

if TYPE_CHECKING:
    from pathlib import Path

    from journal.fs.directory import Directory

_MOST = 1 << 20
CONFIG = "config.toml"


@dataclass(frozen=True, slots=True)
class Config:
    """What `journal relay join` wrote, and the user may change.

    Attributes:
        fleet: name of the fleet.
        name: name of this machine, for people.
        url: addresses of the server, separated by commas.
        user: user of the server.
        secret: the user's password.
        admin: user that may make the stream, on the hub; elsewhere empty.
        admin_secret: that user's password.
        replicas: servers that keep the stream, if this machine makes it.
        ca: certificate of the authority that signed the server's, as PEM; the system's if empty.
        send: whether the lanes of this machine are sent.
        receive: whether those of the others are mirrored.
        keep: whether it sends what absent machines wrote, if the server has lost it.
        keep_after: seconds after a loss until it does.
        max_mirror_bytes: of all mirrors together.
        timeout: seconds to wait for an answer of the server.
    """

    fleet: str
    name: str
    url: str
    user: str = ""
    secret: str = ""
    admin: str = ""
    admin_secret: str = ""
    replicas: int = 1
    ca: str = ""
    send: bool = True
    receive: bool = True
    keep: bool = False
    keep_after: int = 600
    max_mirror_bytes: int = MAX_MIRRORS
    timeout: int = 10

    def __post_init__(self) -> None:
        for what, value in (("fleet", self.fleet), ("name", self.name), ("user", self.user)):
            if not NAME.fullmatch(value) and (what != "user" or value):
                raise RelayError(
                    f"the {what} is {value!r:.80}: use 1 to 64 ASCII letters, digits, - and _"
                )

    @property
    def sender(self) -> str:
        """The user in the subjects of this machine."""
        return self.user or self.name

    @property
    def stream(self) -> str:
        """Name of the stream of the fleet."""
        return f"AJ_{self.fleet}"


def read_config(journal: Directory) -> Config:
    """Read the configuration of a journal's relay.

    Raises:
        NotJoined: there is none.
        RelayError: it cannot be understood.
        OSError: it cannot be read.
    """
    path = journal.path / RELAY / CONFIG
    try:
        content = read_own(path, _MOST)
    except FileNotFoundError:
        raise NotJoined(
            f"the journal at {journal.path} belongs to no fleet: run `journal relay join`"
        ) from None
    try:
        return make(parse_toml(content))
    except (TypeError, ValueError) as error:
        raise RelayError(f"{path}: {error}") from error


def make(values: dict[str, Any]) -> Config:
    """Return the configuration of some values.

    Raises:
        ValueError: one is unknown, missing, or of another kind.
        RelayError: a name is not allowed.
    """
    kinds = {field.name: field.type for field in fields(Config)}
    for name, value in values.items():
        if name not in kinds:
            raise ValueError(f"`{name}` is unknown: {', '.join(kinds)} are known")
        if type(value).__name__ != kinds[name]:
            raise ValueError(f"`{name}` must be of kind {kinds[name]}")
    missing = {"fleet", "name", "url"} - values.keys()
    if missing:
        raise ValueError(f"`{min(missing)}` is missing")
    return Config(**values)


def write_config(journal: Directory, config: Config) -> None:
    """Write the configuration of a journal's relay.

    Raises:
        OSError: the file system refuses.
    """
    make_folder(journal.path / RELAY)
    lines = [
        f"{field.name} = {orjson.dumps(getattr(config, field.name)).decode()}\n"
        for field in fields(Config)
    ]
    replace_file(journal.path / RELAY / CONFIG, "".join(lines).encode())


def remove_config(journal: Directory) -> Path:
    """Remove the configuration, and return its path.

    Raises:
        NotJoined: there is none.
        OSError: the file system refuses.
    """
    path: Path = journal.path / RELAY / CONFIG
    read_config(journal)
    path.unlink()
    return path
