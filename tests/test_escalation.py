"""Nobody comes by more than they have: every way up is refused, changes nothing, and is written down."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.api_keys import mint, permissions, rotated, works
from tests.escalation import ABOVE, Attempt, inviting, resisted, state
from tests.factories import LATER, Person, cast, closed, grants_of, invite, owner, sign_up, unique
from tests.invitations import invitation_status, invited, letter_token
from tests.members import role_keys
from tests.roles import create, update
from tests.servers import Mailbox, Server
from tests.streams import grant

LEAD = (
    "members:read", "members:invite", "members:remove", "members:suspend", "members:grant", "roles:manage",
    "api_keys:read", "api_keys:manage", "content:read",
)  # fmt: skip
"""Manages people, and has less than an admin or a member."""


@dataclass
class Company:
    founder: Person
    admin: Person
    lead: Person
    bob: Person
    place: str
    lead_role: dict[str, Any]
    low: dict[str, Any]
    high: dict[str, Any]


@pytest.fixture(scope="module")
async def company(server: Server, mailbox: Mailbox) -> Company:
    """With a lead, who has a custom role and enters one workspace. Tests leave it as it is."""
    founder = await owner(server, mailbox)
    place, role = await founder.workspace(), await create(founder, *LEAD)
    low, high = await create(founder, "content:read"), await create(founder, "organization:delete")
    admin, lead, bob = await cast(founder, mailbox, "admin", role["id"], "viewer")
    await grant(founder, lead, "viewer", workspaceId=place)
    return Company(founder, admin, lead, bob, place, role, low, high)


def conferring(actor: Person, member: Person, place: str, role: str) -> list[tuple[Attempt, str]]:
    """All by which a role is given, with the field that a refusal names."""
    id = {"memberId": member.member_id, "role": role}
    row = "invitations.0.role"
    key = {"name": "Key", "role": role, "organizationId": actor.organization_id}
    return [
        (("grantRole", id), "role"),
        (("grantRole", id | {"workspaceId": place}), "role"),
        (("grantRole", id | {"expiresAt": LATER}), "role"),
        (("setMemberRole", id), "role"),
        (inviting(actor, role, f"{unique('up')}@example.com"), row),
        (inviting(actor, role, f"{unique('up')}@example.com", place), row),
        (("createApiKey", key), "role"),
        (("createApiKey", key | {"workspaceId": place}), "role"),
    ]


# Giving


async def test_nobody_gives_what_they_do_not_have(company: Company) -> None:
    for actor, role in (
        *((company.lead, role) for role in ("owner", "admin", "member", company.high["id"])),
        *((company.admin, role) for role in ("owner", company.high["id"])),
    ):
        for (mutation, input), field in conferring(actor, company.bob, company.place, role):
            assert await resisted(actor, mutation, input) == (ABOVE, field), (role, mutation)
    # Nor their own: that takes one who manages it. A key does no more than they do.
    for actor, role in ((company.lead, company.lead_role["id"]), (company.admin, "admin")):
        for (mutation, input), field in conferring(actor, company.bob, company.place, role):
            if mutation != "createApiKey":
                assert await resisted(actor, mutation, input) == (ABOVE, field), (role, mutation)


async def test_everybody_gives_what_is_below_them(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    place, role, low = await founder.workspace(), await create(founder, *LEAD), await create(founder, "content:read")
    admin, lead, bob = await cast(founder, mailbox, "admin", role["id"], "viewer")
    await grant(founder, lead, "viewer", workspaceId=place)
    for actor, roles in ((lead, ("viewer", low["id"])), (admin, ("member", role["key"]))):
        for each in roles:
            for (mutation, input), _ in conferring(actor, bob, place, each):
                await founder.do("setMemberRole", {"memberId": bob.member_id, "role": "viewer"})
                await actor.do(mutation, input, "results { userErrors { code } }" if "Invite" in mutation else "")


async def test_nobody_raises_themself(company: Company) -> None:
    """To nothing at all, not even to what is below them."""
    for actor, roles in (
        (company.lead, ("owner", "admin", "member", "viewer", company.lead_role["id"], company.low["id"])),
        (company.admin, ("owner", "admin", "member", company.lead_role["id"])),
    ):
        could = await permissions(actor)
        for role in roles:
            id = {"memberId": actor.member_id, "role": role}
            for mutation, input in (
                ("grantRole", id),
                ("grantRole", id | {"workspaceId": company.place}),
                ("setMemberRole", id),
            ):
                assert (await resisted(actor, mutation, input))[0] == ABOVE, (role, mutation, input)
        assert await permissions(actor) == could
        own = {"memberId": actor.member_id}
        assert await resisted(actor, "transferOwnership", own) == ("FORBIDDEN", "memberId")


async def test_nobody_touches_who_is_above_or_beside_them(company: Company, mailbox: Mailbox) -> None:
    (peer,) = await cast(company.founder, mailbox, company.lead_role["id"])
    low = await grant(company.founder, company.admin, "viewer", workspaceId=company.place)
    for actor, target in ((company.lead, company.admin), (company.lead, peer), (company.admin, company.founder)):
        id = {"memberId": target.member_id}
        for mutation, input in (
            ("grantRole", id | {"role": company.low["id"]}),
            ("setMemberRole", id | {"role": company.low["id"]}),
            ("suspendMember", id),
            ("removeMember", id),
        ):
            assert await resisted(actor, mutation, input) == (ABOVE, "memberId"), mutation
        assert await resisted(actor, "transferOwnership", id) == ("FORBIDDEN", "memberId")
        for held in await grants_of(actor, target.member_id):
            assert await resisted(actor, "revokeGrant", {"grantId": held["id"]}) == (ABOVE, "grantId")
    assert low in [held["id"] for held in await grants_of(company.lead, company.admin.member_id)]


# Invitations


async def test_a_higher_invitation_is_nobodys_to_resend_or_revoke(company: Company, mailbox: Mailbox) -> None:
    founder = company.founder
    _, high, token = await invited(founder, mailbox, "admin")
    _, there, _ = await invited(founder, mailbox, "member", workspaceIds=[company.place])
    _, elsewhere, _ = await invited(founder, mailbox, "viewer", workspaceIds=[await founder.workspace()])
    for mutation in ("resendInvitation", "revokeInvitation"):
        for id, code in ((high, ABOVE), (there, ABOVE), (elsewhere, "FORBIDDEN")):
            answer = await resisted(company.lead, mutation, {"invitationId": id})
            assert answer == (code, "invitationId"), (mutation, code)
        assert await resisted(company.admin, mutation, {"invitationId": high}) == (ABOVE, "invitationId")
        assert (await resisted(company.bob, mutation, {"invitationId": there}))[0] == "FORBIDDEN"
    await company.admin.do("revokeInvitation", {"invitationId": there})
    query = "query ($token: String!) { invitation(token: $token) { status } }"
    assert (await founder.query(query, {"token": token}))["invitation"] == {"status": "PENDING"}


async def test_rows_of_one_call_are_refused_each_for_itself(server: Server, mailbox: Mailbox) -> None:
    """The good one is sent; the attempts stand in the log, once a call."""
    founder = await owner(server, mailbox)
    (admin,) = await cast(founder, mailbox, "admin")
    rows = [{"email": f"{unique('row')}@example.com", "role": role} for role in ("owner", "member", "admin")]
    input = {"organizationId": founder.organization_id, "invitations": rows}
    results = (await admin.do("inviteMembers", input, "results { userErrors { code } }"))["results"]
    assert [row["userErrors"] for row in results] == [[{"code": ABOVE}], [], [{"code": ABOVE}]]
    log = await founder.organization("auditEvents(first: 2) { nodes { action changes { field after } } }")
    refused, sent = sorted(log["auditEvents"]["nodes"], key=lambda event: str(event["action"]))
    assert (refused["action"], sent["action"]) == ("access.refused", "invitation.sent")
    told = [{"field": "operation", "after": "inviteMembers"}, {"field": "code", "after": ABOVE}]
    assert refused["changes"] == told


async def test_an_invitation_is_worth_what_its_inviter_is(server: Server, mailbox: Mailbox) -> None:
    """When it is accepted; and what its role is then."""
    founder = await owner(server, mailbox)
    lead_role, offered = await create(founder, *LEAD), await create(founder, "members:read", "content:read")

    async def offer(inviter: Person) -> str:
        """The id of an invitation to the role."""
        email, id, token = await invited(inviter, mailbox, offered["id"])
        pending[id] = (email, token)
        return id

    async def joins(id: str) -> set[str] | str:
        """What the invited has then, or the code of the refusal."""
        email, token = pending[id]
        person = await sign_up(server, email)
        payload = await person.mutate("acceptInvitation", {"token": token}, "member { id }")
        if payload["userErrors"]:
            assert payload["member"] is None
            assert (await person.query("{ viewer { memberships { totalCount } } }"))["viewer"]["memberships"] == {
                "totalCount": 0
            }
            return str(payload["userErrors"][0]["code"])
        return await permissions(person)

    pending: dict[str, tuple[str, str]] = {}
    demoted, suspended, removed, lead = await cast(founder, mailbox, *[lead_role["id"]] * 4)
    ids = [await offer(each) for each in (demoted, suspended, removed)]
    narrowed, widened = await offer(lead), await offer(lead)
    resent = await offer(demoted)
    await founder.do("setMemberRole", {"memberId": demoted.member_id, "role": "member"})
    await founder.do("suspendMember", {"memberId": suspended.member_id})
    await founder.do("removeMember", {"memberId": removed.member_id})
    assert [await joins(id) for id in ids] == ["EXPIRED"] * 3
    # Who sends it again answers for it
    await founder.do("resendInvitation", {"invitationId": resent})
    pending[resent] = (pending[resent][0], await letter_token(mailbox, pending[resent][0], 2))
    assert await joins(resent) == {"members:read", "content:read"}
    # A role that is edited in between
    await update(founder, offered, permissions=["content:read"])
    assert await joins(narrowed) == {"content:read"}
    await update(founder, offered, permissions=["content:read", "content:write"])
    assert await joins(widened) == "EXPIRED"
    assert await invitation_status(founder, widened) == "PENDING"


# Custom roles


async def test_no_role_gives_more_than_its_maker_has(company: Company) -> None:
    lead, new = company.lead, {"organizationId": company.founder.organization_id, "name": "Up"}
    for permission in ("content:write", "settings:read", "organization:delete", "access:check"):
        given = {"permissions": ["content:read", permission]}
        assert await resisted(lead, "createRole", new | given) == (ABOVE, "permissions")
        assert await resisted(lead, "updateRole", {"roleId": company.low["id"]} | given) == (ABOVE, "permissions")
    owners = {"permissions": ["organization:transfer"]}
    assert await resisted(company.admin, "createRole", new | owners) == (ABOVE, "permissions")
    # A role of all that they have can be made, and given to nobody, least of all to themselves
    mine = await create(lead, *LEAD)
    for target in (lead, company.bob):
        input = {"memberId": target.member_id, "role": mine["id"]}
        assert (await resisted(lead, "grantRole", input))[0] == ABOVE
    assert await resisted(lead, "deleteRole", {"roleId": mine["id"]}) == (ABOVE, "roleId")
    await company.founder.do("deleteRole", {"roleId": mine["id"]})


async def test_nobody_edits_a_role_that_they_have(server: Server, mailbox: Mailbox) -> None:
    """Not even with another role of theirs that is wider, in one workspace, or as an owner."""
    founder = await owner(server, mailbox)
    place = await founder.workspace()
    held, wider = await create(founder, *LEAD), await create(founder, *LEAD, "content:write")
    local = await create(founder, "content:read")
    lead, both = await cast(founder, mailbox, held["id"], held["id"])
    await grant(founder, both, wider["id"])
    await grant(founder, both, local["id"], workspaceId=place)
    for actor, role in ((lead, held), (both, held), (both, wider), (both, local)):
        could = await permissions(actor)
        edits: list[dict[str, Any]] = [
            {"permissions": [*LEAD, "content:write"]},
            {"permissions": [*LEAD, "organization:delete"]},
            {"permissions": []},
            {"name": "Chief"},
        ]
        for input in edits:
            answer = await resisted(actor, "updateRole", {"roleId": role["id"]} | input)
            assert answer == (ABOVE, "roleId"), (role["name"], input)
        for replacement in ({}, {"replacementRoleId": wider["id"]}, {"replacementRoleId": local["id"]}):
            if replacement.get("replacementRoleId") != role["id"]:
                assert await resisted(actor, "deleteRole", {"roleId": role["id"]} | replacement) == (ABOVE, "roleId")
        assert await permissions(actor) == could
    # An owner manages every role, and still widens none of their own
    own, more = await create(founder, "content:read"), await create(founder, "content:read", "content:write")
    await grant(founder, founder, own["id"])
    widened = {"roleId": own["id"], "permissions": ["content:read", "content:write"]}
    assert await resisted(founder, "updateRole", widened) == (ABOVE, "permissions")
    replaced = {"roleId": own["id"], "replacementRoleId": more["id"]}
    assert await resisted(founder, "deleteRole", replaced) == (ABOVE, "replacementRoleId")
    await update(founder, own, permissions=[])


async def test_nobody_edits_a_role_that_somebody_above_has_too(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    place = await founder.workspace()
    admin, peer, bob = await cast(founder, mailbox, "admin", "admin", "viewer")
    edits: list[Attempt] = [
        ("updateRole", {"permissions": []}),
        ("updateRole", {"permissions": ["content:read", "content:write"]}),
        ("updateRole", {"name": "Low"}),
        ("deleteRole", {"replacementRoleId": (await create(founder, "settings:read"))["id"]}),
    ]
    for target, where in ((founder, {}), (peer, {}), (peer, {"workspaceId": place})):
        role = await create(founder, "content:read")
        await grant(founder, bob, role["id"])
        held = await grant(founder, target, role["id"], **where)
        for mutation, input in edits:
            assert await resisted(admin, mutation, {"roleId": role["id"]} | input) == (ABOVE, "roleId"), mutation
        # Without them it is the admin's to edit
        await founder.do("revokeGrant", {"grantId": held})
        for mutation, input in edits[::2]:
            await admin.do(mutation, {"roleId": role["id"]} | input)
        await admin.do("deleteRole", {"roleId": role["id"], "replacementRoleId": edits[-1][1]["replacementRoleId"]})


async def test_no_replacement_is_wider_than_who_chooses_it(company: Company, mailbox: Mailbox) -> None:
    role = await create(company.founder, "content:read")
    (holder,) = await cast(company.founder, mailbox, role["id"])
    listed = (await company.founder.organization("roles(first: 100) { nodes { id } }"))["roles"]["nodes"]
    seen = set()
    for replacement in (each["id"] for each in listed):
        input = {"roleId": role["id"], "replacementRoleId": replacement}
        if replacement in (role["id"], company.low["id"]) or await _is_viewer(company.founder, replacement):
            continue
        assert await resisted(company.lead, "deleteRole", input) == (ABOVE, "replacementRoleId")
        seen.add(replacement)
    assert {company.high["id"], company.lead_role["id"]} < seen
    await company.lead.do("deleteRole", {"roleId": role["id"], "replacementRoleId": company.low["id"]})
    assert await role_keys(company.founder, holder.member_id) == [company.low["key"]]


async def _is_viewer(person: Person, role: str) -> bool:
    query = "query ($id: ID!) { node(id: $id) { ... on Role { key } } }"
    return bool((await person.query(query, {"id": role}))["node"]["key"] == "viewer")


# One workspace


async def test_an_admin_of_one_workspace_is_one_there_only(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    place, other = await founder.workspace("Here"), await founder.workspace("There")
    custom = await create(founder, "content:read")
    wide, local, elsewhere = (
        await mint(founder, "viewer"),
        await mint(founder, "viewer", workspaceId=place),
        await mint(founder, "viewer", workspaceId=other),
    )
    admin, bob = await cast(founder, mailbox, "viewer", "viewer")
    await grant(founder, admin, "admin", workspaceId=place)
    _, invitation, _ = await invited(founder, mailbox, "viewer", workspaceIds=[place, other])
    organization = {"organizationId": founder.organization_id}
    id, email = {"memberId": bob.member_id}, f"{unique('x')}@example.com"
    row = "invitations.0"
    for mutation, input, answer in (
        ("createRole", organization | {"name": "Up", "permissions": []}, ("FORBIDDEN", "organizationId")),
        ("updateRole", {"roleId": custom["id"], "permissions": []}, ("FORBIDDEN", "roleId")),
        ("deleteRole", {"roleId": custom["id"]}, ("FORBIDDEN", "roleId")),
        ("updateOrganization", organization | {"name": "Mine"}, ("FORBIDDEN", "organizationId")),
        ("createWorkspace", organization | {"name": "Mine"}, ("FORBIDDEN", "organizationId")),
        ("updateWorkspace", {"workspaceId": other, "name": "Mine"}, ("NOT_FOUND", "workspaceId")),
        ("deleteWorkspace", {"workspaceId": other, "confirmName": "There"}, ("NOT_FOUND", "workspaceId")),
        ("grantRole", id | {"role": "viewer"}, ("FORBIDDEN", "memberId")),
        ("grantRole", id | {"role": "viewer", "workspaceId": other}, ("NOT_FOUND", "workspaceId")),
        ("grantRole", id | {"role": "admin", "workspaceId": place}, (ABOVE, "role")),
        ("setMemberRole", id | {"role": "viewer"}, ("FORBIDDEN", "memberId")),
        ("setMemberRole", {"memberId": admin.member_id, "role": "admin"}, ("FORBIDDEN", "memberId")),
        ("suspendMember", id, ("FORBIDDEN", "memberId")),
        ("removeMember", id, ("FORBIDDEN", "memberId")),
        (*inviting(admin, "viewer", email), ("FORBIDDEN", row)),
        (*inviting(admin, "viewer", email, other), ("NOT_FOUND", f"{row}.workspaceIds")),
        (*inviting(admin, "viewer", email, place, other), ("NOT_FOUND", f"{row}.workspaceIds")),
        (*inviting(admin, "admin", email, place), (ABOVE, f"{row}.role")),
        ("resendInvitation", {"invitationId": invitation}, ("FORBIDDEN", "invitationId")),
        ("revokeInvitation", {"invitationId": invitation}, ("FORBIDDEN", "invitationId")),
        ("createApiKey", organization | {"name": "Up", "role": "viewer"}, ("FORBIDDEN", "organizationId")),
        ("createApiKey", {"workspaceId": other, "name": "Up", "role": "viewer"}, ("NOT_FOUND", "workspaceId")),
        ("createApiKey", {"workspaceId": place, "name": "Up", "role": "owner"}, (ABOVE, "role")),
        ("rotateApiKey", {"apiKeyId": wide.id}, ("NOT_FOUND", "apiKeyId")),
        ("revokeApiKey", {"apiKeyId": elsewhere.id}, ("NOT_FOUND", "apiKeyId")),
        ("transferOwnership", id, ("FORBIDDEN", "memberId")),
    ):
        assert await resisted(admin, mutation, input) == answer, (mutation, input)
    # An active workspace of theirs makes them no more outside it
    there = {"Orgraph_Workspace": place}
    assert "roles:manage" in await permissions(admin, **there)
    error = await admin.refused("createRole", {"name": "Up", "permissions": []}, **there)
    assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
    # There they are
    await grant(admin, bob, "member", workspaceId=place)
    await invite(admin, "member", workspaceIds=[place])
    assert await works(await mint(admin, "admin", workspaceId=place))
    await rotated(admin, local)
    await admin.do("updateWorkspace", {"workspaceId": place, "name": "Ours"})


async def test_foreign_workspaces_cannot_be_named_by_a_header(company: Company, mailbox: Mailbox) -> None:
    founder = company.founder
    stranger = await owner(founder.server, mailbox)
    foreign, shut = await stranger.workspace(), await founder.workspace()
    key = await mint(founder, "owner", workspaceId=company.place)
    before = await state(founder), await state(stranger)
    query = "mutation ($input: CreateWorkspaceInput!) { createWorkspace(input: $input) { userErrors { code } } }"
    for actor, places in (
        (founder, [{"Orgraph_Workspace": foreign}, {"Orgraph_Organization": stranger.organization_id}]),
        (company.lead, [{"Orgraph_Workspace": shut}, {"Orgraph_Workspace": foreign}]),
        (key, [{"Orgraph_Workspace": shut}, {"Orgraph_Workspace": foreign}]),
    ):
        for headers in places:
            assert closed(await actor.execute("{ viewer { permissions } }", None, **headers)), headers
            assert closed(await actor.execute(query, {"input": {"name": "Mine"}}, **headers)), headers
            assert (await state(founder), await state(stranger)) == before
    assert await permissions(company.lead, Orgraph_Workspace=company.place) == set(LEAD)
