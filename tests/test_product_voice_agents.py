"""The acceptance test of a call-automation platform, row by row of PRODUCTS.md, as its frontend would walk it.

What is about security, V7 to V10, has a file of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests import isolation
from tests import test_product_voice_agents_security as security
from tests.acceptance import LETTER, backend, granted, inviting, outcome, permissions_of, reads, viewer
from tests.factories import PASSWORD, Client, Person, cast, grants_of, invite, owner, sign_in, sign_up, unique
from tests.products import checked, walked
from tests.servers import Mailbox, Server
from tests.streams import by_websocket, take
from tests.streams import refusal as end_of

CATALOGUE = "voice-agents"
ROWS = [f"V{number}" for number in range(1, 11)]
LEFT_OUT: dict[str, str] = {}

ROLES = ("owner", "admin", "member", "support_agent", "viewer")
NOT_FOR_ADMINS = {"billing:manage", "api_keys:read", "api_keys:manage", "organization:delete", "organization:transfer"}
RIGHTS = {
    "member": {"playground:use", "calls:read", "live:monitor"},
    "support_agent": {"escalations:read", "calls:claim", "live:whisper", "live:barge", "availability:set"},
    "viewer": {"analytics:read", "calls:read", "agents:read"},
}
"""What the row says of the roles that manage nothing."""

Team = dict[str, Person]


def test_every_row_is_walked() -> None:
    assert walked(ROWS, LEFT_OUT, [*globals(), *vars(security)])
    assert set(security.LEFT_OUT_PARTS) <= set(ROWS)


@pytest.fixture(scope="module")
async def platform(product: Callable[[str], Awaitable[Server]]) -> Server:
    return await product(CATALOGUE)


@pytest.fixture(scope="module")
async def team(platform: Server, mailbox: Mailbox) -> Team:
    """One of each role; tests leave them as they are."""
    boss = await owner(platform, mailbox)
    return {"owner": boss} | dict(zip(ROLES[1:], await cast(boss, mailbox, *ROLES[1:]), strict=True))


async def owners_of(person: Person) -> int:
    selection = 'members(filter: {role: "owner", status: ACTIVE}) { totalCount }'
    return int((await person.organization(selection))["members"]["totalCount"])


# Signing up


async def test_v1_signing_up_creates_the_organization_and_its_owner(platform: Server) -> None:
    """Signing up creates the organization, and its owner."""
    name = unique("Calls ")
    person = await sign_up(platform, organizationName=name)
    seen = await viewer(
        person, "organization { name plan { key } } permissions memberships { nodes { roles { key } } }"
    )
    assert seen["organization"] == {"name": name, "plan": {"key": "starter"}}
    assert seen["memberships"] == {"nodes": [{"roles": [{"key": "owner"}]}]}
    assert set(seen["permissions"]) == await permissions_of(platform)
    # Who founds nothing belongs to nothing; what cannot be founded makes no account either
    nobody = await sign_up(platform)
    assert await viewer(nobody, "organization { id } permissions") == {"organization": None, "permissions": []}
    refused = {"email": f"{unique('blank')}@example.com", "password": PASSWORD, "name": "A", "organizationName": " "}
    assert await outcome(Client(platform), "signUp", refused) == "REQUIRED"
    credentials = {"email": refused["email"], "password": PASSWORD}
    assert await outcome(Client(platform), "signIn", credentials) == "WRONG_CREDENTIALS"


# Isolation


@pytest.fixture(scope="module")
async def tenants(platform: Server, mailbox: Mailbox) -> list[isolation.Tenant]:
    return [await isolation.tenant(platform, mailbox), await isolation.tenant(platform, mailbox)]


@pytest.mark.parametrize("way", isolation.WAYS, ids=lambda way: way.__name__)
async def test_v2_nothing_reaches_across(tenants: list[isolation.Tenant], way: isolation.Way) -> None:
    """Everything is invisible to every other organization; no id, slug, cursor, search or subscription reaches
    across: whatever names something of the other is answered as though it never was.
    """
    await way(*tenants)


# Roles


async def test_v3_what_the_roles_may_do_in_the_product(platform: Server, team: Team) -> None:
    """Five roles, as the product's backend asks for them: who may do what with agents, calls, billing, the team."""
    everything = await permissions_of(platform)
    rights = RIGHTS | {"owner": everything, "admin": everything - NOT_FOR_ADMINS}
    asker = await backend(team["owner"])
    for role, person in team.items():
        assert await granted(asker, person, everything) == rights[role], role
        assert set((await viewer(person, "permissions"))["permissions"]) == rights[role], role
    # To be asked about by others takes a key that may ask
    about = {
        "permission": "calls:read",
        "userId": team["viewer"].user_id,
        "organizationId": team["owner"].organization_id,
    }
    assert await checked(await backend(team["owner"], "viewer"), about) == ["FORBIDDEN"]
    assert await checked(team["member"], about) == ["FORBIDDEN"]
    assert await checked(team["admin"], about) == ["GRANTED"]


