"""Organizations that require two-factor authentication let nobody in without it."""

from typing import Any

from tests.factories import PASSWORD, Person, cast, closed, invite, owner, refusal, sign_in, unique
from tests.mfa import Device, require_mfa, turn_on
from tests.organizations import NOWHERE, found
from tests.servers import Mailbox, Server
from tests.streams import BOTH, Opener, by_websocket, grant
from tests.streams import refusal as end_of

VIEWER = """{ viewer { organization { id } permissions organizationsRequiringMfa { id name }
    memberships(first: 9) { totalCount nodes { organization { id } } } } }"""


async def seen_by(person: Person) -> Any:
    return (await person.query(VIEWER))["viewer"]


async def requiring(server: Server, mailbox: Mailbox, *roles: str) -> tuple[Person, list[Person]]:
    """The owner, who has it on, of an organization that requires it, and members who have not."""
    boss = await owner(server, mailbox)
    await turn_on(boss)
    members = await cast(boss, mailbox, *roles)
    await require_mfa(server, boss.organization_id)
    return boss, members


async def turn_off(person: Person, device: Device) -> None:
    await person.do("disableTotp", {"password": PASSWORD, "code": device.recovery_codes[0]})


async def test_a_member_is_locked_out_until_it_is_on(server: Server, mailbox: Mailbox) -> None:
    boss, [member] = await requiring(server, mailbox, "admin")
    own = str((await found(member, switch=False))["id"])
    id = boss.organization_id
    name = (await boss.organization("name"))["name"]
    query = "query ($id: ID!) { organization(id: $id) { name } node(id: $id) { id } }"
    by_slug = "query ($slug: String!) { organization(slug: $slug) { id } }"
    slug = {"slug": (await boss.organization("slug"))["slug"]}

    async def locked(person: Person) -> None:
        assert await person.query(query, {"id": id}) == {"organization": None, "node": None}
        assert await person.query(by_slug, slug) == {"organization": None}
        for key in (boss.member_id, member.member_id):
            assert (await person.query("query ($id: ID!) { node(id: $id) { id } }", {"id": key}))["node"] is None
        seen = await seen_by(person)
        assert (seen["organization"], seen["permissions"]) == (None, [])
        assert seen["organizationsRequiringMfa"] == [{"id": id, "name": name}]
        assert seen["memberships"] == {"totalCount": 1, "nodes": [{"organization": {"id": own}}]}
        assert closed(await person.execute(VIEWER, Orgraph_Organization=id))
        assert closed(await person.execute(VIEWER, Orgraph_Organization=NOWHERE))
        assert not closed(await person.execute(VIEWER, Orgraph_Organization=own))

    async def inside(person: Person) -> None:
        assert (await person.query(query, {"id": id}))["organization"] == {"name": name}
        seen = await seen_by(person)
        assert seen["organizationsRequiringMfa"] == []
        assert seen["organization"] == {"id": id}
        assert "members:invite" in seen["permissions"]
        assert seen["memberships"]["totalCount"] == 2
        assert not closed(await person.execute(VIEWER, Orgraph_Organization=id))
        await person.do("createWorkspace", {"name": unique("Workspace "), "organizationId": id})

    assert (await seen_by(boss))["organizationsRequiringMfa"] == []
    await boss.workspace()
    await locked(member)
    await locked(await sign_in(server, member.email))
    device = await turn_on(member)
    await inside(member)
    await turn_off(member, device)
    await locked(member)


