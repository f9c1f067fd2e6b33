"""What happens after a commit: those who wait are woken, and read what they missed by sequence.

A wake-up carries nothing: rows are the truth, so that a lost or doubled one loses and doubles no
event. Other processes are woken by PostgreSQL's NOTIFY, from a connection of its own since it would
serialize commits; a slow poll stands behind it all.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from server.access import Actor, load
from server.authentication import refresh
from server.database import own_connection, statements
from server.errors import BadRequest, forbidden, not_found
from server.models import AuditChain, AuditEvent, Workspace

POLL_SECONDS = 2.0
BATCH = 200

log = structlog.get_logger()

_waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
_background: set[asyncio.Task[Any]] = set()


@contextlib.contextmanager
def listening(*keys: UUID) -> Iterator[asyncio.Event]:
    """An event that is set whenever one of the chains has changed."""
    event = asyncio.Event()
    for key in keys:
        _waiting[key].add(event)
    try:
        yield event
    finally:
        for key in keys:
            _waiting[key].discard(event)
            if not _waiting[key]:
                del _waiting[key]


def _wake_here(keys: Iterable[UUID]) -> None:
    for key in keys:
        for event in _waiting.get(key, ()):
            event.set()


def wake(keys: Iterable[UUID]) -> None:
    """Whoever waits for one of these chains, in whatever process."""
    keys = list(keys)
    _wake_here(keys)
    _to_tell.update(keys)
    _telling.set()


CHANNEL = "orgraph"
MOST_KEYS = 200
"""Of one signal: a payload ends at 8,000 bytes."""
RECONNECT_SECONDS = 1.0

_to_tell: set[UUID] = set()
_telling = asyncio.Event()


@contextlib.asynccontextmanager
async def across_processes(url: str) -> AsyncIterator[None]:
    """Other processes on the same database wake each other."""
    signals = asyncio.create_task(_signals(url))
    try:
        yield
    finally:
        signals.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await signals


async def _signals(url: str) -> None:
    while True:
        try:
            connection = await own_connection(url)
            try:
                await connection.add_listener(CHANNEL, _hear)
                connection.add_termination_listener(lambda _: _telling.set())
                _wake_here(list(_waiting))  # for what was missed while nobody listened
                await _tell(connection)
            finally:
                connection.terminate()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("signals.lost", error=repr(error))
            await asyncio.sleep(RECONNECT_SECONDS)


def _hear(connection: asyncpg.Connection, sender: int, channel: str, payload: str) -> None:
    if sender != connection.get_server_pid():
        _wake_here(map(UUID, payload.split(",")))


async def _tell(connection: asyncpg.Connection) -> None:
    """Batched: what changes while a signal is on its way goes with the next one."""
    while True:
        await _telling.wait()
        _telling.clear()
        if connection.is_closed():
            raise asyncpg.InterfaceError("The connection was closed")
        keys = list(_to_tell)
        for start in range(0, len(keys), MOST_KEYS):
            batch = keys[start : start + MOST_KEYS]
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, ",".join(key.hex for key in batch))
            _to_tell.difference_update(batch)


_stopping = False


def stop() -> None:
    """The server is about to stop: every feed ends, so that its subscribers are told."""
    global _stopping
    _stopping = True
    wake(list(_waiting))


async def changed(event: asyncio.Event) -> None:
    """Returns when woken, or after POLL_SECONDS."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), POLL_SECONDS)
    event.clear()


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Work that an answer does not wait for; its failure is logged, and `finish` awaits it."""

    async def guarded() -> None:
        statements.set(None)  # they are not the answer's
        try:
            await work
        except Exception:
            log.exception("background.failed", work=repr(work))

    task = asyncio.create_task(guarded())
    _background.add(task)
    task.add_done_callback(_background.discard)


async def finish() -> None:
    while _background:
        await asyncio.gather(*_background)


class MembershipChangeType(StrEnum):
    JOINED = "JOINED"
    LEFT = "LEFT"
    REMOVED = "REMOVED"
    SUSPENDED = "SUSPENDED"
    REACTIVATED = "REACTIVATED"
    ROLE_GRANTED = "ROLE_GRANTED"
    ROLE_CHANGED = "ROLE_CHANGED"
    ROLE_REVOKED = "ROLE_REVOKED"
    ROLE_UPDATED = "ROLE_UPDATED"
    WORKSPACE_ENTERED = "WORKSPACE_ENTERED"
    WORKSPACE_LEFT = "WORKSPACE_LEFT"
    AVAILABILITY_CHANGED = "AVAILABILITY_CHANGED"
    INVITATION_SENT = "INVITATION_SENT"
    INVITATION_ACCEPTED = "INVITATION_ACCEPTED"
    INVITATION_DECLINED = "INVITATION_DECLINED"
    INVITATION_REVOKED = "INVITATION_REVOKED"


MEMBERSHIP_CHANGES = {
    "member.joined": MembershipChangeType.JOINED,
    "member.left": MembershipChangeType.LEFT,
    "member.removed": MembershipChangeType.REMOVED,
    "member.suspended": MembershipChangeType.SUSPENDED,
    "member.reactivated": MembershipChangeType.REACTIVATED,
    "grant.created": MembershipChangeType.ROLE_GRANTED,
    "grant.updated": MembershipChangeType.ROLE_CHANGED,
    "grant.replaced": MembershipChangeType.ROLE_CHANGED,
    "grant.revoked": MembershipChangeType.ROLE_REVOKED,
    "role.updated": MembershipChangeType.ROLE_UPDATED,
    "member.availability_changed": MembershipChangeType.AVAILABILITY_CHANGED,
    "member.workspace_entered": MembershipChangeType.WORKSPACE_ENTERED,
    "member.workspace_left": MembershipChangeType.WORKSPACE_LEFT,
    "invitation.sent": MembershipChangeType.INVITATION_SENT,
    "invitation.resent": MembershipChangeType.INVITATION_SENT,
    "invitation.accepted": MembershipChangeType.INVITATION_ACCEPTED,
    "invitation.declined": MembershipChangeType.INVITATION_DECLINED,
    "invitation.revoked": MembershipChangeType.INVITATION_REVOKED,
}
"""The actions of the audit log that a subscriber to membership changes hears of."""


async def _authorized(actor: Actor, organization_id: UUID, workspace_id: UUID | None) -> Actor:
    """The actor with the access of this moment. Raises Unauthenticated, FORBIDDEN or NOT_FOUND."""
    actor = await refresh(actor)
    if workspace_id is not None:
        workspace = await load(actor, Workspace, workspace_id, "members:read", "workspaceId")
        if workspace.organization_id != organization_id:
            raise not_found(Workspace.noun, "workspaceId")
    elif not actor.may("members:read", organization_id):
        raise forbidden("members:read", "organizationId")
    return actor


def _may_hear_of(actor: Actor, event: AuditEvent) -> bool:
    if event.workspace_id is not None and not actor.enters(event.chain_id, event.workspace_id):
        return False
    return not event.action.startswith("invitation.") or actor.may("members:invite", event.chain_id)


async def membership_changes(
    actor: Actor, organization_id: UUID, workspace_id: UUID | None, after: int | None
) -> AsyncIterator[tuple[AuditEvent, Actor]]:
    """Membership changes of an organization, or of one of its workspaces, as they happen, each with
    the actor as it then is.

    With `after` (a sequence) those since then come first; nothing is lost or doubled in between.
    Raises Problem when access is lost, BadRequest for an `after` that is ahead of the log.
    """
    actor = await _authorized(actor, organization_id, workspace_id)
    with listening(organization_id, *([actor.user_id] if actor.user_id else [])) as woken:
        head = (await AuditChain.get(id=organization_id)).sequence
        if after is not None and not 0 <= after <= head:
            raise BadRequest("after: This is not a cursor of this subscription. Use one that it has given.")
        position = head if after is None else after
        while not _stopping:
            events = (
                await AuditEvent.filter(chain_id=organization_id, sequence__gt=position)
                .order_by("sequence")
                .limit(BATCH)
            )
            for event in events:
                position = event.sequence
                if event.action not in MEMBERSHIP_CHANGES or workspace_id not in (None, event.workspace_id):
                    continue
                actor = await _authorized(actor, organization_id, workspace_id)
                if _may_hear_of(actor, event):
                    yield event, actor
            if not events:
                await changed(woken)
                actor = await _authorized(actor, organization_id, workspace_id)
