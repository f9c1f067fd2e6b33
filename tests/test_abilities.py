"""What `viewerCan` says is what the mutation then answers, for every ability and every kind of viewer."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from schema.scalars import parse_any_id
from tests.connections import Maker
from tests.factories import LATER, Client, Person, cast, invite, owner, sign_up, sql, unique
from tests.mfa import require_mfa, turn_on
from tests.organizations import found
from tests.servers import Mailbox, Postgres, Server

ABILITIES = {
    "org": """updateOrganization updateOrganizationSettings deleteOrganization transferOwnership leaveOrganization
        inviteMembers createWorkspace createRole createApiKey setAvailability""",
    "ws": """updateWorkspace updateWorkspaceSettings deleteWorkspace leaveWorkspace inviteMembers grantRole
        createApiKey""",
    "mem": "removeMember suspendMember reactivateMember grantRole setMemberRole transferOwnership",
    "role": "updateRole deleteRole",
    "inv": "resendInvitation revokeInvitation",
    "key": "rotateApiKey revokeApiKey",
}
TYPES = {
    "org": "Organization",
    "ws": "Workspace",
    "mem": "Member",
    "role": "Role",
    "inv": "Invitation",
    "key": "ApiKey",
}
ABILITY = "{ allowed reason permission }"


def selection(kind: str) -> str:
    return f"viewerCan {{ {' '.join(f'{name} {ABILITY}' for name in ABILITIES[kind].split())} }}"


async def test_every_ability_is_named_here(server: Server) -> None:
    """And each is called as its mutation is."""
    query = "{ __schema { types { name fields { name } } mutationType { fields { name } } } }"
    schema = (await Client(server).query(query))["__schema"]
    types = {each["name"]: [f["name"] for f in each["fields"] or []] for each in schema["types"]}
    assert {name for name in types if name.endswith("Abilities")} == {f"{name}Abilities" for name in TYPES.values()}
    for kind, name in TYPES.items():
        assert types[f"{name}Abilities"] == ABILITIES[kind].split()
    mutations = {each["name"] for each in schema["mutationType"]["fields"]}
    assert {name for names in ABILITIES.values() for name in names.split()} <= mutations


TABLES = ("workspace", "role", "member", "grant", "invitation", "invitation_workspace", "api_key")


@dataclass
class World:
    """An organization that is put back after each change to it."""

    boss: Person
    connection: asyncpg.Connection
    role: str
    """The lowest, that everybody who may give any can give."""
    heir: Person
    objects: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> Any:
        return parse_any_id(self.boss.organization_id)

    @staticmethod
    def of(table: str) -> str:
        invitations = "invitation_id IN (SELECT id FROM invitation WHERE organization_id = $1)"
        return invitations if table == "invitation_workspace" else "organization_id = $1"

    async def keep(self) -> None:
        for table in TABLES:
            rows = f"SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM \"{table}\" x WHERE {self.of(table)}"
            self.kept[table] = str(await self.connection.fetchval(rows, self.id))

    async def put_back(self) -> None:
        async with self.connection.transaction():
            await self.connection.execute("SELECT 1 FROM audit_chain WHERE id = $1 FOR UPDATE", self.id)
            revive = "UPDATE organization SET deleted_at = NULL, purge_at = NULL WHERE id = $1"
            await self.connection.execute(revive, self.id)
            for table in reversed(TABLES):
                await self.connection.execute(f'DELETE FROM "{table}" WHERE {self.of(table)}', self.id)
            for table in TABLES:
                rows = f'INSERT INTO "{table}" SELECT * FROM jsonb_populate_recordset(NULL::"{table}", $1)'
                await self.connection.execute(rows, self.kept[table])

    def input(self, ability: str, id: str) -> dict[str, Any]:
        """Without a fault of its own, for an ability on an object."""
        kind = id.rpartition("_")[0]
        organization = {"organizationId": self.boss.organization_id}
        place = {"workspaceId": id} if kind == "ws" else {}
        invitee: dict[str, Any] = {"email": f"{unique('ability')}@example.com", "role": self.role}
        if place:
            invitee |= {"workspaceIds": [id]}
        owns: dict[str, dict[str, Any]] = {
            "org": organization,
            "ws": place,
            "mem": {"memberId": id},
            "role": {"roleId": id},
            "inv": {"invitationId": id},
            "key": {"apiKeyId": id},
        }
        own = owns[kind]
        confirmed = {"confirmName": self.names.get(id, "")}
        inputs: dict[str, dict[str, Any]] = {
            "updateOrganization": own | {"description": unique("Changed ")},
            "updateOrganizationSettings": own | {"settings": [{"key": "mfa_required", "value": None}]},
            "updateWorkspace": own | {"environment": unique("env")},
            "updateWorkspaceSettings": own | {"settings": []},
            "deleteOrganization": own | confirmed,
            "deleteWorkspace": own | confirmed,
            "inviteMembers": organization | {"invitations": [invitee]},
            "createWorkspace": own | {"name": unique("Workspace ")},
            "createRole": own | {"name": unique("Role "), "permissions": []},
            "createApiKey": own | {"name": "Key", "role": self.role},
            "setAvailability": own | {"availability": "BUSY"},
            "grantRole": own | {"role": self.role} | ({"memberId": self.heir.member_id} if place else {}),
            "setMemberRole": own | {"role": self.role},
            "transferOwnership": own | {"ownRole": "admin"} if kind == "mem" else {"memberId": self.heir.member_id},
            "deleteRole": own | {"replacementRoleId": self.objects["role"][0]},
            "updateRole": own | {"description": unique("Changed ")},
        }
        return inputs.get(ability, own)

    async def agree(self, viewer: Client, id: str) -> int:
        """How many abilities on the object were compared with what their mutations really answer."""
        kind = id.rpartition("_")[0]
        query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {TYPES[kind]} {{ {selection(kind)} }} }} }}"
        node = (await viewer.query(query, {"id": id}))["node"]
        if node is None and kind == "inv":
            return 0  # seen by whoever may invite organization-wide, and revoked by whoever could have sent it
        for name in ABILITIES[kind].split():
            rows = "results { userErrors { code field details } }" if name == "inviteMembers" else ""
            payload = await viewer.mutate(name, self.input(name, id), rows)
            errors = [*payload["userErrors"], *(e for row in payload.get("results") or [] for e in row["userErrors"])]
            where = (name, id, errors, node and node["viewerCan"][name])
            if node is None:
                assert errors[0]["code"] in ("NOT_FOUND", "FORBIDDEN"), where
            elif kind in ("org", "ws") and [(e["code"], e["field"]) for e in errors] == [("NOT_FOUND", "memberId")]:
                assert node["viewerCan"][name]["reason"] == "FORBIDDEN", where  # they do not even see the heir
            elif node["viewerCan"][name]["allowed"]:
                assert errors == [], where
                assert node["viewerCan"][name] == {"allowed": True, "reason": None, "permission": None}
                await self.put_back()
            else:
                told = node["viewerCan"][name]
                assert errors, where
                assert told["reason"] == errors[0]["code"], where
                assert told["permission"] == (errors[0]["details"] or {}).get("permission"), where
        return 0 if node is None else len(node["viewerCan"])

    async def all_agree(self, viewer: Client, *kinds: str) -> int:
        compared = 0
        for kind in kinds or tuple(self.objects):
            for id in self.objects[kind]:
                compared += await self.agree(viewer, id)
        return compared

    async def key(self, role: str, workspace: str | None = None) -> tuple[str, Client]:
        """A key's id, and who has it."""
        input = {"organizationId": self.boss.organization_id, "name": "Key", "role": role, "workspaceId": workspace}
        made = await self.boss.do("createApiKey", input, "apiKey { id } secret")
        return str(made["apiKey"]["id"]), Client(self.boss.server, made["secret"])

    async def custom(self, name: str, *permissions: str) -> str:
        input = {"organizationId": self.boss.organization_id, "name": name, "permissions": permissions}
        return str((await self.boss.do("createRole", input, "role { id }"))["role"]["id"])


