"""The product `meeting-bots`, as its own frontend uses this server: each row of its table, and who is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.factories import (
    ACTIVE,
    Client,
    Person,
    cast,
    closed,
    grants_of,
    invite,
    join,
    owner,
    refusal,
    sign_in,
    sql,
    unique,
)
from tests.invitations import letter_token, newcomer
from tests.members import role_keys
from tests.products import checked, keyed, walked
from tests.servers import Mailbox, Server
from tests.streams import by_websocket, take
from tests.streams import refusal as end_of

ROWS = [f"R{number}" for number in range(1, 10)]
LEFT_OUT = {"R7": "Billing comes later: there is no billing account whose usage could roll up."}

ENVIRONMENTS = ("development", "staging", "production")
NODES = "query ($id: ID!) { node(id: $id) { id } workspace(id: $id) { id name } }"
LISTED = """workspaces(first: 100) { totalCount nodes { id name environment } }
    members(first: 100) { nodes { id workspaces(first: 100) { nodes { id } } grants { workspace { id } } } }
    apiKeys(first: 100) { nodes { id workspace { id } } }"""
SETTINGS = "query ($id: ID!) { workspace(id: $id) { settings { key value inherited } } }"
MEMBERS = """query ($id: ID!, $search: String) {
    workspace(id: $id) { members(first: 100, filter: {search: $search}) { nodes { id } } } }"""


@pytest.fixture(scope="module")
async def bots(product: Callable[[str], Awaitable[Server]]) -> Server:
    return await product("meeting-bots")


async def give(admin: Person, member: Person, workspace: str, role: str = "developer") -> str:
    """Access to a workspace; the grant's id."""
    given = {"memberId": member.member_id, "role": role, "workspaceId": workspace}
    return str((await admin.do("grantRole", given, "grant { id }"))["grant"]["id"])


async def active(person: Client, **headers: str) -> tuple[str | None, str | None]:
    """The active organization and workspace."""
    viewer = (await person.query(ACTIVE, None, **headers))["viewer"]
    organization, workspace = (viewer[place] and viewer[place]["id"] for place in ("organization", "workspace"))
    return organization, workspace


async def listed(person: Person) -> list[str]:
    """The workspaces in the switcher."""
    found = await person.organization("workspaces(first: 100) { nodes { id } }")
    return [workspace["id"] for workspace in found["workspaces"]["nodes"]]


def test_every_row_has_a_test_or_is_left_out_by_name() -> None:
    assert walked(ROWS, LEFT_OUT, globals())