async def test_v3_what_the_roles_may_do_with_the_team(platform: Server, team: Team, mailbox: Mailbox) -> None:
    """Owner: API keys included, invites and removes anyone. Admin: the team below owner, no billing. The others:
    nothing, and they do not even see the others.
    """
    boss = team["owner"]
    organization = {"organizationId": boss.organization_id}
    setting = organization | {"settings": [{"key": "mfa_required", "value": False}]}
    refused = ["FORBIDDEN"] * 4 + ["NOT_FOUND"] * 4
    expected = dict.fromkeys(RIGHTS, refused) | {
        "owner": ["done"] * 8,
        "admin": ["FORBIDDEN", *["done"] * 7],
    }
    for role, person in team.items():
        target = (await cast(boss, mailbox, "viewer"))[0]
        about = {"memberId": target.member_id}
        acts: list[tuple[str, dict[str, Any]]] = [
            ("createApiKey", organization | {"name": "Key", "role": "viewer"}),
            ("inviteMembers", inviting(boss, f"{unique('x')}@example.com", "member")),
            ("updateOrganization", organization | {"description": unique("Calls ")}),
            ("updateOrganizationSettings", setting),
            ("setMemberRole", about | {"role": "support_agent"}),
            ("suspendMember", about),
            ("reactivateMember", about),
            ("removeMember", about),
        ]
        assert [await outcome(person, *act) for act in acts] == expected[role], role
        ends = [
            await outcome(person, "deleteOrganization", organization | {"confirmName": "Not its name"}),
            await outcome(person, "setAvailability", organization | {"availability": "OFFLINE"}),
        ]
        may_be_available = role in ("owner", "admin", "support_agent")
        assert ends == [
            "CONFIRMATION_MISMATCH" if role == "owner" else "FORBIDDEN",
            "done" if may_be_available else "FORBIDDEN",
        ], role


async def test_v3_what_the_roles_see_of_the_team(team: Team) -> None:
    """Team, settings, audit log and API keys: the owner sees all of it, the admin no API keys, the others nothing."""
    lists = ("members", "invitations", "auditEvents", "apiKeys")
    fields = [f"{name} {{ totalCount }}" for name in lists] + [
        "settings { key }",
        "seats { used }",
        "checklist { key }",
    ]
    for role, person in team.items():
        seen = await reads(person, person.organization_id, *fields)
        shown = {"owner": set(seen), "admin": set(seen) - {"apiKeys"}}.get(role, set())
        assert seen == {name: "shown" if name in shown else "FORBIDDEN" for name in seen}, role
        others = [each.member_id for each in team.values() if each is not person]
        found = (await person.query("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": others}))["nodes"]
        assert found == ([{"id": id} for id in others] if shown else [None] * len(others)), role


async def test_v3_admins_cannot_touch_owners(team: Team, mailbox: Mailbox) -> None:
    """Admin: cannot remove or change owners, nor make one; an owner can."""
    boss, admin = team["owner"], team["admin"]
    other, below, invited = *(await cast(boss, mailbox, "owner", "member")), await invite(boss, "owner")
    [held] = await grants_of(boss, other.member_id)
    own, under = {"memberId": other.member_id}, {"memberId": below.member_id}
    above: list[tuple[str, dict[str, Any]]] = [
        ("setMemberRole", own | {"role": "admin"}),
        ("grantRole", own | {"role": "viewer"}),
        ("setMemberRole", under | {"role": "owner"}),
        ("grantRole", under | {"role": "owner"}),
        ("inviteMembers", inviting(admin, f"{unique('x')}@example.com", "owner")),
        ("resendInvitation", {"invitationId": invited["id"]}),
        ("revokeInvitation", {"invitationId": invited["id"]}),
        ("revokeGrant", {"grantId": held["id"]}),
        ("suspendMember", own),
        ("removeMember", own),
    ]
    assert [await outcome(admin, *act) for act in above] == ["ABOVE_YOUR_ROLE"] * len(above)
    assert await outcome(admin, "transferOwnership", under) == "FORBIDDEN"
    abilities = "removeMember { allowed reason } setMemberRole { allowed reason }"
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Member {{ viewerCan {{ {abilities} }} }} }} }}"
    for person, drawn in ((admin, (False, "ABOVE_YOUR_ROLE")), (boss, (True, None))):
        can = (await person.query(query, {"id": other.member_id}))["node"]["viewerCan"]
        assert {(each["allowed"], each["reason"]) for each in can.values()} == {drawn}
    assert [grant["role"]["key"] for grant in await grants_of(boss, other.member_id)] == ["owner"]
    assert await outcome(boss, "revokeInvitation", {"invitationId": invited["id"]}) == "done"
    assert await outcome(boss, "removeMember", own) == "done"
    # Who has gone sees nothing any more
    assert await viewer(other, "organization { id } permissions") == {"organization": None, "permissions": []}
    # Below owner, an admin manages the team, other admins included
    assert await outcome(admin, "setMemberRole", under | {"role": "admin"}) == "done"
    assert await outcome(admin, "removeMember", under) == "done"


