"""The acceptance test of a video-meeting service, row by row of PRODUCTS.md, as its admin panel would walk it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.acceptance import (
    LETTER,
    backend,
    granted,
    inviting,
    orgraph,
    outcome,
    permissions_of,
    picture,
    reads,
    upload,
    viewer,
)
from tests.factories import Client, Person, cast, closed, grants_of, invite, join, owner, sign_up, unique
from tests.invitations import letter_token
from tests.organizations import NOWHERE, found
from tests.products import checked, walked
from tests.servers import Mailbox, Server

CATALOGUE = "meetings"
ROWS = [f"M{number}" for number in range(1, 11)]
LEFT_OUT = {"M7": "billing comes later"}

OWN = {"rooms:own", "meetings:host", "recordings:own"}
EVERYBODYS = {"rooms:manage", "meetings:manage", "recordings:manage"}
OWNERS_ONLY = {"organization:delete", "organization:transfer", "billing:manage"}
PANEL = "admin_panel:open"
ROLES = ("owner", "admin", "member")
SEATS = "seats { used pending free total }"

Team = dict[str, Person]
Act = tuple[str, dict[str, Any]]


def test_every_row_is_walked_or_left_out_by_name() -> None:
    assert walked(ROWS, LEFT_OUT, globals())


@pytest.fixture(scope="module")
async def platform(product: Callable[[str], Awaitable[Server]]) -> Server:
    return await product(CATALOGUE)


async def business(person: Person, plan: str = "business", *options: str) -> Person:
    """Another plan, or another number of licences."""
    slug = (await person.organization("slug"))["slug"]
    code, output = await orgraph(person.server, CATALOGUE, "plan", "set", slug, plan, *options)
    assert code == 0, output
    return person


@pytest.fixture(scope="module")
async def team(platform: Server, mailbox: Mailbox) -> Team:
    """One of each role; tests leave them as they are."""
    boss = await business(await owner(platform, mailbox))
    return {"owner": boss} | dict(zip(ROLES[1:], await cast(boss, mailbox, *ROLES[1:]), strict=True))


async def seats(person: Person) -> dict[str, int | None]:
    return dict((await person.organization(SEATS))["seats"])


def setting(person: Person, value: bool) -> dict[str, Any]:
    return {"organizationId": person.organization_id, "settings": [{"key": "waiting_room", "value": value}]}


# The admin panel


async def test_m1_who_enters_the_admin_panel(team: Team) -> None:
    """Owner and admin enter the admin panel, member does not."""
    asker = await backend(team["owner"])
    for role, person in team.items():
        enters = role != "member"
        seen = await viewer(person, f'permissions can(permission: "{PANEL}")')
        assert (PANEL in seen["permissions"], seen["can"]) == (enters, enters), role
        about = {"permission": PANEL, "organizationId": person.organization_id, "userId": person.user_id}
        reason = "GRANTED" if enters else "NOT_GRANTED"
        assert await checked(asker, about) == await checked(person, about) == [reason], role


async def test_m1_members_see_only_their_own(team: Team) -> None:
    """Members see and manage only their own: themselves, not the others."""
    fields = [f"{name} {{ totalCount }}" for name in ("members", "invitations", "auditEvents", "apiKeys")]
    fields += ["settings { key }", SEATS, "checklist { key }"]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    for role, person in team.items():
        enters = role != "member"
        seen = await reads(person, person.organization_id, *fields)
        assert seen == dict.fromkeys(seen, "shown" if enters else "FORBIDDEN"), role
        ids = [id for each in team.values() for id in (each.member_id, each.user_id)]
        shown = [{"id": id} if enters or id in (person.member_id, person.user_id) else None for id in ids]
        assert (await person.query(query, {"ids": ids}))["nodes"] == shown, role
        assert await outcome(person, "updateProfile", {"name": "My Own"}) == "done", role
    own = (await viewer(team["member"], "memberships { nodes { id roles { key } } }"))["memberships"]["nodes"]
    assert own == [{"id": team["member"].member_id, "roles": [{"key": "member"}]}]
    acts: list[Act] = [
        ("removeMember", {"memberId": team["member"].member_id}),
        ("setMemberRole", {"memberId": team["member"].member_id, "role": "admin"}),
        ("inviteMembers", inviting(team["member"], f"{unique('x')}@example.com", "member")),
        ("updateOrganizationSettings", setting(team["member"], True)),
    ]
    assert [await outcome(team["member"], *act) for act in acts] == ["FORBIDDEN"] * len(acts)


# Admins and owners


async def _acts(doer: Person, target: Person, role: str, invited: str) -> dict[str, Act]:
    """All by which one manages somebody of the role, in an order in which all of it can be done."""
    about = {"memberId": target.member_id}
    [held] = await grants_of(target, target.member_id)
    return {
        "invite": ("inviteMembers", inviting(doer, f"{unique('x')}@example.com", role)),
        "resend": ("resendInvitation", {"invitationId": invited}),
        "revoke": ("revokeInvitation", {"invitationId": invited}),
        "suspend": ("suspendMember", about),
        "reactivate": ("reactivateMember", about),
        "demote": ("setMemberRole", about | {"role": "member"}),
        "promote": ("setMemberRole", about | {"role": role}),
        "grant": ("grantRole", about | {"role": "member"}),
        "take": ("revokeGrant", {"grantId": held["id"]}),
        "remove": ("removeMember", about),
    }


@pytest.mark.parametrize("role", ROLES)
async def test_m2_whom_an_admin_manages(team: Team, mailbox: Mailbox, role: str) -> None:
    """Owner manages everything, other admins included. Admin manages everything but other admins and owners: cannot
    invite, promote, demote, suspend or remove them.
    """
    boss, admin = team["owner"], team["admin"]
    [target, suspended] = await cast(boss, mailbox, role, role)
    await boss.do("suspendMember", {"memberId": suspended.member_id})
    if role == "member":
        acts = await _acts(admin, target, role, (await invite(boss, role))["id"])
        acts = {name: act for name, act in acts.items() if name not in ("demote", "promote", "grant", "take")}
        assert {name: await outcome(admin, *act) for name, act in acts.items()} == dict.fromkeys(acts, "done")
        return
    invited = (await invite(boss, role))["id"]
    acts = await _acts(admin, target, role, invited)
    acts["reactivate"] = ("reactivateMember", {"memberId": suspended.member_id})
    acts["promote"] = ("setMemberRole", {"memberId": team["member"].member_id, "role": role})
    acts["promote by a grant"] = ("grantRole", {"memberId": team["member"].member_id, "role": role})
    before = await grants_of(boss, target.member_id)
    assert {name: await outcome(admin, *act) for name, act in acts.items()} == dict.fromkeys(acts, "ABOVE_YOUR_ROLE")
    assert await grants_of(boss, target.member_id) == before
    assert await outcome(admin, "transferOwnership", {"memberId": target.member_id}) == "FORBIDDEN"
    # The owner does all of it
    acts = await _acts(boss, target, role, invited)
    for name, (mutation, input) in acts.items():
        if name == "take":
            held = [grant for grant in await grants_of(boss, target.member_id) if grant["role"]["key"] == role]
            input = {"grantId": held[0]["id"]}
        assert await outcome(boss, mutation, input) == "done", name
    # And hands the organization over, and gets it back
    third = await join(boss, mailbox, role)
    assert await outcome(boss, "transferOwnership", {"memberId": third.member_id}) == "done"
    assert await outcome(boss, "transferOwnership", {"memberId": third.member_id}) == "FORBIDDEN"
    assert await outcome(third, "transferOwnership", {"memberId": boss.member_id, "ownRole": "member"}) == "done"


async def test_m2_an_admin_gives_no_more_by_a_key(team: Team) -> None:
    """Admin manages everything but other admins and owners, by an API key neither."""
    admin = team["admin"]
    organization = {"organizationId": admin.organization_id, "name": "Key"}
    assert await outcome(admin, "createApiKey", organization | {"role": "owner"}) == "ABOVE_YOUR_ROLE"
    key = await backend(admin, "admin")
    for target in (team["owner"], team["admin"]):
        assert await outcome(key, "removeMember", {"memberId": target.member_id}) == "ABOVE_YOUR_ROLE"
    assert await outcome(team["member"], "createApiKey", organization | {"role": "member"}) == "FORBIDDEN"


# The organization


async def test_m3_name_logo_and_description(team: Team) -> None:
    """Organization settings: name, logo, description."""
    boss, admin, member = team.values()
    selection = "name description logoUrl"
    assert (await boss.organization(selection))["logoUrl"] is None
    new = {"organizationId": boss.organization_id, "name": unique("Meetings "), "description": "We meet"}
    for person, colour in ((boss, "red"), (admin, "blue")):
        assert await outcome(person, "updateOrganization", new | {"name": f"{new['name']} {colour}"}) == "done"
        status, uploaded = await upload(person, picture(colour))
        assert status == 200, uploaded
        shown = await member.organization(selection)
        assert shown["name"] == f"{new['name']} {colour}"
        assert (shown["description"], shown["logoUrl"]) == ("We meet", uploaded["logoUrl"])
        async with httpx.AsyncClient(verify=False) as http:  # noqa: S501
            logo = await http.get(uploaded["logoUrl"])
        assert (logo.status_code, logo.headers["content-type"]) == (200, "image/webp")
    before = await boss.organization(selection)
    assert await outcome(member, "updateOrganization", new | {"name": "Mine"}) == "FORBIDDEN"
    status, refused = await upload(member, picture())
    assert (status, refused["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert (await upload(admin, b"no picture"))[0] == 400
    stranger = await sign_up(boss.server)
    for id in (boss.organization_id, NOWHERE):
        stranger.organization_id = id
        assert (await upload(stranger, picture()))[0] == 404
    assert await boss.organization(selection) == before


async def test_m4_several_organizations_with_a_role_in_each(platform: Server, team: Team, mailbox: Mailbox) -> None:
    """Signing up creates an organization; a user can be in several, with a different role in each."""
    person = await owner(platform, mailbox)
    assert set((await viewer(person, "permissions"))["permissions"]) == await permissions_of(platform)
    elsewhere = await owner(platform, mailbox)
    for inviter, role in ((team["owner"], "member"), (elsewhere, "admin")):
        await invite(inviter, role, person.email)
    token = await letter_token(mailbox, person.email)
    assert await outcome(team["member"], "acceptInvitation", {"token": token}) == "FORBIDDEN"
    await person.do("acceptInvitation", {"token": token})
    waiting = (await viewer(person, "invitations { id }"))["invitations"]
    await person.do("acceptInvitation", {"invitationId": waiting[0]["id"]})
    listed = (await viewer(person, "memberships { nodes { organization { id } roles { key } } }"))["memberships"]
    roles = {each["organization"]["id"]: each["roles"] for each in listed["nodes"]}
    assert roles == {
        person.organization_id: [{"key": "owner"}],
        team["owner"].organization_id: [{"key": "member"}],
        elsewhere.organization_id: [{"key": "admin"}],
    }
    # What the role of one allows, it allows there only
    for id, role in zip(roles, ROLES[::2] + ROLES[1:2], strict=True):
        answers = [
            (await viewer(person, f'can(permission: "{key}", on: "{id}")'))["can"] for key in (PANEL, "billing:manage")
        ]
        assert answers == [role != "member", role == "owner"], role
    assert await outcome(person, "updateOrganization", {"organizationId": team["owner"].organization_id}) == "FORBIDDEN"


async def test_m5_switching(platform: Server, team: Team, mailbox: Mailbox) -> None:
    """Switching the organization switches plan, members, roles and resources all at once; by a header, for one tab."""
    boss, person = team["owner"], await owner(platform, mailbox)
    custom = await person.do("createRole", {"name": "Host", "permissions": sorted(OWN)}, "role { key }")
    await invite(boss, "member", person.email)
    token = await letter_token(mailbox, person.email)
    joined = (await person.do("acceptInvitation", {"token": token}, "member { id }"))["member"]["id"]
    own, other = person.organization_id, boss.organization_id
    selection = f"""permissions session {{ id }} organization {{ id plan {{ key seats }} {SEATS}
        members {{ nodes {{ id }} }} roles {{ nodes {{ key }} }} viewerCan {{ createRole {{ allowed }} }} }}"""

    async def seen(**headers: str) -> Any:
        answer = await person.execute(f"{{ viewer {{ {selection} }} }}", **headers)
        found = answer.body["data"]["viewer"]
        return found["organization"], set(found["permissions"]), set(answer.codes)

    everything = await permissions_of(platform)
    tab = "Orgraph_Organization"
    for headers, organization_id in (({}, other), ({tab: own}, own), ({}, other), ({tab: other}, other)):
        organization, permissions, codes = await seen(**headers)
        is_own = organization_id == own
        assert organization["id"] == organization_id
        assert organization["plan"] == ({"key": "free", "seats": 10} if is_own else {"key": "business", "seats": 50})
        assert (permissions, codes) == ((everything, set()) if is_own else (OWN, {"FORBIDDEN"}))
        assert organization["seats"] == ({"used": 1, "pending": 0, "free": 9, "total": 10} if is_own else None)
        assert organization["members"] == ({"nodes": [{"id": person.member_id}]} if is_own else None)
        assert (custom["role"] in organization["roles"]["nodes"]) is is_own
        assert organization["viewerCan"] == {"createRole": {"allowed": is_own}}
        reason = "GRANTED" if is_own else "NOT_GRANTED"
        asked = {"checks": [{"permission": "rooms:manage"}]}
        query = "query ($checks: [PermissionCheckInput!]!) { checkPermissions(checks: $checks) { reason } }"
        assert (await person.query(query, asked, **headers))["checkPermissions"] == [{"reason": reason}]
    await person.do("switchOrganization", {"organizationId": own})
    assert (await seen())[0]["id"] == own
    # What the active one decides, a mutation without an organization does there
    renamed = unique("Mine ")
    await person.do("updateOrganization", {"name": renamed})
    assert await outcome(person, "updateOrganization", {"organizationId": other, "name": renamed}) == "FORBIDDEN"
    assert (await boss.organization("name"))["name"] != renamed
    # One that the person is not in cannot be switched to, and a tab that names it is refused as a whole
    foreign = (await owner(platform, mailbox)).organization_id
    for id in (foreign, NOWHERE):
        assert await outcome(person, "switchOrganization", {"organizationId": id}) == "NOT_FOUND"
        assert closed(await person.execute("{ viewer { permissions } }", Orgraph_Organization=id))
    await boss.do("removeMember", {"memberId": joined})
    assert await outcome(person, "switchOrganization", {"organizationId": other}) == "NOT_FOUND"
    assert closed(await person.execute("{ viewer { permissions } }", Orgraph_Organization=other))


# Licences


async def test_m6_licences(platform: Server, mailbox: Mailbox) -> None:
    """Licence usage: how many are used, pending and free; an invitation beyond the licences is refused."""
    boss = await owner(platform, mailbox)
    assert await seats(boss) == {"used": 1, "pending": 0, "free": 9, "total": 10}
    await business(boss, "free", "--seats", "3")
    admin = await join(boss, mailbox, "admin")
    assert await seats(boss) == await seats(admin) == {"used": 2, "pending": 0, "free": 1, "total": 3}
    invited = await invite(admin)
    assert await seats(boss) == {"used": 2, "pending": 1, "free": 0, "total": 3}
    for person in (boss, admin):
        beyond = inviting(person, f"{unique('x')}@example.com", "member")
        assert await outcome(person, "inviteMembers", beyond) == "SEAT_LIMIT_REACHED"
    token = await mailbox.token(invited["email"], path=LETTER)
    member = await sign_up(platform, invited["email"], invitationToken=token)
    assert await seats(boss) == {"used": 3, "pending": 0, "free": 0, "total": 3}
    assert await reads(member, boss.organization_id, SEATS) == {"seats": "FORBIDDEN"}
    # Suspended, somebody uses none; to come back takes a free one
    about = {"memberId": member.member_id}
    await admin.do("suspendMember", about)
    assert (await seats(boss))["free"] == 1
    revoked = await invite(boss)
    assert await outcome(admin, "reactivateMember", about) == "SEAT_LIMIT_REACHED"
    await admin.do("revokeInvitation", {"invitationId": revoked["id"]})
    await admin.do("reactivateMember", about)
    # Another plan has more of them; licences can be bought by number too
    await business(boss)
    assert await seats(boss) == {"used": 3, "pending": 0, "free": 47, "total": 50}
    await business(boss, "business", "--seats", "4")
    rows = [{"email": f"{unique('x')}@example.com", "role": "member"} for _ in range(3)]
    given = {"organizationId": boss.organization_id, "invitations": rows}
    results = (await boss.do("inviteMembers", given, "results { userErrors { code } }"))["results"]
    assert [[error["code"] for error in each["userErrors"]] for each in results] == [[], *[["SEAT_LIMIT_REACHED"]] * 2]
    await business(boss, "enterprise")
    assert await seats(boss) == {"used": 3, "pending": 1, "free": None, "total": None}


async def test_m6_nobody_takes_the_last_licence_twice(platform: Server, mailbox: Mailbox) -> None:
    """Two invitations at the same moment cannot take the last licence twice."""
    boss = await business(await owner(platform, mailbox), "free", "--seats", "3")
    admin = await join(boss, mailbox, "admin")
    for number in range(24):
        emails = [f"{unique('x')}@example.com" for _ in range(2)]
        acts: list[Act] = [("inviteMembers", inviting(boss, email, "member")) for email in emails]
        ended = await asyncio.gather(*(outcome(person, *act) for person, act in zip((boss, admin), acts, strict=True)))
        assert sorted(ended) == ["SEAT_LIMIT_REACHED", "done"], number
        assert await seats(boss) == {"used": 2, "pending": 1, "free": 0, "total": 3}
        pending = (await boss.organization("invitations(filter: {status: PENDING}) { nodes { id } }"))["invitations"]
        [only] = pending["nodes"]
        await boss.do("revokeInvitation", {"invitationId": only["id"]})


# Permissions of the product


async def test_m8_rooms_meetings_and_recordings(platform: Server, team: Team, mailbox: Mailbox) -> None:
    """Rooms, active meetings and recordings are permissions of the product that its backend asks this server about."""
    asker = await backend(team["owner"])
    everything = await permissions_of(platform)
    expected = {"owner": everything, "admin": everything - OWNERS_ONLY, "member": OWN}
    for role, person in team.items():
        assert await granted(asker, person, everything) == expected[role], role
    # At once other than before
    gone = await join(team["owner"], mailbox, "member")
    place = {"organizationId": gone.organization_id}
    about = [place | {"permission": key, "userId": gone.user_id} for key in sorted(OWN | EVERYBODYS)]
    for mutation, input, reasons in (
        ("setMemberRole", {"role": "admin"}, {"GRANTED"}),
        ("suspendMember", {}, {"SUSPENDED"}),
        ("removeMember", {}, {"NOT_A_MEMBER"}),
    ):
        await team["owner"].do(mutation, {"memberId": gone.member_id} | input)
        assert set(await checked(asker, *about)) == reasons
    # Who may not ask is not told, nor is anybody of another organization
    stranger = await backend(await owner(platform, mailbox))
    about_admin = place | {"permission": "rooms:own", "userId": team["admin"].user_id}
    for person, reason in ((team["member"], "FORBIDDEN"), (stranger, "NOT_FOUND")):
        assert await checked(person, about_admin) == [reason]
    assert await checked(asker, about_admin | {"permission": "rooms:paint"}) == ["UNKNOWN_PERMISSION"]
    assert (await Client(platform).execute("{ checkPermissions(checks: []) { allowed } }")).codes == ["UNAUTHENTICATED"]


async def test_m9_custom_roles(platform: Server, team: Team, mailbox: Mailbox) -> None:
    """Finer roles than the three: custom roles, within what one has oneself."""
    boss, admin, member = team.values()
    organization = {"organizationId": boss.organization_id}
    finer = OWN | {PANEL, "members:read", "members:invite", "meetings:manage"}
    given = organization | {"name": unique("Team lead "), "permissions": sorted(finer)}
    assert await outcome(member, "createRole", given) == "FORBIDDEN"
    assert await outcome(admin, "createRole", given | {"permissions": ["billing:manage"]}) == "ABOVE_YOUR_ROLE"
    role = (await admin.do("createRole", given, "role { id key builtIn }"))["role"]
    assert role["builtIn"] is False
    lead = await join(admin, mailbox, role["key"])
    everything = await permissions_of(platform)
    asker = await backend(boss)
    assert await granted(asker, lead, everything) == finer
    # Between admin and member: manages the one, not the other nor their own kind
    above = "ABOVE_YOUR_ROLE"
    for key, ended in (("member", "done"), (role["key"], above), ("admin", above), ("owner", above)):
        assert await outcome(lead, "inviteMembers", inviting(lead, f"{unique('x')}@example.com", key)) == ended, key
    assert await outcome(lead, "removeMember", {"memberId": member.member_id}) == "FORBIDDEN"
    assert await outcome(lead, "createRole", given | {"name": "Mine"}) == "FORBIDDEN"
    seen = await reads(lead, lead.organization_id, "members { totalCount }", "settings { key }")
    assert seen == {"members": "shown", "settings": "FORBIDDEN"}
    # Changed, it counts at once for who has it; what it cannot give stays out of it
    less = finer - {"members:invite"}
    await admin.do("updateRole", {"roleId": role["id"], "permissions": sorted(less)})
    assert set((await viewer(lead, "permissions"))["permissions"]) == less
    beyond = {"roleId": role["id"], "permissions": sorted(less | OWNERS_ONLY)}
    for person, ended in ((admin, "ABOVE_YOUR_ROLE"), (lead, "FORBIDDEN"), (boss, "done")):
        assert await outcome(person, "updateRole", beyond) == ended
    assert await outcome(admin, "removeMember", {"memberId": lead.member_id}) == "ABOVE_YOUR_ROLE", "they have more now"
    # It is nothing to another organization
    stranger = await owner(platform, mailbox)
    for reference in (role["id"], role["key"]):
        invitation = inviting(stranger, f"{unique('x')}@example.com", reference)
        assert await outcome(stranger, "inviteMembers", invitation) == "NOT_FOUND"
    assert await outcome(stranger, "deleteRole", {"roleId": role["id"]}) == "NOT_FOUND"
    assert await outcome(boss, "deleteRole", {"roleId": role["id"]}) == "ROLE_IN_USE"
    roles = (await boss.organization("roles { nodes { id key } }"))["roles"]["nodes"]
    [builtin] = [each["id"] for each in roles if each["key"] == "member"]
    assert await outcome(boss, "deleteRole", {"roleId": role["id"], "replacementRoleId": builtin}) == "done"
    assert set((await viewer(lead, "permissions"))["permissions"]) == OWN


async def test_m10_the_checklist_of_a_first_time_admin(platform: Server, mailbox: Mailbox) -> None:
    """A first-time admin gets a checklist of set-up tasks, which ticks itself off."""
    boss = await owner(platform, mailbox)

    async def done(person: Person) -> list[str]:
        tasks = (await person.organization("checklist { key name done }"))["checklist"]
        assert [task["key"] for task in tasks] == ["upload_logo", "invite_users", "choose_settings"]
        assert all(task["name"] for task in tasks)
        return [task["key"] for task in tasks if task["done"]]

    assert await done(boss) == []
    assert (await upload(boss, b"no picture"))[0] == 400
    assert await outcome(boss, "inviteMembers", inviting(boss, "no address", "admin")) == "INVALID"
    assert await done(boss) == [], "what was refused is not done"
    admin = await join(boss, mailbox, "admin")
    assert await done(admin) == ["invite_users"]
    await admin.do("updateOrganizationSettings", setting(boss, False))
    assert await done(boss) == ["invite_users", "choose_settings"]
    assert (await upload(admin, picture()))[0] == 200
    assert await done(admin) == ["upload_logo", "invite_users", "choose_settings"]
    member = await join(boss, mailbox)
    assert await reads(member, boss.organization_id, "checklist { done }") == {"checklist": "FORBIDDEN"}
    # A further organization of the same person begins anew
    boss.organization_id = (await found(boss))["id"]
    assert await done(boss) == []