async def test_r1_two_roles(bots: Server, mailbox: Mailbox) -> None:
    """Two organization-wide roles. *Developer*: opens the dashboard, creates API keys. *Admin*: all of developer, and
    creates workspaces, invites users, manages other users' permissions. Who signs up is admin.
    """
    admin = await owner(bots, mailbox)
    invitation = await invite(admin, "developer")
    preview = "query ($token: String!) { invitation(token: $token) { role { name } organization { id } } }"
    token = await letter_token(mailbox, invitation["email"])
    shown = (await Client(bots).query(preview, {"token": token}))["invitation"]
    assert shown == {"role": {"name": "Developer"}, "organization": {"id": admin.organization_id}}
    [developer, second] = await cast(admin, mailbox, "developer", "admin")
    assert await role_keys(admin, admin.member_id) == ["admin"]
    roles = (await admin.organization("roles { nodes { key builtIn permissions { key } } }"))["roles"]["nodes"]
    assert [(role["key"], role["builtIn"]) for role in roles] == [("admin", True), ("developer", True)]
    every, fewer = ({permission["key"] for permission in role["permissions"]} for role in roles)
    assert fewer < every

    for person in (developer, second):
        assert (await person.query('{ viewer { can(permission: "dashboard:open") } }'))["viewer"]["can"]
        program, _ = await keyed(person, "developer")
        assert (await program.query("{ viewer { apiKey { role { key } } } }"))["viewer"]["apiKey"] == {
            "role": {"key": "developer"}
        }
    id = {"organizationId": developer.organization_id}
    of_admin = ("createApiKey", {"name": "Robot", "role": "admin"} | id)
    refused: dict[tuple[str, str], dict[str, Any]] = {
        ("createWorkspace", "organizationId"): {"name": "Mine"} | id,
        ("inviteMembers", "organizationId"): {"invitations": [{"email": "a@example.com", "role": "developer"}]} | id,
        ("grantRole", "memberId"): {"memberId": developer.member_id, "role": "admin"},
        ("setMemberRole", "memberId"): {"memberId": second.member_id, "role": "developer"},
        ("removeMember", "memberId"): {"memberId": second.member_id},
        ("suspendMember", "memberId"): {"memberId": admin.member_id},
    }
    for (mutation, field), input in refused.items():
        assert await refusal(developer, mutation, input) == ("FORBIDDEN", field), mutation
    assert await refusal(developer, *of_admin) == ("ABOVE_YOUR_ROLE", "role")
    buttons = "createWorkspace { allowed permission } inviteMembers { allowed } createApiKey { allowed }"
    assert (await developer.organization(f"viewerCan {{ {buttons} }}"))["viewerCan"] == {
        "createWorkspace": {"allowed": False, "permission": "workspaces:create"},
        "inviteMembers": {"allowed": False},
        "createApiKey": {"allowed": True},
    }

    await second.do(*of_admin)
    await second.workspace()
    await invite(second, "developer")
    await second.do("setMemberRole", {"memberId": developer.member_id, "role": "admin"})
    await developer.workspace()
    # The two are all there are
    assert await refusal(admin, "createRole", {"name": "Third", "permissions": []} | id) == (
        "FORBIDDEN",
        "organizationId",
    )
    for person in (second, developer):
        await admin.do("setMemberRole", {"memberId": person.member_id, "role": "developer"})
    assert (await refusal(admin, "setMemberRole", {"memberId": admin.member_id, "role": "developer"}))[0] == (
        "LAST_OWNER"
    )


async def test_r2_many_workspaces(bots: Server, mailbox: Mailbox) -> None:
    """One user is in many workspaces of the organization, a development one and staging and production too."""
    admin = await owner(bots, mailbox)
    places = {name: await admin.workspace(name.title(), environment=name) for name in ENVIRONMENTS}
    hidden = await admin.workspace("Hidden")
    user = await join(admin, mailbox, "developer", workspaceIds=list(places.values()))
    found = await user.organization("workspaces { totalCount nodes { id environment } }")
    assert {each["environment"]: each["id"] for each in found["workspaces"]["nodes"]} == places

    # Tabs beside each other, by the header; the session stays where it was
    await user.do("switchWorkspace", {"workspaceId": places["staging"]})
    for name in ("production", "development", "production"):
        assert await active(user, Orgraph_Workspace=places[name]) == (admin.organization_id, places[name])
        seen = await user.query("{ viewer { permissions } }", Orgraph_Workspace=places[name])
        assert "bots:write" in seen["viewer"]["permissions"]
        assert await active(user) == (admin.organization_id, places["staging"])
    again = await sign_in(bots, user.email)
    await again.do("switchWorkspace", {"workspaceId": places["production"]})
    assert await active(user) == (admin.organization_id, places["staging"])

    assert closed(await user.execute(ACTIVE, Orgraph_Workspace=hidden))
    assert await refusal(user, "switchWorkspace", {"workspaceId": hidden}) == ("NOT_FOUND", "workspaceId")
    stranger = await owner(bots, mailbox)
    for place in places.values():
        assert closed(await stranger.execute(ACTIVE, Orgraph_Workspace=place))


