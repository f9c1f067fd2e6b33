"""What a resolver finds in `info.context`."""

from dataclasses import dataclass, field, replace
from typing import Any

import strawberry
from starlette.requests import HTTPConnection
from starlette.responses import Response

from schema.loaders import Loaders
from server.access import Actor
from server.audit import Change
from server.authentication import refresh, touch, touch_is_due
from server.errors import Unauthenticated
from server.events import in_background
from server.settings import settings

# RFC 6265bis: the prefix binds a cookie to its host, and takes HTTPS.
SESSION_COOKIE = "__Host-orgraph" if settings.https else "orgraph"


async def current(actor: Actor) -> Actor:
    """The actor with the access of this moment; anonymous once the session has ended."""
    try:
        return await refresh(actor)
    except Unauthenticated:
        return Actor(origin=actor.origin)


@dataclass
class Context:
    request: HTTPConnection
    response: Response | None
    """To set headers and cookies on; null over a WebSocket."""
    actor: Actor
    connection_params: dict[str, Any] | None = None
    """The payload of a WebSocket's `connection_init`."""
    loaders: Loaders = field(default_factory=Loaders)
    remembered: bool = False
    """Whether the actor is of a moment ago, for a change to confirm."""
    answered: Any = None
    """A mutation's payload, where its rules have run already."""
    _change: Change | None = None

    @property
    def change(self) -> Change:
        """The unit of work of the mutation field that is being resolved; the door opens it."""
        if self._change is None:
            raise RuntimeError("Rows are written by mutations only, behind the door")
        return self._change

    def enter(self, change: Change | None) -> None:
        self._change = change

    def set_session_cookie(self, token: str | None) -> None:
        """None ends the cookie. Over a WebSocket no cookie can be set; clients there use the token."""
        if self.response is None:
            return
        self.response.set_cookie(
            SESSION_COOKIE,
            token or "",
            max_age=int(settings.session_ttl.total_seconds()) if token else 0,
            path="/",
            secure=settings.https,
            httponly=True,
            samesite="lax",
        )

    def acting(self, actor: Actor) -> None:
        """Go on as somebody who has just signed in, or with access that has just changed."""
        self.actor = actor
        self.loaders = Loaders()

    async def for_operation(self) -> "Context":
        """A context with access as it is now and nothing loaded, for one operation of many on a socket."""
        actor = await current(self.actor)
        if touch_is_due(actor):
            in_background(touch(actor))
        return replace(self, actor=actor, loaders=Loaders(), _change=None)


Info = strawberry.Info[Context, None]
