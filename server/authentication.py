"""Credentials → Actor: tokens, passwords, sessions."""

import asyncio
import hashlib
import os
import re
import secrets
import string
import sys
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from tortoise.expressions import Q

from server.access import (
    ACCESS_COLUMNS,
    ACCESS_TABLES,
    ACCESS_VERSIONS,
    Actor,
    HeldRole,
    Membership,
    Origin,
    load,
    memberships_from,
    require_member,
)
from server.database import fetch, in_transaction, transaction
from server.errors import Problem, ProblemCode, Unauthenticated, not_found
from server.models import ApiKey, Member, Session, User, Workspace
from server.settings import settings
from server.text import PASSWORD_LENGTHS

TOUCH_INTERVAL = timedelta(minutes=1)
"""Last use is written down at most this often, unless a session timeout takes more."""

IDLE_PRECISION = 20
"""Into how many parts a session timeout is divided, by the last of which a session may end too early."""

# OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def _give_way() -> None:
    """Other requests come first, as far as the system gives threads priorities of their own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


_hashing = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) - 1), "argon2", initializer=_give_way)

UNKNOWN_USER_HASH = "$argon2id$v=19$m=19456,t=2,p=1$72jGwg0ql6vnGQXpsyIHCw$fG4i7ug8ZqF0pItTJTt47IbxUUR6XHywSTNSkCKO9wk"
"""Of a forgotten random password: what an unknown address is checked against, so that it takes as long."""


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


API_KEY_PREFIX = "orgraph_"
API_KEY_SHAPE = re.compile(rf"{API_KEY_PREFIX}([0-9A-Za-z]{{43}})([0-9A-Za-z]{{6}})", re.ASCII)
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def _checksum(random_part: str) -> str:
    """CRC-32 in six digits, by which secret scanners tell a key from what only looks like one."""
    return _base62(zlib.crc32(random_part.encode()), 6)


def new_api_key_secret() -> str:
    """`orgraph_`, 256 random bits and a checksum of them, in base 62."""
    random_part = _base62(secrets.randbits(256), 43)
    return f"{API_KEY_PREFIX}{random_part}{_checksum(random_part)}"


def is_api_key_secret(token: str) -> bool:
    found = API_KEY_SHAPE.fullmatch(token)
    return found is not None and _checksum(found[1]) == found[2]


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


async def require_password(user: User, password: str, field: str) -> None:
    """Raises WRONG_CREDENTIALS."""
    if not await password_matches(password[: PASSWORD_LENGTHS[-1] + 1], user.password_hash):
        raise Problem(ProblemCode.WRONG_CREDENTIALS, "This is not your current password.", field)


def _version(*rows: str) -> str:
    """SQL, an aggregate: changes when a row that the access comes from changes, comes or goes."""
    versions = ", ".join(f"{row}.xmin" for row in rows)
    return f"sum(hash_record_extended(ROW ({versions}, {ACCESS_VERSIONS}), 0))"


_SESSION_VERSION = _version("s", "u", "t", "aw")
_SESSION_TABLES = f"""
    session s
    JOIN "user" u ON u.id = s.user_id
    LEFT JOIN totp t ON t.user_id = s.user_id AND t.confirmed_at IS NOT NULL
    LEFT JOIN workspace aw ON aw.id = s.workspace_id AND aw.deleted_at IS NULL
    LEFT JOIN ({ACCESS_TABLES}) ON m.user_id = s.user_id AND m.status = 'active'
    WHERE s.expires_at > clock_timestamp() AND
"""
_SESSION = f"""
    SELECT s.id AS session_id, s.user_id, s.last_used_at, s.timed_out, u.email, u.email_verified_at, t.id AS totp_id,
        s.organization_id AS active_organization_id, aw.id AS active_workspace_id,
        aw.organization_id AS active_workspace_organization_id, ({_SESSION_VERSION} OVER ())::text AS version,
        {ACCESS_COLUMNS}
    FROM {_SESSION_TABLES}
"""  # noqa: S608

# A key is as dead as the membership of who answers for it.
_KEY_VERSION = _version("k", "kr", "u", "kw")
_KEY_TABLES = f"""
    api_key k
    JOIN role kr ON kr.id = k.role_id
    JOIN "user" u ON u.id = k.created_by_id
    LEFT JOIN workspace kw ON kw.id = k.workspace_id
    JOIN ({ACCESS_TABLES}) ON m.user_id = k.created_by_id AND m.organization_id = k.organization_id
        AND m.status = 'active' AND o.deleted_at IS NULL
    WHERE (k.expires_at IS NULL OR k.expires_at > clock_timestamp()) AND kw.deleted_at IS NULL AND
"""
API_KEYS = f"""
    SELECT k.id AS api_key_id, k.name AS api_key_name, k.created_by_id, k.last_used_at,
        k.workspace_id AS key_workspace_id, kr.id AS key_role_id, kr.key AS key_role_key,
        kr.permissions AS key_permissions, kr.manages AS key_manages, u.email_verified_at,
        ({_KEY_VERSION} OVER ())::text AS version, {ACCESS_COLUMNS}
    FROM {_KEY_TABLES}
