"""Members: who may remove, suspend and list whom, what the others see instead, and the owner that always stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from schema.scalars import parse_any_id
from tests.factories import Client, Person, join, owner, sign_in, sign_up, unique, verify
from tests.servers import Mailbox, Server

ROLES = ("owner", "admin", "member", "viewer")
ACCESS = "{ viewer { organization { id } permissions memberships { nodes { organization { id } } } } }"
LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

# Whoever acts in a row, on whom in a column (in ROLES' order)
TABLE = {
    "owner": ("done", "done", "done", "done"),
    "admin": ("ABOVE_YOUR_ROLE", "ABOVE_YOUR_ROLE", "done", "done"),
    "member": ("FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"),
    "viewer": ("FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"),
}


async def cast(inviter: Person, mailbox: Mailbox, *roles: str, **row: Any) -> list[Person]:
    """New members with these roles, invited in one call."""
    emails = [f"{unique('cast')}@example.com" for _ in roles]
    rows = [{"email": email, "role": role} | row for email, role in zip(emails, roles, strict=True)]
    payload = await inviter.do(
        "inviteMembers",
        {"organizationId": inviter.organization_id, "invitations": rows},
        "results { userErrors { code field } }",
    )
    assert all(not result["userErrors"] for result in payload["results"]), payload

    async def arrive(email: str) -> Person:
        token = await mailbox.token(email, path="/accept-invitation")
        return await sign_up(inviter.server, email, invitationToken=token, name=email.partition("@")[0])

    return list(await asyncio.gather(*(arrive(email) for email in emails)))


async def sql(server: Server, statement: str, *values: Any) -> list[asyncpg.Record]:
    """Past every rule, straight in the server's database."""
    connection = await asyncpg.connect(server.database_url.replace("asyncpg://", "postgresql://"))
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


async def grants_of(viewer: Person, member_id: str) -> list[dict[str, Any]]:
    query = "query ($id: ID!) { node(id: $id) { ... on Member { grants { id role { key } workspace { id } } } } }"
    return list((await viewer.query(query, {"id": member_id}))["node"]["grants"])


async def role_keys(viewer: Person, member_id: str) -> list[str]:
    return [grant["role"]["key"] for grant in await grants_of(viewer, member_id)]


async def status_of(viewer: Person, member_id: str) -> str | None:
    query = "query ($id: ID!) { node(id: $id) { ... on Member { status } } }"
    node = (await viewer.query(query, {"id": member_id}))["node"]
    return node and str(node["status"])


async def outcome(actor: Client, mutation: str, member_id: str) -> str:
    """`done`, or the code of a refusal that names memberId."""
    payload = await actor.mutate(mutation, {"memberId": member_id})
    for error in payload["userErrors"]:
        assert error["field"] == "memberId", error
        return str(error["code"])
    return "done"


# Who may act on whom