async def _without(person: Person, workspace: str) -> None:
    """The workspace does not exist as far as the person can tell."""
    assert await person.query(NODES, {"id": workspace}) == {"node": None, "workspace": None}
    assert closed(await person.execute(ACTIVE, Orgraph_Workspace=workspace))
    found = await person.organization(LISTED)
    assert workspace not in str(found)
    assert found["workspaces"]["totalCount"] == len(found["workspaces"]["nodes"])
    query = (
        "query ($id: ID!, $filter: MemberFilter) { organization(id: $id) { members(filter: $filter) { totalCount } } }"
    )
    answer = await person.execute(query, {"id": person.organization_id, "filter": {"workspaceId": workspace}})
    assert answer.codes == ["BAD_REQUEST"], "the same as for no workspace at all"
    for mutation, input in (
        ("switchWorkspace", {}),
        ("leaveWorkspace", {}),
        ("updateWorkspace", {"name": "Mine"}),
        ("updateWorkspaceSettings", {"settings": []}),
        ("deleteWorkspace", {"confirmName": "Production"}),
        ("restoreWorkspace", {}),
        ("createApiKey", {"name": "Robot", "role": "developer"}),
        ("grantRole", {"memberId": person.member_id, "role": "developer"}),
    ):
        assert await refusal(person, mutation, {"workspaceId": workspace} | input) == ("NOT_FOUND", "workspaceId")
    assert await checked(person, {"permission": "bots:read", "workspaceId": workspace}) == ["NOT_FOUND"]
    can = 'query ($id: ID!) { viewer { can(permission: "bots:read", on: $id) } }'
    assert (await person.query(can, {"id": workspace}))["viewer"] == {"can": False}
    async with by_websocket(person, workspaceId=workspace) as stream:
        assert await end_of(stream) == "BAD_REQUEST"


async def test_r3_access_to_single_workspaces(bots: Server, mailbox: Mailbox) -> None:
    """An admin delegates workspace access: gives and takes a member's access to single workspaces. A member without
    access neither lists nor opens the workspace (NOT_FOUND, not FORBIDDEN).
    """
    admin = await owner(bots, mailbox)
    open_to_all, production = await admin.workspace("Development"), await admin.workspace("Production")
    user, other = await cast(admin, mailbox, "developer", "developer")
    for person in (user, other):
        await give(admin, person, open_to_all)
    _, key = await keyed(admin, "developer", workspaceId=production)
    await _without(user, production)
    assert (await user.query(NODES, {"id": key}))["node"] is None
    assert await listed(user) == [open_to_all]

    async with by_websocket(user) as stream:  # of the whole organization
        await give(admin, other, production)
        await give(admin, other, open_to_all, "admin")
        [heard] = await take(stream, 1)
        assert heard["workspace"] == {"id": open_to_all}, "nothing of what is hidden"
        given = await give(admin, user, production)
        granted, entered = await take(stream, 2)
        assert granted["member"]["id"] == entered["member"]["id"] == user.member_id
        assert granted["workspace"] == entered["workspace"] == {"id": production}
    assert await listed(user) == [open_to_all, production]
    assert (await user.query(NODES, {"id": production}))["workspace"] == {"id": production, "name": "Production"}
    found = await user.organization("members(filter: {workspaceId: $w}) { totalCount }", ", $w: ID!", w=production)
    assert found["members"] == {"totalCount": 3}
    await user.do("switchWorkspace", {"workspaceId": production})
    mine, _ = await keyed(user, "developer", workspaceId=production)
    assert await active(mine) == (admin.organization_id, production)

    async with by_websocket(user, workspaceId=production) as stream:
        await admin.do("revokeGrant", {"grantId": given})
        assert await end_of(stream) == "BAD_REQUEST", "there is none any more"
    assert await active(user) == (admin.organization_id, None)
    assert (await mine.query("{ viewer { workspace { id } permissions } }"))["viewer"] == {
        "workspace": None,
        "permissions": [],
    }, "a key of theirs loses what they lose"
    await _without(user, production)
    assert await listed(user) == [open_to_all]
    assert await listed(other) == [open_to_all, production]
    assert await listed(admin) == [open_to_all, production]


