"""Who may do what, where: the only reader of grants.

An `Actor` carries all its access, so that a question about it is a set look-up, never a query.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from server.catalogue import catalogue
from server.database import fetch
from server.errors import Problem, ProblemCode, Unauthenticated, forbidden, not_found
from server.models import (
    AuditEvent,
    Grant,
    Invitation,
    Member,
    Organization,
    Role,
    Row,
    Session,
    User,
    Workspace,
)

ENTER_ALL = "workspaces:enter_all"


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A grant that is in force."""

    role_key: str
    permissions: frozenset[str]
    manages: tuple[str, ...] | None
    workspace_id: UUID | None

    def manages_role(self, key: str, permissions: Collection[str]) -> bool:
        if self.manages is None:
            return self.permissions > set(permissions)
        return "*" in self.manages or key in self.manages


@dataclass(frozen=True, slots=True)
class Membership:
    """What an active member holds."""

    member_id: UUID
    organization_id: UUID
    held: tuple[HeldRole, ...]

    def at(self, workspace_id: UUID | None) -> Iterable[HeldRole]:
        """What is held organization-wide and, where a workspace is named, in it."""
        return (held for held in self.held if held.workspace_id in (None, workspace_id))

    def permissions(self, workspace_id: UUID | None = None) -> frozenset[str]:
        """Effective permissions organization-wide, or in a workspace (none in one it cannot enter)."""
        if workspace_id is not None and not self.enters(workspace_id):
            return frozenset()
        return frozenset().union(*(held.permissions for held in self.at(workspace_id)))

    @property
    def enters_all(self) -> bool:
        return any(held.workspace_id is None and ENTER_ALL in held.permissions for held in self.held)

    def enters(self, workspace_id: UUID) -> bool:
        return self.enters_all or any(held.workspace_id == workspace_id for held in self.held)

    def manages_role(self, key: str, permissions: Collection[str], workspace_id: UUID | None) -> bool:
        return any(held.manages_role(key, permissions) for held in self.at(workspace_id))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, for the audit log."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. Without a user it is anonymous; `memberships` are the active ones, by organization."""

    origin: Origin = field(default_factory=Origin)
    system: bool = False
    """Orgraph itself, at its housekeeping."""
    user_id: UUID | None = None
    email: str = ""
    email_verified: bool = False
    session_id: UUID | None = None
    memberships: Mapping[UUID, Membership] = field(default_factory=dict)
    restorable: Mapping[UUID, Membership] = field(default_factory=dict)
    """Memberships of deleted organizations that are still within their restore window."""
    organization_id: UUID | None = None
    """The active organization; always one of `memberships`."""
    workspace_id: UUID | None = None
    """The active workspace; always one of the active organization that the actor can enter."""
    overridden: bool = False
    """Whether the request's headers, not the session, name the active organization and workspace."""
    last_used_at: datetime | None = None

    def signed_in(self) -> UUID:
        """The user's id. Raises Unauthenticated."""
        if self.user_id is None:
            raise Unauthenticated
        return self.user_id

    def in_organization(self, organization_id: UUID | None, field: str = "organizationId") -> UUID:
        """The organization that an input names, else the active one. Raises REQUIRED without either."""
        self.signed_in()
        chosen = organization_id or self.organization_id
        if chosen is None:
            raise Problem(
                ProblemCode.REQUIRED, "No organization is active. Switch to one, or name it by its id.", field
            )
        return chosen

    def may(self, permission: str, organization_id: UUID, workspace_id: UUID | None = None) -> bool:
        membership = self.memberships.get(organization_id)
        return membership is not None and permission in membership.permissions(workspace_id)

    def organizations_where(self, permission: str) -> list[UUID]:
        return [m.organization_id for m in self.memberships.values() if permission in m.permissions()]

    def workspaces_where(self, permission: str) -> list[UUID]:
        """The workspaces that a grant of their own gives the permission in."""
        return [
            held.workspace_id
            for membership in self.memberships.values()
            for held in membership.held
            if held.workspace_id is not None and permission in held.permissions
        ]

    @property
    def organizations_entered_wholly(self) -> list[UUID]:
        return [m.organization_id for m in self.memberships.values() if m.enters_all]

    @property
    def workspaces_entered(self) -> list[UUID]:
        """The workspaces entered by a grant of their own."""
        held = (held for membership in self.memberships.values() for held in membership.held)
        return [role.workspace_id for role in held if role.workspace_id is not None]

    def enters(self, organization_id: UUID, workspace_id: UUID) -> bool:
        membership = self.memberships.get(organization_id)
        return membership is not None and membership.enters(workspace_id)


