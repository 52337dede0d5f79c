"""The application: which function answers which path, and how errors are shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from journal.errors import JournalError
from projector.errors import NotFound, ProjectionError, QueryError
from projector.web import urls
from projector.web.export.download import Downloads
from projector.web.live.stream import events
from projector.web.page import JSON, Page, as_json, wants_json
from projector.web.pages import PAGES
from projector.web.reading import READERS
from projector.web.sending import leaving
from projector.web.static_files import static_file
from projector.web.templating import fill

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from projector.errors import Behind
    from projector.web.live.hub import Hub
    from projector.web.pages import Make
    from projector.web.reading import Readings

_HTML = "text/html; charset=utf-8"
_VARY = {"Vary": "Accept"}


@dataclass(frozen=True, slots=True)
class Site:
    """What each page shows around its own content.

    Attributes:
        path: of the page; its link is marked.
        query: what the search box holds.
        behind: what the projection lacks; None if nothing, or if that is not known.
        is_ready: whether nothing of the page is still being counted; else it loads itself again.
    """

    path: str
    query: str
    behind: Behind | None
    is_ready: bool = True


def application(readings: Readings, hub: Hub) -> Starlette:
    """Return the application without the layers of `projector.web.security`.

    Args:
        readings: what the pages read.
        hub: wakes pages that listen.
    """
    limiter = CapacityLimiter(READERS)
    routes = [Route("/", _to_sessions), Route("/assets/{name}", static_file)]
    routes.append(Route(urls.EVENTS, events(readings, hub, limiter)))
    routes.append(Route(urls.EXPORT, _download(Downloads(readings.path), limiter)))
    for path, make in PAGES.items():
        endpoint = _endpoint(make, readings, limiter)
        routes += [Route(path, endpoint), Route(f"{path}.json", endpoint)]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused})
    app.router.redirect_slashes = False
    return app


async def _to_sessions(_: Request) -> Response:
    return RedirectResponse(urls.SESSIONS)


def _endpoint(
    make: Make, readings: Readings, limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a page, which is made on another thread while its reader waits."""

    async def answer(request: Request) -> Response:
        work = partial(_answer, make, readings, request)
        return await leaving.answer(request, work, limiter)

    return answer


def _answer(make: Make, readings: Readings, request: Request) -> Response:
    try:
        page, behind = make(readings, request.query_params), readings.behind()
    except _ERRORS as error:
        page, behind = _failed(error), None
    return _shown(page, request, behind)


def _download(
    downloads: Downloads, limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a session as a file."""

    async def answer(request: Request) -> Response:
        begin = partial(downloads.begin, request.query_params, request.method)
        try:
            return await to_thread.run_sync(begin, limiter=limiter)
        except _ERRORS as error:
            return _shown(_failed(error), request, None)

    return answer


_ERRORS = (NotFound, QueryError, ValueError, ProjectionError, JournalError)
"""What a page or a file can fail with."""


def _failed(error: Exception) -> Page:
    """Return the page that says why there is no answer."""
    if isinstance(error, NotFound):
        return _error(404, str(error))
    return _error(400 if isinstance(error, ValueError) else 503, str(error))


def _shown(page: Page, request: Request, behind: Behind | None) -> Response:
    path = request.url.path
    if wants_json(path, request.headers.get("accept", "")):
        whole = dict(page.json())
        if behind is not None:
            whole["behind"] = behind.as_json()
        return Response(as_json(whole), page.status if page.is_ready else 503, _VARY, JSON)
    site = Site(path, request.query_params.get("q", ""), behind, page.is_ready)
    text = fill(page.template, {"view": page.view, "title": page.title, "site": site})
    return Response(text.encode("utf-8", "replace"), page.status, _VARY, _HTML)


def _error(status: int, message: str) -> Page:
    titles = {400: "This cannot be asked", 404: "Not found", 503: "No answer"}
    title = titles.get(status, "Refused")
    return Page("error.html", title, message, lambda: {"error": message}, status)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = "there is no such page" if status == 404 else str(error)  # noqa: PLR2004 - of HTTP
    return _shown(_error(status, message), request, None)
