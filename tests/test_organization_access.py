"""Organizations are entered by their members, and closed to everybody else."""

import asyncio
from typing import Any

from tests.factories import (
    ACTIVE,
    Client,
    Person,
    closed,
    founder,
    invite,
    join,
    owner,
    sign_in,
    unique,
)
from tests.organizations import NOWHERE, actions, active, found, name_of
from tests.servers import Mailbox, Server

# Switching, and what requests' headers say


async def test_switch(server: Server) -> None:
    person, stranger = await founder(server), await founder(server)
    other = await found(person)
    workspace = await person.workspace()
    for id in (stranger.organization_id, NOWHERE, "junk", "", person.user_id, workspace):
        error = await person.refused("switchOrganization", {"organizationId": id})
        assert (error["code"], error["field"]) == ("NOT_FOUND", "organizationId"), id
    assert await active(person) == other["id"]
    for id in (person.organization_id, other["id"], other["id"]):
        selection = "viewer { organization { id } workspace { id } }"
        payload = await person.do("switchOrganization", {"organizationId": id}, selection)
        assert payload["viewer"] == {"organization": {"id": id}, "workspace": None}
        assert await active(person) == id, "the session keeps it"


async def test_switch_is_of_one_session(server: Server) -> None:
    person = await founder(server)
    elsewhere = await sign_in(server, person.email)
    other = await found(person)
    assert await active(person) == other["id"]
    assert await active(elsewhere) == person.organization_id


async def test_two_tabs_in_two_organizations(server: Server) -> None:
    person = await founder(server)
    first, second = person.organization_id, (await found(person))["id"]
    seen = await asyncio.gather(*(active(person, Orgraph_Organization=id) for id in [first, second] * 5))
    assert seen == [first, second] * 5
    assert await active(person) == second, "headers are for their request only"

    await person.do("updateOrganization", {"name": "First"}, Orgraph_Organization=first)
    await person.do("updateOrganization", {"name": "Second"}, Orgraph_Organization=second)
    assert await name_of(person) == "First"