async def test_r4_only_admins_manage(bots: Server, mailbox: Mailbox) -> None:
    """Only admins create workspaces and manage workspace access; for others the management fields are refused."""
    admin = await owner(bots, mailbox)
    workspace, other = await admin.workspace("Production"), await admin.workspace()
    developer, peer, delegate = await cast(admin, mailbox, "developer", "developer", "developer")
    given = await give(admin, peer, workspace)
    await give(admin, developer, workspace)
    await give(admin, delegate, workspace, "admin")
    invitation = (await invite(admin, "developer", workspaceIds=[workspace]))["id"]
    in_it = {"workspaceId": workspace}
    row = {"email": "a@example.com", "role": "developer", "workspaceIds": [workspace]}

    creating: dict[str, Any] = {"createWorkspace": {"name": "Mine", "organizationId": admin.organization_id}}
    managing: dict[str, Any] = {
        "updateWorkspace": in_it | {"name": "Mine"},
        "deleteWorkspace": in_it | {"confirmName": "Production"},
        "updateWorkspaceSettings": in_it | {"settings": [{"key": "webhook_retries", "value": 1}]},
        "inviteMembers": {"organizationId": admin.organization_id, "invitations": [row]},
        "grantRole": in_it | {"memberId": peer.member_id, "role": "developer"},
        "revokeGrant": {"grantId": given},
        "setMemberRole": {"memberId": peer.member_id, "role": "developer"},
    }
    for mutation, input in (creating | managing).items():
        assert (await developer.refused(mutation, input))["code"] == "FORBIDDEN", mutation
    assert (await refusal(developer, "revokeInvitation", {"invitationId": invitation}))[0] == "FORBIDDEN"

    fields = ("invitations", "auditEvents", "restorableWorkspaces")
    query = "query ($id: ID!) { organization(id: $id) { name invitations { totalCount } auditEvents { totalCount }"
    query += " restorableWorkspaces { id } checklist { key } } }"
    answer = await developer.execute(query, {"id": admin.organization_id})
    assert set(answer.codes) == {"FORBIDDEN"}
    assert [answer.body["data"]["organization"][field] for field in fields] == [None] * 3
    assert answer.body["data"]["organization"]["name"]
    assert (await admin.execute(query, {"id": admin.organization_id})).codes == []
    buttons = (
        "query ($id: ID!) { workspace(id: $id) { viewerCan { updateWorkspace { allowed } grantRole { allowed } } } }"
    )
    for person, allowed in ((developer, False), (delegate, True), (admin, True)):
        can = (await person.query(buttons, in_it | {"id": workspace}))["workspace"]["viewerCan"]
        assert can == {"updateWorkspace": {"allowed": allowed}, "grantRole": {"allowed": allowed}}

    # An admin of the one workspace gives access to it, to no other, and creates none
    assert (await refusal(delegate, "createWorkspace", creating["createWorkspace"]))[0] == "FORBIDDEN"
    await delegate.do("revokeGrant", managing["revokeGrant"])
    await delegate.do("grantRole", managing["grantRole"])
    elsewhere = {"memberId": peer.member_id, "role": "developer", "workspaceId": other}
    assert await refusal(delegate, "grantRole", elsewhere) == ("NOT_FOUND", "workspaceId")
    assert {g["workspace"]["id"] for g in await grants_of(admin, peer.member_id) if g["workspace"]} == {workspace}
    await admin.do("grantRole", elsewhere)
    await admin.do("createWorkspace", creating["createWorkspace"])


async def test_r5_create_and_switch(bots: Server, mailbox: Mailbox) -> None:
    """A workspace is created from the team page, or from the switcher: create and switch in one mutation."""
    admin = await owner(bots, mailbox)
    home = await admin.workspace()
    await admin.do("switchWorkspace", {"workspaceId": home})
    selection = "workspace { id } viewer { workspace { id } }"
    payload = await admin.do("createWorkspace", {"name": "From the team page"}, selection)
    assert payload["viewer"]["workspace"] == {"id": home}
    payload = await admin.do("createWorkspace", {"name": "From the switcher", "switch": True}, selection)
    assert payload["viewer"]["workspace"] == payload["workspace"] != {"id": home}
    assert await active(admin) == (admin.organization_id, payload["workspace"]["id"])
    [developer] = await cast(admin, mailbox, "developer")
    await give(admin, developer, home)
    await developer.do("switchWorkspace", {"workspaceId": home})
    before = await listed(admin)
    created = await developer.mutate("createWorkspace", {"name": "Mine", "switch": True}, selection)
    assert [error["code"] for error in created["userErrors"]] == ["FORBIDDEN"]
    assert created["workspace"] is None
    assert await active(developer) == (admin.organization_id, home)
    assert await listed(admin) == before


