"""What happens after a commit: those who wait are woken, and read what they missed by sequence.

A wake-up carries nothing: rows are the truth, so that a lost or doubled one loses and doubles no
event. A slow poll stands behind it, which is also how changes of other processes arrive.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog

from server.access import Actor, load
from server.authentication import refresh
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


def wake(keys: Iterable[UUID]) -> None:
    for key in keys:
        for event in _waiting.get(key, ()):
            event.set()


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
    WORKSPACE_ENTERED = "WORKSPACE_ENTERED"
    WORKSPACE_LEFT = "WORKSPACE_LEFT"
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
    "grant.revoked": MembershipChangeType.ROLE_REVOKED,
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
    with listening(organization_id, actor.signed_in()) as woken:
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
