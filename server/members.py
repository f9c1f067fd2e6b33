"""Members of an organization: they join, leave, and are removed, suspended and reactivated."""

from collections.abc import Sequence
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server import grants, plans, roles
from server.access import Actor
from server.audit import Change, difference, timestamp
from server.catalogue import catalogue
from server.ceiling import grants_of, keep_an_owner, require_conferable, require_manages
from server.database import violated
from server.errors import Problem, ProblemCode
from server.models import Availability, Grant, Member, MemberStatus, Organization, Role, User, Workspace
from server.rows import type_id


async def join(
    change: Change,
    organization_id: UUID,
    user: User,
    role: Role,
    workspaces: Sequence[Workspace],
    granted_by: UUID | None,
) -> Member:
    """Make a user a member with a role, organization-wide or, where some are named, in the workspaces only.

    Raises ALREADY_DONE for one who is a member, SEAT_LIMIT_REACHED.
    """
    await plans.require_seat_for_member(organization_id)
    try:
        member = await Member.create(organization_id=organization_id, user=user)
    except IntegrityError as error:
        if violated(error) == "member_once":
            raise Problem(ProblemCode.ALREADY_DONE, "You are a member of this organization already.") from error
        raise
    change.record("member.joined", member)
    places: list[UUID | None] = [workspace.id for workspace in workspaces] or [None]
    for workspace_id in places:
        grant = Grant(
            organization_id=organization_id,
            member=member,
            role=role,
            workspace_id=workspace_id,
            granted_by_id=granted_by,
        )
        await grant.save()
        grants.record_created(change, grant)
        if workspace_id is not None:
            change.record("member.workspace_entered", member, workspace_id=workspace_id)
    return member


async def remove(change: Change, member_id: UUID) -> Member:
    member = await change.load(Member, member_id, "members:remove", "memberId")
    require_manages(change.actor, member, await grants_of(member), field="memberId")
    await depart(change, member, "member.removed")
    return member


async def depart(change: Change, member: Member, action: str, keep_owner: bool = True) -> None:
    """End a membership, by whichever action. Raises LAST_OWNER."""
    organization_id = member.organization_id
    await _record_in_workspaces(change, member, "member.workspace_left")
    await member.delete()
    if keep_owner:
        await keep_an_owner(organization_id)
    gone = difference(
        user=(type_id(User.prefix, member.user_id), None),
        status=(member.status.value, None),
        joinedAt=(timestamp(member.created_at), None),
    )
    change.record(action, member, changes=gone, chain_id=organization_id)


async def _record_in_workspaces(change: Change, member: Member, action: str) -> None:
    """What happens to a member as a whole also happens in each workspace that it has a grant in."""
    held = Grant.filter(member_id=member.id, workspace__deleted_at__isnull=True, workspace_id__isnull=False)
    for workspace_id in dict.fromkeys([grant.workspace_id for grant in await held]):
        change.record(action, member, workspace_id=workspace_id, chain_id=member.organization_id)


async def suspend(change: Change, member_id: UUID) -> Member:
    """Take all access away, and keep the roles for when the member is reactivated."""
    member = await change.load(Member, member_id, "members:suspend", "memberId")
    require_manages(change.actor, member, await grants_of(member), field="memberId")
    require_status(member, MemberStatus.ACTIVE)
    await _set_status(change, member, MemberStatus.SUSPENDED, "member.suspended")
    await _record_in_workspaces(change, member, "member.workspace_left")
    await keep_an_owner(member.organization_id)
    return member


async def reactivate(change: Change, member_id: UUID) -> Member:
    member = await change.load(Member, member_id, "members:suspend", "memberId")
    require_manages(change.actor, member, await grants_of(member), field="memberId")
    require_status(member, MemberStatus.SUSPENDED)
    await plans.require_seat(await Organization.get(id=member.organization_id), "memberId")
    await _set_status(change, member, MemberStatus.ACTIVE, "member.reactivated")
    await _record_in_workspaces(change, member, "member.workspace_entered")
    return member


