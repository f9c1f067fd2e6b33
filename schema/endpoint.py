"""The ASGI entry of the graph: credentials, protocols, and JSON for every answer."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from json import JSONDecodeError
from pathlib import Path
from typing import Any, cast

import orjson
import structlog
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request, cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.streaming import SSETransport
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message as TransportWsMessage
from strawberry.types.unset import UNSET, UnsetType

from schema import compiler, schema
from schema.context import SESSION_COOKIE, Context
from schema.problems import INTERNAL
from schema.scalars import parse_id
from server import events
from server.access import Actor, Origin
from server.authentication import Remembered, acting_in, authenticate, remembered, touch, touch_is_due
from server.database import statements
from server.errors import Problem, Unauthenticated
from server.models import Organization, Workspace
from server.settings import settings

GRAPHIQL = Path(__file__).parent / "graphiql" / "dist"
GRAPHIQL_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
MAX_BODY = 1024 * 1024
STREAM = b"text/event-stream"
REQUEST_KEYS = {"query", "variables", "operationName"}
HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
"""Of an answer of the compiler's."""
CLOSE_REASON_BYTES = 123
"""RFC 6455, section 5.5: a control frame's payload ends at 125 bytes, two of which are the code."""


log = structlog.get_logger()


class Refused(Exception):
    """The request is not executed at all."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def answer(status: int, code: str, message: str, **details: Any) -> Response:
    """An error, in the form in which the graph has them."""
    return JSONResponse({"errors": [{"message": message, "extensions": {"code": code, **details}}]}, status_code=status)


def limited_body(receive: Receive) -> Receive:
    """Raises Refused once a body is larger than MAX_BODY, whatever length it claims."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY:
            raise Refused(413, "BAD_REQUEST", f"The body is too large: at most {MAX_BODY} bytes.")
        return message

    return limited


class SseTransport(SSETransport):
    """Streams to those who ask for a stream first; some clients name the type last on plain queries."""

    def accepts(self, accept: str) -> bool:
        return super().accepts(accept.split(",", 1)[0])

    def encode_event(self, event: str, data: str | None = None) -> str:
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        return super().encode_comment(comment).replace("\r\n", "\n")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_request(payload: object) -> bool:
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


class TransportWsHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """graphql-transport-ws, whose faults end an operation or the socket, never the handler."""

    async def handle_message(self, message: Any) -> None:
        if not isinstance(message, dict):
            await self.handle_invalid_message("A message is a JSON object")
            return
        kind, payload = message.get("type"), message.get("payload")
        if kind in ("subscribe", "complete") and not _is_text(message.get("id")):
            await self.handle_invalid_message("The id is a non-empty string")
            return
        if kind == "subscribe" and not _is_request(payload):
            await self.handle_invalid_message("The payload is an object with a query, and perhaps variables")
            return
        if kind == "connection_init" and payload is None:
            message.pop("payload", None)
        await super().handle_message(cast(TransportWsMessage, message))

    async def handle_invalid_message(self, error_message: str) -> None:
        await super().handle_invalid_message(error_message.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore"))

    @staticmethod
    def _get_pre_execution_close_reason(error: Any) -> str | None:
        return None  # a syntax error is an answer to its operation, and no reason to end the others


def _bearer(header: str | None) -> str | None:
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _origin(connection: HTTPConnection) -> Origin:
    agent = connection.headers.get("user-agent")
    return Origin(
        ip=connection.client.host[:45] if connection.client else None,
        user_agent=agent[:512].replace("\0", "") if agent else None,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
    )


async def _actor(token: str | None, origin: Origin, headers: Any) -> Actor:
    """Raises Refused where a header names what the actor cannot enter: better no answer than another's."""
    actor = (await authenticate(token, origin) if token else None) or Actor(origin=origin)
    organization, workspace = headers.get("orgraph-organization"), headers.get("orgraph-workspace")
    if actor.known:
        if organization or workspace:
            try:
                actor = await _overridden(actor, organization, workspace)
            except Unauthenticated:
                return Actor(origin=origin)
        if touch_is_due(actor):
            events.in_background(touch(actor))
    return actor


async def _overridden(actor: Actor, organization: str | None, workspace: str | None) -> Actor:
    organization_id = parse_id(Organization, organization) if organization else None
    workspace_id = parse_id(Workspace, workspace) if workspace else None
    try:
        if (organization and organization_id is None) or (workspace and workspace_id is None):
            raise ValueError
        return await acting_in(actor, organization_id, workspace_id)
    except (Problem, ValueError):
        raise Refused(
            403,
            "FORBIDDEN",
            "The header Orgraph-Organization or Orgraph-Workspace names what you cannot enter. Leave it out.",
        ) from None


def bearer_of(connection: HTTPConnection) -> str | None:
    return _bearer(connection.headers.get("authorization"))


def _remembered(headers: Mapping[bytes, bytes]) -> Remembered | None:
    """Who asks, if they have asked a moment ago; None too where more is to be found out about them."""
    if b"orgraph-workspace" in headers:
        return None
    token = _bearer(headers.get(b"authorization", b"").decode("latin-1"))
    if token is None and b"cookie" in headers:
        token = cookie_parser(headers[b"cookie"].decode("latin-1")).get(SESSION_COOKIE)
    known = remembered(token) if token else None
    if known is None:
        return None
    if organization := headers.get(b"orgraph-organization"):
        organization_id = parse_id(Organization, organization.decode("latin-1"))
        if organization_id not in known.actor.memberships:
            return None
        actor = replace(known.actor, overridden=True, organization_id=organization_id, workspace_id=None)
        known = replace(known, actor=actor)
    return known


async def _compiled(scope: Scope, body: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]] | None:
    """The answer's body and its cookies; None for what takes the ordinary way. Raises Refused."""
    headers = dict(scope["headers"])
    if not headers.get(b"content-type", b"").startswith(b"application/json") or STREAM in headers.get(b"accept", b""):
        return None
    try:
        data = orjson.loads(body)
    except JSONDecodeError:
        return None
    if not _is_request(data) or data.keys() - REQUEST_KEYS:
        return None
    variables = data.get("variables") or {}
    try:
        operation = compiler.operation_of(schema, data["query"], data.get("operationName"))
        if operation.confirms and (known := _remembered(headers)) is not None:
            with contextlib.suppress(compiler.Unconfirmed):
                answered = await _answered_as(known, scope, operation, variables)
                if known.touch_at <= time.monotonic():
                    events.in_background(touch(known.actor.asking_from(_origin(HTTPConnection(scope)))))
                return answered
        actor = scope["actor"] = await actor_of(HTTPConnection(scope))
        if not operation.is_mutation:
            return await compiler.answer(operation, actor, variables), []
        return await _mutated(scope, operation, actor, variables)
    except (compiler.Ordinary, compiler.Answered):
        return None


