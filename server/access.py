"""Who may do what, where: the only reader of grants.

An `Actor` carries all its access, so that a question about it is a set look-up, never a query.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import Any, TypeVar
from uuid import UUID

from tortoise.expressions import Q

from server.catalogue import MFA_REQUIRED, SESSION_TIMEOUT, catalogue
from server.database import fetch
from server.errors import Problem, ProblemCode, Unauthenticated, forbidden, mfa_required, not_found
from server.models import ApiKey, Grant, Invitation, Member, Organization, Role, Workspace
from server.reading import selection
from server.rows import Row
from server.visibility import ENTER_ALL as ENTER_ALL
from server.visibility import VISIBLE, numbered


@lru_cache(maxsize=1024)
def _shared(permissions: tuple[str, ...]) -> frozenset[str]:
    """One set for all who hold the same."""
    return frozenset(permissions)


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A grant that is in force, or an API key's role."""

    role_id: UUID
    role_key: str
    permissions: frozenset[str]
    manages: tuple[str, ...] | None
    workspace_id: UUID | None

    @classmethod
    def of(cls, grant: Grant) -> "HeldRole":
        """Of a grant with its role."""
        role = grant.role
        manages = None if role.manages is None else tuple(role.manages)
        return cls(role.id, role.key, frozenset(role.permissions), manages, grant.workspace_id)

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "HeldRole":
        """Of a row of ACCESS_COLUMNS."""
        manages = None if row["manages"] is None else tuple(row["manages"])
        permissions = _shared(tuple(row["permissions"]))
        return cls(row["role_id"], row["role_key"], permissions, manages, row["workspace_id"])

    def manages_role(self, role: Role) -> bool:
        if self.manages is not None and ("*" in self.manages or role.organization_id is None):
            return "*" in self.manages or role.key in self.manages
        return self.permissions > set(role.permissions)  # no catalogue can name a custom role