async def build(server: Server, mailbox: Mailbox, roles: list[str]) -> tuple[World, dict[str, Client]]:
    """An organization with objects of every kind, and its viewers by name; of each role a person and a key."""
    boss = await owner(server, mailbox)
    await sql(server, "UPDATE organization SET seats = 1000 WHERE id = $1", parse_any_id(boss.organization_id))
    *people, peer, heir, suspended = await cast(boss, mailbox, *roles, roles[0], roles[-1], roles[-1])
    connection = await Postgres(server.database_url).connect()
    world = World(boss, connection, roles[-1], heir)
    await boss.do("suspendMember", {"memberId": suspended.member_id})
    viewers: dict[str, Client] = {"owner": boss, **dict(zip(roles, people, strict=True))}
    guests = await world.custom("Guests")
    seniors = await world.custom("Seniors", "organization:delete", "members:read", "members:invite")
    await boss.do("grantRole", {"memberId": heir.member_id, "role": guests})
    keys = []
    for role in ("owner", *roles):
        id, viewers[f"{role}'s key"] = await world.key(role)
        keys.append(id)
    members = [boss, people[0], people[-1], peer, heir, suspended]
    invitations = [(await invite(boss, role))["id"] for role in ("owner", roles[0], roles[-1])]
    await sql(
        server, "UPDATE invitation SET expires_at = now() WHERE id = $1", parse_any_id(invitations[-1])
    )  # which can be sent again
    revoked = (await invite(boss, roles[-1]))["id"]
    await boss.do("revokeInvitation", {"invitationId": revoked})
    built_in = (await boss.organization("name roles { nodes { id key } }"))["roles"]["nodes"]
    world.names[boss.organization_id] = (await boss.organization("name"))["name"]
    world.objects = {
        "org": [boss.organization_id],
        "mem": [member.member_id for member in members],
        "role": [next(role["id"] for role in built_in if role["key"] == roles[-1]), guests, seniors],
        "inv": [*invitations, revoked],
        "key": keys,
    }
    return world, viewers


