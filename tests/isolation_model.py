"""The rules of access once more, in a few sets and dictionaries, to be held against what the server does.

Everything goes by the ids that the API gives.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from tests.servers import ROOT

CATALOGUE = tomllib.loads((ROOT / "server/catalogues/default.toml").read_text())
PERMISSIONS = sorted(key for area in CATALOGUE["areas"].values() for key in area["permissions"])
CREATOR = "owner"
BUILT_IN = {
    key: {each for each in PERMISSIONS if any(fnmatchcase(each, pattern) for pattern in role["permissions"])}
    for key, role in CATALOGUE["roles"].items()
}
ENTER_ALL = "workspaces:enter_all"
NOW = datetime.now(UTC).replace(microsecond=0)
OVER, SOON, LATER = datetime(2020, 1, 1, tzinfo=UTC), NOW + timedelta(days=1), NOW + timedelta(days=2)

Given = dict[str, Any]


class Refused(Exception):
    """`organization`: in whose audit log the refusal stands, if it is of the kind that is written down."""

    def __init__(self, code: str, organization: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.organization = organization if code in ("FORBIDDEN", "ABOVE_YOUR_ROLE", "LAST_OWNER") else None


@dataclass
class Organization:
    name: str
    deleted: bool = False


@dataclass
class Workspace:
    organization: str
    name: str
    deleted: bool = False


@dataclass
class Role:
    organization: str | None
    name: str
    permissions: frozenset[str]
    key: str = field(default="", compare=False)


@dataclass
class Member:
    organization: str
    user: str
    active: bool = True


@dataclass
class Grant:
    expires: datetime | None = None
    id: str = field(default="", compare=False)

    @property
    def in_force(self) -> bool:
        return self.expires is None or self.expires > NOW


@dataclass
class Key:
    organization: str
    workspace: str | None
    role: str
    creator: str
    expires: datetime | None = None


@dataclass
class Invitation:
    organization: str
    email: str
    role: str | None
    workspaces: frozenset[str]
    inviter: str
    status: str = "pending"
    over: bool = False


Place = str | None
"""A workspace, or None for the whole organization."""


@dataclass
class Rows:
    """`grants` go by member, role and place: nobody has the same twice."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    workspaces: dict[str, Workspace] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    grants: dict[tuple[str, str, Place], Grant] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)

    def place_of(self, id: str) -> str | None:
        """The organization that an id is of."""
        if id in self.organizations:
            return id
        for table in (self.workspaces, self.roles, self.members, self.keys, self.invitations):
            if id in table:
                return table[id].organization  # type: ignore[attr-defined, no-any-return]
        return next((self.members[key[0]].organization for key, each in self.grants.items() if each.id == id), None)


@dataclass
class Standing:
    """What a member or an API key holds in an organization; of a key, what its creator holds is the `ceiling`."""

    organization: str
    held: list[tuple[str, Role, Place]]
    ceiling: "Standing | None" = None

    def at(self, place: Place) -> list[Role]:
        return [role for _, role, where in self.held if where in (None, place)]

    def permissions(self, place: Place = None) -> frozenset[str]:
        if place is not None and not self.enters(place):
            return frozenset()
        own = frozenset().union(*(role.permissions for role in self.at(place)))
        return own & self.ceiling.permissions(place) if self.ceiling else own

    def enters(self, workspace: str) -> bool:
        named = any(where == workspace for _, _, where in self.held)
        return ENTER_ALL in self.permissions() or (named and (self.ceiling is None or self.ceiling.enters(workspace)))

    def manages(self, role: Role, place: Place = None) -> bool:
        own = any(mine.key == CREATOR or mine.permissions > role.permissions for mine in self.at(place))
        return own and (self.ceiling is None or self.ceiling.manages(role, place))

    def covers(self, role: Role, place: Place = None) -> bool:
        return role.permissions <= self.permissions(place)

    def confers(self, role: Role, place: Place = None) -> bool:
        return self.covers(role, place) and self.manages(role, place)

    def holds(self, role_id: str) -> bool:
        """Oneself, or the person for whom a key acts."""
        return any(id == role_id for id, _, _ in self.held) or (
            self.ceiling is not None and self.ceiling.holds(role_id)
        )


@dataclass
class User:
    email: str
    verified: bool
    session: str
    active: tuple[str | None, str | None] = (None, None)
    """The organization and workspace that the session was switched to last, entered still or not."""