@dataclass(frozen=True)
class Membership:
    """What an active member, or an API key, holds in an organization.

    A key has no `member_id`, and a `ceiling`: what the person who answers for it holds.
    """

    member_id: UUID | None
    organization_id: UUID
    held: tuple[HeldRole, ...]
    ceiling: "Membership | None" = None
    idle_limit: timedelta | None = None
    """For how long a session may be unused here."""
    locked: bool = False
    """Whether it takes two-factor authentication, which the user has not turned on."""
    _known: dict[UUID | None, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    def at(self, workspace_id: UUID | None) -> Iterable[HeldRole]:
        """What is held organization-wide and, where a workspace is named, in it."""
        return (held for held in self.held if held.workspace_id in (None, workspace_id))

    def permissions(self, workspace_id: UUID | None = None) -> frozenset[str]:
        """Effective permissions organization-wide, or in a workspace (none in one it cannot enter)."""
        if workspace_id not in self._known:
            self._known[workspace_id] = self._permissions(workspace_id)
        return self._known[workspace_id]

    def _permissions(self, workspace_id: UUID | None) -> frozenset[str]:
        if workspace_id is not None and not self.enters(workspace_id):
            return frozenset()
        own = frozenset().union(*(held.permissions for held in self.at(workspace_id)))
        return own if self.ceiling is None else own & self.ceiling.permissions(workspace_id)

    def holding(self, *held: HeldRole) -> "Membership":
        """The same with other roles."""
        return replace(self, held=held, _known={})

    @property
    def enters_all(self) -> bool:
        return ENTER_ALL in self.permissions()

    @cached_property
    def entered(self) -> list[UUID]:
        """The workspaces entered by a grant of their own."""
        named = dict.fromkeys(held.workspace_id for held in self.held if held.workspace_id is not None)
        return [id for id in named if self.ceiling is None or self.ceiling.enters(id)]

    def enters(self, workspace_id: UUID) -> bool:
        if self.enters_all:
            return True
        named = any(held.workspace_id == workspace_id for held in self.held)
        return named and (self.ceiling is None or self.ceiling.enters(workspace_id))

    def holds(self, role_id: UUID) -> bool:
        """Oneself, or the person who answers for the API key."""
        return any(held.role_id == role_id for held in self.held) or (
            self.ceiling is not None and self.ceiling.holds(role_id)
        )

    def manages_role(self, role: Role, workspace_id: UUID | None = None) -> bool:
        managed = any(held.manages_role(role) for held in self.at(workspace_id))
        return managed and (self.ceiling is None or self.ceiling.manages_role(role, workspace_id))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, for the audit log."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user or an API key, else it is anonymous. `memberships` are the active ones, by organization."""

    origin: Origin = field(default_factory=Origin)
    system: bool = False
    """Orgraph itself, at its housekeeping."""
    user_id: UUID | None = None
    email: str = ""
    email_verified: bool = False
    """Of the user, or of who answers for the API key."""
    has_mfa: bool = False
    session_id: UUID | None = None
    api_key_id: UUID | None = None
    api_key_name: str = ""
    secret_hash: str = ""
    """Of the API key's secret that was shown."""
    created_by_id: UUID | None = None
    """Who answers for the API key."""
    memberships: Mapping[UUID, Membership] = field(default_factory=dict)
    restorable: Mapping[UUID, Membership] = field(default_factory=dict)
    """Memberships of deleted organizations that are still within their restore window."""
    locked: Mapping[UUID, Membership] = field(default_factory=dict)
    """Memberships that give nothing before the user turns two-factor authentication on."""
    timed_out: Mapping[UUID, Membership] = field(default_factory=dict)
    """Memberships of organizations that the session was unused too long for: they take a new one."""
    organization_id: UUID | None = None
    """The active organization; always one of `memberships`."""
    workspace_id: UUID | None = None
    """The active workspace; always one of the active organization that the actor can enter."""
    overridden: bool = False
    """Whether the request's headers, not the session, name the active organization and workspace."""
    last_used_at: datetime | None = None
    version: str = ""
    """Of the rows that all this was made of."""
    _values: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)

    def asking_from(self, origin: Origin) -> "Actor":
        """The same elsewhere; `_values` are of the access, not of the place."""
        other = replace(self, origin=origin)
        object.__setattr__(other, "_values", self._values)
        return other

    @property
    def known(self) -> bool:
        return self.user_id is not None or self.api_key_id is not None

    def identified(self) -> None:
        """Raises Unauthenticated for nobody."""
        if not self.known:
            raise Unauthenticated

    def signed_in(self) -> UUID:
        """The user's id. Raises Unauthenticated, or FORBIDDEN for an API key."""
        self.identified()
        if self.user_id is None:
            raise Problem(
                ProblemCode.FORBIDDEN, "This is for people: an API key cannot do it. Sign in with a user's account."
            )
        return self.user_id

    @property
    def answerable_id(self) -> UUID | None:
        """The person who answers for what is done."""
        return self.user_id or self.created_by_id

    def in_organization(self, organization_id: UUID | None, field: str = "organizationId") -> UUID:
        """The organization that an input names, else the active one. Raises REQUIRED without either."""
        self.identified()
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
        """The workspaces entered by a grant of their own in which the permission counts."""
        return [
            id
            for membership in self.memberships.values()
            for id in membership.entered
            if permission in membership.permissions(id)
        ]

    @property
    def organizations_entered_wholly(self) -> list[UUID]:
        return [m.organization_id for m in self.memberships.values() if m.enters_all]

    @property
    def workspaces_entered(self) -> list[UUID]:
        """The workspaces entered by a grant of their own."""
        return [id for membership in self.memberships.values() for id in membership.entered]

    def enters(self, organization_id: UUID, workspace_id: UUID) -> bool:
        membership = self.memberships.get(organization_id)
        return membership is not None and membership.enters(workspace_id)

    def value(self, reference: str) -> Any:
        """What a format field in VISIBLE stands for."""
        if reference not in self._values:
            self._values[reference] = self._value(reference)
        return self._values[reference]

    def _value(self, reference: str) -> Any:
        name, _, permission = reference.removesuffix("]").partition("[")
        match name:
            case "organizations_where":
                return self.organizations_where(permission)
            case "workspaces_where":
                return self.workspaces_where(permission)
            case "memberships":
                return list(self.memberships)
            case "wholly":
                return self.organizations_entered_wholly
            case "entered":
                return self.workspaces_entered
            case "closed":
                return [*self.locked, *self.timed_out]
            case "locked":
                return list(self.locked)
            case "restorable":
                return [id for id, held in self.restorable.items() if "organization:delete" in held.permissions()]
            case "user_id" | "session_id" | "api_key_id" | "organization_id" | "workspace_id":
                return getattr(self, name)
        raise KeyError(reference)