@pytest.fixture(scope="module")
async def meetings(
    product: Callable[[str], Awaitable[Server]], mailbox: Mailbox
) -> AsyncIterator[tuple[World, dict[str, Client]]]:
    world, viewers = await build(await product("meetings"), mailbox, ["admin", "member"])
    await world.keep()
    yield world, viewers
    await world.connection.close()


@pytest.fixture(scope="module")
async def default(server: Server, mailbox: Mailbox) -> AsyncIterator[tuple[World, dict[str, Client]]]:
    """With workspaces, whose people are further viewers; `outside` enters one that others do not."""
    world, viewers = await build(server, mailbox, ["admin", "member", "viewer"])
    boss = world.boss
    places = []
    for name in ("Place", "Elsewhere"):
        places.append(await boss.workspace(name))
        world.names[places[-1]] = name
    world.objects["ws"] = places
    (local,) = await cast(boss, mailbox, "admin", workspaceIds=[places[0]])
    (guest,) = await cast(boss, mailbox, "viewer", workspaceIds=places)
    hiring = await world.custom("Hiring", "members:read", "members:invite", "content:read")
    trusted = await world.custom("Trusted", "organization:transfer", "members:read", "members:remove", "content:read")
    (recruiter,) = await cast(boss, mailbox, hiring)
    (trustee,) = await cast(boss, mailbox, trusted)
    viewers |= {"local admin": local, "guest": guest, "recruiter": recruiter, "trustee": trustee}
    # The owner of everything also has a role of the place, and others have grants that are over
    for person, input in (
        (boss, {"workspaceId": places[0]}),
        (viewers["member"], {"workspaceId": places[0]}),
        (world.heir, {"workspaceId": places[0]}),
        (viewers["admin"], {"workspaceId": places[0], "expiresAt": LATER}),
    ):
        assert isinstance(person, Person)
        await boss.do("grantRole", {"memberId": person.member_id, "role": "viewer"} | input)
    await sql(
        server,
        """UPDATE "grant" SET expires_at = now() - interval '1 s'
        WHERE expires_at IS NOT NULL AND organization_id = $1""",
        world.id,
    )
    # What somebody had in a workspace that is deleted still counts, since it can be restored
    gone = await boss.workspace("Gone")
    await boss.do("grantRole", {"memberId": world.heir.member_id, "role": "admin", "workspaceId": gone})
    await boss.do("deleteWorkspace", {"workspaceId": gone, "confirmName": "Gone"})
    for role, place in (("admin", places[0]), ("viewer", places[1])):
        id, viewers[f"{role}'s local key"] = await world.key(role, place)
        world.objects["key"].append(id)
    world.objects["inv"].append((await invite(boss, "viewer", workspaceIds=[places[0]]))["id"])
    world.objects["mem"] += [local.member_id, trustee.member_id]
    world.objects["role"].append(trusted)
    await world.keep()
    yield world, viewers
    await world.connection.close()