"""  # noqa: S608
_OF_KEY = "(k.secret_hash = {} OR (k.previous_hash = {} AND k.previous_expires_at > clock_timestamp()))"


def _actor(rows: Sequence[Mapping[str, Any]], origin: Origin) -> Actor | None:
    if not rows:
        return None
    first = rows[0]
    has_mfa = first["totp_id"] is not None
    found = memberships_from(rows, has_mfa)
    organization_id = first["active_organization_id"]
    timed_out = {
        id: membership
        for id, membership in found.living.items()
        if id in (first["timed_out"] or ()) or _idle(membership, first["last_used_at"])
    }
    if organization_id in timed_out:
        return None
    for id in timed_out:
        del found.living[id]
    workspace_id = None
    if organization_id not in found.living:
        organization_id = None
    elif first["active_workspace_organization_id"] == organization_id and found.living[organization_id].enters(
        first["active_workspace_id"]
    ):
        workspace_id = first["active_workspace_id"]
    return Actor(
        origin=origin,
        user_id=first["user_id"],
        email=first["email"],
        email_verified=first["email_verified_at"] is not None,
        has_mfa=has_mfa,
        session_id=first["session_id"],
        memberships=found.living,
        restorable=found.restorable,
        locked=found.locked,
        timed_out=timed_out,
        organization_id=organization_id,
        workspace_id=workspace_id,
        last_used_at=first["last_used_at"],
        version=first["version"],
    )


def _idle(membership: Membership, last_used_at: datetime | None) -> bool:
    """Whether a session has been unused for longer than the organization allows."""
    return (
        membership.idle_limit is not None
        and last_used_at is not None
        and datetime.now(UTC) - last_used_at > membership.idle_limit
    )


def key_membership(rows: Sequence[Mapping[str, Any]]) -> Membership:
    """What an API key holds, of its rows of API_KEYS."""
    first = rows[0]
    manages = None if first["key_manages"] is None else tuple(first["key_manages"])
    role = HeldRole(
        first["key_role_id"],
        first["key_role_key"],
        frozenset(first["key_permissions"]),
        manages,
        first["key_workspace_id"],
    )
    organization_id = first["organization_id"]
    return Membership(None, organization_id, (role,), ceiling=memberships_from(rows).living[organization_id])


def _key_actor(rows: Sequence[Mapping[str, Any]], secret_hash: str, origin: Origin) -> Actor | None:
    if not rows:
        return None
    first, membership = rows[0], key_membership(rows)
    workspace_id = first["key_workspace_id"]
    return Actor(
        origin=origin,
        api_key_id=first["api_key_id"],
        api_key_name=first["api_key_name"],
        secret_hash=secret_hash,
        created_by_id=first["created_by_id"],
        email_verified=first["email_verified_at"] is not None,
        memberships={membership.organization_id: membership},
        organization_id=membership.organization_id,
        workspace_id=workspace_id if workspace_id and membership.enters(workspace_id) else None,
        last_used_at=first["last_used_at"],
        version=first["version"],
    )


async def _actor_of_secret(secret_hash: str, origin: Origin) -> tuple[Actor | None, Sequence[Mapping[str, Any]]]:
    rows = await fetch(f"{API_KEYS} {_OF_KEY.format('$1', '$1')}", secret_hash)
    return _key_actor(rows, secret_hash, origin), rows


async def authenticate(token: str, origin: Origin) -> Actor | None:
    """Whose session or API key the token is, with all their access; one statement. None: nobody's."""
    digest = token_hash(token)
    if token.startswith(API_KEY_PREFIX):
        if not is_api_key_secret(token):
            return None
        actor, rows = await _actor_of_secret(digest, origin)
    else:
        rows = await fetch(f"{_SESSION} s.token_hash = $1", digest)
        actor = _actor(rows, origin)
    if actor is None:
        _remembered.pop(digest, None)
    else:
        _remember(digest, actor, rows[0]["version"])
    return actor


# Who has asked before

REMEMBERED_SECONDS = 60
MOST_REMEMBERED = 1000

CONFIRM_SESSION = f"(SELECT ({_SESSION_VERSION})::text FROM {_SESSION_TABLES} s.token_hash = {{}})"  # noqa: S608
CONFIRM_KEY = f"(SELECT ({_KEY_VERSION})::text FROM {_KEY_TABLES} {_OF_KEY})"  # noqa: S608
_UNCHANGED_SESSION = f"(SELECT ({_SESSION_VERSION})::text FROM {_SESSION_TABLES} s.id = $1)"  # noqa: S608
_UNCHANGED_KEY = CONFIRM_KEY.format("$1", "$1")


@dataclass(frozen=True, slots=True)
class Remembered:
    """Somebody with the access of a moment ago.

    It counts only together with a statement that says `version` to `confirm`, SQL with the digest for its
    holes: then nothing that the access was made of has changed, in whatever process, and what the statement
    reads besides is of the same moment.
    """

    actor: Actor
    version: str
    confirm: str
    digest: str
    until: float
    touch_at: float
    """When their use is to be written down again. Both of time.monotonic()."""


