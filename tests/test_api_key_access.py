"""What API keys open: never more than their role, nor than who answers for them, and nothing that is for people."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.api_keys import Key, custom_role, end_account, key_events, mint, permissions, rotated, works
from tests.factories import (
    LATER,
    PASSWORD,
    Client,
    Person,
    cast,
    closed,
    grants_of,
    invite,
    join,
    owner,
    refusal,
    sign_up,
    unique,
)
from tests.organizations import NOWHERE
from tests.servers import Mailbox, Server
from tests.streams import grant

FORBIDDEN = "FORBIDDEN"
DONE = "done"


def actor_of(key: Key, event: dict[str, Any]) -> bool:
    return (event["actor"]["type"], event["actor"]["id"]) == ("API_KEY", key.id)


# The viewer


async def test_the_viewer_of_a_key(boss: Person) -> None:
    workspace = await boss.workspace()
    query = """{ viewer { user { id } apiKey { id name role { key } workspace { id } createdBy { id } } session { id }
        sessions { id } organization { id } workspace { id } memberships { totalCount } permissions
        may: can(permission: "members:invite") mayNot: can(permission: "organization:delete")
        there: can(permission: "members:invite", on: "%s") nowhere: can(permission: "members:invite", on: "%s")
        invitations { id } restorableOrganizations { id } organizationsRequiringMfa { id } } }"""
    for place in (None, workspace):
        key = await mint(boss, "admin", workspaceId=place, name="Backend")
        viewer = (await key.query(query % (workspace, NOWHERE)))["viewer"]
        assert viewer["apiKey"] == {
            "id": key.id,
            "name": "Backend",
            "role": {"key": "admin"},
            "workspace": place and {"id": place},
            "createdBy": {"id": boss.user_id},
        }
        assert (viewer["user"], viewer["session"], viewer["memberships"]) == (None, None, None)
        lists = ("sessions", "invitations", "restorableOrganizations", "organizationsRequiringMfa")
        assert [viewer[name] for name in lists] == [[]] * 4
        assert viewer["organization"] == {"id": boss.organization_id}
        assert viewer["workspace"] == (place and {"id": place})
        assert (viewer["may"], viewer["mayNot"]) == (True, False)
        assert (viewer["there"], viewer["nowhere"]) == (True, False)
        assert "api_keys:manage" in viewer["permissions"]
        assert "organization:delete" not in viewer["permissions"]
    assert (await boss.query("{ viewer { apiKey { id } } }"))["viewer"] == {"apiKey": None}


# What a key can do

Given = Callable[[SimpleNamespace], dict[str, Any] | None]
FOR_ANYBODY = ("signUp", "signIn", "requestPasswordReset", "issueAccessToken")


def nothing(it: SimpleNamespace) -> None:
    """There is no input."""


MUTATIONS: list[tuple[str, Given, str]] = [
    # Accounts: those that are for anybody, and those that are for people
    ("signUp", lambda it: {"email": f"{unique('new')}@example.com", "password": PASSWORD, "name": "New"}, DONE),
    ("signIn", lambda it: {"email": it.bob.email, "password": PASSWORD}, DONE),
    ("verifyEmail", lambda it: {"token": "junk"}, "EXPIRED"),
    ("requestPasswordReset", lambda it: {"email": it.bob.email}, DONE),
    ("resetPassword", lambda it: {"token": "junk", "password": PASSWORD}, "EXPIRED"),
    ("signOut", nothing, FORBIDDEN),
    ("requestEmailVerification", nothing, FORBIDDEN),
    ("changePassword", lambda it: {"currentPassword": PASSWORD, "newPassword": PASSWORD + "!"}, FORBIDDEN),
    ("updateProfile", lambda it: {"name": "Bot"}, FORBIDDEN),
    ("revokeSession", lambda it: {"sessionId": it.session}, "FORBIDDEN"),
    ("revokeOtherSessions", nothing, FORBIDDEN),
    ("deleteAccount", lambda it: {"password": PASSWORD}, FORBIDDEN),
    ("enrolTotp", nothing, FORBIDDEN),
    ("confirmTotp", lambda it: {"code": "123456"}, FORBIDDEN),
    ("disableTotp", lambda it: {"password": PASSWORD, "code": "123456"}, FORBIDDEN),
    ("createOrganization", lambda it: {"name": "Of a bot"}, FORBIDDEN),
    ("switchOrganization", lambda it: {"organizationId": it.organization}, FORBIDDEN),
    ("restoreOrganization", lambda it: {"organizationId": it.organization}, FORBIDDEN),
    ("switchWorkspace", lambda it: {"workspaceId": it.workspace}, FORBIDDEN),
    ("leaveWorkspace", lambda it: {"workspaceId": it.workspace}, FORBIDDEN),
    ("leaveOrganization", lambda it: {}, FORBIDDEN),
    ("acceptInvitation", lambda it: {"invitationId": it.invitation}, FORBIDDEN),
    ("declineInvitation", lambda it: {"invitationId": it.invitation}, FORBIDDEN),
    ("setAvailability", lambda it: {"availability": "BUSY"}, FORBIDDEN),
    ("transferOwnership", lambda it: {"memberId": it.bob.member_id}, FORBIDDEN),
    # What its role allows
    ("issueAccessToken", lambda it: {}, DONE),
    ("updateOrganization", lambda it: {"description": "By a bot"}, DONE),
    ("updateOrganizationSettings", lambda it: {"settings": [{"key": "session_timeout_minutes", "value": 60}]}, DONE),
    (
        "updateWorkspaceSettings",
        lambda it: {"workspaceId": it.workspace, "settings": [{"key": "mfa_required", "value": True}]},
        "NOT_FOUND",
    ),
    ("createWorkspace", lambda it: {"name": "By a bot", "switch": True}, DONE),
    ("updateWorkspace", lambda it: {"workspaceId": it.workspace, "name": "Here"}, DONE),
    ("inviteMembers", lambda it: {"invitations": [{"email": f"{unique('x')}@example.com", "role": "admin"}]}, DONE),
    ("resendInvitation", lambda it: {"invitationId": it.invitation}, DONE),
    ("revokeInvitation", lambda it: {"invitationId": it.invitation}, DONE),
    ("suspendMember", lambda it: {"memberId": it.bob.member_id}, DONE),
    ("reactivateMember", lambda it: {"memberId": it.bob.member_id}, DONE),
    ("grantRole", lambda it: {"memberId": it.bob.member_id, "role": "owner", "expiresAt": LATER}, DONE),
    ("setMemberRole", lambda it: {"memberId": it.bob.member_id, "role": "viewer"}, DONE),
    ("revokeGrant", lambda it: {"grantId": it.grant}, DONE),
    ("removeMember", lambda it: {"memberId": it.bob.member_id}, DONE),
    ("createRole", lambda it: {"name": unique("By a bot "), "permissions": ["audit:read"]}, DONE),
    ("updateRole", lambda it: {"roleId": it.role, "permissions": ["content:read"]}, DONE),
    ("deleteRole", lambda it: {"roleId": it.role}, DONE),
    ("createApiKey", lambda it: {"name": "Bot's", "role": "owner"}, DONE),
    ("rotateApiKey", lambda it: {"apiKeyId": it.other.id}, DONE),
    ("revokeApiKey", lambda it: {"apiKeyId": it.other.id}, DONE),
    ("deleteWorkspace", lambda it: {"workspaceId": it.workspace, "confirmName": "Here"}, DONE),
    ("restoreWorkspace", lambda it: {"workspaceId": it.workspace}, DONE),
    ("deleteOrganization", lambda it: {"confirmName": it.name}, DONE),
]


async def test_what_keys_can_do_and_what_is_for_people(server: Server, mailbox: Mailbox, quiet: None) -> None:
    """Every mutation of the schema, by a key of the highest role."""
    founder = await owner(server, mailbox)
    bob, carol = await cast(founder, mailbox, "member", "member")
    schema = await founder.query("{ __schema { mutationType { fields { name } } } }")
    assert {field["name"] for field in schema["__schema"]["mutationType"]["fields"]} == {row[0] for row in MUTATIONS}
    (given,) = await grants_of(founder, carol.member_id)
    it = SimpleNamespace(
        bob=bob,
        organization=founder.organization_id,
        name=(await founder.organization("name"))["name"],
        workspace=await founder.workspace("Here"),
        invitation=(await invite(founder))["id"],
        session=(await bob.query("{ viewer { session { id } } }"))["viewer"]["session"]["id"],
        grant=given["id"],
        role=await custom_role(founder, "content:read", "content:write"),
        other=await mint(founder),
    )
    sees_all = await custom_role(founder, "members:read", "api_keys:read", "workspaces:enter_all")
    key, weak = await mint(founder, "owner"), await mint(founder, sees_all)
    for mutation, build, expected in MUTATIONS:
        if expected is DONE and mutation not in FOR_ANYBODY:
            error = await weak.refused(mutation, build(it))
            assert error["code"] == FORBIDDEN, (mutation, error)
            assert error["details"]["permission"], mutation
        if expected is DONE:
            await key.do(mutation, build(it))
        else:
            assert (await key.refused(mutation, build(it)))["code"] == expected, mutation
    assert not await works(key)
    assert await bob.query("{ viewer { session { id } } }")


async def test_the_audit_log_names_the_key(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "viewer")
    key = await mint(founder, "admin", name="Deployer")
    key.organization_id = founder.organization_id
    place = await key.workspace("By the key")
    newcomer = await join(key, mailbox, "member", workspaceIds=[place])
    await grant(key, bob, "member")
    child = await mint(key, "viewer")
    timeout = {"settings": [{"key": "session_timeout_minutes", "value": 90}]}
    await key.do("updateOrganizationSettings", timeout)
    assert (await newcomer.query("{ viewer { organization { id } } }"))["viewer"]["organization"]
    assert "content:write" in await permissions(bob)
    assert await works(child)
    events = {event["action"]: event for event in reversed(await key_events(founder))}
    by_key = ("workspace.created", "invitation.sent", "grant.created", "organization.settings_updated")
    for action in by_key:
        assert events[action]["actor"] == {"type": "API_KEY", "id": key.id, "label": "Deployer"}, action
    assert events["invitation.accepted"]["actor"]["label"] == newcomer.email
    [minted] = [event for event in await key_events(founder, "api_key.created") if event["target"]["id"] == child.id]
    assert actor_of(key, minted)
    # Whoever answers for the key answers for what it has made
    answers = "query ($id: ID!) { node(id: $id) { ... on ApiKey { createdBy { id } } } }"
    assert (await founder.query(answers, {"id": child.id}))["node"] == {"createdBy": {"id": founder.user_id}}
    # A refused attempt is the key's too
    await key.refused("createApiKey", {"name": "Above", "role": "owner"})
    assert actor_of(key, (await key_events(founder, "access.refused"))[0])


async def test_a_key_gives_no_more_than_it_has(boss: Person, mailbox: Mailbox) -> None:
    bob, other_owner = await cast(boss, mailbox, "viewer", "owner")
    key = await mint(boss, "admin")
    above = "ABOVE_YOUR_ROLE"
    assert await refusal(key, "createApiKey", {"name": "Above", "role": "owner"}) == (above, "role")
    assert await refusal(key, "grantRole", {"memberId": bob.member_id, "role": "owner"}) == (above, "role")
    assert await refusal(key, "removeMember", {"memberId": other_owner.member_id}) == (above, "memberId")
    input = {"name": unique("Role "), "permissions": ["organization:delete"]}
    assert await refusal(key, "createRole", input) == (above, "permissions")
    name = (await boss.organization("name"))["name"]
    assert (await key.refused("deleteOrganization", {"confirmName": name}))["code"] == FORBIDDEN
    assert await works(await mint(key, "admin"))


# Places


async def test_a_workspace_key_knows_nothing_else(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    here, there, foreign = await founder.workspace(), await founder.workspace(), await stranger.workspace()
    local, wide = await mint(founder, "owner", workspaceId=here), await mint(founder, "owner")
    await mint(founder, "owner", workspaceId=there)
    (bob,) = await cast(founder, mailbox, "member")
    assert await permissions(local) == await permissions(wide)
    places = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = [here, there, foreign, bob.member_id, stranger.organization_id]
    assert (await local.query(places, {"ids": ids}))["nodes"] == [{"id": here}, None, None, None, None]
    workspaces = await local.organization("name workspaces { totalCount nodes { id } }")
    assert workspaces["workspaces"] == {"totalCount": 1, "nodes": [{"id": here}]}
    for field in ("members", "invitations", "apiKeys", "auditEvents"):
        query = f"query ($id: ID!) {{ organization(id: $id) {{ {field} {{ totalCount }} }} }}"
        answer = await local.execute(query, {"id": founder.organization_id})
        assert (answer.codes, answer.body["data"]["organization"]) == ([FORBIDDEN], {field: None})
        assert (await wide.query(query, {"id": founder.organization_id}))["organization"][field]["totalCount"] > 0
    in_here = "query ($id: ID!) { workspace(id: $id) { members { totalCount } apiKeys { nodes { id } } } }"
    assert (await local.query(in_here, {"id": here}))["workspace"]["apiKeys"] == {"nodes": [{"id": local.id}]}
    assert await local.query(in_here, {"id": there}) == {"workspace": None}
    base = {"name": "Key", "role": "viewer"}
    assert await works(await mint(local, "viewer", workspaceId=here))
    assert await refusal(local, "createApiKey", base) == (FORBIDDEN, "organizationId")
    assert await refusal(local, "createApiKey", base | {"workspaceId": there}) == ("NOT_FOUND", "workspaceId")
    assert await refusal(local, "rotateApiKey", {"apiKeyId": wide.id}) == ("NOT_FOUND", "apiKeyId")
    assert (await local.refused("createWorkspace", {"name": "More"}))["code"] == FORBIDDEN
    assert (await local.refused("updateWorkspace", {"workspaceId": there, "name": "Ours"}))["code"] == "NOT_FOUND"
    await local.do("updateWorkspace", {"workspaceId": here, "name": "Ours"})


async def test_headers_choose_among_what_the_key_enters(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    here, there, foreign = await founder.workspace(), await founder.workspace(), await stranger.workspace()
    wide, local = await mint(founder), await mint(founder, workspaceId=here)
    own, other = founder.organization_id, stranger.organization_id
    query = "{ viewer { organization { id } workspace { id } } }"
    into: list[tuple[Key, dict[str, Any], str | None]] = [
        (wide, {"Orgraph_Organization": own}, None),
        (wide, {"Orgraph_Workspace": here}, here),
        (wide, {"Orgraph_Organization": own, "Orgraph_Workspace": there}, there),
        (local, {"Orgraph_Workspace": here}, here),
        (local, {}, here),
        (local, {"Orgraph_Organization": own}, None),
    ]
    for key, headers, workspace in into:
        viewer = (await key.query(query, **headers))["viewer"]
        assert viewer == {"organization": {"id": own}, "workspace": workspace and {"id": workspace}}, headers
    assert await permissions(local, Orgraph_Organization=own) == set()
    away: list[tuple[Key, dict[str, Any]]] = [
        (wide, {"Orgraph_Organization": other}),
        (wide, {"Orgraph_Organization": NOWHERE}),
        (wide, {"Orgraph_Organization": "junk"}),
        (wide, {"Orgraph_Workspace": foreign}),
        (wide, {"Orgraph_Organization": other, "Orgraph_Workspace": here}),
        (local, {"Orgraph_Workspace": there}),
        (local, {"Orgraph_Organization": other}),
    ]
    for key, headers in away:
        assert closed(await key.execute(query, **headers)), headers
    dead = Client(server, f"{wide.token}x")
    assert (await dead.execute(query, Orgraph_Organization=own)).codes == ["UNAUTHENTICATED"]


async def test_keys_die_with_their_place_and_come_back_with_it(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    place = await founder.workspace("Place")
    local, wide = await mint(founder, workspaceId=place), await mint(founder)
    await founder.do("deleteWorkspace", {"workspaceId": place, "confirmName": "Place"})
    assert [await works(key) for key in (local, wide)] == [False, True]
    await founder.do("restoreWorkspace", {"workspaceId": place})
    assert await works(local)
    id, name = founder.organization_id, (await founder.organization("name"))["name"]
    await founder.do("deleteOrganization", {"organizationId": id, "confirmName": name})
    assert [await works(key) for key in (local, wide)] == [False, False]
    await founder.do("restoreOrganization", {"organizationId": id})
    assert [await works(key) for key in (local, wide)] == [True, True]


# Who answers for a key


async def test_a_key_has_no_more_than_who_answers_for_it(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    here, there = await founder.workspace(), await founder.workspace()
    admin, bob = await cast(founder, mailbox, "admin", "viewer")
    wide, local = await mint(admin), await mint(admin, workspaceId=there)
    everything = await permissions(wide)
    assert everything == await permissions(admin)
    assert await permissions(local) == everything
    await founder.do("setMemberRole", {"memberId": admin.member_id, "role": "member"})
    assert await permissions(wide) == {"members:read", "content:read", "content:write"}
    # It manages nobody, and enters no workspace that its creator does not
    assert (await wide.refused("removeMember", {"memberId": bob.member_id}))["code"] == FORBIDDEN
    assert (await wide.organization("workspaces { totalCount }"))["workspaces"]["totalCount"] == 0
    assert closed(await wide.execute("{ viewer { permissions } }", Orgraph_Workspace=here))
    assert await works(local)
    assert await permissions(local) == set()
    assert (await local.query("{ viewer { workspace { id } } }"))["viewer"]["workspace"] is None
    assert await local.query("query ($id: ID!) { workspace(id: $id) { id } }", {"id": there}) == {"workspace": None}
    # Where the creator is something, so is the key, and no more
    role = await custom_role(founder, "members:grant", "content:read")
    await founder.do("grantRole", {"memberId": admin.member_id, "role": role, "workspaceId": there})
    assert await permissions(local) == {"members:read", "content:read", "content:write", "members:grant"}
    await grant(founder, bob, workspaceId=there)
    own = {"memberId": bob.member_id, "role": "owner", "workspaceId": there}
    assert await refusal(local, "grantRole", own) == ("ABOVE_YOUR_ROLE", "role")
    # Rotated by somebody who has more, it has its role's permissions again, and they answer for it
    await rotated(founder, wide)
    assert await permissions(wide) == everything
    answers = "query ($id: ID!) { node(id: $id) { ... on ApiKey { createdBy { id } } } }"
    assert (await founder.query(answers, {"id": wide.id}))["node"] == {"createdBy": {"id": founder.user_id}}


async def test_a_key_manages_only_whom_its_creator_manages(boss: Person, mailbox: Mailbox) -> None:
    second, admin, other = await cast(boss, mailbox, "owner", "admin", "admin")
    key = await mint(second, "owner")
    await key.do("suspendMember", {"memberId": admin.member_id})
    await boss.do("setMemberRole", {"memberId": second.member_id, "role": "admin"})
    assert "members:suspend" in await permissions(key)
    for mutation in ("suspendMember", "removeMember"):
        assert await refusal(key, mutation, {"memberId": other.member_id}) == ("ABOVE_YOUR_ROLE", "memberId")
    rows = [{"email": f"{unique('x')}@example.com", "role": role} for role in ("admin", "member")]
    invited = await key.do("inviteMembers", {"invitations": rows}, "results { userErrors { code } }")
    assert [row["userErrors"] for row in invited["results"]] == [[{"code": "ABOVE_YOUR_ROLE"}], []]


async def test_what_the_creator_gains_the_key_does_not(boss: Person, mailbox: Mailbox) -> None:
    (admin,) = await cast(boss, mailbox, "admin")
    key = await mint(admin, "viewer")
    await grant(boss, admin, "owner")
    assert await permissions(key) == {"members:read", "content:read"}


async def _suspend(founder: Person, admin: Person) -> None:
    await founder.do("suspendMember", {"memberId": admin.member_id})


async def _remove(founder: Person, admin: Person) -> None:
    await founder.do("removeMember", {"memberId": admin.member_id})


async def _delete_account(founder: Person, admin: Person) -> None:
    await end_account(admin)


@pytest.mark.parametrize("leave", [_suspend, _remove, _delete_account])
async def test_a_key_dies_with_its_creators_membership(
    server: Server, boss: Person, mailbox: Mailbox, leave: Callable[[Person, Person], Awaitable[None]]
) -> None:
    (admin,) = await cast(boss, mailbox, "admin")
    key, other = await mint(admin), await mint(boss)
    await leave(boss, admin)
    assert [await works(each) for each in (key, other)] == [False, True]
    query = """query ($id: ID!) { node(id: $id) { ... on ApiKey {
        id createdBy { id } viewerCan { rotateApiKey { allowed } } } } }"""
    seen = (await boss.query(query, {"id": key.id}))["node"]
    assert (seen["id"], seen["viewerCan"]) == (key.id, {"rotateApiKey": {"allowed": True}})
    assert seen["createdBy"] == (None if leave is _delete_account else {"id": admin.user_id})
    # Somebody else takes it over
    revived = await rotated(boss, key)
    assert await works(revived)
    assert await works(key)  # within the overlap
    assert (await boss.query(query, {"id": key.id}))["node"]["createdBy"] == {"id": boss.user_id}


async def test_a_suspended_creators_key_comes_back_with_them(boss: Person, mailbox: Mailbox) -> None:
    (admin,) = await cast(boss, mailbox, "admin")
    key = await mint(admin)
    await _suspend(boss, admin)
    assert not await works(key)
    await boss.do("reactivateMember", {"memberId": admin.member_id})
    assert await works(key)


async def test_the_creators_address_counts(server: Server, mailbox: Mailbox) -> None:
    """A key invites only where who answers for it has proven their address, as they do themselves."""
    unverified = await sign_up(server, organizationName=unique("Organization "))
    key = await mint(unverified)
    rows = {"invitations": [{"email": f"{unique('x')}@example.com", "role": "viewer"}]}
    assert (await key.refused("inviteMembers", rows))["code"] == "EMAIL_NOT_VERIFIED"
