"""Organizations with everything that an answer can have in it, for both executions to be asked about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from server.authentication import API_KEY_PREFIX, new_api_key_secret, new_token, token_hash
from server.catalogue import catalogue
from server.models import (
    ApiKey,
    AuditChain,
    AuditEvent,
    Availability,
    ChainKind,
    Grant,
    Invitation,
    InvitationStatus,
    InvitationWorkspace,
    Logo,
    Member,
    MemberStatus,
    Organization,
    PrincipalType,
    Role,
    Session,
    Totp,
    User,
    Workspace,
)
from server.rows import Row, type_id, uuid7
from server.text import normalize_name
from tests import catalogues
from tests.factories import unique

NOW = datetime.now(UTC)
PAST, LATER = NOW - timedelta(hours=1), NOW + timedelta(days=2)
FIRST = datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999998, tzinfo=UTC)

MOMENTS = [
    datetime(2024, 2, 29, 12, 0, 0, 0, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, 0, 123000, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(999, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    FIRST,
    LAST,
]
LATEST = [None, LATER, LAST]
"""When what is in force ends."""

NAMES = [
    "Zoë Ångström",
    "名前 テスト",
    "שלום עולם \u200f(RTL)",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    'O\'Brien "Bob" \\backslash/',
    "</script> & <b>'; DROP TABLE member; --",
    "%s {} {0} $1 %(x)s ${y}",
    "e\u0301 \u2028 \u2029 \ufeff end",
    "Ж" * 100,
    "😀" * 100,
    "a",
    "NULL",
    "null",
    "0",
    "İstanbul ß ﬁ",
    "zulu",
    "Zulu",
    "zulu-2",
    "_",
]
TEXTS = ["", "Line\nbreak\ttab \r\n", "\\u0041 \\n \\", '"quoted" \u0085', "x" * 1000, "𝒳" * 1000]
"""Of several lines."""

CHANGES: list[list[dict[str, Any]]] = [
    [],
    [{"field": "name", "before": None, "after": "Ω \u2028 \"'\\"}],
    [{"field": "settings", "before": {}, "after": {"b": [1, 2.5, {"z": None, "a": [[], {}]}], "a": True, "é": -0.5}}],
    [{"field": "n", "before": 0, "after": 9007199254740993}, {"field": "f", "before": 0.1, "after": 100.0}],
    [{"field": "list", "before": [], "after": [False, "", None]}, {"field": "flag", "before": False, "after": True}],
    [{"field": "", "before": "null", "after": {"": {"": {"": []}}}}],
    [{"field": "permissions", "before": ["content:read"] * 30, "after": ["\x7f", "\\u0000", "{0}", "$1", "%s"]}],
]

CATALOGUE: catalogues.Edits = {
    "product/plan": "free",
    "product/region": "eu",
    "features": {"recording": "Recording", "audit": 'Audit é "log"'},
    "plans": {
        "free": {"name": "Free", "seats": 3},
        "full": {"name": "Full 名", "description": "Everything", "features": ["recording", "audit"]},
    },
    "settings/colour": {"name": "Colour", "type": "choice", "choices": ["red", "blue"], "default": "red"},
    "settings/limit": {"name": "Limit", "type": "integer", "minimum": 1, "default": 5, "workspace": True},
    "settings/recorded": {"name": "Recorded", "type": "boolean", "feature": "recording", "workspace": True},
    "settings/greeting": {"name": "Greeting", "type": "text", "workspace": True},
}


def write_catalogue(folder: Path) -> Path:
    """The default catalogue with plans, features, and settings of every type."""
    return catalogues.write(folder / "catalogue.toml", catalogues.default(CATALOGUE))


@dataclass
class World:
    """Who asks, by the headers of their requests; and values that arguments can have, by what they name."""

    principals: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, *found: str) -> None:
        self.values.setdefault(kind, []).extend(found)

    def know(self, *rows: Row) -> None:
        for row in rows:
            self.add(row.prefix, type_id(row.prefix, row.id))

    @property
    def ids(self) -> list[str]:
        return [id for kind in IDS for id in self.values[kind]]


IDS = ("org", "ws", "mem", "role", "grant", "inv", "key", "user", "ses", "evt")
BIG = 105
"""Members: more than the largest page has."""


def moment(index: int) -> datetime:
    """Several rows have the same."""
    return MOMENTS[index // 3 % len(MOMENTS)]


class Builder:
    """Writes rows past every rule, since the rules let nobody have some of this."""

    def __init__(self) -> None:
        self.world = World()
        self.roles: dict[str, Role] = {}

    async def build(self) -> World:
        self.roles = {role.key: role for role in await Role.filter(organization_id=None)}
        self.world.know(*self.roles.values())
        self.world.add("permission", *catalogue.permissions)
        self.world.add("role_key", *self.roles)
        big, second = await self.organization("Big 名", plan="full"), await self.organization("Second", seats=7)
        await self.fill(big, BIG)
        await self.fill(second, 9)
        await self.principals(big, second)
        await self.strangers()
        return self.world

    # Rows

    async def user(self, name: str, **columns: Any) -> User:
        given = {"name": name, "email": f"{unique('ü')}@example.com", "password_hash": "x"} | columns
        row = await User.create(**given)
        self.world.know(row)
        self.world.add("email", row.email)
        return row

    async def organization(self, name: str, **columns: Any) -> Organization:
        row = await Organization.create(name=name, slug=unique("slug-"), **columns)
        await AuditChain.create(id=row.id, kind=ChainKind.ORGANIZATION)
        self.world.know(row)
        self.world.add("slug", row.slug)
        return row

    async def role(self, organization: Organization, permissions: list[str], index: int) -> Role:
        name = f"{index} {NAMES[index % len(NAMES)]}"[:100].strip()
        row = await Role.create(
            organization=organization,
            key=unique("role-"),
            name=name,
            normalized_name=normalize_name(name),
            description=TEXTS[index % len(TEXTS)],
            permissions=permissions,
            manages=[None, [], ["*"], ["viewer", "no-such-role"]][index % 4],
            created_at=moment(index),
        )
        self.world.know(row)
        self.world.add("role_key", row.key)
        return row

    async def member(self, organization: Organization, user: User, *held: Role, **columns: Any) -> Member:
        row = await Member.create(organization=organization, user=user, **columns)
        self.world.know(row)
        for role in held:
            await self.grant(row, role)
        return row

    async def grant(self, member: Member, role: Role, workspace: Workspace | None = None, **columns: Any) -> None:
        self.world.know(
            await Grant.create(
                organization_id=member.organization_id, member=member, role=role, workspace=workspace, **columns
            )
        )

    async def workspace(self, organization: Organization, index: int, **columns: Any) -> Workspace:
        row = await Workspace.create(
            organization=organization,
            name=NAMES[index % len(NAMES)].strip(),
            slug=unique("place-"),
            environment=[None, "production", "Ümgebung 🌍"][index % 3],
            settings=[{}, {"limit": 7, "recorded": True}, {"greeting": 'Hi \u2028 "'}][index % 3],
            created_at=moment(index),
            **columns,
        )
        self.world.know(row)
        self.world.add("slug", row.slug)
        return row

    async def invitation(self, organization: Organization, index: int, role: Role | None, *places: Workspace) -> str:
        """Its token."""
        token, inviters = new_token(), [None, *await User.filter(memberships__organization_id=organization.id)]
        row = await Invitation.create(
            organization=organization,
            email=f"{unique('invited')}@exämple.com",
            role=role,
            organization_wide=not places,
            status=list(InvitationStatus)[index % 5],
            token_hash=token_hash(token),
            message=TEXTS[index % len(TEXTS)],
            invited_by=inviters[index % len(inviters)],
            expires_at=[LATER, PAST, LAST, FIRST][index % 4],
            created_at=moment(index),
        )
        for place in places:
            await InvitationWorkspace.create(invitation=row, workspace=place)
        self.world.know(row)
        self.world.add("email", row.email)
        return token

    async def api_key(
        self, organization: Organization, creator: User | None, role: Role, workspace: Workspace | None, **columns: Any
    ) -> str:
        """Its secret."""
        secret = new_api_key_secret()
        row = await ApiKey.create(
            organization=organization,
            workspace=workspace,
            role=role,
            name=unique("Key '\"\\ 🔑 "),
            secret_prefix=secret[: len(API_KEY_PREFIX) + 4],
            secret_hash=token_hash(secret),
            created_by=creator,
            last_used_at=LAST,  # no touch is ever due, which would change an answer between two questions
            **columns,
        )
        self.world.know(row)
        return secret

    async def session(self, user: User, active: Organization | None, place: Workspace | None, **columns: Any) -> str:
        """Its token."""
        token = new_token()
        row = await Session.create(
            user=user,
            token_hash=token_hash(token),
            organization=active,
            workspace=place,
            last_used_at=LAST,  # as above
            expires_at=LAST,
            **columns,
        )
        self.world.know(row)
        return token

    # An organization

    async def fill(self, organization: Organization, size: int) -> None:
        places = [await self.workspace(organization, index) for index in range(max(3, size // 7))]
        gone = {"deleted_at": PAST, "purge_at": LATER}
        places += [await self.workspace(organization, index, **gone) for index in range(2)]
        sets = [[], ["content:read"], ["members:read", "audit:read"], ["members:read", "workspaces:enter_all"]]
        sets += [list(catalogue.permissions), ["members:invite", "api_keys:read", "settings:read", "no:longer"]]
        roles = [await self.role(organization, permissions, index) for index, permissions in enumerate(sets * 2)]
        offered = [*self.roles.values(), *roles]
        for index in range(size):
            await self.colleague(organization, index, offered, places)
        for index in range(max(12, size // 2)):
            role = None if index % 11 == 10 else offered[index % len(offered)]
            chosen = places[index % 5 :: 4] if index % 3 else []
            self.world.add("invitation", await self.invitation(organization, index, role, *chosen))
        creators = [None, *await User.filter(memberships__organization_id=organization.id).limit(3)]
        for index in range(max(6, size // 8)):
            await self.api_key(
                organization,
                creators[index % len(creators)],
                offered[index % len(offered)],
                [None, *places][index % (len(places) + 1)],
                expires_at=[None, LATER, PAST, LAST][index % 4],
                previous_hash=token_hash(new_token()) if index % 2 else None,
                previous_expires_at=moment(index) if index % 2 else None,
                last_used_ip=[None, "2001:db8::1"][index % 2],
                created_at=moment(index),
            )
        await self.history(organization, size * 2, [None, *(place.id for place in places)])

    async def colleague(
        self, organization: Organization, index: int, roles: list[Role], places: list[Workspace]
    ) -> None:
        verified = [None, moment(index)][index % 2]
        user = await self.user(NAMES[index % len(NAMES)].strip(), email_verified_at=verified, created_at=moment(index))
        if index % 7 == 0:
            await Totp.create(user=user, secret="x", recovery_hashes=[], confirmed_at=[None, NOW][index % 2])
        member = await self.member(
            organization,
            user,
            status=MemberStatus.SUSPENDED if index % 9 == 8 else MemberStatus.ACTIVE,
            availability=list(Availability)[index % 3],
            last_seen_at=[None, *MOMENTS][index % 7],
            created_at=moment(index),
        )
        for count in range(index % 4):
            number = index + count * 5
            await self.grant(
                member,
                roles[number % len(roles)],
                [None, *places][number % (len(places) + 1)],
                expires_at=[*LATEST, PAST][number % 4],
                granted_by=[None, user][number % 2],
                created_at=moment(number),
            )

    async def history(self, organization: Organization, count: int, places: list[UUID | None]) -> None:
        actions = ["member.removed", "organization.updated", "invitation.sent", "grant.created"]
        targets = ["org", "mem", "role", ""]
        events = [
            AuditEvent(
                id=uuid7(),
                chain_id=organization.id,
                sequence=index + 1,
                action=actions[index % 4],
                actor_type=list(PrincipalType)[index % 4],
                actor_id=[uuid7(), None][index % 2],
                actor_label=NAMES[index % len(NAMES)],
                target_type=targets[index % 4],
                target_id=[organization.id, uuid7(), None][index % 3],
                target_label=NAMES[(index + 1) % len(NAMES)],
                workspace_id=places[index % len(places)],
                changes=CHANGES[index % len(CHANGES)],
                ip=[None, "127.0.0.1"][index % 2],
                user_agent=[None, 'Agent \\ " ü', ""][index % 3],
                request_id=[None, "request-1"][index % 2],
                created_at=moment(index),
                previous_hash="0" * 64,
                hash=f"{index:064x}",
            )
            for index in range(count)
        ]
        await AuditEvent.bulk_create(events)
        await AuditChain.filter(id=organization.id).update(sequence=count)
        self.world.know(*events[:40])
        self.world.add("action", *actions)

    # Those who ask

    async def principals(self, big: Organization, second: Organization) -> None:
        places = await Workspace.filter(organization_id=big.id, deleted_at=None).order_by("id")
        [deleted, *_] = await Workspace.filter(organization_id=big.id, deleted_at__isnull=False).order_by("id")
        custom = {role.name[0]: role for role in await Role.filter(organization_id=big.id)}
        of_second = {role.name[0]: role for role in await Role.filter(organization_id=second.id)}
        gone = await self.organization("Gone", deleted_at=PAST, purge_at=LATER)
        locked = await self.organization("Locked", settings={"mfa_required": True, "colour": "blue"})
        timed = await self.organization("Timed", settings={"session_timeout_minutes": 60})
        alone = await self.organization("😀", description=TEXTS[1], region="eu", settings={"greeting": "é", "limit": 2})
        await Logo.create(organization=alone, content=b"x")
        built_in = self.roles
        people: dict[str, User] = {}
        for name in ("owner", "admin", "member", "viewer", "local", "bare", "suspended", "outsider", "many", "locked"):
            verified = None if name in ("outsider", "bare") else NOW
            people[name] = await self.user(f"{name} {NAMES[len(people)]}"[:100].strip(), email_verified_at=verified)
        for name in ("owner", "admin", "member", "viewer"):
            await self.member(big, people[name], built_in[name])
        for organization in (gone, locked, timed, alone):
            await self.member(organization, people["owner"], built_in["owner"])
            await self.member(organization, people["many"], built_in["viewer"])
        await Totp.create(user=people["owner"], secret="x", recovery_hashes=[], confirmed_at=NOW)
        local = await self.member(big, people["local"])
        for place, role, expiry in (
            (places[0], custom["2"], None),
            (places[1], custom["5"], LATER),
            (places[2], built_in["owner"], PAST),
            (deleted, built_in["admin"], None),
        ):
            await self.grant(local, role, place, expires_at=expiry)
        await self.member(big, people["bare"])
        await self.member(big, people["suspended"], built_in["admin"], status=MemberStatus.SUSPENDED)
        await self.member(big, people["many"], custom["5"])
        await self.member(second, people["many"], of_second["3"], of_second["1"])
        await self.member(locked, people["locked"], built_in["owner"])
        for index in range(6):
            await self.member(await self.organization(NAMES[index]), people["many"], created_at=moment(index))
        self.world.add("invitation", await self.welcome(second, people["viewer"]))
        actives = {
            "owner": (big, places[0]),
            "local": (big, places[1]),
            "many": (second, None),
            "locked": (locked, None),
        }
        for name, user in people.items():
            active, place = actives.get(name, (None if name in ("outsider", "bare") else big, None))
            limits = {"timed_out": [timed.id]} if name == "many" else {}
            self.bearer(name, await self.session(user, active, place, **limits))
        await self.session(people["owner"], None, None, ip="::1", user_agent='Other \\ "🖥"')
        timed_out = await self.session(people["owner"], timed, None, timed_out=[timed.id])
        self.bearer("timed out", timed_out)
        self.bearer("many, elsewhere", self.token("many"), **{"Orgraph-Organization": type_id("org", big.id)})
        self.bearer("owner, elsewhere", self.token("owner"), **{"Orgraph-Workspace": type_id("ws", places[2].id)})
        self.bearer("outsider, refused", self.token("outsider"), **{"Orgraph-Organization": type_id("org", big.id)})
        admin, owner = built_in["admin"], people["owner"]
        self.bearer("key", await self.api_key(big, owner, admin, None))
        self.bearer("key of a workspace", await self.api_key(big, owner, custom["3"], places[1]))
        self.bearer("key of a weaker one", await self.api_key(big, people["viewer"], admin, None))
        self.bearer("key of a suspended one", await self.api_key(big, people["suspended"], admin, None))
        self.bearer("key past its time", await self.api_key(big, owner, admin, None, expires_at=PAST))
        self.bearer("nobody", new_token())
        self.world.principals["anonymous"] = {}

    async def welcome(self, organization: Organization, user: User) -> str:
        token = await self.invitation(organization, 0, self.roles["member"])
        await Invitation.filter(token_hash=token_hash(token)).update(email=user.email)
        return token

    def bearer(self, name: str, token: str, **headers: str) -> None:
        self.world.principals[name] = {"Authorization": f"Bearer {token}"} | headers

    def token(self, name: str) -> str:
        return self.world.principals[name]["Authorization"].removeprefix("Bearer ")

    async def strangers(self) -> None:
        """An organization that none of those who ask is in."""
        foreign = await self.organization("Foreign")
        await self.fill(foreign, 3)
        deleted = await self.organization("Gone for all", deleted_at=PAST, purge_at=LATER)
        await self.fill(deleted, 3)
