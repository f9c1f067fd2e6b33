"""Grants: roles given to members and taken from them, organization-wide or in one workspace."""

from datetime import UTC, datetime
from uuid import UUID

from tortoise.expressions import Q

from server import roles
from server.access import HeldRole, Membership, membership_of
from server.audit import Change, difference, timestamp
from server.ceiling import above_your_role, conferable, keep_an_owner, require_conferable, require_manages
from server.errors import Problem, ProblemCode
from server.models import Grant, Member, Role, Workspace

PERMISSION = "members:grant"


def _moment(value: datetime | None) -> str | None:
    return timestamp(value) if value else None


def record_created(change: Change, grant: Grant) -> None:
    changes = difference(role=(None, grant.role.key), expiresAt=(None, _moment(grant.expires_at)))
    change.record("grant.created", grant.member, workspace_id=grant.workspace_id, changes=changes)


def record_revoked(change: Change, grant: Grant) -> None:
    changes = difference(role=(grant.role.key, None))
    change.record("grant.revoked", grant.member, workspace_id=grant.workspace_id, changes=changes)


async def record_entries(change: Change, member: Member, before: Membership | None) -> None:
    """Write down which workspaces the member can enter now and could not before, or the other way."""
    after = await membership_of(member.organization_id, member.user_id)
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


async def require_not_prolonging(
    change: Change, member: Member, role: Role, workspace_id: UUID | None, expires_at: datetime | None, field: str
) -> None:
    """Nobody makes what they hold for a time last longer themselves. Raises ABOVE_YOUR_ROLE."""
    if member.user_id != change.actor.answerable_id:
        return
    until = Q(expires_at__isnull=True)
    if expires_at is not None:
        until |= Q(expires_at__gte=expires_at)
    held = tuple(
        HeldRole(
            own.role_id,
            own.role.key,
            frozenset(own.role.permissions),
            None if own.role.manages is None else tuple(own.role.manages),
            own.workspace_id,
        )
        for own in await Grant.filter(until, member_id=member.id).select_related("role")
    )
    lasting = Membership(member.id, member.organization_id, held)
    if not conferable(lasting, role, workspace_id):
        raise above_your_role("You hold this for a time only: somebody else must let you keep it for longer.", field)


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
    member = await change.load(Member, member_id, field="memberId")
    if workspace_id is not None:
        await change.load(Workspace, workspace_id, field="workspaceId")
    change.require(PERMISSION, workspace_id, "memberId")
    role = await roles.find(member.organization_id, role_reference)
    require_conferable(change.actor, role, member.organization_id, workspace_id, "role")
    await require_manages(change.actor, member, workspace_id, "memberId")
    await require_not_prolonging(change, member, role, workspace_id, expires_at, "expiresAt")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise Problem(ProblemCode.INVALID, "This time is past. Choose a later one.", "expiresAt")
    held = await Grant.get_or_none(member_id=member.id, role_id=role.id, workspace_id=workspace_id)
    if held is not None and held.expires_at is not None and held.expires_at <= datetime.now(UTC):
        await held.delete()
    elif held is not None:
        held.member, held.role = member, role
        return await _set_expiry(change, held, expires_at)
    before = await membership_of(member.organization_id, member.user_id)
    given = await Grant.create(
        organization_id=member.organization_id,
        member=member,
        role=role,
        workspace_id=workspace_id,
        expires_at=expires_at,
        granted_by_id=change.actor.answerable_id,
    )
    record_created(change, given)
    await record_entries(change, member, before)
    return given


async def _set_expiry(change: Change, held: Grant, expires_at: datetime | None) -> Grant:
    changes = difference(role=(None, held.role.key), expiresAt=(_moment(held.expires_at), _moment(expires_at)))
    if held.expires_at == expires_at:
        change.unchanged()
        return held
    held.expires_at = expires_at
    await held.save(update_fields=["expires_at"])
    await keep_an_owner(held.organization_id)
    change.record("grant.updated", held.member, workspace_id=held.workspace_id, changes=changes)
    return held


async def revoke(change: Change, grant_id: UUID) -> Member:
    """Take a role from a member. Raises FORBIDDEN, ABOVE_YOUR_ROLE, LAST_OWNER, NOT_FOUND."""
    held = await change.load(Grant, grant_id, PERMISSION, "grantId")
    member: Member = held.member
    require_conferable(change.actor, held.role, held.organization_id, held.workspace_id, "grantId")
    await require_manages(change.actor, member, held.workspace_id, "grantId")
    before = await membership_of(held.organization_id, member.user_id)
    await held.delete()
    await keep_an_owner(held.organization_id)
    record_revoked(change, held)
    await record_entries(change, member, before)
    return member


async def set_member_role(change: Change, member_id: UUID, role_reference: str | UUID) -> Member:
    """Make one role the member's only organization-wide one; roles in single workspaces stay."""
    member = await change.load(Member, member_id, PERMISSION, "memberId")
    role = await roles.find(member.organization_id, role_reference)
    await require_manages(change.actor, member, field="memberId")
    require_conferable(change.actor, role, member.organization_id, None, "role")
    await require_not_prolonging(change, member, role, None, None, "role")
    if not await replace_organization_wide(change, member, role):
        change.unchanged()
    await keep_an_owner(member.organization_id)
    return member


async def replace_organization_wide(change: Change, member: Member, role: Role) -> bool:
    """Whether anything had to be changed."""
    before = await membership_of(member.organization_id, member.user_id)
    held = await Grant.filter(member_id=member.id, workspace_id=None).select_related("role")
    for grant in held:
        grant.member = member
    kept = [grant for grant in held if grant.role_id == role.id and grant.expires_at is None]
    for grant in held:
        if grant not in kept:
            await grant.delete()
            record_revoked(change, grant)
    if not kept:
        given = await Grant.create(
            organization_id=member.organization_id,
            member=member,
            role=role,
            granted_by_id=change.actor.answerable_id,
        )
        record_created(change, given)
    await record_entries(change, member, before)
    return kept != held
