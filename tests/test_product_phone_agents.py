"""The product `phone-agents`, whose workspaces are our organizations, P1 to P6: each row, and who is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests import test_product_phone_agents_security as security
from tests.accounts import OTHER_PASSWORD, signs_in
from tests.factories import (
    PASSWORD,
    Client,
    Person,
    cast,
    closed,
    invite,
    join,
    owner,
    refusal,
    sign_up,
    unique,
)
from tests.invitations import letter_token
from tests.members import status_of
from tests.mfa import MISSING, enter, outcome, turn_on
from tests.phone_agents import AREAS, EVERYTHING, MEMBERS, PROFILE, in_two, token_for
from tests.products import NODE, checked, custom_role, keyed, permissions, settings_input, settings_of, walked
from tests.servers import Mailbox, Server
from tests.streams import by_websocket
from tests.streams import refusal as end_of

ROWS = [f"P{number}" for number in range(1, 13)]
LEFT_OUT = {
    "P11 enterprise single sign-on": "Single sign-on comes later: people sign in with a password and a one-time code.",
    "P12": "Billing comes later: no subscriptions, payment methods, invoices or auto-recharge.",
    "P5 billing": "As P12.",
    "P9 subscription": "As P12.",
    "P10 billing": "As P12.",
}

PLACE = """{ viewer { organization { id name settings { value } auditEvents(first: 100) { nodes { target { label } } }
    members { nodes { user { email } } } roles { nodes { key } } apiKeys { nodes { id } }
    invitations { nodes { email } } } } }"""
ROLES = "{ viewer { organization { roles { nodes { id builtIn } } } } }"
LISTS = """{ viewer { organization { members { totalCount } apiKeys { totalCount } settings { key }
    auditEvents { totalCount } } } }"""


@pytest.fixture(scope="module")
async def phone(product: Callable[[str], Awaitable[Server]]) -> Server:
    return await product("phone-agents")


def test_every_row_has_a_test_or_is_left_out_by_name() -> None:
    assert walked(ROWS, LEFT_OUT, [*globals(), *vars(security)])


async def test_the_label_is_for_frontends(phone: Server) -> None:
    """One of its workspaces is one of our organizations; the catalogue carries the label."""
    labels = "{ catalogue { labels { organization { singular plural } member { singular } } } }"
    assert (await Client(phone).query(labels))["catalogue"]["labels"] == {
        "organization": {"singular": "Workspace", "plural": "Workspaces"},
        "member": {"singular": "User"},
    }


async def test_p1_invitations_in_one_call(phone: Server, mailbox: Mailbox) -> None:
    """Invite one or more e-mail addresses at once with a role: owner, admin, or a custom one. One bad address does not
    spoil the others: each row says what became of it.
    """
    boss = await owner(phone, mailbox)
    custom, wide = await custom_role(boss, "calls:view"), await custom_role(boss, "organization:delete")
    admin, viewer = await cast(boss, mailbox, "admin", custom)

    async def outcomes(inviter: Person, *rows: tuple[str, str]) -> list[Any]:
        """`sent`, or code and field of the error, of each row."""
        given = [{"email": email, "role": role} for email, role in rows]
        input = {"organizationId": boss.organization_id, "invitations": given}
        selection = "results { email invitation { status } userErrors { code field } }"
        results = (await inviter.do("inviteMembers", input, selection))["results"]
        assert [result["email"] for result in results] == [email for email, _ in rows]
        assert all((result["invitation"] is None) == bool(result["userErrors"]) for result in results)
        return [(e[0]["code"], e[0]["field"]) if (e := result["userErrors"]) else "sent" for result in results]

    new = [f"{unique('invited')}@example.com" for _ in range(7)]
    rows = [(new[0], "owner"), ("not an address", "admin"), (new[1], "admin"), (boss.email, "admin")]
    rows += [(new[2], custom), (new[3], "king"), (new[2], "admin")]
    assert await outcomes(boss, *rows) == [
        *("sent", ("INVALID", "invitations.1.email"), "sent", ("ALREADY_DONE", "invitations.3.email")),
        *("sent", ("NOT_FOUND", "invitations.5.role"), ("INVALID", "invitations.6.email")),
    ]
    for email, key in zip(new[:3], ("owner", "admin", custom), strict=True):
        person = await sign_up(phone, email, invitationToken=await letter_token(mailbox, email))
        assert person.organization_id == boss.organization_id
        listed = await boss.query(MEMBERS, {"id": boss.organization_id, "filter": {"role": key, "search": email}})
        assert [member["id"] for member in listed["organization"]["members"]["nodes"]] == [person.member_id]
    assert not mailbox.to(new[3])

    rows = [(new[5], "owner"), (new[3], "admin"), (new[4], custom), (new[6], wide)]
    assert await outcomes(admin, *rows) == [
        *(("ABOVE_YOUR_ROLE", "invitations.0.role"), "sent", "sent", ("ABOVE_YOUR_ROLE", "invitations.3.role")),
    ]
    rows_of_all = {"invitations": [{"email": new[4], "role": custom}], "organizationId": boss.organization_id}
    assert await refusal(viewer, "inviteMembers", rows_of_all) == ("FORBIDDEN", "organizationId")
    stranger = await owner(phone, mailbox)
    assert await refusal(stranger, "inviteMembers", rows_of_all) == ("NOT_FOUND", "organizationId")
    # Somebody else's link
    error = await stranger.refused("acceptInvitation", {"token": await letter_token(mailbox, new[4])})
    assert (error["code"], error["field"]) == ("FORBIDDEN", "token")
    assert new[4] not in error["message"]


async def test_p2_reviewing_users(phone: Server, mailbox: Mailbox) -> None:
    """Owners and admins review users and change their access at any time."""
    boss = await owner(phone, mailbox)
    custom, narrow = await custom_role(boss, "calls:view", "leads:view"), await custom_role(boss, "calls:view")
    admin, peer, user = await cast(boss, mailbox, "admin", "admin", custom)
    everybody = {person.member_id for person in (boss, admin, peer, user)}

    async def listed(person: Person, **filter: str) -> set[str]:
        answer = await person.query(MEMBERS, {"id": boss.organization_id, "filter": filter})
        return {member["id"] for member in answer["organization"]["members"]["nodes"]}

    for reviewer in (boss, admin):
        id = {"memberId": user.member_id}
        assert await listed(reviewer) == everybody
        assert await listed(reviewer, role="admin") == {admin.member_id, peer.member_id}
        assert await listed(reviewer, role=custom) == await listed(reviewer, search=user.email) == {user.member_id}
        assert await listed(reviewer, permission="leads:view") == everybody
        await reviewer.do("setMemberRole", id | {"role": narrow})
        assert await permissions(user) == {"calls:view"}
        await reviewer.do("suspendMember", id)
        assert await listed(reviewer, status="SUSPENDED") == {user.member_id}
        assert (await user.query(NODE, {"id": boss.organization_id}))["node"] is None
        assert closed(await user.execute(PROFILE, Orgraph_Organization=boss.organization_id))
        await reviewer.do("reactivateMember", id)
        await reviewer.do("setMemberRole", id | {"role": "admin"})
        assert "members:grant" in await permissions(user)
        await reviewer.do("setMemberRole", id | {"role": custom})
        assert await permissions(user) == {"calls:view", "leads:view"}
    # An admin neither touches owners nor makes some
    for mutation, input, field in (
        ("setMemberRole", {"memberId": boss.member_id, "role": "admin"}, "memberId"),
        ("suspendMember", {"memberId": boss.member_id}, "memberId"),
        ("removeMember", {"memberId": boss.member_id}, "memberId"),
        ("setMemberRole", {"memberId": user.member_id, "role": "owner"}, "role"),
        ("grantRole", {"memberId": admin.member_id, "role": "owner"}, "role"),
    ):
        assert await refusal(admin, mutation, input) == ("ABOVE_YOUR_ROLE", field), mutation
    # Users see nobody and change nobody's access
    answer = await user.execute(MEMBERS, {"id": boss.organization_id})
    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"] == {"organization": {"members": None}}
    assert (await user.query(NODE, {"id": peer.member_id}))["node"] is None
    given = {"memberId": peer.member_id, "role": custom}
    assert await refusal(user, "setMemberRole", given) == ("NOT_FOUND", "memberId")
    own = {"memberId": user.member_id}
    assert await refusal(user, "setMemberRole", own | {"role": "admin"}) == ("FORBIDDEN", "memberId")
    await admin.do("removeMember", own)
    assert await listed(boss) == everybody - {user.member_id}
    assert await status_of(boss, user.member_id) is None
    assert (await user.query(PROFILE))["viewer"]["organization"] is None


async def test_p3_custom_roles(phone: Server, mailbox: Mailbox) -> None:
    """Custom roles: a clear name and a set of permissions, used when inviting or updating; editing one takes effect at
    once for all who have it.
    """
    boss = await owner(phone, mailbox)
    named = {"organizationId": boss.organization_id, "name": "Call reviewers", "description": "Listen, and no more"}
    selection = "role { id key name description builtIn permissions { key description } memberCount }"
    made = (await boss.do("createRole", named | {"permissions": ["calls:view"]}, selection))["role"]
    assert (made["name"], made["description"], made["builtIn"]) == ("Call reviewers", "Listen, and no more", False)
    assert made["permissions"] == [{"key": "calls:view", "description": "View calls"}]
    invited = await join(boss, mailbox, made["id"])
    updated, admin = await cast(boss, mailbox, "admin", "admin")
    await boss.do("setMemberRole", {"memberId": updated.member_id, "role": made["key"]})
    program, _ = await keyed(boss, "owner")  # of the product's backend

    def asked(permission: str) -> list[dict[str, str]]:
        about = {"permission": permission, "organizationId": boss.organization_id}
        return [about | {"userId": person.user_id} for person in (invited, updated)]

    reasons = await checked(program, *asked("calls:view"), *asked("leads:moderate"))
    assert reasons == ["GRANTED"] * 2 + ["NOT_GRANTED"] * 2
    for permissions_now in (["leads:moderate", "pearls:edit"], ["settings:read"], []):
        change = {"roleId": made["id"], "permissions": permissions_now}
        role = (await boss.do("updateRole", change, selection))["role"]
        assert role["memberCount"] == 2
        assert await permissions(invited) == await permissions(updated) == set(permissions_now)
        allowed = "GRANTED" if "leads:moderate" in permissions_now else "NOT_GRANTED"
        reasons = await checked(program, *asked("calls:view"), *asked("leads:moderate"))
        assert reasons == ["NOT_GRANTED"] * 2 + [allowed] * 2
        answer = await invited.execute("{ viewer { organization { settings { key } } } }")
        assert answer.codes == ([] if "settings:read" in permissions_now else ["FORBIDDEN"])

    for name in ("Call reviewers", " call  REVIEWERS", "Owner"):
        assert await refusal(boss, "createRole", named | {"name": name, "permissions": []}) == ("TAKEN", "name")
    assert await refusal(boss, "createRole", named | {"name": " ", "permissions": []}) == ("REQUIRED", "name")
    unknown = named | {"name": "Odd", "permissions": ["calls:delete"]}
    assert await refusal(boss, "createRole", unknown) == ("INVALID", "permissions")
    beyond = named | {"name": "Odd", "permissions": ["organization:delete"]}
    assert await refusal(admin, "createRole", beyond) == ("ABOVE_YOUR_ROLE", "permissions")
    for mutation, input, field in (
        ("createRole", named | {"name": "Mine", "permissions": []}, "organizationId"),
        ("updateRole", {"roleId": made["id"], "permissions": ["calls:view"]}, "roleId"),
        ("deleteRole", {"roleId": made["id"]}, "roleId"),
    ):
        assert await refusal(invited, mutation, input) == ("FORBIDDEN", field), mutation
    assert await refusal(boss, "deleteRole", {"roleId": made["id"]}) == ("ROLE_IN_USE", "roleId")
    owners = (await boss.organization("roles { nodes { id key builtIn } }"))["roles"]["nodes"]
    [built_in] = [role["id"] for role in owners if role["key"] == "owner"]
    change = {"roleId": built_in, "permissions": []}
    assert await refusal(boss, "updateRole", change) == ("FORBIDDEN", "roleId")
    # The backend's question is not for everybody
    assert await checked(updated, asked("calls:view")[0]) == ["FORBIDDEN"]


async def test_p4_nine_areas(phone: Server, mailbox: Mailbox) -> None:
    """Nine areas: pearls (create and edit), activities (moderate status), analytics (view), leads (view, moderate),
    calls (view), resources (phone numbers, agents, API keys, users), advanced settings (security, sessions),
    audit log (view), billing (manage).
    """
    areas = (await Client(phone).query("{ catalogue { areas { name permissions { key } } } }"))["catalogue"]["areas"]
    assert {area["name"]: {each["key"] for each in area["permissions"]} for area in areas} == AREAS
    boss = await owner(phone, mailbox)
    assert await permissions(boss) == EVERYTHING
    ids = {name: await custom_role(boss, *keys, name=f"{name} only") for name, keys in AREAS.items()}
    users = dict(zip(AREAS, await cast(boss, mailbox, *ids.values()), strict=True))
    program, _ = await keyed(boss, "owner")
    asked = sorted(EVERYTHING)
    for name, user in users.items():
        assert await permissions(user) == AREAS[name]
        checks = [{"permission": key, "userId": user.user_id} for key in asked]
        reasons = await checked(program, *checks)
        assert {key for key, reason in zip(asked, reasons, strict=True) if reason == "GRANTED"} == AREAS[name]
        assert set(reasons) == {"GRANTED", "NOT_GRANTED"}
        # What this server itself has of the areas
        fields = (await user.execute(LISTS)).body["data"]["viewer"]["organization"]
        shown = {field for field, value in fields.items() if value is not None}
        expected = {
            "Resources": {"members", "apiKeys"},
            "Advanced settings": {"settings"},
            "Audit log": {"auditEvents"},
        }
        assert shown == expected.get(name, set()), name
    nothing = [{"permission": "pearls:fly", "userId": boss.user_id}]
    assert await checked(program, *nothing) == ["UNKNOWN_PERMISSION"]


async def test_p5_isolated_workspaces(phone: Server, mailbox: Mailbox) -> None:
    """A workspace is isolated: its own users, roles, settings, billing and logs. A role of one workspace neither shows
    nor works in another.
    """
    ours, theirs = await owner(phone, mailbox), await owner(phone, mailbox)
    mine, foreign = (
        await custom_role(ours, "calls:view"),
        await custom_role(theirs, "leads:view", name=unique("Foreign ")),
    )
    (user,) = await cast(ours, mailbox, mine)
    (other,) = await cast(theirs, mailbox, foreign)
    await theirs.do("updateOrganizationSettings", settings_input(theirs, billing_email="theirs@example.com"))
    invitation = await invite(theirs, foreign)
    ours_program, our_key = await keyed(ours, "owner")
    _, their_key = await keyed(theirs, "owner")

    for client in (ours, user, ours_program):
        for id in (theirs.organization_id, foreign, theirs.member_id, other.user_id, invitation["id"], their_key):
            assert (await client.query(NODE, {"id": id}))["node"] is None, id
        assert closed(await client.execute(PLACE, Orgraph_Organization=theirs.organization_id))
        about = {"permission": "leads:view", "organizationId": theirs.organization_id}
        assert await checked(client, about, about | {"userId": other.user_id}) == ["NOT_FOUND"] * 2
    seen = str((await ours.query(PLACE))["viewer"])
    roles = (await theirs.organization("roles { nodes { id key } }"))["roles"]["nodes"]
    [key] = [role["key"] for role in roles if role["id"] == foreign]
    for hidden in (theirs.email, other.email, invitation["email"], key, their_key, "theirs@example.com"):
        assert hidden not in seen, hidden
    assert our_key in seen

    id, email = {"organizationId": ours.organization_id}, f"{unique('a')}@example.com"
    for reference in (foreign, key):
        about = {"memberId": user.member_id, "role": reference}
        for mutation, input in (
            ("setMemberRole", about),
            ("grantRole", about),
            ("createApiKey", id | {"name": "Robot", "role": reference}),
        ):
            assert await refusal(ours, mutation, input) == ("NOT_FOUND", "role"), mutation
        rows = id | {"invitations": [{"email": email, "role": reference}]}
        [result] = (await ours.do("inviteMembers", rows, "results { userErrors { code field } }"))["results"]
        assert result["userErrors"] == [{"code": "NOT_FOUND", "field": "invitations.0.role"}]
    for mutation, input, field in (
        ("updateRole", {"roleId": foreign, "permissions": []}, "roleId"),
        ("deleteRole", {"roleId": foreign}, "roleId"),
        ("deleteRole", {"roleId": mine, "replacementRoleId": foreign}, "replacementRoleId"),
        ("removeMember", {"memberId": other.member_id}, "memberId"),
        ("revokeInvitation", {"invitationId": invitation["id"]}, "invitationId"),
        ("revokeApiKey", {"apiKeyId": their_key}, "apiKeyId"),
        ("updateOrganizationSettings", settings_input(theirs, newsletter=True), "organizationId"),
        ("createRole", {"organizationId": theirs.organization_id, "name": "X", "permissions": []}, "organizationId"),
    ):
        assert await refusal(ours, mutation, input) == ("NOT_FOUND", field), mutation
    async with by_websocket(ours, organizationId=theirs.organization_id) as stream:
        assert await end_of(stream) == "FORBIDDEN"

    # Somebody in both has in each what is given there
    await user.do("acceptInvitation", {"token": await token_for(theirs, mailbox, user.email, foreign)})
    for place, own, held in ((ours, mine, "calls:view"), (theirs, foreign, "leads:view")):
        assert await permissions(user, Orgraph_Organization=place.organization_id) == {held}
        program, _ = await keyed(place, "owner")
        asked = [{"permission": key, "userId": user.user_id} for key in (held, "pearls:edit")]
        assert await checked(program, *asked) == ["GRANTED", "NOT_GRANTED"]
        listed = await user.query(ROLES, Orgraph_Organization=place.organization_id)
        roles = listed["viewer"]["organization"]["roles"]["nodes"]
        assert [role["id"] for role in roles if not role["builtIn"]] == [own]


async def test_p6_what_follows_the_account(phone: Server, mailbox: Mailbox) -> None:
    """User settings (profile, security) follow the account; workspace settings change with the switch."""
    user, first, second = await in_two(phone, mailbox)
    await user.do("updateProfile", {"name": "Renamed Once"})
    timeouts = {}
    for place in (first, second):
        named = await place.query(MEMBERS, {"id": place.organization_id, "filter": {"search": "Renamed Once"}})
        assert len(named["organization"]["members"]["nodes"]) == 1
        await user.do("switchOrganization", {"organizationId": place.organization_id})
        seen = (await user.query(PROFILE))["viewer"]["user"]
        assert seen == {"id": user.user_id, "name": "Renamed Once", "email": user.email}
        query = "{ viewer { organization { settings { key value } } } }"
        listed = (await user.query(query))["viewer"]["organization"]["settings"]
        timeouts[place.organization_id] = {each["key"]: each["value"] for each in listed}["session_timeout_minutes"]
    assert timeouts == {first.organization_id: 60, second.organization_id: 120}
    given = {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD}
    await user.do("changePassword", given)
    assert (await signs_in(phone, user.email), await signs_in(phone, user.email, OTHER_PASSWORD)) == (False, True)
    device = await turn_on(user)
    assert outcome(await enter(user, None, OTHER_PASSWORD)) == MISSING
    assert outcome(await enter(user, device.code(), OTHER_PASSWORD)) == "signed in"
    # No workspace changes somebody's account, and an account changes no workspace that it is not allowed to
    mutation = 'mutation ($id: ID!) { updateProfile(input: {userId: $id, name: "X"}) { userErrors { code } } }'
    assert (await first.execute(mutation, {"id": user.user_id})).codes == ["BAD_REQUEST"]
    program, _ = await keyed(first, "owner")
    assert (await program.refused("updateProfile", {"name": "X"}))["code"] == "FORBIDDEN"
    there = settings_input(second, newsletter=True)
    assert await refusal(user, "updateOrganizationSettings", there) == ("FORBIDDEN", "organizationId")
    await user.do("updateOrganizationSettings", settings_input(first, newsletter=True))
    assert ((await settings_of(first))["newsletter"], (await settings_of(second))["newsletter"]) == (True, False)
