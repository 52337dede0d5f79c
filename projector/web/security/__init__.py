"""What stands before every page: each module is one ASGI application around another.

From the outside in: `headers` adds its headers to every answer, also to refusals; `hosts` refuses
names that are not this server's; `methods` all that could write; `isolation` what pages of other
origins load; `token` requests without a token, where one is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.web.security.headers import Headers
from projector.web.security.hosts import Hosts
from projector.web.security.isolation import Isolation
from projector.web.security.methods import Methods
from projector.web.security.token import Token

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp


def guarded(inner: ASGIApp, names: Collection[str], token: str | None) -> ASGIApp:
    """Return an application behind all of the layers.

    Args:
        inner: answers requests that pass.
        names: values of the header `Host` that are this server, as `hosts.host_names` makes them.
        token: what each request must know; None where none is needed.
    """
    app = inner if token is None else Token(inner, token)
    return Headers(Hosts(Methods(Isolation(app)), names))
