"""Lists of members: filters, orders, and what is shown to whom."""

from typing import Any

import pytest

from schema.scalars import parse_any_id
from tests.factories import Client, Person, cast, grants_of, join, owner, sign_up, sql, unique, verify
from tests.members import role_keys, status_of
from tests.servers import Mailbox, Server

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


# Ids that are nothing here


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
