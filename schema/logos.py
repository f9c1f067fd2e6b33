"""Logos over HTTP: what is uploaded and shown as it is, not as JSON."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from schema.context import SESSION_COOKIE
from schema.endpoint import Refused, actor_of, answer, bearer_of, limited_body
from schema.scalars import parse_any_id, required_id
from server import logos as rules
from server.access import Actor
from server.audit import Change, change, record_refusal
from server.errors import Problem, ProblemCode, Unauthenticated, not_found
from server.models import Organization
from server.settings import settings

Handler = Callable[[Request], Awaitable[Response]]

STATUSES = {
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.FORBIDDEN: 403,
    ProblemCode.MFA_REQUIRED: 403,
    ProblemCode.CONFLICT: 409,
}


class Resource:
    """What an address answers, by method; refusals are JSON as the graph's are."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, limited_body(receive)))
        response.headers.setdefault("Cache-Control", "no-store")
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        handler = self.handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(self.handlers)
            response = answer(405, "BAD_REQUEST", f"Use one of these methods here: {allowed}.")
            response.headers["Allow"] = allowed
            return response
        try:
            return await handler(request)
        except Refused as refused:
            return answer(refused.status, refused.code, refused.message)
        except Unauthenticated as error:
            return answer(401, "UNAUTHENTICATED", error.message)
        except Problem as problem:
            return answer(STATUSES.get(problem.code, 400), problem.code.value, problem.message, **problem.details)
        except ClientDisconnect:
            return answer(400, "BAD_REQUEST", "The body is not whole.")


def _refuse_foreign_pages(request: Request) -> None:
    """A browser sends the cookie along whoever wrote the page that asks. Raises Refused."""
    origin = request.headers.get("origin")
    if origin is None or SESSION_COOKIE not in request.cookies or bearer_of(request) is not None:
        return
    own = urlsplit(settings.url)
    if origin != f"{own.scheme}://{own.netloc}" and urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused(403, "FORBIDDEN", "A page of another origin asks this by the session cookie. Send a token.")


async def _write(request: Request, work: Callable[[Change, UUID], Awaitable[Response]]) -> Response:
    """What the door is to mutations."""
    _refuse_foreign_pages(request)
    actor: Actor = await actor_of(request)
    actor.identified()
    organization_id = required_id(Organization, request.path_params["id"], "id")
    try:
        async with change(actor) as unit:
            return await work(unit, organization_id)
    except Problem as problem:
        await record_refusal(unit, problem, f"{request.method} /organizations/{{id}}/logo")
        raise


async def _put(request: Request) -> Response:
    async def work(unit: Change, organization_id: UUID) -> Response:
        logo = await rules.replace(unit, organization_id, await request.body())
        return JSONResponse({"logoUrl": rules.url_of(logo.id)})

    return await _write(request, work)


async def _delete(request: Request) -> Response:
    async def work(unit: Change, organization_id: UUID) -> Response:
        await rules.remove(unit, organization_id)
        return Response(status_code=204)

    return await _write(request, work)


async def _get(request: Request) -> Response:
    id: str = request.path_params["id"]
    logo_id = parse_any_id(id) if id.rpartition("_")[0] == rules.PREFIX else None
    if logo_id is None:
        raise not_found(rules.PREFIX)
    logo = await rules.find(logo_id)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'",
        "ETag": f'"{id}"',
    }
    known = request.headers.get("if-none-match", "")
    if headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    return Response(logo.content, media_type="image/webp", headers=headers)


OF_ORGANIZATION = Resource(PUT=_put, DELETE=_delete)
PUBLIC = Resource(GET=_get, HEAD=_get)
