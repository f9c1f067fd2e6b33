"""Users and their sessions on the graph."""

from datetime import datetime
from uuid import UUID

import strawberry

from schema.declare import Expression, column, derived, refetchable
from schema.node import Node
from schema.sql import placed
from server import models
from server.access import Actor
from server.visibility import VISIBLE

TOTP_OF_COLLEAGUE = Expression(
    f"""CASE WHEN EXISTS (SELECT 1 FROM member m WHERE m.user_id = x.id AND {placed(VISIBLE[models.Member], "m")})
    THEN EXISTS (SELECT 1 FROM totp t WHERE t.user_id = x.id AND t.confirmed_at IS NOT NULL) END"""  # noqa: S608
)


def _mfa_enabled(actor: Actor, user_id: UUID, of_colleague: bool | None) -> bool | None:
    return actor.has_mfa if user_id == actor.user_id else of_colleague


@refetchable(models.User)
@strawberry.type(description="A person with an account.")
class User(Node):
    row: strawberry.Private[models.User]

    email: str = column("email", "Normalized: trimmed, case-folded, its domain in ASCII.")
    email_verified: bool = column(
        "email_verified_at", "Whether the person has proven to receive mail at the address.", lambda at: at is not None
    )
    name: str = column("name", "As the person writes it.")
    created_at: datetime = column("created_at", "When the account was made.")
    mfa_enabled: bool | None = derived(
        _mfa_enabled,
        "Whether signing in takes a one-time code; null to those who share no organization with the person.",
        "id",
        TOTP_OF_COLLEAGUE,
    )


@refetchable(models.Session)
@strawberry.type(description="A sign-in that lasts until it is signed out, revoked, or unused for too long.")
class Session(Node):
    row: strawberry.Private[models.Session]

    current: bool = derived(lambda actor, id: id == actor.session_id, "Whether it is the one that asks.", "id")
    created_at: datetime = column("created_at", "When it was opened.")
    last_used_at: datetime = column("last_used_at", "When it was used last, to the minute.")
    expires_at: datetime = column("expires_at", "When it ends unless it is used before.")
    ip: str | None = column("ip", "The address that it was opened from.")
    user_agent: str | None = column("user_agent", "The client that it was opened with.")
