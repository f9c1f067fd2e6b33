"""The ceiling: nobody gives, changes or takes away more than they hold, and somebody always owns."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from tortoise.queryset import QuerySet

from server.access import Actor, HeldRole, Membership
from server.catalogue import catalogue
from server.database import fetch
from server.errors import Problem, ProblemCode
from server.models import Grant, Member, MemberStatus, Role
from server.reading import selection


def above_your_role(message: str, field: str | None) -> Problem:
    return Problem(ProblemCode.ABOVE_YOUR_ROLE, message, field)


def covers(membership: Membership, permissions: Iterable[str], workspace_id: UUID | None = None) -> bool:
    """The ceiling: nobody gives, changes or takes away more than they hold."""
    return membership.permissions(workspace_id).issuperset(permissions)


def conferable(membership: Membership, role: Role, workspace_id: UUID | None = None) -> bool:
    """Within the ceiling, and a role that theirs manages."""
    return covers(membership, role.permissions, workspace_id) and membership.manages_role(role, workspace_id)


def require_conferable(actor: Actor, role: Role, organization_id: UUID, workspace_id: UUID | None, field: str) -> None:
    """Raises ABOVE_YOUR_ROLE."""
    if not conferable(actor.memberships[organization_id], role, workspace_id):
        raise above_your_role(
            f"The role {role.name} is above yours: you can only give and take roles that yours manages.",
            field,
        )


def require_manages_roles(
    actor: Actor,
    organization_id: UUID,
    roles: Iterable[Role],
    workspace_id: UUID | None = None,
    field: str | None = None,
) -> None:
    """Whoever acts on a member must manage each of these roles of theirs. Raises ABOVE_YOUR_ROLE."""
    own = actor.memberships[organization_id]
    for role in roles:
        if not own.manages_role(role, workspace_id):
            raise above_your_role(
                f"This member is {role.name}, a role that yours does not manage. Ask somebody above them.",
                field,
            )


async def grants_of(member: Member) -> list[Grant]:
    """All of a member's, also those that are over, with their roles."""
    wanted = selection(Grant, "role")
    sql = f"SELECT {wanted.columns} FROM {wanted.tables} WHERE x.member_id = $1 ORDER BY x.id"  # noqa: S608
    return wanted.rows(await fetch(sql, member.id))


def is_over(grant: Grant) -> bool:
    return grant.expires_at is not None and grant.expires_at <= datetime.now(UTC)


def membership_by(member: Member, grants: Iterable[Grant]) -> Membership | None:
    """What a member of a living organization would hold by these grants, in deleted workspaces too, if active."""
    if member.status is not MemberStatus.ACTIVE:
        return None
    held = tuple(HeldRole.of(grant) for grant in grants if not is_over(grant))
    return Membership(member.id, member.organization_id, held)


def require_manages(
    actor: Actor, member: Member, grants: Iterable[Grant], workspace_id: UUID | None = None, field: str | None = None
) -> None:
    """Every role of the member that counts in the place must be managed: of all grants organization-wide,
    in a workspace of those that reach it. Raises ABOVE_YOUR_ROLE.
    """
    roles = {
        grant.role_id: grant.role
        for grant in grants
        if not is_over(grant) and (workspace_id is None or grant.workspace_id in (None, workspace_id))
    }
    require_manages_roles(actor, member.organization_id, roles.values(), workspace_id, field)


def owners(organization_ids: Iterable[UUID]) -> QuerySet[Grant]:
    """The grants by which active members hold the creator's role for good, organization-wide."""
    return Grant.filter(
        organization_id__in=list(organization_ids),
        role__key=catalogue.creator,
        role__organization_id__isnull=True,
        workspace_id__isnull=True,
        expires_at__isnull=True,
        member__status="active",
    )


def makes_owner(role: Role, workspace_id: UUID | None) -> bool:
    return role.key == catalogue.creator and role.organization_id is None and workspace_id is None


def last_owner() -> Problem:
    return Problem(
        ProblemCode.LAST_OWNER, "The organization would be left without an owner. Make somebody else an owner first."
    )


async def keep_an_owner(organization_id: UUID) -> None:
    """At least one owner is left. To be called after the change, under the organization's lock. Raises LAST_OWNER."""
    if not await owners([organization_id]).exists():
        raise last_owner()
