"""What `journal relay init` makes: a configuration of the server, certificates, credentials."""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bcrypt
import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from journal.fs.files import replace_file
from journal.fs.toml_file import parse_toml
from projector.relay.errors import RelayError
from projector.relay.server.permissions import ADMIN, permissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_YEARS = 20
_BEGAN = dt.timedelta(days=1)
"""A clock that is behind must not refuse a new certificate."""
_PAYLOAD = 1024 * 1024
_PURPOSES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
_ROUNDS = 6
"""Cost of bcrypt: the passwords are random, and each connection pays for it."""
_ROUTES = 6222
"""The port on which the servers of a cluster reach each other."""
USERS = "users.toml"
"""Name of the file with all users and the hashes of their passwords."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of the server, and the bcrypt hash of its password."""

    name: str
    hashed: str


def make_files(
    folder: Path,
    hub: str,
    machines: Sequence[str],
    fleet: str,
    hosts: Sequence[str],
    replicas: int,
) -> list[Path]:
    """Write certificates, and a file of credentials for each machine; what is there stays.

    Args:
        folder: where they are written.
        hub: name of the machine that makes the stream.
        machines: names of the others.
        fleet: name of the fleet.
        hosts: names and addresses by which the server is reached.
        replicas: servers that keep the stream.

    Returns:
        The files of credentials of machines that are new.

    Raises:
        RelayError: the certificate that is there is for other hosts.
        OSError: a file cannot be written.
    """
    if (folder / "ca.pem").exists():
        _check_hosts(folder / "server.pem", hosts)
    else:
        ca, certificate, key = _certificates(fleet, hosts)
        replace_file(folder / "server.pem", certificate)
        replace_file(folder / "server.key", key)
        replace_file(folder / "ca.pem", ca)  # the last: if it is there, the others are, too
    authority = (folder / "ca.pem").read_text()
    users = {user.name: user for user in read_users(folder)}
    written = []
    for name in (hub, *machines):
        if name in users:
            continue
        users[name], secret = _new_user(name)
        values: dict[str, object] = {"fleet": fleet, "user": name, "secret": secret}
        values |= {"ca": authority}
        if name == hub:
            users[ADMIN], values["admin_secret"] = _new_user(ADMIN)
            values |= {"admin": ADMIN, "replicas": replicas}
        path = folder / f"{name}.creds"
        replace_file(path, _toml(values))
        replace_file(folder / USERS, _users(users.values()))
        written.append(path)
    return written


def read_users(folder: Path) -> list[User]:
    """Return the users that `init` has made in a folder.

    Raises:
        OSError: the file cannot be read.
        RelayError: it is damaged.
    """
    path = folder / USERS
    if not path.exists():
        return []
    try:
        return [User(**each) for each in parse_toml(path.read_bytes()).get("user", [])]
    except (TypeError, ValueError) as error:
        raise RelayError(f"{path}: {error}") from error


def server_conf(
    folder: Path, fleet: str, hub: str, users: Sequence[User], port: int, servers: Sequence[str]
) -> str:
    """Return the configuration of the server.

    Args:
        folder: where the certificates are.
        fleet: name of the fleet.
        hub: the user that may send what absent machines wrote.
        users: all users, the administrator among them.
        port: where it listens.
        servers: names or addresses of the servers of the cluster; none of a single server.
    """
    entries = []
    for user in users:
        allowed = permissions(fleet, user.name, keeps=user.name == hub)
        entries.append(
            f"    {{ user: {_quoted(user.name)}, password: {_quoted(user.hashed)},"
            f" permissions: {allowed} }}\n"
        )
    cluster = ""
    if servers:
        routes = ", ".join(_quoted(f"nats://{each}:{_ROUTES}") for each in servers)
        cluster = (
            "\n# give each server a name of its own: nats-server --name NAME -c nats.conf\n"
            "cluster {\n"
            f"  name: {_quoted(fleet)}\n"
            f'  listen: "0.0.0.0:{_ROUTES}"\n'
            f"  routes: [{routes}]\n"
            "  tls {\n"
            f"    cert_file: {_quoted(folder / 'server.pem')}\n"
            f"    key_file: {_quoted(folder / 'server.key')}\n"
            f"    ca_file: {_quoted(folder / 'ca.pem')}\n"
            "  }\n"
            "}\n"
        )
    return (
        "# nats-server 2.10 or newer. It has hashes of the passwords of all machines\n"
        f'listen: "0.0.0.0:{port}"\n'
        f"max_payload: {_PAYLOAD}\n"
        "jetstream {\n"
        f"  store_dir: {_quoted(folder / 'store')}\n"
        "  sync_interval: always\n"
        "}\n"
        "tls {\n"
        f"  cert_file: {_quoted(folder / 'server.pem')}\n"
        f"  key_file: {_quoted(folder / 'server.key')}\n"
        "}\n"
        f"{cluster}"
        "authorization {\n"
        "  users: [\n"
        f"{''.join(entries)}"
        "  ]\n"
        "}\n"
    )


def _new_user(name: str) -> tuple[User, str]:
    """Return a user, and the password that only its machine gets."""
    secret = secrets.token_urlsafe(32)
    hashed = bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_ROUNDS, prefix=b"2a"))
    return User(name, hashed.decode()), secret


def _certificates(fleet: str, hosts: Sequence[str]) -> tuple[bytes, bytes, bytes]:
    """Make an authority, and sign a certificate of the server; return both and the server's key.

    The authority's key is not kept: to change the hosts, make all of them again.
    """
    now = dt.datetime.now(dt.UTC)
    until = now + dt.timedelta(days=365 * _YEARS)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"agent-journal {fleet}")])
    ca = (
        _builder(authority, authority, authority_key.public_key(), now - _BEGAN, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    certificate = (
        _builder(subject, authority, key.public_key(), now - _BEGAN, until)
        .add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return (
        ca.public_bytes(pem),
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _check_hosts(path: Path, hosts: Sequence[str]) -> None:
    """Check that the server's certificate is for all hosts.

    Raises:
        RelayError: it is not.
        OSError: it cannot be read.
    """
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise RelayError(f"{path}: {error}") from error
    missing = [host for host in hosts if _host(host) not in names]
    if missing:
        raise RelayError(
            f"{path} is not for {', '.join(missing)}, and its authority's key is not kept: give"
            " another --folder, and let all machines join again with the credentials made there"
        )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: dt.datetime,
    ends: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _toml(values: dict[str, object]) -> bytes:
    return "".join(f"{k} = {orjson.dumps(v).decode()}\n" for k, v in values.items()).encode()


def _users(users: Iterable[User]) -> bytes:
    return b"".join(
        b"[[user]]\n" + _toml({"name": user.name, "hashed": user.hashed}) for user in users
    )


def _quoted(value: object) -> str:
    return orjson.dumps(str(value)).decode()