@pytest.mark.parametrize("name", ["owner", "admin", "member", "owner's key", "admin's key", "member's key"])
async def test_what_is_said_of_meetings_is_so(meetings: tuple[World, dict[str, Client]], name: str) -> None:
    world, viewers = meetings
    assert await world.all_agree(viewers[name]) > 9


PEOPLE = ["owner", "admin", "member", "viewer", "local admin", "guest", "recruiter", "trustee"]
KEYS = ["owner's key", "admin's key", "viewer's key", "admin's local key", "viewer's local key"]


@pytest.mark.parametrize("name", [*PEOPLE, *KEYS])
async def test_what_is_said_is_so(default: tuple[World, dict[str, Client]], name: str) -> None:
    world, viewers = default
    assert await world.all_agree(viewers[name]) > 9


async def test_among_two_owners(default: tuple[World, dict[str, Client]]) -> None:
    """Then none is the last."""
    world, viewers = default
    second = viewers["admin"]
    assert isinstance(second, Person)
    before = world.kept.copy()
    await world.boss.do("setMemberRole", {"memberId": second.member_id, "role": "owner"})
    await world.keep()
    assert await world.all_agree(second, "org", "mem") > 9
    for id in (world.boss.member_id, second.member_id, world.boss.organization_id):
        assert await world.agree(world.boss, id)
    world.kept = before
    await world.put_back()


# What is no more, and what is not yet


def reasons(node: Any) -> set[str | None]:
    return {ability["reason"] for ability in node["viewerCan"].values()}


async def test_a_deleted_organization(server: Server, mailbox: Mailbox) -> None:
    """There is nothing to be done in it but to restore it."""
    boss = await owner(server, mailbox)
    name = (await boss.organization("name"))["name"]
    gone = await boss.do("deleteOrganization", {"confirmName": name}, f"organization {{ {selection('org')} }}")
    query = f"{{ viewer {{ restorableOrganizations {{ id {selection('org')} }} }} }}"
    (listed,) = (await boss.query(query))["viewer"]["restorableOrganizations"]
    assert reasons(gone["organization"]) == reasons(listed) == {"NOT_FOUND"}
    refused = await boss.refused("updateOrganization", {"organizationId": listed["id"], "name": "Other"})
    assert refused["code"] == "NOT_FOUND"