_remembered: OrderedDict[str, Remembered] = OrderedDict()


def _remember(digest: str, actor: Actor, version: str) -> None:
    confirm = CONFIRM_SESSION if actor.api_key_id is None else CONFIRM_KEY
    until = time.monotonic() + REMEMBERED_SECONDS
    if any(membership.idle_limit is not None for membership in actor.memberships.values()):
        return  # whose session times out by itself, without any row's changing
    due = 0.0 if touch_is_due(actor) else time.monotonic() + TOUCH_INTERVAL.total_seconds()
    _remembered[digest] = Remembered(actor, version, confirm, digest, until, due)
    if len(_remembered) > MOST_REMEMBERED:
        _remembered.popitem(last=False)


def remembered(token: str) -> Remembered | None:
    """Whoever has shown the token a moment ago; to be confirmed."""
    known = _remembered.get(token_hash(token))
    return known if known is not None and known.until > time.monotonic() else None


async def session_actor(session_id: UUID, origin: Origin) -> Actor | None:
    return _actor(await fetch(f"{_SESSION} s.id = $1", session_id), origin)


async def actor_of_email(email: str) -> Actor | None:
    """An account with all its access, in its first organization. None: there is none."""
    user = await User.get_or_none(email=email.strip().lower())
    if user is None:
        return None
    async with transaction():
        session, _ = await open_session(user.id, None, Origin())
        actor = await session_actor(session.id, Origin())
        await session.delete()
    return await acting_in(actor, min(actor.memberships), None) if actor and actor.memberships else actor


async def refresh(actor: Actor) -> Actor:
    """The actor with the access of this moment. Raises Unauthenticated when session or key have ended."""
    if actor.api_key_id is not None:
        now, _ = await _actor_of_secret(actor.secret_hash, actor.origin)
    elif actor.session_id is not None:
        now = await session_actor(actor.session_id, actor.origin)
    else:
        return actor
    if now is None:
        raise Unauthenticated
    if not actor.overridden:
        return now
    membership = now.memberships.get(actor.organization_id) if actor.organization_id else None
    if actor.organization_id in now.timed_out:
        raise Unauthenticated
    entered = membership and actor.workspace_id and membership.enters(actor.workspace_id)
    return replace(
        now,
        overridden=True,
        organization_id=actor.organization_id if membership else None,
        workspace_id=actor.workspace_id if entered else None,
    )


class Unconfirmed(Exception):
    """Whoever was remembered has other access by now: they are to be authenticated anew."""


def confirming(actor: Actor) -> tuple[str, Any]:
    """SQL of the version of the actor's access, and its parameter $1."""
    if actor.api_key_id is not None:
        return _UNCHANGED_KEY, actor.secret_hash
    return _UNCHANGED_SESSION, actor.session_id


def is_unchanged(actor: Actor, version: str | None) -> bool:
    """Whether the actor's access is still what it was, by its present version."""
    times_out = any(membership.idle_limit is not None for membership in actor.memberships.values())
    return version == actor.version and not times_out


async def acting_in(actor: Actor, organization_id: UUID | None, workspace_id: UUID | None) -> Actor:
    """The actor with another active organization and workspace, for one request.

    Raises NOT_FOUND for one that it cannot enter, Unauthenticated where the session has been idle for too long.
    """
    if workspace_id is not None:
        named = await Workspace.get_or_none(id=workspace_id) if actor.timed_out else None
        closed = actor.timed_out.get(named.organization_id) if named is not None else None
        if closed is not None and closed.enters(workspace_id):
            raise Unauthenticated
        workspace = await load(actor, Workspace, workspace_id)
        if organization_id not in (None, workspace.organization_id):
            raise not_found(Workspace.noun)
        organization_id = workspace.organization_id
    elif organization_id is not None:
        require_member(actor, organization_id)
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
    if not actor.known:
        return False
    limits = [m.idle_limit for m in actor.memberships.values() if m.idle_limit is not None]
    interval = min([TOUCH_INTERVAL, *(limit / IDLE_PRECISION for limit in limits)])
    return actor.last_used_at is None or datetime.now(UTC) - actor.last_used_at >= interval


async def touch(actor: Actor) -> None:
    """Write down that the session, and the member in its active organization, or the API key are in use."""
    now = datetime.now(UTC)
    if actor.api_key_id is not None:
        unused = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - TOUCH_INTERVAL)
        key = ApiKey.filter(unused, id=actor.api_key_id)
        await key.update(last_used_at=now, last_used_ip=actor.origin.ip)
        return
    await fetch(
        "UPDATE session SET last_used_at = $2, expires_at = $3, "
        "timed_out = ARRAY (SELECT DISTINCT unnest(coalesce(timed_out, '{}') || $4::uuid[])) WHERE id = $1",
        actor.session_id,
        now,
        now + settings.session_ttl,
        list(actor.timed_out),
    )
    if actor.organization_id is not None:
        member_id = actor.memberships[actor.organization_id].member_id
        await Member.filter(id=member_id).update(last_seen_at=now)