async def test_what_is_in_it_cannot_be_changed(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    await turn_on(boss)
    admin, other = await cast(boss, mailbox, "owner", "member")
    workspace, gone = await boss.workspace(), await boss.workspace("Gone")
    await boss.do("deleteWorkspace", {"workspaceId": gone, "confirmName": "Gone"})
    invitation = (await invite(boss))["id"]
    given = await grant(boss, other, workspaceId=workspace)
    await require_mfa(server, boss.organization_id)
    organization = {"organizationId": boss.organization_id}
    in_workspace, about = {"workspaceId": workspace}, {"memberId": other.member_id}
    inputs: dict[str, dict[str, Any]] = {
        "updateOrganization": organization | {"name": "Acme"},
        "switchOrganization": organization,
        "leaveOrganization": organization,
        "deleteOrganization": organization | {"confirmName": "Acme"},
        "createWorkspace": organization | {"name": "Acme"},
        "inviteMembers": organization | {"invitations": [{"email": "a@example.com", "role": "member"}]},
        "updateWorkspace": in_workspace | {"name": "Acme"},
        "switchWorkspace": in_workspace,
        "leaveWorkspace": in_workspace,
        "deleteWorkspace": in_workspace | {"confirmName": "Acme"},
        "restoreWorkspace": {"workspaceId": gone},
        "resendInvitation": {"invitationId": invitation},
        "revokeInvitation": {"invitationId": invitation},
        "removeMember": about,
        "suspendMember": about,
        "reactivateMember": about,
        "setMemberRole": about | {"role": "viewer"},
        "grantRole": about | {"role": "viewer"},
        "transferOwnership": about,
        "revokeGrant": {"grantId": given},
    }
    answers = {name: (await refusal(admin, name, input))[0] for name, input in inputs.items()}
    assert answers == dict.fromkeys(inputs, "MFA_REQUIRED")
    assert (await refusal(admin, "createWorkspace", {"name": "Acme"}))[0] == "REQUIRED", "none is active"

    stranger = await owner(server, mailbox)
    answers = {name: (await refusal(stranger, name, input))[0] for name, input in inputs.items()}
    assert answers == dict.fromkeys(inputs, "NOT_FOUND")
    [outsider] = await cast(boss, mailbox, "member", workspaceIds=[await boss.workspace()])
    for name in ("leaveWorkspace", "switchWorkspace", "restoreWorkspace"):
        assert (await refusal(outsider, name, inputs[name]))[0] == "NOT_FOUND", f"{name}: it is hidden from them anyhow"


async def test_a_deleted_one_takes_it_to_be_restored(server: Server, mailbox: Mailbox) -> None:
    boss, [heir] = await requiring(server, mailbox, "owner")
    confirmed = {"confirmName": (await boss.organization("name"))["name"]}
    await boss.do("deleteOrganization", confirmed)
    named = {"organizationId": boss.organization_id}
    assert await refusal(heir, "restoreOrganization", named) == ("MFA_REQUIRED", "organizationId")
    assert (await seen_by(heir))["organizationsRequiringMfa"] == [], "it is deleted"
    await turn_on(heir)
    await heir.do("restoreOrganization", named)


async def test_who_joins_is_locked_out(server: Server, mailbox: Mailbox) -> None:
    boss, _ = await requiring(server, mailbox, "member")
    [member] = await cast(boss, mailbox, "owner")
    seen = await seen_by(member)
    assert [each["id"] for each in seen["organizationsRequiringMfa"]] == [boss.organization_id]
    assert seen["memberships"]["totalCount"] == 0
    lists = ("workspaces", "roles", "members", "invitations", "auditEvents")
    inside = " ".join(f"{name}(first: 9) {{ totalCount }}" for name in lists)
    answer = await member.execute(f"{{ viewer {{ organizationsRequiringMfa {{ {inside} }} }} }}")
    assert set(answer.codes) == {"FORBIDDEN"}
    nothing = dict.fromkeys(lists) | {"workspaces": {"totalCount": 0}}
    assert answer.body["data"]["viewer"]["organizationsRequiringMfa"] == [nothing]


@BOTH
async def test_a_stream_ends_when_it_is_required(server: Server, mailbox: Mailbox, opened: Opener) -> None:
    boss = await owner(server, mailbox)
    await turn_on(boss)
    [member] = await cast(boss, mailbox, "member")
    async with opened(member) as stream, by_websocket(boss) as kept:
        await require_mfa(server, boss.organization_id)
        if opened is by_websocket:  # else the poll finds out
            await boss.do("updateOrganization", {"name": unique("Organization ")})
        assert await end_of(stream) == "FORBIDDEN"
        await invite(boss)
        assert (await anext(kept))["data"]["membershipChanges"]["type"] == "INVITATION_SENT"


async def test_a_stream_ends_with_the_codes(server: Server, mailbox: Mailbox) -> None:
    boss, [member] = await requiring(server, mailbox, "member")
    device = await turn_on(member)
    async with by_websocket(member, organizationId=boss.organization_id) as stream:
        await turn_off(member, device)
        assert await end_of(stream) == "FORBIDDEN"
