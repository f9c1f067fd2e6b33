"""Grants: roles given to members and taken from them, organization-wide or in one workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from server.access import HeldRole, Membership
from server.audit import Change, difference, timestamp
from server.ceiling import (
    above_your_role,
    conferable,
    grants_of,
    is_over,
    keep_an_owner,
    makes_owner,
    membership_by,
    require_conferable,
    require_manages,
)
from server.errors import Problem, ProblemCode, not_found
from server.models import Grant, Member, Role, Workspace
from server.reading import attach, selection
from server.visibility import VISIBLE

PERMISSION = "members:grant"


def _moment(value: datetime | None) -> str | None:
    return timestamp(value) if value else None


def record_created(change: Change, grant: Grant) -> None:
    changes = difference(role=(None, grant.role.key), expiresAt=(None, _moment(grant.expires_at)))
    change.record("grant.created", grant.member, workspace_id=grant.workspace_id, changes=changes)


def record_revoked(change: Change, grant: Grant) -> None:
    changes = difference(role=(grant.role.key, None))
    change.record("grant.revoked", grant.member, workspace_id=grant.workspace_id, changes=changes)


async def record_entries(change: Change, member: Member, before: Membership | None, after: Membership | None) -> None:
    """Write down which workspaces the member can enter now and could not before, or the other way."""
    if before is None or after is None:
        return  # suspended, before and after
    affected = {*before.entered, *after.entered}
    if before.enters_all != after.enters_all:
        living = Workspace.filter(organization_id=member.organization_id, deleted_at__isnull=True)
        affected |= {row.id for row in await living}
    for workspace_id in sorted(affected):
        entered, enters = before.enters(workspace_id), after.enters(workspace_id)
        if entered != enters:
            action = "member.workspace_entered" if enters else "member.workspace_left"
            change.record(action, member, workspace_id=workspace_id)


def require_not_prolonging(
    change: Change,
    member: Member,
    grants: Sequence[Grant],
    role: Role,
    workspace_id: UUID | None,
    expires_at: datetime | None,
    field: str,
) -> None:
    """Nobody makes what they hold, by these grants, for a time last longer themselves. Raises ABOVE_YOUR_ROLE."""
    if member.user_id != change.actor.answerable_id:
        return
    lasting = tuple(
        HeldRole.of(own)
        for own in grants
        if own.expires_at is None or (expires_at is not None and own.expires_at >= expires_at)
    )
    if not conferable(Membership(member.id, member.organization_id, lasting), role, workspace_id):
        raise above_your_role("You hold this for a time only: somebody else must let you keep it for longer.", field)


@dataclass(frozen=True)
class Facts:
    """What giving a role takes to know."""

    member: Member
    grants: list[Grant]
    role: Role | None
    workspace: Workspace | None
    """The one asked about, if it is one that the actor sees."""


@cache
def _facts_query(by_id: bool) -> str:
    member, grant, role = selection(Member, "user"), selection(Grant, alias="held"), selection(Role, alias="r")
    workspace = selection(Workspace)
    return f"""
        SELECT
            (
                SELECT ROW({workspace.columns}) FROM {workspace.tables}
                WHERE x.id = {{workspace_id}}::uuid AND x.organization_id = {{organization}}::uuid
                AND {VISIBLE[Workspace]}
            ),
            ARRAY (SELECT ROW({grant.columns}) FROM {grant.tables} WHERE held.member_id = x.id ORDER BY held.id),
            ARRAY (
                SELECT ROW({role.columns}) FROM {role.tables}
                WHERE r.id = ANY (ARRAY (SELECT held.role_id FROM "grant" held WHERE held.member_id = x.id))
            ),
            (
                SELECT ROW({role.columns}) FROM {role.tables} WHERE r.{"id" if by_id else "key"} = {{role}}
                AND (r.organization_id = x.organization_id OR r.organization_id IS NULL)
                ORDER BY r.organization_id NULLS FIRST LIMIT 1
            ),
            {member.columns}
        FROM {member.tables}
        WHERE x.id = {{member_id}} AND x.organization_id = {{organization}}::uuid AND {VISIBLE[Member]}
    """  # noqa: S608


async def _facts(change: Change, member_id: UUID, role_reference: str | UUID, workspace_id: UUID | None) -> Facts:
    """Read in one statement, under the organization's lock. Raises NOT_FOUND."""
    query = _facts_query(isinstance(role_reference, UUID))
    asked = {"member_id": member_id, "role": role_reference, "workspace_id": workspace_id}
    found = await change.read_locked(Member, member_id, query, asked)
    if found is None:
        await change.load(Member, member_id, field="memberId")  # knows why
        raise not_found(Member.noun, "memberId")
    of_workspace, of_grants, of_roles, wanted, *of_member = found
    (member,) = selection(Member, "user").rows([of_member])
    roles = {role.id: role for role in selection(Role, alias="r").rows(of_roles)}
    grants = selection(Grant, alias="held").rows(of_grants)
    for grant in grants:
        attach(grant, "role", roles[grant.role_id])
    role = None if wanted is None else selection(Role, alias="r").rows([wanted])[0]
    workspace = None if of_workspace is None else selection(Workspace).rows([of_workspace])[0]
    return Facts(member, grants, role, workspace)