SYSTEM = Actor(system=True)

ACCESS_COLUMNS = """
    m.id AS member_id, m.organization_id, o.deleted_at IS NOT NULL AS organization_deleted,
    r.key AS role_key, r.permissions, r.manages, g.workspace_id
"""
ACCESS_TABLES = """
    member m
    JOIN organization o ON o.id = m.organization_id
    LEFT JOIN (
        "grant" g
        JOIN role r ON r.id = g.role_id
        LEFT JOIN workspace w ON w.id = g.workspace_id
    ) ON g.member_id = m.id
        AND (g.expires_at IS NULL OR g.expires_at > clock_timestamp())
        AND (g.workspace_id IS NULL OR w.deleted_at IS NULL)
"""


def memberships_from(
    rows: Iterable[Mapping[str, Any]],
) -> tuple[dict[UUID, Membership], dict[UUID, Membership]]:
    """Rows of ACCESS_COLUMNS, a grant each, as memberships of living and of deleted organizations."""
    held: dict[tuple[UUID, UUID, bool], list[HeldRole]] = {}
    for row in rows:
        if row["member_id"] is None:
            continue
        key = (row["organization_id"], row["member_id"], row["organization_deleted"])
        roles = held.setdefault(key, [])
        if row["role_key"] is not None:
            manages = None if row["manages"] is None else tuple(row["manages"])
            roles.append(HeldRole(row["role_key"], frozenset(row["permissions"]), manages, row["workspace_id"]))
    living: dict[UUID, Membership] = {}
    restorable: dict[UUID, Membership] = {}
    for (organization_id, member_id, deleted), roles in held.items():
        membership = Membership(member_id, organization_id, tuple(roles))
        (restorable if deleted else living)[organization_id] = membership
    return living, restorable


async def membership_of(organization_id: UUID, user_id: UUID | None) -> Membership | None:
    """What somebody other than the actor holds now, if active."""
    rows = await fetch(
        f"SELECT {ACCESS_COLUMNS} FROM {ACCESS_TABLES} "  # noqa: S608
        "WHERE m.organization_id = $1 AND m.user_id = $2 AND m.status = 'active' AND o.deleted_at IS NULL",
        organization_id,
        user_id,
    )
    return memberships_from(rows)[0].get(organization_id)


R = TypeVar("R", bound=Row)


def in_force() -> Q:
    """Of grants: those that have not expired."""
    return Q(expires_at__isnull=True) | Q(expires_at__gt=datetime.now(UTC))


def visible(actor: Actor, model: type[R]) -> QuerySet[R]:
    """The rows that exist as far as the actor can tell."""
    organizations = list(actor.memberships)
    if model is User:
        colleagues = Member.filter(organization_id__in=actor.organizations_where("members:read"))
        return model.filter(Q(id=actor.user_id) | Q(id__in=Subquery(colleagues.values("user_id"))))
    if model is Session:
        return model.filter(user_id=actor.user_id, expires_at__gt=datetime.now(UTC))
    if model is Organization:
        return model.filter(id__in=organizations)
    if model is Workspace:
        return model.filter(
            Q(organization_id__in=actor.organizations_entered_wholly) | Q(id__in=actor.workspaces_entered),
            deleted_at__isnull=True,
        )
    if model is Member:
        entered = actor.workspaces_where("members:read")
        of_entered = Workspace.filter(id__in=entered).values("organization_id")
        neighbours = Grant.filter(
            Q(workspace_id__in=entered)
            | Q(
                workspace_id__isnull=True,
                organization_id__in=Subquery(of_entered),
                role__permissions__contains=[ENTER_ALL],
            ),
            in_force(),
        )
        return model.filter(
            Q(organization_id__in=actor.organizations_where("members:read"))
            | Q(user_id=actor.user_id, organization_id__in=organizations)
            | Q(id__in=Subquery(neighbours.values("member_id")))
        )
    if model is Grant:
        return model.filter(
            Q(workspace_id__isnull=True)
            | Q(organization_id__in=actor.organizations_entered_wholly)
            | Q(workspace_id__in=actor.workspaces_entered),
            member_id__in=Subquery(visible(actor, Member).values("id")),
        )
    if model is Role:
        return model.filter(Q(organization_id__isnull=True) | Q(organization_id__in=organizations))
    if model is Invitation:
        return model.filter(organization_id__in=organizations)
    if model is AuditEvent:
        return model.filter(chain_id__in=[*actor.organizations_where("audit:read"), actor.user_id])
    raise TypeError(f"{model.__name__} has no rule of visibility")