@dataclass
class Model:
    rows: Rows
    users: dict[str, User]
    events: dict[str, str] = field(default_factory=dict)
    """The organizations in whose audit logs events stand."""

    # What somebody holds

    def member_of(self, user: str | None, organization: str) -> str | None:
        members = self.rows.members.items()
        return next((id for id, row in members if (row.user, row.organization) == (user, organization)), None)

    def standing(self, who: str | None, organization: str | None, deleted: bool = False) -> Standing | None:
        rows = self.rows
        if organization not in rows.organizations or rows.organizations[organization].deleted is not deleted:
            return None
        if who in rows.keys:
            key = rows.keys[who]
            ceiling = self.standing(key.creator, organization, deleted)
            over = key.expires is not None and key.expires <= NOW
            gone = key.workspace is not None and rows.workspaces[key.workspace].deleted
            if key.organization != organization or ceiling is None or over or gone:
                return None
            return Standing(organization, [(key.role, rows.roles[key.role], key.workspace)], ceiling)
        member = self.member_of(who, organization)
        if member is None or not rows.members[member].active:
            return None
        return Standing(organization, [(id, rows.roles[id], place) for id, place in self.roles_of(member)])

    def roles_of(self, member: str, living: bool = True) -> list[tuple[str, Place]]:
        """With their places, in force, and unless told otherwise in workspaces that are not deleted."""
        return [
            (role, place)
            for (of, role, place), grant in self.rows.grants.items()
            if of == member and grant.in_force
            if not (living and place is not None and self.rows.workspaces[place].deleted)
        ]

    def standings(self, who: str | None) -> list[Standing]:
        found = (self.standing(who, organization) for organization in self.rows.organizations)
        return [standing for standing in found if standing]

    def known(self, who: str | None) -> bool:
        return who in self.users or bool(self.standings(who))

    def active(self, who: str | None) -> tuple[str | None, str | None]:
        key = self.rows.keys.get(who or "")
        organization, workspace = (key.organization, key.workspace) if key else self.users[who or ""].active
        standing = self.standing(who, organization)
        if standing is None:
            return None, None
        row = self.rows.workspaces.get(workspace or "")
        entered = row and row.organization == organization and not row.deleted and standing.enters(workspace or "")
        return organization, workspace if entered else None

    def places(self, organization: str) -> list[str]:
        """The living workspaces."""
        rows = self.rows.workspaces.items()
        return [id for id, row in rows if row.organization == organization and not row.deleted]

    # What somebody sees

    def sees(self, who: str | None, id: str) -> bool:
        """Whether `node` shows it."""
        inviting = id not in self.rows.invitations or self.may(who, "members:invite", self.rows.invitations[id])
        return self.exists_for(who, id) and inviting

    def may(self, who: str | None, permission: str, row: Any, place: Place = None) -> bool:
        standing = self.standing(who, row.organization)
        return standing is not None and permission in standing.permissions(place)

    def exists_for(self, who: str | None, id: str) -> bool:
        """Whether operations take it for an object at all."""
        rows, standings = self.rows, {each.organization: each for each in self.standings(who)}
        if id == who or (who in self.users and self.users[who].session == id):
            return True
        if id in self.users:
            others = (row.organization for row in rows.members.values() if row.user == id)
            return any("members:read" in standings[each].permissions() for each in others if each in standings)
        if id in rows.roles and rows.roles[id].organization is None:
            return self.known(who)
        if (own := standings.get(self.events.get(id) or rows.place_of(id) or "")) is None:
            return False
        if id in self.events:
            return "audit:read" in own.permissions()
        if id in rows.workspaces:
            return not rows.workspaces[id].deleted and own.enters(id)
        if id in rows.keys:
            place = rows.keys[id].workspace
            gone = place is not None and rows.workspaces[place].deleted
            return not gone and "api_keys:read" in own.permissions(place)
        if id in rows.members:
            return self._sees_member(who, own, id)
        for (member, _, place), grant in rows.grants.items():
            if grant.id == id:
                hidden = place is not None and (rows.workspaces[place].deleted or not own.enters(place))
                return not hidden and self._sees_member(who, own, member)
        return True

    def _sees_member(self, who: str | None, own: Standing, id: str) -> bool:
        """Whoever reads the members, of the organization or of a workspace that both can enter; and oneself."""
        shared = (place for place in self.places(own.organization) if "members:read" in own.permissions(place))
        everybody = "members:read" in own.permissions() or self.rows.members[id].user == who
        return everybody or any(self.enters(id, place) for place in shared)

    def enters(self, member: str, place: str) -> bool:
        """Whether the roles of a member, suspended or not, open a workspace."""
        held = [(role, self.rows.roles[role], at) for role, at in self.roles_of(member)]
        row = self.rows.workspaces.get(place)
        return (
            row is not None
            and row.organization == self.rows.members[member].organization
            and Standing(row.organization, held).enters(place)
        )

    def reason(self, who: str | None, asked: Given, active: str | None) -> str:
        """What checkPermissions answers."""
        rows, place, about = self.rows, asked.get("workspaceId"), asked.get("userId") or asked.get("apiKeyId") or who
        organization = asked.get("organizationId") or (None if place else active)
        if asked["permission"] not in PERMISSIONS:
            return "UNKNOWN_PERMISSION"
        if place:
            row = rows.workspaces.get(place)
            if row is None or row.deleted or organization not in (None, row.organization):
                return "NOT_FOUND"
            organization = row.organization
        if organization is None:
            return "NO_ORGANIZATION"
        own, theirs = self.standing(who, organization), self.standing(about, organization)
        if about != who:
            if own is None or (place and not own.enters(place)):
                return "NOT_FOUND"
            if "access:check" not in own.permissions(place):
                return "FORBIDDEN"
            limited_to = rows.keys[about].workspace if about in rows.keys else None
            if limited_to and not own.enters(limited_to):
                return "NOT_FOUND"
        if theirs is None:
            member = self.member_of(about, organization)
            if member is None:
                return "NOT_FOUND" if about == who or about not in self.users else "NOT_A_MEMBER"
            return "NOT_FOUND" if rows.members[member].active else "SUSPENDED"
        if place and not theirs.enters(place):
            return "NOT_FOUND" if about == who else "WORKSPACE_NOT_ENTERED"
        if asked["permission"] in theirs.permissions(place):
            return "GRANTED"
        above = any(asked["permission"] in role.permissions for role in theirs.at(place))
        return "ABOVE_CREATOR" if above else "NOT_GRANTED"

    # What operations ask for

    def person(self, who: str) -> str:
        """Who answers for it."""
        return self.rows.keys[who].creator if who in self.rows.keys else who

    def inside(self, who: str, given: Given, permission: str | None = None) -> Standing:
        organization = given.get("organizationId") or self.active(who)[0]
        if organization is None:
            raise Refused("REQUIRED")
        standing = self.standing(who, organization)
        if standing is None:
            raise Refused("NOT_FOUND")
        if permission is not None and permission not in standing.permissions():
            raise Refused("FORBIDDEN", organization)
        return standing

    def load(self, who: str, id: str, permission: str | None = None, place: Place = None) -> Standing:
        """What one holds where the object stands."""
        if not self.exists_for(who, id):
            raise Refused("NOT_FOUND")
        standing = self.standing(who, self.rows.place_of(id))
        assert standing is not None
        if permission is not None and permission not in standing.permissions(place):
            raise Refused("FORBIDDEN", standing.organization)
        return standing

    def role(self, organization: str, reference: str) -> str:
        known = self.rows.roles.items()
        named = [id for id, row in known if reference in (id, row.key) and row.organization in (None, organization)]
        if not named:
            raise Refused("NOT_FOUND")
        return named[0]

    def require_confers(self, own: Standing, role: str, place: Place = None) -> None:
        if not own.confers(self.rows.roles[role], place):
            raise Refused("ABOVE_YOUR_ROLE", own.organization)

    def require_no_prolonging(
        self, who: str, member: str, role: str, place: Place = None, until: datetime | None = None
    ) -> None:
        """Nobody makes last longer themselves what they hold for a time."""
        if self.rows.members[member].user != self.person(who):
            return
        organization = self.rows.members[member].organization
        lasting = [
            (id, self.rows.roles[id], at)
            for (of, id, at), grant in self.rows.grants.items()
            if of == member and (grant.expires is None or (until is not None and grant.expires >= until))
        ]
        if not Standing(organization, lasting).confers(self.rows.roles[role], place):
            raise Refused("ABOVE_YOUR_ROLE", organization)

    def require_outlived(self, who: str, own: Standing, expires: datetime | None) -> None:
        """A key that ends makes none that lasts longer."""
        acting = self.rows.keys.get(who)
        if acting and acting.expires and (expires is None or expires > acting.expires):
            raise Refused("ABOVE_YOUR_ROLE", own.organization)

    def manageable(self, who: str, id: str) -> tuple[Standing, Key]:
        own, key = self.load(who, id), self.rows.keys[id]
        if "api_keys:manage" not in own.permissions(key.workspace):
            raise Refused("FORBIDDEN", own.organization)
        if not own.covers(self.rows.roles[key.role], key.workspace):
            raise Refused("ABOVE_YOUR_ROLE", own.organization)
        return own, key

    def require_manages(self, own: Standing, member: str, place: Place = None) -> None:
        """All their roles; in a workspace, those that reach it. Those in a deleted one may come back with it."""
        counting = [role for role, at in self.roles_of(member, living=False) if place is None or at in (None, place)]
        if not all(own.manages(self.rows.roles[role], place) for role in counting):
            raise Refused("ABOVE_YOUR_ROLE", own.organization)

    def owners(self, organization: str) -> list[str]:
        """Active members who own it for good."""
        return [
            member
            for (member, role, place), grant in self.rows.grants.items()
            if self.rows.roles[role].key == CREATOR and place is None and grant.expires is None
            if self.rows.members[member].organization == organization and self.rows.members[member].active
        ]

    def keep_an_owner(self, organization: str) -> None:
        if not self.owners(organization):
            raise Refused("LAST_OWNER", organization)

    def drop(self, grants: Iterable[tuple[str, str, Place]]) -> None:
        for key in list(grants):
            del self.rows.grants[key]
