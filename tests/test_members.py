"""Members: who may remove and suspend whom, and what becomes of them."""

import pytest

from tests.factories import ROLES, Client, cast, grants_of, owner, sign_in, unique
from tests.members import ACCESS, status_of
from tests.servers import Mailbox, Server

# Whoever acts in a row, on whom in a column (in ROLES' order)
TABLE = {
    "owner": ("done", "done", "done", "done"),
    "admin": ("ABOVE_YOUR_ROLE", "ABOVE_YOUR_ROLE", "done", "done"),
    "member": ("FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"),
    "viewer": ("FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"),
}


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
