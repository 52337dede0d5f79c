"""A server behind TLS: its certificate is checked, and the password goes to no other server."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import trustme

from projector import SessionStore
from tests.projector.sink.running import run
from tests.support.programs import clickhouse
from tests.support.programs.sinks import assert_equal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clickhouse")]


@pytest.mark.parametrize("name", ["127.0.0.1", "elsewhere.example"])
def test_only_a_server_with_a_certificate_of_its_name_gets_anything(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The authority is one that the system trusts; any other certificate is a clear error."""
    clickhouse.needed()
    authority, table = trustme.CA(), f"t{uuid4().hex}"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    password = tmp_path / "password"
    password.write_text("secret\n")
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "hello")
    with clickhouse.serving(tls) as server:
        named = ("--user", "someone", "--password-file", str(password), "--table", table)
        use = ("sink", "use", server.url, *named)
        refused = run(journal_dir, *use)
        assert refused.exit_code == 1
        assert f"cannot reach {server.url}" in refused.stderr
        assert "SSL_CERT_FILE" in refused.stderr
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        trusted = run(journal_dir, *use)
        if name == "127.0.0.1":
            assert trusted.exit_code == 0, trusted.stderr
            assert run(journal_dir, "sink", "run", "--once").exit_code == 0
            assert_equal(journal_dir, f"journal.{table}")
            assert server.users == {"Basic c29tZW9uZTpzZWNyZXQ="}
        else:
            assert trusted.exit_code == 1
            assert "certificate is not valid for '127.0.0.1'" in trusted.stderr
            assert not server.requests