async def test_headers_fail_closed(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    bob = await join(ann, mailbox)
    own, unentered, foreign = await ann.workspace(), await ann.workspace(), await stranger.workspace()
    await ann.do("grantRole", {"memberId": bob.member_id, "role": "member", "workspaceId": own})
    others = await found(bob)
    deleted = await found(bob)
    await bob.do("deleteOrganization", {"organizationId": deleted["id"], "confirmName": deleted["name"]})

    organizations = [stranger.organization_id, deleted["id"], NOWHERE, "junk", bob.user_id, own, "\u00fc"]
    workspaces = [foreign, unentered, NOWHERE.replace("org_", "ws_"), "junk", bob.organization_id]
    for id in organizations:
        assert closed(await bob.execute(ACTIVE, Orgraph_Organization=id.encode("latin-1"))), id  # type: ignore[arg-type]
    for id in workspaces:
        assert closed(await bob.execute(ACTIVE, Orgraph_Workspace=id)), id
        assert closed(await bob.execute(ACTIVE, Orgraph_Workspace=id, Orgraph_Organization=bob.organization_id)), id
    assert closed(await bob.execute(ACTIVE, Orgraph_Workspace=own, Orgraph_Organization=others["id"]))
    assert closed(await bob.execute(ACTIVE, Orgraph_Workspace=own, Orgraph_Organization="junk"))

    refused = 'mutation { createOrganization(input: {name: "Acme"}) { organization { id } } }'
    assert closed(await bob.execute(refused, Orgraph_Organization=stranger.organization_id))
    assert (await bob.query("{ viewer { memberships { totalCount } } }"))["viewer"]["memberships"]["totalCount"] == 2

    for headers in (
        {"Orgraph_Workspace": own},
        {"Orgraph_Workspace": own, "Orgraph_Organization": bob.organization_id},
    ):
        seen = (await bob.query(ACTIVE, **headers))["viewer"]
        assert seen == {"organization": {"id": bob.organization_id}, "workspace": {"id": own}}


# Closed to others


async def ids_of(ann: Person, bob: Person) -> dict[str, str]:
    """The ids of everything that an organization has, by kind; Bob is a member."""
    workspace = await ann.workspace()
    await ann.do("grantRole", {"memberId": bob.member_id, "role": "member", "workspaceId": workspace})
    invitation = await invite(ann)
    seen = await ann.organization(
        "members { nodes { id grants { id } user { id } } } auditEvents(first: 1) { nodes { id } }"
    )
    member = next(member for member in seen["members"]["nodes"] if member["id"] == bob.member_id)
    return {
        "organization": ann.organization_id,
        "workspace": workspace,
        "member": bob.member_id,
        "user": member["user"]["id"],
        "grant": member["grants"][-1]["id"],
        "invitation": invitation["id"],
        "auditEvent": seen["auditEvents"]["nodes"][0]["id"],
    }


async def test_another_organization_is_closed_to_queries(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await owner(server, mailbox)
    ids = await ids_of(ann, await join(ann, mailbox))
    slug = (await ann.organization("slug"))["slug"]
    query = """query ($ids: [ID!]!, $organization: ID!, $workspace: ID!, $slug: String!) {
        nodes(ids: $ids) { id } organization(id: $organization) { id } bySlug: organization(slug: $slug) { id }
        workspace(id: $workspace) { id } }"""
    variables = {"ids": list(ids.values()), "slug": slug} | {k: ids[k] for k in ("organization", "workspace")}
    seen = await ann.query(query, variables)
    assert [node and node["id"] for node in seen["nodes"]] == list(ids.values())
    assert all(seen.values())

    hidden = await stranger.query(query, variables)
    assert hidden == {"nodes": [None] * len(ids), "organization": None, "bySlug": None, "workspace": None}
    node = 'query ($id: ID!) { node(id: $id) { id } viewer { can(permission: "members:read", on: $id) } }'
    for kind, id in ids.items():
        assert await stranger.query(node, {"id": id}) == {"node": None, "viewer": {"can": False}}, kind


async def test_another_organization_is_closed_to_mutations(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await owner(server, mailbox)
    bob = await join(ann, mailbox)
    ids = await ids_of(ann, bob)
    before = await actions(ann)
    organization, workspace = {"organizationId": ids["organization"]}, {"workspaceId": ids["workspace"]}
    member, invitation = {"memberId": ids["member"]}, {"invitationId": ids["invitation"]}
    own_workspace = await stranger.workspace()
    row = {"email": f"{unique('invited')}@example.com", "role": "member"}
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("updateOrganization", organization | {"name": "Mine"}, "organizationId"),
        ("switchOrganization", organization, "organizationId"),
        ("leaveOrganization", organization, "organizationId"),
        ("deleteOrganization", organization | {"confirmName": "Mine"}, "organizationId"),
        ("restoreOrganization", organization, "organizationId"),
        ("createWorkspace", organization | {"name": "Mine"}, "organizationId"),
        ("inviteMembers", organization | {"invitations": [row]}, "organizationId"),
        ("updateWorkspace", workspace | {"name": "Mine"}, "workspaceId"),
        ("switchWorkspace", workspace, "workspaceId"),
        ("leaveWorkspace", workspace, "workspaceId"),
        ("deleteWorkspace", workspace | {"confirmName": "Mine"}, "workspaceId"),
        ("restoreWorkspace", workspace, "workspaceId"),
        ("removeMember", member, "memberId"),
        ("suspendMember", member, "memberId"),
        ("reactivateMember", member, "memberId"),
        ("setMemberRole", member | {"role": "viewer"}, "memberId"),
        ("transferOwnership", member, "memberId"),
        ("grantRole", member | {"role": "viewer"}, "memberId"),
        ("grantRole", member | {"role": "viewer", "workspaceId": own_workspace}, "memberId"),
        ("grantRole", {"memberId": stranger.member_id, "role": "viewer"} | workspace, "workspaceId"),
        ("revokeGrant", {"grantId": ids["grant"]}, "grantId"),
        ("resendInvitation", invitation, "invitationId"),
        ("revokeInvitation", invitation, "invitationId"),
        ("acceptInvitation", invitation, "invitationId"),
        ("declineInvitation", invitation, "invitationId"),
    ]
    answers = []
    for name, input, _ in refused:
        error = await stranger.refused(name, input)
        answers.append((name, error["code"], error["field"]))
    assert answers == [(name, "NOT_FOUND", field) for name, _, field in refused]
    assert await actions(ann) == before, "a stranger leaves no trace"
    assert await active(stranger) == stranger.organization_id


async def test_member_of_two_cannot_mix_them(server: Server, mailbox: Mailbox) -> None:
    """Whoever belongs to both organizations still gives nothing of one to the other."""
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox)
    other = await found(ann)
    workspace = (await ann.do("createWorkspace", {"name": "Elsewhere"}, "workspace { id }"))["workspace"]["id"]
    error = await ann.refused("grantRole", {"memberId": bob.member_id, "role": "member", "workspaceId": workspace})
    assert (error["code"], error["field"]) == ("NOT_FOUND", "workspaceId")
    row = {"email": f"{unique('invited')}@example.com", "role": "member", "workspaceIds": [workspace]}
    payload = await ann.do(
        "inviteMembers",
        {"organizationId": ann.organization_id, "invitations": [row]},
        "results { invitation { id } userErrors { code } }",
    )
    assert payload["results"] == [{"invitation": None, "userErrors": [{"code": "NOT_FOUND"}]}]
    assert await active(ann) == other["id"]


async def test_anonymous_with_headers_is_anonymous(server: Server) -> None:
    person = await founder(server)
    for id in (person.organization_id, NOWHERE, "junk"):
        answer = await Client(server).execute(ACTIVE, Orgraph_Organization=id)
        assert (answer.body["data"], answer.codes) == ({"viewer": None}, ["UNAUTHENTICATED"])
