"""Credentials → Actor: tokens, passwords, sessions."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.access import ACCESS_COLUMNS, ACCESS_TABLES, Actor, Origin, load, memberships_from
from server.database import fetch, in_transaction
from server.errors import Unauthenticated, not_found
from server.models import Member, Organization, Session, Workspace
from server.settings import settings

TOUCH_INTERVAL = timedelta(minutes=1)
"""Last use is written down at most this often."""

# OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_hashing = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) - 1), thread_name_prefix="argon2")

UNKNOWN_USER_HASH = "$argon2id$v=19$m=19456,t=2,p=1$72jGwg0ql6vnGQXpsyIHCw$fG4i7ug8ZqF0pItTJTt47IbxUUR6XHywSTNSkCKO9wk"
"""Of a forgotten random password: what an unknown address is checked against, so that it takes as long."""


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def hash_password(password: str) -> str:
    if in_transaction():
        raise RuntimeError("Hashing is slow: do it before the transaction opens")
    text = normalize("NFKC", password)
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hasher.hash, text)


async def password_matches(password: str, password_hash: str) -> bool:
    def matches() -> bool:
        try:
            return _hasher.verify(password_hash, normalize("NFKC", password))
        except (VerificationError, InvalidHashError):
            return False

    if in_transaction():
        raise RuntimeError("Hashing is slow: do it before the transaction opens")
    return await asyncio.get_running_loop().run_in_executor(_hashing, matches)


_SESSION = f"""
    SELECT s.id AS session_id, s.user_id, s.last_used_at, u.email, u.email_verified_at,
        s.organization_id AS active_organization_id, aw.id AS active_workspace_id,
        aw.organization_id AS active_workspace_organization_id, {ACCESS_COLUMNS}
    FROM session s
    JOIN "user" u ON u.id = s.user_id
    LEFT JOIN workspace aw ON aw.id = s.workspace_id AND aw.deleted_at IS NULL
    LEFT JOIN ({ACCESS_TABLES}) ON m.user_id = s.user_id AND m.status = 'active'
    WHERE s.expires_at > clock_timestamp() AND
"""  # noqa: S608


def _actor(rows: Sequence[Mapping[str, Any]], origin: Origin) -> Actor | None:
    if not rows:
        return None
    first = rows[0]
    living, restorable = memberships_from(rows)
    organization_id = first["active_organization_id"]
    workspace_id = None
    if organization_id not in living:
        organization_id = None
    elif first["active_workspace_organization_id"] == organization_id and living[organization_id].enters(
        first["active_workspace_id"]
    ):
        workspace_id = first["active_workspace_id"]
    return Actor(
        origin=origin,
        user_id=first["user_id"],
        email=first["email"],
        email_verified=first["email_verified_at"] is not None,
        session_id=first["session_id"],
        memberships=living,
        restorable=restorable,
        organization_id=organization_id,
        workspace_id=workspace_id,
        last_used_at=first["last_used_at"],
    )


async def authenticate(token: str, origin: Origin) -> Actor | None:
    """Whose session the token is, with all their access; one statement. None: nobody's."""
    return _actor(await fetch(f"{_SESSION} s.token_hash = $1", token_hash(token)), origin)


async def session_actor(session_id: UUID, origin: Origin) -> Actor | None:
    return _actor(await fetch(f"{_SESSION} s.id = $1", session_id), origin)


async def refresh(actor: Actor) -> Actor:
    """The actor with the access of this moment. Raises Unauthenticated when the session has ended."""
    if actor.session_id is None:
        return actor
    now = await session_actor(actor.session_id, actor.origin)
    if now is None:
        raise Unauthenticated
    if not actor.overridden:
        return now
    membership = now.memberships.get(actor.organization_id) if actor.organization_id else None
    entered = membership and actor.workspace_id and membership.enters(actor.workspace_id)
    return replace(
        now,
        overridden=True,
        organization_id=actor.organization_id if membership else None,
        workspace_id=actor.workspace_id if entered else None,
    )


async def acting_in(actor: Actor, organization_id: UUID | None, workspace_id: UUID | None) -> Actor:
    """The actor with another active organization and workspace, for one request.

    Raises NOT_FOUND for one that it cannot enter.
    """
    if workspace_id is not None:
        workspace = await load(actor, Workspace, workspace_id)
        if organization_id not in (None, workspace.organization_id):
            raise not_found(Workspace.noun)
        organization_id = workspace.organization_id
    elif organization_id not in actor.memberships:
        raise not_found(Organization.noun)
    return replace(actor, overridden=True, organization_id=organization_id, workspace_id=workspace_id)


async def open_session(user_id: UUID, organization_id: UUID | None, origin: Origin) -> tuple[Session, str]:
    """A new session and its token, which is nowhere else to be had."""
    token, now = new_token(), datetime.now(UTC)
    session = await Session.create(
        user_id=user_id,
        token_hash=token_hash(token),
        organization_id=organization_id,
        ip=origin.ip,
        user_agent=origin.user_agent,
        last_used_at=now,
        expires_at=now + settings.session_ttl,
    )
    return session, token


def touch_is_due(actor: Actor) -> bool:
    return actor.last_used_at is not None and datetime.now(UTC) - actor.last_used_at >= TOUCH_INTERVAL


async def touch(actor: Actor) -> None:
    """Write down that the session, and the member in its active organization, are in use."""
    now = datetime.now(UTC)
    await Session.filter(id=actor.session_id).update(last_used_at=now, expires_at=now + settings.session_ttl)
    if actor.organization_id is not None:
        member_id = actor.memberships[actor.organization_id].member_id
        await Member.filter(id=member_id).update(last_seen_at=now)