SYSTEM = Actor(system=True)


def _setting(key: str, type: str) -> str:
    """SQL: an organization's setting, `o.settings`, else the catalogue's default."""
    declared = catalogue.settings.get(key)
    default = "NULL" if declared is None or declared.default is None else str(declared.default).lower()
    return f"NULL::{type}" if declared is None else f"COALESCE((o.settings ->> '{key}')::{type}, {default})"


PLACE_COLUMNS = f"""
    m.id AS member_id, m.organization_id, o.deleted_at IS NOT NULL AS organization_deleted,
    {_setting(MFA_REQUIRED, "boolean")} AS mfa_required, {_setting(SESSION_TIMEOUT, "integer")} AS idle_minutes
"""
ROLE_COLUMNS = "r.id AS role_id, r.key AS role_key, r.permissions, r.manages"
ACCESS_COLUMNS = f"{PLACE_COLUMNS}, {ROLE_COLUMNS}, g.workspace_id"
ACCESS_VERSIONS = "m.xmin, o.xmin, g.id, g.xmin, r.xmin, w.xmin"
"""Of the rows that access is read from: PostgreSQL writes another `xmin` at each change of one."""

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


@dataclass
class Memberships:
    """By organization."""

    living: dict[UUID, Membership] = field(default_factory=dict)
    restorable: dict[UUID, Membership] = field(default_factory=dict)
    locked: dict[UUID, Membership] = field(default_factory=dict)


def memberships_from(
    rows: Sequence[Mapping[str, Any]],
    has_mfa: bool = True,
    role_at: Callable[[UUID, UUID | None], HeldRole] | None = None,
) -> Memberships:
    """Rows of ACCESS_COLUMNS, a grant each, of one user; `role_at` where the rows have only the ids of roles."""
    held: dict[UUID, list[HeldRole]] = {}
    for row in rows:
        own = held.setdefault(row["organization_id"], [])
        if row["role_id"] is not None:
            own.append(HeldRole.read(row) if role_at is None else role_at(row["role_id"], row["workspace_id"]))
    found = Memberships()
    for row in rows:
        organization_id = row["organization_id"]
        if row["member_id"] is None or organization_id not in held:
            continue
        minutes = row["idle_minutes"]
        membership = Membership(
            row["member_id"],
            organization_id,
            tuple(held.pop(organization_id)),
            idle_limit=None if minutes is None else timedelta(minutes=minutes),
            locked=bool(row["mfa_required"]) and not has_mfa,
        )
        if row["organization_deleted"]:
            found.restorable[organization_id] = membership
        elif membership.locked:
            found.locked[organization_id] = membership
        else:
            found.living[organization_id] = membership
    return found


async def membership_of(organization_id: UUID, user_id: UUID | None) -> Membership | None:
    """What somebody other than the actor holds now, if active."""
    rows = await fetch(
        f"SELECT {ACCESS_COLUMNS} FROM {ACCESS_TABLES} "  # noqa: S608
        "WHERE m.organization_id = $1 AND m.user_id = $2 AND m.status = 'active' AND o.deleted_at IS NULL",
        organization_id,
        user_id,
    )
    return memberships_from(rows).living.get(organization_id)


