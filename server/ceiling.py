"""The ceiling: nobody gives, changes or takes away more than they hold, and somebody always owns."""

from collections.abc import Iterable
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.access import Actor, Membership, in_force
from server.catalogue import catalogue
from server.errors import Problem, ProblemCode
from server.models import Grant, Member, Role


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


async def require_manages(
    actor: Actor, member: Member, workspace_id: UUID | None = None, field: str | None = None
) -> None:
    """Every role of the member that counts in the place must be managed: all of them organization-wide,
    in a workspace those that reach it. Raises ABOVE_YOUR_ROLE.
    """
    grants = Grant.filter(in_force(), member_id=member.id)
    if workspace_id is not None:
        grants = grants.filter(Q(workspace_id__isnull=True) | Q(workspace_id=workspace_id))
    roles = [grant.role for grant in await grants.select_related("role")]
    require_manages_roles(actor, member.organization_id, roles, workspace_id, field)


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


def last_owner() -> Problem:
    return Problem(
        ProblemCode.LAST_OWNER, "The organization would be left without an owner. Make somebody else an owner first."
    )


async def keep_an_owner(organization_id: UUID) -> None:
    """At least one owner is left. To be called after the change, under the organization's lock. Raises LAST_OWNER."""
    if not await owners([organization_id]).exists():
        raise last_owner()