async def test_r6_independent_workspaces(bots: Server, mailbox: Mailbox) -> None:
    """Workspaces are independent: own settings, own users, own API keys. A key of one workspace cannot see another."""
    admin = await owner(bots, mailbox)
    here, there = await admin.workspace("Here"), await admin.workspace("There")
    user = await join(admin, mailbox, "developer", workspaceIds=[here])
    neighbour = await join(admin, mailbox, "developer", workspaceIds=[there])

    async def retries(person: Client, workspace: str) -> tuple[int, bool]:
        found = (await person.query(SETTINGS, {"id": workspace}))["workspace"]["settings"]
        [setting] = [each for each in found if each["key"] == "webhook_retries"]
        return setting["value"], setting["inherited"]

    def setting(value: Any) -> list[dict[str, Any]]:
        return [{"key": "webhook_retries", "value": value}]

    await admin.do("updateWorkspaceSettings", {"workspaceId": here, "settings": setting(7)})
    assert (await retries(user, here), await retries(admin, there)) == ((7, False), (3, True))
    await admin.do("updateOrganizationSettings", {"settings": setting(5)})
    assert (await retries(user, here), await retries(neighbour, there)) == ((7, False), (5, True))
    for value in (11, -1, "7", True):
        error = await refusal(admin, "updateWorkspaceSettings", {"workspaceId": there, "settings": setting(value)})
        assert error == ("INVALID", "settings.webhook_retries")
    everywhere = {"workspaceId": there, "settings": [{"key": "mfa_required", "value": True}]}
    assert await refusal(admin, "updateWorkspaceSettings", everywhere) == ("NOT_FOUND", "settings.mfa_required")
    for person, code in ((user, "FORBIDDEN"), (neighbour, "NOT_FOUND")):
        error = await refusal(person, "updateWorkspaceSettings", {"workspaceId": here, "settings": setting(1)})
        assert error == (code, "workspaceId")

    for person, workspace, other, outside in ((user, here, there, neighbour), (neighbour, there, here, user)):
        members = (await person.query(MEMBERS, {"id": workspace}))["workspace"]["members"]["nodes"]
        assert {member["id"] for member in members} == {admin.member_id, person.member_id}
        for search, count in ((person.email, 1), (outside.email, 0)):
            found = await person.query(MEMBERS, {"id": workspace, "search": search})
            assert len(found["workspace"]["members"]["nodes"]) == count
        assert (await person.query(MEMBERS, {"id": other}))["workspace"] is None
        assert (await person.query(NODES, {"id": outside.member_id}))["node"] is None

    # Keys
    ours, own_key = await keyed(user, "developer", workspaceId=here)
    theirs, foreign_key = await keyed(admin, "admin", workspaceId=there)
    assert await active(ours) == (admin.organization_id, here)
    assert await active(theirs) == (admin.organization_id, there)
    keys = "query ($id: ID!) { workspace(id: $id) { apiKeys { nodes { id } } } }"
    around = """{ viewer { organization { workspaces { nodes { id } } } }
        wide: viewer { organization { apiKeys { nodes { id } } } } }"""
    for program, own, foreign, own_id, foreign_id in (
        (ours, here, there, own_key, foreign_key),
        (theirs, there, here, foreign_key, own_key),
    ):
        assert await program.query(NODES, {"id": foreign}) == {"node": None, "workspace": None}
        assert (await program.query(NODES, {"id": own}))["workspace"]["id"] == own
        assert (await program.query(NODES, {"id": foreign_id}))["node"] is None
        assert (await program.query(NODES, {"id": own_id}))["node"] == {"id": own_id}
        assert (await program.query(keys, {"id": own}))["workspace"]["apiKeys"]["nodes"] == [{"id": own_id}]
        answer = await program.execute(around)
        assert answer.codes == ["FORBIDDEN"], "the keys of the organization are not for a key of a workspace"
        assert answer.body["data"]["viewer"]["organization"]["workspaces"]["nodes"] == [{"id": own}]
        assert answer.body["data"]["wide"]["organization"]["apiKeys"] is None
        assert closed(await program.execute(ACTIVE, Orgraph_Workspace=foreign))
        assert await refusal(program, "revokeApiKey", {"apiKeyId": foreign_id}) == ("NOT_FOUND", "apiKeyId")
        answers = await checked(
            program,
            {"permission": "bots:read", "workspaceId": own},
            {"permission": "bots:read", "workspaceId": foreign},
            {"permission": "bots:read", "workspaceId": foreign, "userId": user.user_id},
            {"permission": "bots:read", "workspaceId": foreign, "apiKeyId": own_id},
        )
        assert answers == ["GRANTED", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]
    change = {"workspaceId": here, "name": "Taken over"}
    assert await refusal(theirs, "updateWorkspace", change) == ("NOT_FOUND", "workspaceId")
    # The product's backend asks about its users with a key of the workspace, and only in it
    about = {"permission": "bots:write", "userId": neighbour.user_id}
    assert await checked(theirs, about | {"workspaceId": there}) == ["GRANTED"]
    assert await checked(theirs, about | {"workspaceId": there, "userId": user.user_id}) == ["WORKSPACE_NOT_ENTERED"]
    assert await checked(ours, about | {"workspaceId": here}) == ["FORBIDDEN"], "a developer's key lacks access:check"


