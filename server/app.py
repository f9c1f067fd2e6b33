"""The Starlette app: routes, lifespan, middleware."""

import asyncio
import contextlib
import gc
import logging
import re
import signal
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from schema import logos
from schema.endpoint import GRAPHIQL, GRAPHIQL_CSP, Endpoint
from server import access_tokens, accounts, events, logs, mail, organizations, pages, workspaces
from server.database import Statements, connected, fetch, statements
from server.settings import settings

HOUSEKEEPING_SECONDS = 600
PROBES = ("/healthz", "/readyz")
READY_SECONDS = 2
REQUEST_ID = re.compile(rb"[\w.:-]{1,64}")

log = structlog.get_logger()


class Requests:
    """Gives each request an id, measures it, and writes its line in the log (pure ASGI).

    The graph's requests go straight to its endpoint, since Starlette takes longer to find it than all of this does.
    """

    def __init__(self, endpoint: ASGIApp, app: ASGIApp) -> None:
        self.endpoint = endpoint
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        app = self.endpoint if scope["path"] == "/graphql" else self.app
        started = time.perf_counter()
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else uuid7().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        counter = Statements()
        statements.set(counter)
        status = 0

        async def measured_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                timing = (
                    f"total;dur={(time.perf_counter() - started) * 1000:.2f}, "
                    f"{'compiled, ' if counter.compiled else ''}"
                    f'db;dur={counter.seconds * 1000:.2f};desc="{counter.count}"'
                )
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"server-timing", timing.encode()),
                ]
            await send(message)

        try:
            await app(scope, receive, measured_send)
        finally:
            logs.request(
                logging.DEBUG if scope["path"] in PROBES else logging.INFO,
                {
                    "method": scope.get("method", "WEBSOCKET"),
                    "path": scope["path"],
                    "status": status,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 2),
                    "statements": counter.count,
                    "request_id": request_id,
                },
            )


async def healthz(request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The database answers too."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await fetch("SELECT 1")
    except Exception as error:
        log.warning("not_ready", error=repr(error))
        return JSONResponse({"status": "unavailable", "reason": "The database does not answer."}, 503)
    return JSONResponse({"status": "ok"})


async def jwks(request: Request) -> Response:
    """The public keys (RFC 7517) by which other services verify access tokens."""
    headers = {"Cache-Control": f"public, max-age={access_tokens.JWKS_SECONDS}"}
    return JSONResponse(await access_tokens.jwks(), headers=headers)


async def home(request: Request) -> Response:
    return RedirectResponse("/graphql")


class GraphiqlFiles(StaticFiles):
    """GraphiQL's assets. Workers take their policy from their own answer, so each file carries it."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Content-Security-Policy"] = GRAPHIQL_CSP
        response.headers["Cache-Control"] = "no-cache"
        return response


async def housekeeping() -> None:
    """Remove what is past its time, for as long as the server runs."""
    while True:
        for purge in (accounts.purge, mail.purge, workspaces.purge, organizations.purge, access_tokens.renew):
            try:
                await purge()
            except Exception:
                log.exception("housekeeping.failed", task=purge.__module__)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


def tell_streams_on_signals() -> None:
    """Streams end when the server is asked to stop, not only when its patience with them is over."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        previous = signal.getsignal(number)

        def stop(received: int, frame: Any, previous: Any = previous) -> None:
            loop.call_soon_threadsafe(events.stop)
            if callable(previous):
                previous(received, frame)

        signal.signal(number, stop)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    logs.configure()
    tell_streams_on_signals()
    async with connected(settings.database_url), events.across_processes(settings.database_url):
        async with mail.delivery():
            keeping = asyncio.create_task(housekeeping())
            gc.freeze()  # what is there now stays, and is not looked through again and again
            gc.enable()
            yield
            events.stop()
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
        await events.finish()
    logs.flush()


def create_app() -> ASGIApp:
    endpoint = Endpoint()
    routes: list[BaseRoute] = [
        Route("/", home),
        Route("/graphql", endpoint),  # by which /graphql/ is redirected there
        Mount("/graphiql", GraphiqlFiles(directory=GRAPHIQL, check_dir=False)),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/.well-known/jwks.json", jwks),
        Route("/organizations/{id}/logo", logos.OF_ORGANIZATION),
        Route("/logos/{id}.webp", logos.PUBLIC),
    ]
    routes += [Route(path, pages.link) for path in pages.LINKS]
    if not settings.smtp_url:
        routes.append(Route("/mailbox", pages.mailbox))
    return Requests(endpoint, Starlette(routes=routes, lifespan=lifespan))