async def test_who_suspends_and_reactivates_whom(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    people = await cast(founder, mailbox, *ROLES, *ROLES)
    actors, targets = people[:4], people[4:]
    suspended: dict[str, tuple[str, ...]] = {}
    reactivated: dict[str, tuple[str, ...]] = {}
    for role, actor in zip(ROLES, actors, strict=True):
        codes = []
        for target in targets:
            codes.append(await outcome(actor, "suspendMember", target.member_id))
            assert await status_of(founder, target.member_id) == ("SUSPENDED" if codes[-1] == "done" else "ACTIVE")
            if codes[-1] != "done":
                await founder.do("suspendMember", {"memberId": target.member_id})
        suspended[role] = tuple(codes)
        codes = []
        for target in targets:
            codes.append(await outcome(actor, "reactivateMember", target.member_id))
            assert await status_of(founder, target.member_id) == ("ACTIVE" if codes[-1] == "done" else "SUSPENDED")
            if codes[-1] != "done":
                await founder.do("reactivateMember", {"memberId": target.member_id})
        reactivated[role] = tuple(codes)
    assert suspended == TABLE
    assert reactivated == TABLE


async def test_who_removes_whom(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    people = await cast(founder, mailbox, *ROLES, *ROLES, "member", "viewer")
    actors = dict(zip(ROLES, people[:4], strict=True))
    targets = people[4:8]
    spare = dict(zip(("member", "viewer"), people[8:], strict=True))
    codes: dict[str, tuple[str, ...]] = {}
    for role in reversed(ROLES):  # the owner, who removes them all, comes last
        answers = []
        for key, target in zip(ROLES, targets, strict=True):
            if role == "admin" and key in spare:
                target = spare[key]
            answers.append(await outcome(actors[role], "removeMember", target.member_id))
            assert (await status_of(founder, target.member_id) is None) == (answers[-1] == "done")
        codes[role] = tuple(answers)
    assert codes == TABLE


async def test_a_refusal_names_the_permission(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (member,) = await cast(founder, mailbox, "member")
    for mutation, permission in (
        ("removeMember", "members:remove"),
        ("suspendMember", "members:suspend"),
        ("reactivateMember", "members:suspend"),
        ("transferOwnership", "organization:transfer"),
    ):
        error = await member.refused(mutation, {"memberId": founder.member_id})
        assert (error["code"], error["details"]) == ("FORBIDDEN", {"permission": permission}), mutation


@pytest.mark.parametrize("mutation", ["removeMember", "suspendMember", "reactivateMember", "transferOwnership"])
async def test_nobody_acts_without_signing_in(server: Server, mailbox: Mailbox, mutation: str) -> None:
    founder = await owner(server, mailbox)
    query = f"mutation ($id: ID!) {{ {mutation}(input: {{memberId: $id}}) {{ userErrors {{ code }} }} }}"
    answer = await Client(server).execute(query, {"id": founder.member_id})
    assert answer.codes == ["UNAUTHENTICATED"]
    assert await status_of(founder, founder.member_id) == "ACTIVE"


# What becomes of somebody who is removed or suspended


@pytest.mark.parametrize("mutation", ["removeMember", "suspendMember"])
async def test_access_ends_with_the_next_request(server: Server, mailbox: Mailbox, mutation: str) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "admin")
    workspace = await founder.workspace()
    created = await bob.do(
        "createOrganization",
        {"name": unique("Bob's "), "switch": False},
        "organization { id workspaces { nodes { id } } }",
    )
    elsewhere = created["organization"]["id"]
    assert (await bob.query(ACCESS))["viewer"]["organization"]["id"] == bob.organization_id

    await founder.do(mutation, {"memberId": bob.member_id})

    viewer = (await bob.query(ACCESS))["viewer"]
    assert viewer["organization"] is None
    assert viewer["permissions"] == []
    assert [m["organization"]["id"] for m in viewer["memberships"]["nodes"]] == [elsewhere]
    assert await bob.organization("id") is None
    for id in (bob.member_id, founder.member_id, workspace, bob.organization_id):
        assert (await bob.query("query ($id: ID!) { node(id: $id) { id } }", {"id": id}))["node"] is None
    for header in ({"Orgraph_Organization": bob.organization_id}, {"Orgraph_Workspace": workspace}):
        answer = await bob.execute("{ viewer { permissions } }", **header)
        assert (answer.status, answer.codes) == (403, ["FORBIDDEN"])
    for refused, input in (
        ("switchOrganization", {"organizationId": bob.organization_id}),
        ("leaveOrganization", {"organizationId": bob.organization_id}),
        ("suspendMember", {"memberId": founder.member_id}),
    ):
        assert (await bob.refused(refused, input))["code"] == "NOT_FOUND", refused

    # The same token goes on elsewhere, by header and by switching
    viewer = (await bob.query(ACCESS, Orgraph_Organization=elsewhere))["viewer"]
    assert "organization:delete" in viewer["permissions"]
    await bob.do("switchOrganization", {"organizationId": elsewhere})
    assert (await bob.query(ACCESS))["viewer"]["organization"]["id"] == elsewhere
    assert (await sign_in(server, bob.email)).organization_id == elsewhere


async def test_a_suspended_member_keeps_the_roles_and_gets_them_back(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    (bob,) = await cast(founder, mailbox, "member")
    await founder.do("grantRole", {"memberId": bob.member_id, "role": "admin", "workspaceId": workspace})
    before = (await bob.query(ACCESS))["viewer"]
    grants = await grants_of(founder, bob.member_id)
    held = "query ($id: ID!) { node(id: $id) { ... on Member { permissions { permission } } } }"
    assert (await founder.query(held, {"id": bob.member_id}))["node"]["permissions"]

    await founder.do("suspendMember", {"memberId": bob.member_id})
    assert await grants_of(founder, bob.member_id) == grants
    assert (await founder.query(held, {"id": bob.member_id}))["node"]["permissions"] == []

    await founder.do("reactivateMember", {"memberId": bob.member_id})
    assert (await bob.query(ACCESS))["viewer"] == before
    assert (await bob.query("{ viewer { permissions } }", Orgraph_Workspace=workspace))["viewer"]["permissions"]


async def test_a_suspended_member_enters_no_workspace(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    (bob,) = await cast(founder, mailbox, "member", workspaceIds=[workspace])
    member = "node(id: $member) { ... on Member { workspaces { nodes { id } } } }"
    listed = "workspace(id: $ws) { members { nodes { id } } }"
    matching = "organization(id: $org) { members(filter: {workspaceId: $ws}) { nodes { id } } }"
    query = f"query ($member: ID!, $ws: ID!, $org: ID!) {{ {member} {listed} {matching} }}"
    variables = {"member": bob.member_id, "ws": workspace, "org": founder.organization_id}

    async def entering() -> tuple[bool, bool, bool]:
        """As three fields say it."""
        data = await founder.query(query, variables)
        return (
            {"id": workspace} in data["node"]["workspaces"]["nodes"],
            {"id": bob.member_id} in data["workspace"]["members"]["nodes"],
            {"id": bob.member_id} in data["organization"]["members"]["nodes"],
        )

    assert await entering() == (True, True, True)
    await founder.do("suspendMember", {"memberId": bob.member_id})
    assert await entering() == (False, False, False)


async def test_what_is_done_already(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")
    assert await outcome(founder, "reactivateMember", bob.member_id) == "ALREADY_DONE"
    await founder.do("suspendMember", {"memberId": bob.member_id})
    assert await outcome(founder, "suspendMember", bob.member_id) == "ALREADY_DONE"
    assert await outcome(founder, "removeMember", bob.member_id) == "done"  # a suspended one can be removed
    assert await outcome(founder, "removeMember", bob.member_id) == "NOT_FOUND"


async def test_payloads_tell_of_the_member(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")
    selection = "member { id status user { email } roles { key } organization { id } }"
    for mutation, status in (
        ("suspendMember", "SUSPENDED"),
        ("reactivateMember", "ACTIVE"),
        ("removeMember", "ACTIVE"),
    ):
        member = (await founder.do(mutation, {"memberId": bob.member_id}, selection))["member"]
        assert (member["id"], member["status"]) == (bob.member_id, status)
        assert member["user"]["email"] == bob.email
    events = await founder.organization("auditEvents(first: 3) { nodes { action target { label } } }")
    assert [event["action"] for event in events["auditEvents"]["nodes"]] == [
        "member.removed",
        "member.reactivated",
        "member.suspended",
    ]


async def test_a_refusal_is_audited(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")
    assert (await bob.refused("removeMember", {"memberId": founder.member_id}))["code"] == "FORBIDDEN"
    events = await founder.organization("auditEvents(first: 1) { nodes { action changes { field after } } }")
    (event,) = events["auditEvents"]["nodes"]
    assert event["action"] == "access.refused"
    assert {"field": "operation", "after": "removeMember"} in event["changes"]


# Leaving


async def test_leaving(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "viewer")
    payload = await bob.do("leaveOrganization", {}, "viewer { organization { id } permissions }")
    assert payload["viewer"] == {"organization": None, "permissions": []}
    assert await bob.organization("id") is None
    assert await status_of(founder, bob.member_id) is None
    error = await bob.refused("leaveOrganization", {})
    assert (error["code"], error["field"]) == ("REQUIRED", "organizationId")


async def test_leaving_what_one_is_not_in(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    for id in (founder.organization_id, founder.member_id, "org_junk", "", founder.organization_id[:-1] + "!"):
        error = await stranger.refused("leaveOrganization", {"organizationId": id})
        assert (error["code"], error["field"]) == ("NOT_FOUND", "organizationId"), id


# Handing the ownership over


async def test_transferring_the_ownership(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "viewer")
    payload = await founder.do("transferOwnership", {"memberId": bob.member_id}, "member { id roles { key } }")
    assert payload["member"] == {"id": bob.member_id, "roles": [{"key": "owner"}]}
    assert await role_keys(bob, founder.member_id) == ["admin"]
    assert (await founder.refused("transferOwnership", {"memberId": bob.member_id}))["code"] == "FORBIDDEN"
    # The new owner can do what only an owner may, to the old one too
    await bob.do("transferOwnership", {"memberId": founder.member_id, "ownRole": "member"})
    assert await role_keys(founder, founder.member_id) == ["owner"]
    assert await role_keys(founder, bob.member_id) == ["member"]


async def test_only_owners_transfer(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    for actor in await cast(founder, mailbox, "admin", "member", "viewer"):
        for target in (actor, founder):
            error = await actor.refused("transferOwnership", {"memberId": target.member_id})
            assert (error["code"], error["field"]) == ("FORBIDDEN", "memberId")
    assert await role_keys(founder, founder.member_id) == ["owner"]


async def test_what_cannot_be_transferred(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")

    async def refused(member_id: str, **input: str) -> tuple[str, str]:
        error = await founder.refused("transferOwnership", {"memberId": member_id} | input)
        return error["code"], error["field"]

    assert await refused(founder.member_id) == ("ALREADY_DONE", "memberId")
    assert await refused(stranger.member_id) == ("NOT_FOUND", "memberId")
    assert await refused(bob.member_id, ownRole="nothing") == ("NOT_FOUND", "ownRole")
    assert await refused(bob.member_id, ownRole="owner") == ("INVALID", "ownRole")
    await founder.do("suspendMember", {"memberId": bob.member_id})
    assert await refused(bob.member_id) == ("INVALID", "memberId")
    assert await role_keys(founder, founder.member_id) == ["owner"]
    assert await role_keys(founder, bob.member_id) == ["member"]


# The last owner


async def _ways_out(person: Person) -> list[tuple[str, dict[str, Any]]]:
    """Everything by which an owner could cease to be one."""
    id = {"memberId": person.member_id}
    (grant,) = [g for g in await grants_of(person, person.member_id) if g["role"]["key"] == "owner"]
    return [
        ("removeMember", id),
        ("suspendMember", id),
        *(("setMemberRole", id | {"role": role}) for role in ("admin", "member", "viewer")),
        ("revokeGrant", {"grantId": grant["id"]}),
        ("grantRole", id | {"role": "owner", "expiresAt": LATER}),
        ("leaveOrganization", {"organizationId": person.organization_id}),
    ]


async def _stays(person: Person) -> None:
    """The person is the last owner, and cannot cease to be it."""
    for mutation, input in await _ways_out(person):
        assert (await person.refused(mutation, input))["code"] == "LAST_OWNER", mutation
    error = await person.refused("deleteAccount", {"password": "correct horse battery"})
    assert error["code"] == "LAST_OWNER"
    assert await status_of(person, person.member_id) == "ACTIVE"
    assert "owner" in await role_keys(person, person.member_id)
    assert "organization:delete" in (await person.query(ACCESS))["viewer"]["permissions"]


async def test_the_last_owner_stays(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    await cast(founder, mailbox, "admin")
    await _stays(founder)


async def test_an_owner_for_a_time_does_not_count(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")
    granted = {"memberId": bob.member_id, "role": "owner"}
    await founder.do("grantRole", granted | {"expiresAt": LATER})
    await _stays(founder)
    # Made permanent, it counts
    await founder.do("grantRole", granted)
    await founder.do("leaveOrganization", {"organizationId": founder.organization_id})


async def test_a_suspended_owner_does_not_count(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "owner")
    await founder.do("suspendMember", {"memberId": bob.member_id})
    await _stays(founder)
    await founder.do("reactivateMember", {"memberId": bob.member_id})
    await founder.do("suspendMember", {"memberId": founder.member_id})


async def test_an_owner_of_a_workspace_does_not_count(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    await cast(founder, mailbox, "owner", workspaceIds=[await founder.workspace()])
    await _stays(founder)


async def test_every_way_out_is_open_with_a_second_owner(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    others = await cast(founder, mailbox, *["owner"] * 8)
    for number, other in enumerate(others):
        ways = await _ways_out(other)
        assert len(ways) == len(others)
        mutation, input = ways[number]
        await other.do(mutation, input)
        query = "query ($id: ID!) { node(id: $id) { ... on Member { status grants { role { key } expiresAt } } } }"
        left = (await founder.query(query, {"id": other.member_id}))["node"]
        permanent = [g for g in left["grants"] if g == {"role": {"key": "owner"}, "expiresAt": None}] if left else []
        assert not permanent or left["status"] == "SUSPENDED", mutation
    await _stays(founder)


# Lists


async def _listed(viewer: Person, arguments: str, variables: str = "", **values: Any) -> list[str]:
    selection = f"members({arguments}) {{ nodes {{ user {{ email }} }} totalCount }}"
    members = (await viewer.organization(selection, variables, **values))["members"]
    emails = [node["user"]["email"] for node in members["nodes"]]
    assert members["totalCount"] == len(emails)
    return emails


async def test_filters(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    admin, member, viewer = await cast(founder, mailbox, "admin", "member", "viewer")
    (limited,) = await cast(founder, mailbox, "member", workspaceIds=[workspace])
    await founder.do("suspendMember", {"memberId": viewer.member_id})

    async def listed(**filter: Any) -> set[str]:
        return set(await _listed(founder, "filter: $filter", ", $filter: MemberFilter", filter=filter))

    everybody = {person.email for person in (founder, admin, member, viewer, limited)}
    assert await listed() == everybody
    assert await listed(role="member") == {member.email, limited.email}
    roles = (await founder.organization("roles { nodes { id key } }"))["roles"]["nodes"]
    ids = {role["key"]: role["id"] for role in roles}
    assert await listed(role=ids["admin"]) == {admin.email}
    assert await listed(role="nothing") == set()
    assert await listed(status="SUSPENDED") == {viewer.email}
    assert await listed(status="ACTIVE") == everybody - {viewer.email}
    assert await listed(workspaceId=workspace) == {founder.email, admin.email, limited.email}
    assert await listed(workspaceId=workspace, role="member") == {limited.email}
    assert await listed(search=admin.email.upper()) == {admin.email}
    assert await listed(search=f"  {admin.email[:-8]} ") == {admin.email}
    assert await listed(search=" ") == everybody
    assert await listed(status="SUSPENDED", role="member") == set()


async def test_a_role_that_has_expired_does_not_match(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")
    grant = (await founder.do("grantRole", {"memberId": bob.member_id, "role": "viewer"}, "grant { id }"))["grant"][
        "id"
    ]
    assert await _listed(founder, 'filter: {role: "viewer"}') == [bob.email]
    await sql(server, "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE id = $1", parse_any_id(grant))
    assert await _listed(founder, 'filter: {role: "viewer"}') == []
    assert await role_keys(founder, bob.member_id) == ["member"]


async def test_a_foreign_workspace_is_no_filter(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    query = (
        "query ($org: ID!, $ws: ID!) { organization(id: $org) { members(filter: {workspaceId: $ws}) { totalCount } } }"
    )
    for id in (await stranger.workspace(), founder.member_id, "ws_junk"):
        answer = await founder.execute(query, {"org": founder.organization_id, "ws": id})
        assert (answer.codes, answer.body["data"]["organization"]["members"]) == (["BAD_REQUEST"], None), id


@pytest.mark.parametrize(
    ("search", "found"),
    [("100%", ["100% Ann"]), ("%", ["100% Ann"]), ("_", ["Ann_Bob"]), ("\\", ["Ann\\Bob"]), ("ann\\b", ["Ann\\Bob"])],
)
async def test_search_is_literal(server: Server, mailbox: Mailbox, search: str, found: list[str]) -> None:
    founder = await owner(server, mailbox)
    names = iter(("100% Ann", "Ann_Bob", "Ann\\Bob", "AnnxBob"))
    for person in (founder, *await cast(founder, mailbox, "member", "member", "member")):
        await person.do("updateProfile", {"name": next(names)})
    selection = "members(filter: {search: $search}) { nodes { user { name } } totalCount }"
    members = (await founder.organization(selection, ", $search: String!", search=search))["members"]
    assert [node["user"]["name"] for node in members["nodes"]] == found
    assert members["totalCount"] == len(found)


async def test_odd_text_is_no_accident(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    query = (
        "query ($id: ID!, $filter: MemberFilter) { organization(id: $id) { members(filter: $filter) { totalCount } } }"
    )
    for filter in ({"search": "a\0b"}, {"role": "a\0b"}, {"role": "{}"}, {"search": "{}"}, {"workspaceId": "a\0b"}):
        answer = await founder.execute(query, {"id": founder.organization_id, "filter": filter})
        assert "INTERNAL" not in answer.codes, filter


async def test_orders(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    people = [founder]
    for name in ("bb", "dd", "aa"):
        people.append(
            await join(founder, mailbox, email=f"{unique({'bb': 'z', 'dd': 'y', 'aa': 'x'}[name])}@example.com")
        )
        await people[-1].do("updateProfile", {"name": name})
    await founder.do("updateProfile", {"name": "cc"})
    expected = {
        "JOINED_AT": people,
        "NAME": [people[3], people[1], founder, people[2]],
        "EMAIL": sorted(people, key=lambda person: person.email),
    }
    for field, order in expected.items():
        emails = [person.email for person in order]
        assert await _listed(founder, f"orderBy: {{field: {field}}}") == emails, field
        assert await _listed(founder, f"orderBy: {{field: {field}, direction: ASC}}") == emails, field
        assert await _listed(founder, f"orderBy: {{field: {field}, direction: DESC}}") == emails[::-1], field
    assert await _listed(founder, "first: 100") == [person.email for person in people]


async def test_permissions_and_where_they_come_from(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace, other = await founder.workspace(), await founder.workspace()
    (bob,) = await cast(founder, mailbox, "viewer")
    await founder.do("grantRole", {"memberId": bob.member_id, "role": "member", "workspaceId": workspace})
    selection = "{ permission grants { role { key } workspace { id } } }"
    query = f"""query ($id: ID!, $ws: ID!, $other: ID!) {{ node(id: $id) {{ ... on Member {{
        wide: permissions {selection} here: permissions(workspaceId: $ws) {selection}
        there: permissions(workspaceId: $other) {selection}
        junk: permissions(workspaceId: "ws_junk") {selection} }} }} }}"""
    held = (await founder.query(query, {"id": bob.member_id, "ws": workspace, "other": other}))["node"]
    wide = {"role": {"key": "viewer"}, "workspace": None}
    here = {"role": {"key": "member"}, "workspace": {"id": workspace}}
    assert held["wide"] == [{"permission": name, "grants": [wide]} for name in ("content:read", "members:read")]
    assert held["here"] == [
        {"permission": "content:read", "grants": [wide, here]},
        {"permission": "content:write", "grants": [here]},
        {"permission": "members:read", "grants": [wide, here]},
    ]
    assert held["there"] == held["junk"] == []
    # And so does the server judge
    viewer = (await bob.query("{ viewer { permissions } }", Orgraph_Workspace=workspace))["viewer"]
    assert viewer["permissions"] == [row["permission"] for row in held["here"]]


async def test_workspaces_of_a_member_as_far_as_the_viewer_enters_them(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    shared, hidden = await founder.workspace(), await founder.workspace()
    ann, bob = await cast(founder, mailbox, "member", "member")
    for person, places in ((ann, [shared]), (bob, [shared, hidden])):
        for place in places:
            await founder.do("grantRole", {"memberId": person.member_id, "role": "member", "workspaceId": place})
    query = """query ($id: ID!) { node(id: $id) { ... on Member {
        workspaces { nodes { id } totalCount } grants { workspace { id } } } } }"""

    async def seen(viewer: Person, member: Person) -> tuple[list[str], list[str | None]]:
        node = (await viewer.query(query, {"id": member.member_id}))["node"]
        assert node["workspaces"]["totalCount"] == len(node["workspaces"]["nodes"])
        places = [grant["workspace"] and grant["workspace"]["id"] for grant in node["grants"]]
        return [place["id"] for place in node["workspaces"]["nodes"]], places

    assert await seen(founder, bob) == ([shared, hidden], [None, shared, hidden])
    assert await seen(ann, bob) == ([shared], [None, shared])
    assert await seen(bob, ann) == ([shared], [None, shared])
    assert await seen(ann, founder) == ([shared], [None])
    await founder.do("removeMember", {"memberId": ann.member_id})
    assert (await ann.query(query, {"id": bob.member_id}))["node"] is None


async def test_a_member_of_one_workspace_sees_only_it(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace, other = await founder.workspace(), await founder.workspace()
    (outsider,) = await cast(founder, mailbox, "member")
    bob, colleague = await cast(founder, mailbox, "viewer", "member", workspaceIds=[workspace])
    answer = await bob.execute(
        "query ($id: ID!) { organization(id: $id) { id members { totalCount } workspaces { nodes { id } } } }",
        {"id": bob.organization_id},
    )
    assert answer.codes == ["FORBIDDEN"]
    (error,) = answer.body["errors"]
    assert (error["path"], error["extensions"]["permission"]) == (["organization", "members"], "members:read")
    assert answer.body["data"]["organization"]["members"] is None
    assert answer.body["data"]["organization"]["workspaces"]["nodes"] == [{"id": workspace}]

    query = "query ($id: ID!) { workspace(id: $id) { members { nodes { id user { email } } } } }"
    members = (await bob.query(query, {"id": workspace}))["workspace"]["members"]["nodes"]
    assert {member["user"]["email"] for member in members} == {founder.email, bob.email, colleague.email}
    assert (await bob.query(query, {"id": other}))["workspace"] is None
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await bob.query(node, {"id": outsider.member_id}))["node"] is None
    assert (await bob.query(node, {"id": bob.member_id}))["node"] == {"id": bob.member_id}
    for member in members:  # what is listed can be fetched anew
        assert (await bob.query(node, {"id": member["id"]}))["node"] == {"id": member["id"]}, member


async def test_a_stranger_sees_nothing(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    stranger.organization_id = founder.organization_id
    assert await stranger.organization("members { totalCount }") is None
    assert await status_of(stranger, founder.member_id) is None
    answer = await Client(server).execute(
        "query ($id: ID!) { organization(id: $id) { members { totalCount } } }", {"id": founder.organization_id}
    )
    assert answer.codes == ["UNAUTHENTICATED"]


# Ids


async def test_ids_that_are_nothing_here(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    (own_grant,) = await grants_of(founder, founder.member_id)
    (foreign_grant,) = await grants_of(stranger, stranger.member_id)
    member = ("memberId", "mem", stranger.member_id, founder.member_id)
    for mutation, (field, prefix, foreign, own), rest in (
        ("removeMember", member, {}),
        ("suspendMember", member, {}),
        ("reactivateMember", member, {}),
        ("transferOwnership", member, {}),
        ("setMemberRole", member, {"role": "member"}),
        ("grantRole", member, {"role": "member"}),
        ("revokeGrant", ("grantId", "grant", foreign_grant["id"], own_grant["id"]), {}),
    ):
        unknown = f"{foreign[:-4]}0000"
        of_other_types = (founder.user_id, founder.organization_id, f"user_{own.rpartition('_')[2]}")
        junk = ("", "junk", f"{prefix}_", f"{prefix}_{'z' * 26}", f"{prefix}_{'u' * 26}", own[-26:], "é" * 26, "a\0b")
        messages = set()
        for id in (foreign, unknown, *of_other_types, *junk):
            error = await founder.refused(mutation, {field: id} | rest)
            assert (error["code"], error["field"]) == ("NOT_FOUND", field), (mutation, id)
            messages.add(error["message"])
        assert len(messages) == 1  # nobody can tell what exists elsewhere from what does not
    assert await status_of(stranger, stranger.member_id) == "ACTIVE"
    assert await role_keys(stranger, stranger.member_id) == ["owner"]


async def test_somebody_without_any_organization(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    loner = await verify(await sign_up(server), mailbox)
    for mutation in ("removeMember", "suspendMember", "reactivateMember", "transferOwnership"):
        error = await loner.refused(mutation, {"memberId": founder.member_id})
        assert (error["code"], error["field"]) == ("NOT_FOUND", "memberId")