async def _answered_as(
    known: Remembered, scope: Scope, operation: compiler.Operation, variables: Mapping[str, Any]
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Raises Unconfirmed, Ordinary, Answered."""
    if not operation.is_mutation:
        return await compiler.answer(operation, known, variables), []
    actor = known.actor.asking_from(_origin(HTTPConnection(scope)))
    return await _mutated(scope, operation, actor, variables, remembered=True)


async def _mutated(
    scope: Scope, operation: compiler.Operation, actor: Actor, variables: Mapping[str, Any], remembered: bool = False
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    context = scope["context"] = Context(HTTPConnection(scope), Response(), actor, remembered=remembered)
    return await compiler.mutate(operation, context, variables), _cookies(context)


def _cookies(context: Context) -> list[tuple[bytes, bytes]]:
    headers = context.response.raw_headers if context.response else []
    return [(name, value) for name, value in headers if name == b"set-cookie"]


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """A request's body, and what gives it again."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    given = iter(messages)

    async def again() -> Message:
        return next(given, None) or await receive()

    return b"".join(message.get("body", b"") for message in messages), again


async def actor_of(connection: HTTPConnection) -> Actor:
    """Who asks, by the headers and the cookie. Raises Refused."""
    token = bearer_of(connection) or connection.cookies.get(SESSION_COOKIE)
    return await _actor(token, _origin(connection), connection.headers)


class Endpoint(GraphQL[Context, None]):
    graphql_transport_ws_handler_class = TransportWsHandler
    stream_transport_classes_by_protocol = {GRAPHQL_SSE_PROTOCOL: SseTransport}

    def __init__(self) -> None:
        super().__init__(
            schema,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=10),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(WebSocket(scope, receive=receive, send=send))
            return
        receive = limited_body(receive)
        try:
            answered = None
            if settings.compile and scope["method"] == "POST":
                body, receive = await _read(receive)
                answered = await _compiled(scope, body)
            if answered is not None:
                if (counter := statements.get()) is not None:
                    counter.compiled = True
                content, cookies = answered
                headers = [*HEADERS, *cookies, (b"content-length", str(len(content)).encode())]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": content})
                return
            response = await self.run(Request(scope, receive))
        except HTTPException as error:
            response = answer(error.status_code, "BAD_REQUEST", error.reason)
        except Refused as refused:
            response = answer(refused.status, refused.code, refused.message)
        except ClientDisconnect:
            return
        except Exception:  # the database does not answer, or not whether it has committed
            log.exception("request.failed")
            response = answer(
                500, "INTERNAL", INTERNAL, requestId=structlog.contextvars.get_contextvars().get("request_id")
            )
        response.headers.setdefault("Cache-Control", "no-store")
        await response(scope, receive, send)

    async def _websocket(self, socket: WebSocket) -> None:
        try:
            await self.run(socket)
        except Refused as refused:
            await socket.close(4403, refused.message[:CLOSE_REASON_BYTES])

    # Credentials

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        begun: Context | None = request.scope.get("context")
        if begun is not None and begun.answered is not None and isinstance(response, Response):
            response.raw_headers.extend(_cookies(begun))
            return replace(begun, request=request, response=response)
        return Context(
            request=request,
            response=response if isinstance(response, Response) else None,
            actor=request.scope.get("actor") or await actor_of(request),
        )

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Credentials of clients that cannot set headers come in `connection_init`; wrong ones close the socket."""
        params = {
            name.lower(): value for name, value in (context.connection_params or {}).items() if isinstance(value, str)
        }
        token = _bearer(params.get("authorization"))
        if token is None and not params.keys() & {"orgraph-organization", "orgraph-workspace"}:
            return UNSET
        token = token or _bearer(context.request.headers.get("authorization"))
        try:
            actor = await _actor(token or context.request.cookies.get(SESSION_COOKIE), context.actor.origin, params)
        except Refused:
            raise ConnectionRejectionError from None
        if not actor.known:
            raise ConnectionRejectionError
        context.actor = actor
        return UNSET

    # GraphiQL

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        return (
            request.method == "GET"
            and request.query_params.get("query") is None
            and "text/html" in request.headers.get("accept", "")
        )

    async def render_graphql_ide(self, request: Request) -> Response:
        page = GRAPHIQL / "index.html"
        if not page.is_file():
            return HTMLResponse(
                "<p>GraphiQL has not been built: run <code>python schema/graphiql/build.py</code>.</p>", 503
            )
        headers = {"Content-Security-Policy": GRAPHIQL_CSP, "Cache-Control": "no-cache"}
        return HTMLResponse(page.read_text(), headers=headers)

    # JSON

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()

    def parse_json(self, data: str | bytes) -> Any:
        try:
            parsed = self.decode_json(data)
        except JSONDecodeError as error:
            raise HTTPException(400, "The body is not JSON.") from error
        if not isinstance(parsed, dict):
            raise HTTPException(400, "The body is not a JSON object with a query.")
        return parsed

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        data = cast(GraphQLRequestData, await super().parse_http_body(request))
        if not isinstance(data.operation_name, str | None):
            raise HTTPException(400, "The operationName is not a string.")
        return data