# Owners


async def test_v4_several_owners_never_none(platform: Server, mailbox: Mailbox) -> None:
    """There may be several owners, never none."""
    boss = await owner(platform, mailbox)
    [second, third, admin] = await cast(boss, mailbox, "owner", "owner", "admin")
    assert await owners_of(boss) == 3
    organization = {"organizationId": boss.organization_id}
    assert await outcome(third, "leaveOrganization", organization) == "done"
    assert await outcome(boss, "suspendMember", {"memberId": second.member_id}) == "done"
    own = {"memberId": boss.member_id}
    [held] = await grants_of(boss, boss.member_id)
    ways: list[tuple[str, dict[str, Any]]] = [
        ("leaveOrganization", organization),
        ("removeMember", own),
        ("suspendMember", own),
        ("setMemberRole", own | {"role": "admin"}),
        ("revokeGrant", {"grantId": held["id"]}),
        ("deleteAccount", {"password": PASSWORD}),
    ]
    assert [await outcome(boss, *way) for way in ways] == ["LAST_OWNER"] * len(ways)
    heir = {"memberId": second.member_id}
    assert await outcome(boss, "transferOwnership", heir) == "INVALID", "the heir is suspended"
    assert await outcome(boss, "reactivateMember", heir) == "done"
    # Handed over, it is the other's alone
    assert await outcome(boss, "transferOwnership", {"memberId": admin.member_id}) == "done"
    assert await outcome(second, "leaveOrganization", organization) == "done"
    assert await outcome(admin, "deleteAccount", {"password": PASSWORD}) == "LAST_OWNER"
    assert await outcome(boss, "transferOwnership", {"memberId": boss.member_id}) == "FORBIDDEN"
    assert await owners_of(boss) == 1


async def test_v4_two_owners_at_once(platform: Server, mailbox: Mailbox) -> None:
    """Never none: of two owners who give it up, or take it from each other, at the same moment, one stays."""
    pair = [await owner(platform, mailbox)]
    pair += await cast(pair[0], mailbox, "owner")
    demoting: list[tuple[str, dict[str, str]]] = [("setMemberRole", {"role": "admin"}), ("suspendMember", {})]
    for number in range(16):
        mutation, input = demoting[number % 2]
        targets = pair if number % 4 < 2 else pair[::-1]
        acts = [
            outcome(person, mutation, {"memberId": target.member_id} | input)
            for person, target in zip(pair, targets, strict=True)
        ]
        ended = await asyncio.gather(*acts)
        assert sorted(code == "done" for code in ended) == [False, True], ended
        loser, keeper = (targets[0], targets[1]) if ended[0] == "done" else (targets[1], targets[0])
        assert await owners_of(keeper) == 1
        again = ("reactivateMember", {}) if mutation == "suspendMember" else (mutation, {"role": "owner"})
        assert await outcome(keeper, again[0], {"memberId": loser.member_id} | again[1]) == "done"
    assert await owners_of(pair[0]) == 2


# Invitations


async def test_v5_inviting_somebody_new(platform: Server, team: Team, mailbox: Mailbox) -> None:
    """The invitee gets a mail with a sign-up link, and is a member as soon as they accept, by signing up through it."""
    boss = team["owner"]
    invited = await invite(team["admin"], "support_agent")
    token = await mailbox.token(invited["email"], path=LETTER)
    named = "members(filter: {search: $email}) { nodes { roles { key } user { emailVerified } } }"

    async def listed() -> Any:
        return (await boss.organization(named, ", $email: String!", email=invited["email"]))["members"]["nodes"]

    assert await listed() == [], "nobody is a member by being invited"
    account = {"password": PASSWORD, "name": "A", "invitationToken": token}
    assert await outcome(Client(platform), "signUp", account | {"email": "other@example.com"}) == "FORBIDDEN"
    newcomer = await sign_up(platform, invited["email"], invitationToken=token)
    assert newcomer.organization_id == boss.organization_id
    assert await listed() == [{"roles": [{"key": "support_agent"}], "user": {"emailVerified": True}}]
    # The link is dead: for signing up, for signing in, and as a page
    late = {"email": f"{unique('late')}@example.com", "password": PASSWORD, "name": "A", "invitationToken": token}
    assert await outcome(Client(platform), "signUp", late) == "EXPIRED"
    assert await outcome(newcomer, "acceptInvitation", {"token": token}) == "EXPIRED"
    preview = await Client(platform).query(f'{{ invitation(token: "{token}") {{ id }} }}')
    assert preview == {"invitation": None}