def require_status(member: Member, status: MemberStatus) -> None:
    """Raises ALREADY_DONE."""
    if member.status is not status:
        raise Problem(ProblemCode.ALREADY_DONE, f"This member is {member.status.value} already.", "memberId")


async def _set_status(change: Change, member: Member, status: MemberStatus, action: str) -> None:
    changes = difference(status=(member.status.value, status.value))
    member.status = status
    await member.save(update_fields=["status"])
    change.record(action, member, changes=changes)


async def leave(change: Change, organization_id: UUID | None) -> Member:
    """Give up one's own membership. Raises LAST_OWNER."""
    change.actor.signed_in()
    organization = await change.enter(change.actor.in_organization(organization_id), field="organizationId")
    own_id = change.actor.memberships[organization.id].member_id
    member = await Member.get(id=own_id).select_related("user")
    await depart(change, member, "member.left")
    return member


async def transfer_ownership(change: Change, member_id: UUID, own_role: str | UUID | None) -> Member:
    """Make a member the owner in one's own place, and take a role oneself: by default, the catalogue's next one."""
    change.actor.signed_in()
    heir = await change.load(Member, member_id, "organization:transfer", "memberId")
    organization_id = heir.organization_id
    own_id = change.actor.memberships[organization_id].member_id
    require_heir(change.actor, heir)
    given = await grants_of(heir)
    require_manages(change.actor, heir, given, field="memberId")
    require_may_make_owner(change.actor, organization_id)
    creator = await roles.creator_role()
    own = await Member.get(id=own_id).select_related("user")
    held = await grants_of(own)
    grants.require_not_prolonging(change, own, held, creator, None, None, "memberId")
    next_role = next((key for key in catalogue.roles if key != catalogue.creator), catalogue.creator)
    remaining = await roles.find(organization_id, next_role if own_role is None else own_role, "ownRole")
    if remaining.id == creator.id:
        raise Problem(
            ProblemCode.INVALID, f"Keep a role other than {creator.name}. To add one more, grant it.", "ownRole"
        )
    require_conferable(change.actor, remaining, organization_id, None, "ownRole")
    await grants.replace_organization_wide(change, heir, given, creator)
    await grants.replace_organization_wide(change, own, held, remaining)
    await change.writes.flush()
    await keep_an_owner(organization_id)
    return heir


def require_heir(actor: Actor, heir: Member) -> None:
    """Raises ALREADY_DONE, INVALID."""
    if heir.id == actor.memberships[heir.organization_id].member_id:
        raise Problem(ProblemCode.ALREADY_DONE, "You are the owner. Name the member who shall be.", "memberId")
    if heir.status is not MemberStatus.ACTIVE:
        raise Problem(ProblemCode.INVALID, "This member is suspended. Reactivate them first.", "memberId")


def require_may_make_owner(actor: Actor, organization_id: UUID) -> None:
    """Raises ABOVE_YOUR_ROLE for whoever may hand on what they do not hold."""
    built_in = catalogue.roles[catalogue.creator]
    creator = Role(key=catalogue.creator, name=built_in.name, permissions=catalogue.permissions_of(catalogue.creator))
    require_conferable(actor, creator, organization_id, None, "memberId")


async def set_availability(change: Change, organization_id: UUID | None, availability: Availability) -> Member:
    """Say whether one can be turned to. Raises FORBIDDEN."""
    change.actor.signed_in()
    organization = await change.enter(
        change.actor.in_organization(organization_id), "availability:set", "organizationId"
    )
    own_id = change.actor.memberships[organization.id].member_id
    member = await Member.get(id=own_id).select_related("user")
    changes = difference(availability=(member.availability.value, availability.value))
    if not changes:
        change.unchanged()
        return member
    member.availability = availability
    await member.save(update_fields=["availability"])
    change.record("member.availability_changed", member, changes=changes)
    return member