async def test_an_organization_that_requires_mfa(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    await turn_on(boss)
    (admin,) = await cast(boss, mailbox, "admin")
    await require_mfa(server, boss.organization_id)
    query = f"{{ viewer {{ organizationsRequiringMfa {{ {selection('org')} }} }} }}"
    (listed,) = (await admin.query(query))["viewer"]["organizationsRequiringMfa"]
    assert reasons(listed) == {"MFA_REQUIRED"}
    refused = await admin.refused("updateOrganization", {"organizationId": boss.organization_id, "name": "Other"})
    assert refused["code"] == "MFA_REQUIRED"


async def test_a_deleted_workspace(boss: Person) -> None:
    place = await boss.workspace("Short-lived")
    gone = await boss.do(
        "deleteWorkspace", {"workspaceId": place, "confirmName": "Short-lived"}, f"workspace {{ {selection('ws')} }}"
    )
    listed = await boss.organization(f"restorableWorkspaces {{ id {selection('ws')} }}")
    (found,) = [each for each in listed["restorableWorkspaces"] if each["id"] == place]
    assert reasons(gone["workspace"]) == reasons(found) == {"NOT_FOUND"}
    assert (await boss.refused("updateWorkspace", {"workspaceId": place, "name": "Other"}))["code"] == "NOT_FOUND"


async def test_whoever_has_gone_can_do_nothing(boss: Person, mailbox: Mailbox) -> None:
    """A payload is answered to who removed themself, too."""
    (admin,) = await cast(boss, mailbox, "owner")
    payload = await admin.do(
        "removeMember",
        {"memberId": admin.member_id},
        f"member {{ {selection('mem')} organization {{ {selection('org')} }} }}",
    )
    assert reasons(payload["member"]) == reasons(payload["member"]["organization"]) == {"NOT_FOUND"}


async def test_the_invited_are_not_inside_yet(boss: Person, mailbox: Mailbox) -> None:
    """They see where they are invited to, and can do nothing there."""
    place = await boss.workspace()
    invitation = await invite(boss, "admin", workspaceIds=[place])
    guest = await sign_up(boss.server, invitation["email"])
    token = await mailbox.token(invitation["email"], path="/accept-invitation")
    parts = f"organization {{ {selection('org')} }} workspaces {{ {selection('ws')} }} role {{ {selection('role')} }}"
    query = f"query ($token: String!) {{ invitation(token: $token) {{ {selection('inv')} {parts} }} }}"
    seen = (await guest.query(query, {"token": token}))["invitation"]
    assert reasons(seen) == reasons(seen["organization"]) == reasons(seen["workspaces"][0]) == {"NOT_FOUND"}
    assert reasons(seen["role"]) == {"FORBIDDEN"}
    for mutation in ("resendInvitation", "revokeInvitation"):
        assert (await guest.refused(mutation, {"invitationId": invitation["id"]}))["code"] == "NOT_FOUND"
    seen = (await Client(boss.server).query(query, {"token": token}))["invitation"]
    for part in (seen, seen["organization"], seen["workspaces"][0], seen["role"]):
        assert reasons(part) == {"FORBIDDEN"}, "nobody signed in sees the page, and no button"


async def test_inviting_takes_a_verified_address(server: Server) -> None:
    boss = await sign_up(server, organizationName=unique("Organization "))
    place = await boss.workspace()
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Workspace {{ viewerCan {{ inviteMembers {ABILITY} }} }} }} }}"
    refused = {"allowed": False, "reason": "EMAIL_NOT_VERIFIED", "permission": None}
    assert (await boss.query(query, {"id": place}))["node"]["viewerCan"]["inviteMembers"] == refused
    can = await boss.organization(f"viewerCan {{ inviteMembers {ABILITY} }}")
    assert can["viewerCan"]["inviteMembers"] == refused
    rows = [{"email": f"{unique('x')}@example.com", "role": "viewer"}]
    assert (await boss.refused("inviteMembers", {"invitations": rows}))["code"] == "EMAIL_NOT_VERIFIED"


async def test_one_organization_says_nothing_of_another(boss: Person, server: Server, mailbox: Mailbox) -> None:
    """An owner here who is a viewer there."""
    other = await owner(server, mailbox)
    (guest,) = await cast(other, mailbox, "viewer")
    await found(guest)
    query = (
        f"{{ viewer {{ memberships {{ nodes {{ {selection('mem')} organization {{ id {selection('org')} }} }} }} }} }}"
    )
    nodes = (await guest.query(query))["viewer"]["memberships"]["nodes"]
    can = {node["organization"]["id"] == other.organization_id: node for node in nodes}
    assert reasons(can[True]["organization"]) == {"FORBIDDEN", None}, "one can leave"
    assert reasons(can[False]["organization"]) == {"FORBIDDEN", "LAST_OWNER", None}, "there is no availability to set"
    assert reasons(can[True]) == {"FORBIDDEN"}
    assert reasons(can[False]) == {"LAST_OWNER", "ALREADY_DONE", None}


async def test_statements_do_not_grow_with_rows(make_world: Maker) -> None:
    taken: list[dict[str, int]] = []
    parts = {"members": "mem", "workspaces": "ws", "roles": "role", "invitations": "inv", "apiKeys": "key"}
    for count in (3, 60):
        world = await make_world()
        await world.rows.members(count)
        await world.rows.workspaces(count)
        await world.rows.invitations(count)
        await world.rows.roles(count)
        for _ in range(3 if count == 3 else 6):
            await world.boss.do("createApiKey", {"name": "Key", "role": "viewer"})
        answers = {
            name: await world.boss.execute(
                f"""query ($id: ID!) {{ organization(id: $id) {{
                    {name}(first: 100) {{ nodes {{ {selection(kind)} }} }} }} }}""",
                {"id": world.boss.organization_id},
            )
            for name, kind in parts.items()
        }
        rows = {name: len(answer.data["organization"][name]["nodes"]) for name, answer in answers.items()}
        assert min(rows.values()) >= (3 if count == 3 else 6), json.dumps(rows)
        taken.append({name: answer.statements for name, answer in answers.items()})
    assert taken[0] == taken[1]
    assert max(taken[0].values()) <= 6
