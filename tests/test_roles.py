"""Custom roles: created, changed and deleted, and what that means at once for everybody who has one."""

import asyncio
from typing import Any

import httpx
import pytest

from schema.scalars import parse_any_id
from tests.api_keys import key_events, mint, permissions
from tests.factories import (
    LATER,
    ROLES,
    Client,
    Person,
    cast,
    closed,
    grants_of,
    invite,
    owner,
    refusal,
    sign_up,
    sql,
    unique,
)
from tests.invitations import letter_token
from tests.races import Row, at_once, raced, send
from tests.roles import NODE, ROLE, all_roles, create, read, update
from tests.servers import Mailbox, Server
from tests.streams import by_websocket, grant, take
from tests.streams import refusal as end_of

INVITED = "results { invitation { id } userErrors { code field } }"
EXPLAINED = """query ($id: ID!, $workspaceId: ID) { node(id: $id) { ... on Member {
    roles { id } permissions(workspaceId: $workspaceId) { permission grants { id } } } } }"""


# Creating and changing


async def test_a_role_is_created_listed_and_changed(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    given = {"name": "  Support Desk ", "description": " Answers\npeople ", "organizationId": founder.organization_id}
    payload = await founder.do(
        "createRole", given | {"permissions": ["members:read", "content:read", "members:read"]}, ROLE
    )
    role = payload["role"]
    assert {name: value for name, value in role.items() if name != "id"} == {
        "key": "support-desk",
        "name": "Support Desk",
        "description": "Answers\npeople",
        "builtIn": False,
        "permissions": [{"key": "content:read"}, {"key": "members:read"}],
    }
    assert await read(founder, role) == role
    assert list(await all_roles(founder)) == [*ROLES, "support-desk"]
    # What is left out stays, and so does the key
    renamed = await update(founder, role, name="Help desk")
    assert renamed == role | {"name": "Help desk"} == await read(founder, role)
    emptied = await update(founder, role, description="", permissions=[])
    assert emptied == renamed | {"description": "", "permissions": []}
    # Nothing to change, nothing to write down
    before = len(await key_events(founder))
    assert await update(founder, role) == await update(founder, role, name=" Help desk", permissions=[]) == emptied
    assert len(await key_events(founder)) == before
    # Its own name in another case is not taken by itself
    assert (await update(founder, role, name="HELP DESK"))["name"] == "HELP DESK"
    await founder.do("deleteRole", {"roleId": role["id"]})
    assert await read(founder, role) is None
    assert list(await all_roles(founder)) == list(ROLES)

    told = [(event["action"], event["changes"]) for event in reversed(await key_events(founder))][-5:]
    both = ["content:read", "members:read"]
    assert told == [
        (
            "role.created",
            [
                {"field": "name", "before": None, "after": "Support Desk"},
                {"field": "description", "before": "", "after": "Answers\npeople"},
                {"field": "permissions", "before": None, "after": both},
            ],
        ),
        ("role.updated", [{"field": "name", "before": "Support Desk", "after": "Help desk"}]),
        (
            "role.updated",
            [
                {"field": "description", "before": "Answers\npeople", "after": ""},
                {"field": "permissions", "before": both, "after": []},
            ],
        ),
        ("role.updated", [{"field": "name", "before": "Help desk", "after": "HELP DESK"}]),
        (
            "role.deleted",
            [
                {"field": "name", "before": "HELP DESK", "after": None},
                {"field": "permissions", "before": [], "after": None},
            ],
        ),
    ]


async def test_letters_that_stand_for_many(boss: Person) -> None:
    """U+FDFA is eighteen letters once it is normalized; U+0130 grows when its case is folded."""
    for name in ("\ufdfa" * 100, "\u0130" * 100):
        await create(boss, name=name)
        given = {"organizationId": boss.organization_id, "name": name, "permissions": []}
        assert await refusal(boss, "createRole", given) == ("TAKEN", "name")


@pytest.mark.parametrize(
    ("input", "code", "field"),
    [
        *(({"name": name}, "TAKEN", "name") for name in ("Night Shift", "night  SHIFT ", "Night\u00a0Shift")),
        ({"name": "Ｎｉｇｈｔ\u3000ｓｈｉｆｔ"}, "TAKEN", "name"),
        *(({"name": name}, "TAKEN", "name") for name in ("Owner", "aDMIN", " Member", "Ｖｉｅｗｅｒ")),
        *(({"name": name}, "REQUIRED", "name") for name in ("", "  ", "\u200b")),
        ({"name": "x" * 101}, "TOO_LONG", "name"),
        ({"name": "two\nlines"}, "INVALID", "name"),
        ({"description": "x" * 1001}, "TOO_LONG", "description"),
        ({"description": "\x07"}, "INVALID", "description"),
        *(
            ({"permissions": ["content:read", key]}, "INVALID", "permissions")
            for key in ("*", "content:*", "", "content", "Content:read", " content:read", "content:erase", "x" * 9999)
        ),
    ],
)
async def test_what_no_role_can_be(boss: Person, input: Row, code: str, field: str) -> None:
    existing = await all_roles(boss)
    if "night-shift" not in existing:
        await create(boss, name="Night Shift")
    role = await create(boss, "content:read")
    existing = await all_roles(boss)
    given = {"organizationId": boss.organization_id, "name": unique("Role "), "permissions": []}
    assert await refusal(boss, "createRole", given | input) == (code, field)
    assert await refusal(boss, "updateRole", {"roleId": role["id"]} | input) == (code, field)
    assert await all_roles(boss) == existing
    assert await read(boss, role) == role


async def test_what_is_just_allowed(server: Server, mailbox: Mailbox) -> None:
    founder, other = await owner(server, mailbox), await owner(server, mailbox)
    for organization in (founder, other):  # each has its own names
        await create(organization, name="Night Shift")
    assert len((await create(founder, name="x" * 100, description="y" * 1000))["name"]) == 100
    every = {permission for role in await _permissions_by_role(founder) for permission in role}
    assert {each["key"] for each in (await create(founder, *every))["permissions"]} == every


async def _permissions_by_role(viewer: Person) -> list[list[str]]:
    listed = await viewer.organization("roles(first: 100) { nodes { permissions { key } } }")
    return [[each["key"] for each in role["permissions"]] for role in listed["roles"]["nodes"]]


async def test_keys_read_like_names_and_are_unique(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    names = ("Désk 1", "Desk (1)", "desk/1", "Owner!", "customer admin", "客服", "…!")
    keys = [(await create(founder, name=name))["key"] for name in names]
    assert keys[:5] == ["desk-1", "desk-1-2", "desk-1-3", "owner-2", "customer-admin"]
    assert all(keys)
    assert len({*keys, *ROLES}) == len(names) + len(ROLES)
    (bob,) = await cast(founder, mailbox, "viewer")
    for key in keys:  # and each names its role
        await founder.do("setMemberRole", {"memberId": bob.member_id, "role": key})
        assert [each["role"]["key"] for each in await grants_of(founder, bob.member_id)] == [key]


async def test_built_in_roles_stay_as_they_are(boss: Person) -> None:
    before = await boss.organization("roles(first: 4) { nodes { id key name permissions { key } } }")
    existing = await all_roles(boss)
    for key in ROLES:
        role = existing[key]
        edits: list[Row] = [{"name": unique("Mine ")}, {"permissions": []}, {"description": "Mine"}, {}]
        for input in edits:
            assert await refusal(boss, "updateRole", {"roleId": role} | input) == ("FORBIDDEN", "roleId")
        assert await refusal(boss, "deleteRole", {"roleId": role}) == ("FORBIDDEN", "roleId")
        input = {"roleId": role, "replacementRoleId": existing["viewer"]}
        assert await refusal(boss, "deleteRole", input) == ("FORBIDDEN", "roleId")
        can = (await boss.query(NODE, {"id": role}))["node"]["viewerCan"]
        assert can == {"updateRole": {"allowed": False, "reason": "FORBIDDEN"}}
    assert await boss.organization("roles(first: 4) { nodes { id key name permissions { key } } }") == before


async def test_who_may(boss: Person, mailbox: Mailbox) -> None:
    admin, member, viewer = await cast(boss, mailbox, "admin", "member", "viewer")
    role = await create(admin, "content:read")
    assert await update(admin, role, description="By the admin") == role | {"description": "By the admin"}
    new = {"name": unique("Role "), "permissions": [], "organizationId": boss.organization_id}
    for actor in (member, viewer):
        assert await refusal(actor, "createRole", new) == ("FORBIDDEN", "organizationId")
        for mutation in ("updateRole", "deleteRole"):
            error = await actor.refused(mutation, {"roleId": role["id"]})
            assert (error["code"], error["field"]) == ("FORBIDDEN", "roleId")
            assert error["details"]["permission"] == "roles:manage"
        can = (await actor.query(NODE, {"id": role["id"]}))["node"]["viewerCan"]
        assert can == {"updateRole": {"allowed": False, "reason": "FORBIDDEN"}}
    assert (await admin.query(NODE, {"id": role["id"]}))["node"]["viewerCan"]["updateRole"]["allowed"]
    query = "mutation ($id: ID!) { deleteRole(input: {roleId: $id}) { userErrors { code } } }"
    assert (await Client(boss.server).execute(query, {"id": role["id"]})).codes == ["UNAUTHENTICATED"]
    assert await read(boss, role) == role | {"description": "By the admin"}
    await admin.do("deleteRole", {"roleId": role["id"]})


async def test_a_role_of_another_organization_is_nothing(boss: Person, mailbox: Mailbox) -> None:
    """By its id and by its key, wherever a role can be named."""
    stranger = await owner(boss.server, mailbox)
    foreign, own = await create(stranger, "content:read"), await create(boss, "content:read")
    (bob,) = await cast(boss, mailbox, "viewer")
    place = await boss.workspace()
    assert await read(stranger, foreign) == foreign
    assert await read(boss, foreign) is None
    assert foreign["id"] not in (await all_roles(boss)).values()
    named: list[tuple[str, Row, str]] = [
        ("updateRole", {"roleId": foreign["id"], "name": "Ours"}, "roleId"),
        ("deleteRole", {"roleId": foreign["id"]}, "roleId"),
        ("deleteRole", {"roleId": own["id"], "replacementRoleId": foreign["id"]}, "replacementRoleId"),
    ]
    for role in (foreign["id"], foreign["key"]):
        named += [
            ("grantRole", {"memberId": bob.member_id, "role": role}, "role"),
            ("grantRole", {"memberId": bob.member_id, "role": role, "workspaceId": place}, "role"),
            ("setMemberRole", {"memberId": bob.member_id, "role": role}, "role"),
            ("transferOwnership", {"memberId": bob.member_id, "ownRole": role}, "ownRole"),
            ("createApiKey", {"name": "Key", "role": role, "organizationId": boss.organization_id}, "role"),
        ]
    for mutation, input, field in named:
        assert await refusal(boss, mutation, input) == ("NOT_FOUND", field), (mutation, input)
    for role in (foreign["id"], foreign["key"]):
        rows = [{"email": f"{unique('x')}@example.com", "role": role}]
        input = {"organizationId": boss.organization_id, "invitations": rows}
        (row,) = (await boss.do("inviteMembers", input, INVITED))["results"]
        assert row == {"invitation": None, "userErrors": [{"code": "NOT_FOUND", "field": "invitations.0.role"}]}
        selection = "members(filter: {role: $role}) { totalCount }"
        found = await boss.organization(selection, ", $role: String", role=role)
        assert found["members"]["totalCount"] == 0
    assert await read(stranger, foreign) == foreign
    assert await read(boss, own) == own


# What everybody has who has the role


async def test_an_edit_is_in_force_on_the_next_request(server: Server, mailbox: Mailbox) -> None:
    """For a member, in a workspace, for a time, by an API key, and by an invitation that is accepted afterwards."""
    founder = await owner(server, mailbox)
    place = await founder.workspace()
    role = await create(founder, "members:read", "content:read")
    wide, local, brief = await cast(founder, mailbox, "viewer", "viewer", "viewer")
    await founder.do("setMemberRole", {"memberId": wide.member_id, "role": role["id"]})
    await grant(founder, local, role["id"], workspaceId=place)
    await grant(founder, brief, role["id"], expiresAt=LATER)
    key, local_key = await mint(founder, role["id"]), await mint(founder, role["id"], workspaceId=place)
    invited = await invite(founder, role["id"])
    viewer = {"members:read", "content:read"}

    async def held() -> list[set[str]]:
        there = {"Orgraph_Workspace": place}
        return [
            await permissions(wide),
            await permissions(local, **there),
            await permissions(brief),
            await permissions(key),
            await permissions(local_key),
        ]

    assert await held() == [viewer] * 5
    await update(founder, role, permissions=["content:write", "settings:read"])
    new = {"content:write", "settings:read"}
    assert await held() == [new, viewer | new, viewer | new, new, new]
    assert await permissions(local) == viewer
    late = await sign_up(server, invited["email"], invitationToken=await letter_token(mailbox, invited["email"]))
    assert await permissions(late) == new
    await update(founder, role, permissions=[])
    assert await held() == [set(), viewer, viewer, set(), set()]
    assert await permissions(late) == set()
    # They are members still, whom it gives nothing
    assert (await late.query("{ viewer { organization { id } } }"))["viewer"]["organization"]


async def test_a_subscription_follows_an_edit_and_ends_by_it(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    role = await create(founder, "members:read")
    (bob,) = await cast(founder, mailbox, "viewer")
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": role["id"]})
    async with by_websocket(bob) as stream:
        waiting = asyncio.create_task(take(stream, 1))
        while not waiting.done():  # the stream begins at some moment after it was asked for
            await update(founder, role, description=unique("Text "))
            await asyncio.wait([waiting], timeout=0.3)
        (change,) = waiting.result()
        assert change["type"] == "ROLE_UPDATED"
        assert (change["target"]["id"], change["role"]) == (role["id"], {"key": role["key"]})
        assert change["member"] is None
        await update(founder, role, permissions=["content:read"])
        assert await end_of(stream) == "FORBIDDEN"
    async with by_websocket(bob) as stream:
        assert await end_of(stream) == "FORBIDDEN"


async def test_several_roles_add_up_and_each_permission_is_explained(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    place, other = await founder.workspace(), await founder.workspace()
    reads, writes = await create(founder, "content:read"), await create(founder, "content:read", "content:write")
    audits = await create(founder, "audit:read", "settings:read")
    (bob,) = await cast(founder, mailbox, "viewer")
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": reads["id"]})
    (first,) = [each["id"] for each in await grants_of(founder, bob.member_id)]
    second = await grant(founder, bob, writes["id"])
    brief = await grant(founder, bob, "admin", expiresAt=LATER)
    there = await grant(founder, bob, audits["id"], workspaceId=place)
    again = await grant(founder, bob, reads["id"], workspaceId=place)

    async def explained(**variables: Any) -> dict[str, set[str]]:
        member = (await founder.query(EXPLAINED, {"id": bob.member_id} | variables))["node"]
        found = {each["permission"]: {one["id"] for one in each["grants"]} for each in member["permissions"]}
        assert list(found) == sorted(found)
        return found

    assert "members:invite" in await permissions(bob)
    assert (await explained())["content:read"] == {first, second, brief}
    await sql(server, "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE id = $1", parse_any_id(brief))
    assert await explained() == {"content:read": {first, second}, "content:write": {second}}
    assert await explained(workspaceId=place) == {
        "audit:read": {there},
        "content:read": {first, second, again},
        "content:write": {second},
        "settings:read": {there},
    }
    # What is explained is what is in force
    assert await permissions(bob) == set(await explained())
    assert await permissions(bob, Orgraph_Workspace=place) == set(await explained(workspaceId=place))
    assert await explained(workspaceId=other) == {}
    assert closed(await bob.execute("{ viewer { permissions } }", Orgraph_Workspace=other))
    shown = (await founder.query(EXPLAINED, {"id": bob.member_id}))["node"]["roles"]
    assert {role["id"] for role in shown} == {reads["id"], writes["id"], audits["id"]}
    assert (await refusal(bob, "createRole", {"name": "Mine", "permissions": []}))[0] == "FORBIDDEN"
    await founder.do("revokeGrant", {"grantId": second})
    assert await permissions(bob) == {"content:read"}


# At once


async def test_one_of_two_roles_of_the_same_name_is_created(boss: Person, http: httpx.AsyncClient) -> None:
    async def track(rounds: int) -> None:
        for _ in range(rounds):
            name = unique("Race ")
            new = {"organizationId": boss.organization_id, "permissions": []}
            answers = await at_once(
                *(send(http, boss, "createRole", new | {"name": each}) for each in (name, name.upper()))
            )
            assert sorted(answers) == ["TAKEN", "done"]

    await raced(20, track)


async def test_no_request_sees_half_an_edit(boss: Person, mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    """The holder has what was before or what is after, and what is after once the edit has been answered."""
    (bob,) = await cast(boss, mailbox, "viewer")
    sets = [{"content:read", "settings:read"}, {"content:write", "audit:read"}]
    role = await create(boss, *sets[0])
    await boss.do("setMemberRole", {"memberId": bob.member_id, "role": role["id"]})
    for number in range(1, 13):
        edit = {"roleId": role["id"], "permissions": sorted(sets[number % 2])}
        (answer,), *had = await asyncio.gather(
            at_once(send(http, boss, "updateRole", edit)), *(permissions(bob) for _ in range(3))
        )
        assert answer == "done"
        assert all(each in sets for each in had)
        assert await permissions(bob) == sets[number % 2]