async def grant(
    change: Change,
    member_id: UUID,
    role_reference: str | UUID,
    workspace_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Grant:
    """Give a member a role; where they have it there already, set when it expires.

    Raises FORBIDDEN, ABOVE_YOUR_ROLE, LAST_OWNER, NOT_FOUND, INVALID.
    """
    known = await _facts(change, member_id, role_reference, workspace_id)
    member, role, workspace = known.member, known.role, known.workspace
    if workspace_id is not None and workspace is None:
        workspace = await change.load(Workspace, workspace_id, field="workspaceId")
    change.require(PERMISSION, workspace_id, "memberId")
    if role is None:
        raise not_found(Role.noun, "role")
    require_conferable(change.actor, role, member.organization_id, workspace_id, "role")
    require_manages(change.actor, member, known.grants, workspace_id, "memberId")
    require_not_prolonging(change, member, known.grants, role, workspace_id, expires_at, "expiresAt")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise Problem(ProblemCode.INVALID, "This time is past. Choose a later one.", "expiresAt")
    for held in known.grants:
        if (held.role_id, held.workspace_id) == (role.id, workspace_id):
            if not is_over(held):
                attach(held, "member", member)
                return await _set_expiry(change, held, expires_at)
            change.writes.delete(held)
            await change.writes.flush()
    before = membership_by(member, known.grants)
    given = _give(change, member, role, workspace_id, expires_at)
    attach(given, "workspace", workspace)
    if before is not None:
        await record_entries(change, member, before, before.holding(*before.held, HeldRole.of(given)))
    return given


def _give(
    change: Change, member: Member, role: Role, workspace_id: UUID | None = None, expires_at: datetime | None = None
) -> Grant:
    given = Grant(
        organization_id=member.organization_id,
        member=member,
        role=role,
        workspace_id=workspace_id,
        expires_at=expires_at,
        granted_by_id=change.actor.answerable_id,
    )
    change.writes.insert(given)
    record_created(change, given)
    return given


async def _set_expiry(change: Change, held: Grant, expires_at: datetime | None) -> Grant:
    changes = difference(role=(None, held.role.key), expiresAt=(_moment(held.expires_at), _moment(expires_at)))
    if held.expires_at == expires_at:
        change.unchanged()
        return held
    held.expires_at = expires_at
    change.writes.update(held, "expires_at")
    await _keep_an_owner(change, [held])
    change.record("grant.updated", held.member, workspace_id=held.workspace_id, changes=changes)
    return held


async def _keep_an_owner(change: Change, lessened: Sequence[Grant]) -> None:
    """Raises LAST_OWNER."""
    if any(makes_owner(grant.role, grant.workspace_id) for grant in lessened):
        await change.writes.flush()
        await keep_an_owner(lessened[0].organization_id)


async def revoke(change: Change, grant_id: UUID) -> Member:
    """Take a role from a member. Raises FORBIDDEN, ABOVE_YOUR_ROLE, LAST_OWNER, NOT_FOUND."""
    held = await change.load(Grant, grant_id, PERMISSION, "grantId")
    member: Member = held.member
    grants = await grants_of(member)
    require_conferable(change.actor, held.role, held.organization_id, held.workspace_id, "grantId")
    require_manages(change.actor, member, grants, held.workspace_id, "grantId")
    change.writes.delete(held)
    await _keep_an_owner(change, [held])
    record_revoked(change, held)
    left = [grant for grant in grants if grant.id != held.id]
    await record_entries(change, member, membership_by(member, grants), membership_by(member, left))
    return member


async def set_member_role(change: Change, member_id: UUID, role_reference: str | UUID) -> Member:
    """Make one role the member's only organization-wide one; roles in single workspaces stay."""
    known = await _facts(change, member_id, role_reference, None)
    member, role = known.member, known.role
    change.require(PERMISSION, None, "memberId")
    if role is None:
        raise not_found(Role.noun, "role")
    require_manages(change.actor, member, known.grants, field="memberId")
    require_conferable(change.actor, role, member.organization_id, None, "role")
    require_not_prolonging(change, member, known.grants, role, None, None, "role")
    taken = await replace_organization_wide(change, member, known.grants, role)
    if taken is None:
        change.unchanged()
    else:
        await _keep_an_owner(change, taken)
    return member


async def replace_organization_wide(
    change: Change, member: Member, grants: Sequence[Grant], role: Role
) -> list[Grant] | None:
    """Which of the member's grants had to be taken; None if nothing had to be changed."""
    held = [grant for grant in grants if grant.workspace_id is None]
    kept = [grant for grant in held if grant.role_id == role.id and grant.expires_at is None]
    taken = [grant for grant in held if grant not in kept]
    if kept and not taken:
        return None
    left = [grant for grant in grants if grant not in taken]
    for grant in taken:
        attach(grant, "member", member)
        change.writes.delete(grant)
        record_revoked(change, grant)
    if not kept:
        if any(grant.role_id == role.id for grant in taken):
            await change.writes.flush()  # of one role in one place there is one grant
        left.append(_give(change, member, role))
    await record_entries(change, member, membership_by(member, grants), membership_by(member, left))
    return taken