async def test_r8_environment(bots: Server, mailbox: Mailbox) -> None:
    """A workspace says which environment it is (development, staging, production or free text)."""
    offered = await Client(bots).query("{ catalogue { product { environments } } }")
    assert offered["catalogue"]["product"]["environments"] == list(ENVIRONMENTS)
    admin = await owner(bots, mailbox)
    named = [*ENVIRONMENTS, "Übergabe – Kunde A"]
    ids = [await admin.workspace(environment=name) for name in named] + [await admin.workspace()]
    [developer] = await cast(admin, mailbox, "developer", workspaceIds=ids)
    found = (await developer.organization("workspaces { nodes { id environment } }"))["workspaces"]["nodes"]
    assert {each["id"]: each["environment"] for each in found} == dict(zip(ids, [*named, None], strict=True))
    for given, becomes in (("sandbox", "sandbox"), ("  ", None)):
        payload = await admin.do(
            "updateWorkspace", {"workspaceId": ids[0], "environment": given}, "workspace { environment }"
        )
        assert payload["workspace"] == {"environment": becomes}
    for environment, code in (("x" * 64, "TOO_LONG"), ("two\nlines", "INVALID")):
        error = await refusal(admin, "updateWorkspace", {"workspaceId": ids[1], "environment": environment})
        assert error == (code, "environment")
    error = await refusal(developer, "updateWorkspace", {"workspaceId": ids[1], "environment": "production"})
    assert error == ("FORBIDDEN", "workspaceId")
    assert (await developer.query("query ($id: ID!) { workspace(id: $id) { environment } }", {"id": ids[1]}))[
        "workspace"
    ] == {"environment": "staging"}


async def test_r9_region(bots: Server, mailbox: Mailbox) -> None:
    """An organization lives in one region; the API names it."""
    region = (await Client(bots).query("{ catalogue { product { region } } }"))["catalogue"]["product"]["region"]
    assert region == "us-west-2"
    admin = await owner(bots, mailbox)
    [developer] = await cast(admin, mailbox, "developer")
    for person in (admin, developer):
        assert await person.organization("region") == {"region": region}
    # It stays where it is, and nobody else learns where
    await sql(bots, "UPDATE organization SET region = 'eu-central-1' WHERE slug = $1", (await _slug(admin)))
    await admin.do("updateOrganization", {"name": unique("Renamed ")})
    assert await admin.organization("region") == {"region": "eu-central-1"}
    for mutation in ("createOrganization", "updateOrganization"):
        query = f'mutation {{ {mutation}(input: {{name: "Moved", region: "mars"}}) {{ userErrors {{ code }} }} }}'
        assert (await admin.execute(query)).codes == ["BAD_REQUEST"], "nobody chooses one"
    stranger = await newcomer(bots, mailbox)
    query = "query ($id: ID!) { organization(id: $id) { region } }"
    assert (await stranger.query(query, {"id": admin.organization_id}))["organization"] is None


async def _slug(person: Person) -> str:
    return str((await person.organization("slug"))["slug"])