async def test_v5_inviting_somebody_who_has_an_account(platform: Server, team: Team, mailbox: Mailbox) -> None:
    """An existing one by signing in; whoever else follows the link is refused."""
    boss, stranger = team["owner"], await sign_up(platform, organizationName=unique("Other "))
    await invite(boss, "viewer", stranger.email)
    while len(mailbox.to(stranger.email)) < 2:  # the first verifies the address
        await asyncio.sleep(0.01)
    token = await mailbox.token(stranger.email, 2, path=LETTER)
    assert await outcome(team["member"], "acceptInvitation", {"token": token}) == "FORBIDDEN"
    assert (await viewer(stranger, "memberships { totalCount }"))["memberships"] == {"totalCount": 1}
    signed_in = await sign_in(platform, stranger.email)
    payload = await signed_in.do("acceptInvitation", {"token": token}, "member { roles { key } }")
    assert payload["member"] == {"roles": [{"key": "viewer"}]}
    seen = await viewer(signed_in, "organization { id } memberships { totalCount }")
    assert seen == {"organization": {"id": boss.organization_id}, "memberships": {"totalCount": 2}}
    assert await outcome(signed_in, "acceptInvitation", {"token": token}) == "EXPIRED"
    # Withdrawn, a link is dead too; and only those who may invite do
    withdrawn = await invite(boss, "viewer")
    token = await mailbox.token(withdrawn["email"], path=LETTER)
    assert await outcome(boss, "revokeInvitation", {"invitationId": withdrawn["id"]}) == "done"
    account = {"email": withdrawn["email"], "password": PASSWORD, "name": "A", "invitationToken": token}
    assert await outcome(Client(platform), "signUp", account) == "EXPIRED"
    for role in RIGHTS:
        invitation = inviting(team[role], f"{unique('x')}@example.com", "viewer")
        assert await outcome(team[role], "inviteMembers", invitation) == "FORBIDDEN"


# Availability


async def test_v6_availability(platform: Server, mailbox: Mailbox) -> None:
    """A support agent sets an availability; those who may claim calls are listed by it, and it changes live."""
    boss = await owner(platform, mailbox)
    [admin, member, viewing, agent, other] = await cast(
        boss, mailbox, "admin", "member", "viewer", "support_agent", "support_agent"
    )
    listing = 'members(filter: {permission: "calls:claim", availability: %s}) { nodes { id } }'
    key = await backend(boss)

    async def listed(availability: str) -> set[str]:
        query = f"query ($id: ID!) {{ organization(id: $id) {{ {listing % availability} }} }}"
        found = [(await each.query(query, {"id": boss.organization_id}))["organization"] for each in (boss, admin, key)]
        assert found[0] == found[1] == found[2]
        return {node["id"] for node in found[0]["members"]["nodes"]}

    claimants = {boss.member_id, admin.member_id, agent.member_id, other.member_id}
    assert await listed("OFFLINE") == claimants, "who never said otherwise is offline"
    async with by_websocket(admin) as stream:
        for availability in ("AVAILABLE", "BUSY", "OFFLINE", "AVAILABLE"):
            await agent.do("setAvailability", {"availability": availability})
            assert await listed(availability) == {agent.member_id} | (claimants if availability == "OFFLINE" else set())
            [change] = await take(stream, 1)
            assert (change["type"], change["member"]["id"]) == ("AVAILABILITY_CHANGED", agent.member_id)
    for person in (member, viewing):
        error = await person.refused("setAvailability", {"availability": "AVAILABLE"})
        assert (error["code"], error["details"]["permission"]) == ("FORBIDDEN", "availability:set")
    for person in (member, viewing, agent):
        async with by_websocket(person) as stream:
            assert await end_of(stream) == "FORBIDDEN"
        assert await reads(person, boss.organization_id, listing % "AVAILABLE") == {"members": "FORBIDDEN"}
    # Who cannot claim any more is not listed
    await other.do("setAvailability", {"availability": "AVAILABLE"})
    assert await listed("AVAILABLE") == {agent.member_id, other.member_id}
    await admin.do("suspendMember", {"memberId": agent.member_id})
    await admin.do("setMemberRole", {"memberId": other.member_id, "role": "viewer"})
    assert await listed("AVAILABLE") == set()
