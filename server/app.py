"""The Starlette app: routes, lifespan, middleware."""

import asyncio
import contextlib
import re
import signal
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schema import logos
from schema.endpoint import GRAPHIQL, GRAPHIQL_CSP, Endpoint
from server import access_tokens, accounts, events, logs, mail, organizations, pages, workspaces
from server.database import Statements, connected, fetch, statements
from server.rows import uuid7
from server.settings import settings

HOUSEKEEPING_SECONDS = 600
PROBES = ("/healthz", "/readyz")
READY_SECONDS = 2

log = structlog.get_logger()


class Requests:
    """Gives each request an id, measures it, and writes its line in the log (pure ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if re.fullmatch(r"[\w.:-]{1,64}", given, re.ASCII) else uuid7().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        counter = Statements()
        statements.set(counter)
        started = time.perf_counter()
        status = 0

        async def measured_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                answer["X-Content-Type-Options"] = "nosniff"
                answer["Server-Timing"] = (
                    f"total;dur={(time.perf_counter() - started) * 1000:.2f}, "
                    f'db;dur={counter.seconds * 1000:.2f};desc="{counter.count}"'
                )
            await send(message)

        try:
            await self.app(scope, receive, measured_send)
        finally:
            write = log.debug if scope["path"] in PROBES else log.info
            write(
                "request",
                method=scope.get("method", "WEBSOCKET"),
                path=scope["path"],
                status=status,
                milliseconds=round((time.perf_counter() - started) * 1000, 2),
                statements=counter.count,
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
            yield
            events.stop()
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
        await events.finish()


def create_app() -> Starlette:
    endpoint = Endpoint()
    routes: list[BaseRoute] = [
        Route("/", home),
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", endpoint),
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
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(Requests)])