def place(row: Row) -> tuple[UUID | None, UUID | None]:
    """The organization and workspace in which a permission on the row counts."""
    if isinstance(row, Organization):
        return row.id, None
    if isinstance(row, Workspace):
        return row.organization_id, row.id
    if isinstance(row, Grant):
        return row.organization_id, row.workspace_id
    if isinstance(row, Member | Invitation | Role):
        return row.organization_id, None
    return None, None


def may_on(actor: Actor, row: Row, permission: str) -> bool:
    """Whether the actor has the permission where the row stands."""
    organization_id, workspace_id = place(row)
    return organization_id is not None and actor.may(permission, organization_id, workspace_id)


RELATED: dict[type[Row], tuple[str, ...]] = {
    Member: ("user",),
    Grant: ("role", "workspace", "member__user"),
    Invitation: ("role",),
}
"""What a loaded object brings along, since every rule about it needs that."""


async def load(actor: Actor, model: type[R], id: UUID, permission: str | None = None, field: str | None = None) -> R:
    """The only road from an id to an object.

    Raises NOT_FOUND for what the actor cannot see, FORBIDDEN for what it sees but may not do.
    """
    row = await visible(actor, model).select_related(*RELATED.get(model, ())).get_or_none(id=id)
    if row is None:
        raise not_found(model.noun, field)
    if permission is not None and not may_on(actor, row, permission):
        raise forbidden(permission, field)
    return row


def above_your_role(message: str, field: str | None) -> Problem:
    return Problem(ProblemCode.ABOVE_YOUR_ROLE, message, field)


def conferable(membership: Membership, role: Role, workspace_id: UUID | None) -> bool:
    """The ceiling: nobody confers more than they hold, nor a role that theirs does not manage."""
    return membership.permissions(workspace_id).issuperset(role.permissions) and membership.manages_role(
        role.key, role.permissions, workspace_id
    )


def require_conferable(actor: Actor, role: Role, organization_id: UUID, workspace_id: UUID | None, field: str) -> None:
    """Raises ABOVE_YOUR_ROLE."""
    if not conferable(actor.memberships[organization_id], role, workspace_id):
        raise above_your_role(
            f"The role {role.name} is above yours: you can only give and take roles that yours manages.",
            field,
        )


async def require_manages(
    actor: Actor, member: Member, workspace_id: UUID | None = None, field: str | None = None
) -> None:
    """Whoever acts on a member must manage every role of theirs that counts in the place: all of
    them organization-wide, in a workspace those that reach it. Raises ABOVE_YOUR_ROLE.
    """
    own = actor.memberships[member.organization_id]
    grants = Grant.filter(in_force(), member_id=member.id)
    if workspace_id is not None:
        grants = grants.filter(Q(workspace_id__isnull=True) | Q(workspace_id=workspace_id))
    for grant in await grants.select_related("role"):
        role: Role = grant.role
        if not own.manages_role(role.key, role.permissions, workspace_id):
            raise above_your_role(
                f"This member is {role.name}, a role that yours does not manage. Ask somebody above them.",
                field,
            )


async def keep_an_owner(organization_id: UUID) -> None:
    """At least one active member holds the creator's role for good, organization-wide.

    To be called after the change, under the organization's lock. Raises LAST_OWNER.
    """
    owners = Grant.filter(
        organization_id=organization_id,
        role__key=catalogue.creator,
        role__organization_id__isnull=True,
        workspace_id__isnull=True,
        expires_at__isnull=True,
        member__status="active",
    )
    if not await owners.exists():
        raise Problem(
            ProblemCode.LAST_OWNER,
            "The organization would be left without an owner. Make somebody else an owner first.",
        )