R = TypeVar("R", bound=Row)


def in_force() -> Q:
    """Of grants and API keys: those that have not expired."""
    return Q(expires_at__isnull=True) | Q(expires_at__gt=datetime.now(UTC))


ORGANIZATION_COLUMN: Mapping[type[Row], str] = {
    Organization: "id",
    **dict.fromkeys((Workspace, Member, Grant, Role, Invitation, ApiKey), "organization_id"),
}
"""Where rows say to which organization they belong."""


def place(row: Row) -> tuple[UUID | None, UUID | None]:
    """The organization and workspace in which a permission on the row counts."""
    column = ORGANIZATION_COLUMN.get(type(row))
    if column is None:
        return None, None
    if isinstance(row, Workspace):
        return row.organization_id, row.id
    return getattr(row, column), row.workspace_id if isinstance(row, Grant | ApiKey) else None


def may_on(actor: Actor, row: Row, permission: str) -> bool:
    """Whether the actor has the permission where the row stands."""
    organization_id, workspace_id = place(row)
    return organization_id is not None and actor.may(permission, organization_id, workspace_id)


RELATED: dict[type[Row], tuple[str, ...]] = {
    Member: ("user",),
    Grant: ("role", "workspace", "member__user"),
    Invitation: ("role",),
    ApiKey: ("role",),
}
"""What a loaded object brings along, since every rule about it needs that."""


@cache
def _finding(model: type[Row], where: str, order: str, given: int) -> tuple[str, tuple[str, ...]]:
    """SQL, and which of the actor's values follow those given."""
    wanted = selection(model, *RELATED.get(model, ()))
    visible, references = numbered(VISIBLE[model], given + 1)
    sql = f"SELECT {wanted.columns} FROM {wanted.tables} WHERE ({where}) AND {visible} ORDER BY {order}"  # noqa: S608
    return sql, references


async def find(actor: Actor, model: type[R], where: str, *values: Any, order: str = "x.id") -> list[R]:
    """The rows `x` that the actor sees and for which `where` holds, with what RELATED says that they bring along."""
    sql, references = _finding(model, where, order, len(values))
    records = await fetch(sql, *values, *map(actor.value, references))
    return selection(model, *RELATED.get(model, ())).rows(records)


async def load(actor: Actor, model: type[R], id: UUID, permission: str | None = None, field: str | None = None) -> R:
    """The only road from an id to an object.

    Raises NOT_FOUND for what the actor cannot see, FORBIDDEN for what it sees but may not do,
    MFA_REQUIRED for what it could see with two-factor authentication.
    """
    found = await find(actor, model, "x.id = $1", id)
    if not found:
        unlocked = replace(actor, memberships={**actor.memberships, **actor.locked})
        if actor.locked and await find(unlocked, model, "x.id = $1", id):
            raise mfa_required(field)
        raise not_found(model.noun, field)
    if permission is not None:
        require(actor, found[0], permission, field)
    return found[0]


def require_member(actor: Actor, organization_id: UUID, field: str | None = None) -> Membership:
    """What the actor holds there.

    Raises NOT_FOUND, MFA_REQUIRED where that locks them out, Unauthenticated where the session is over for it.
    """
    if organization_id in actor.timed_out:
        raise Unauthenticated
    if organization_id in actor.locked:
        raise mfa_required(field)
    if organization_id not in actor.memberships:
        raise not_found(Organization.noun, field)
    return actor.memberships[organization_id]


def require(actor: Actor, row: Row, permission: str, field: str | None = None) -> None:
    """Raises FORBIDDEN without the permission where the row stands, MFA_REQUIRED where the actor is locked out."""
    if place(row)[0] in actor.locked:
        raise mfa_required(field)
    if not may_on(actor, row, permission):
        raise forbidden(permission, field)
