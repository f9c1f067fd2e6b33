"""The number of SQL statements does not grow with what is asked for."""

import pytest

from tests.connections import CONNECTIONS, NODES, ROWS, Maker, Rows, World, ids

DEEP = {
    "members": """members(first: 100) { totalCount nodes {
        user { id name } status lastSeenAt roles { key permissions { key } } organization { id name }
        grants { id role { key name } workspace { id name organization { id } } grantedBy { id name } }
        workspaces(first: 5) { totalCount nodes { id name organization { id } } }
        permissions { permission grants { id role { key } } } } }""",
    "workspaces": """workspaces(first: 100) { nodes { id organization { id }
        members(first: 3) { totalCount nodes {
            user { id } grants { id } workspaces(first: 2) { nodes { id } } } } } }""",
    "invitations": """invitations(first: 100) { nodes {
        role { key } workspaces { id } invitedBy { id } organization { id } } }""",
    "roles": "roles(first: 100) { nodes { key memberCount } }",
    "auditEvents": "auditEvents(first: 100) { nodes { id actor { label } workspace { id } } }",
}


async def test_statements_do_not_grow_with_rows(make_world: Maker) -> None:
    taken: list[dict[str, int]] = []
    for count in (3, 60):
        world = await make_world()
        place = Rows.uuid(world.place)
        for member in await world.rows.members(count):
            await world.rows.grant(member, "viewer", place)
        await world.rows.workspaces(count)
        await world.rows.invitations(count)
        await world.rows.roles(count)
        query = "query ($id: ID!) { organization(id: $id) { %s } }"
        await world.boss.query("{ viewer { user { id } } }")  # who asks is remembered from here on
        answers = {
            name: await world.boss.execute(query % part, {"id": world.boss.organization_id})
            for name, part in DEEP.items()
        }
        assert len(answers["members"].data["organization"]["members"]["nodes"]) == count + 1
        taken.append({name: answer.statements for name, answer in answers.items()})
    # Field by field, loads that fall into one turn of the loop are one statement, which is a matter of time.
    assert all(abs(few - taken[1][name]) <= 1 for name, few in taken[0].items())
    assert max(taken[0].values()) <= 14


MEMBERSHIPS = """{ viewer { memberships(first: 100) { nodes { user { id } roles { key } organization { id name
    members(first: 5) { totalCount nodes { user { id } roles { key } } } workspaces(first: 5) { nodes { id } }
    %s } } } } }"""


@pytest.mark.parametrize(
    "more",
    [
        "auditEvents(first: 2) { nodes { id } } invitations(first: 2) { nodes { id } }",
        "roles { nodes { memberCount } }",
    ],
    ids=["events and invitations", "roles"],
)
async def test_statements_do_not_grow_with_memberships(make_world: Maker, more: str) -> None:
    taken = []
    for count in (2, 20):
        world = await make_world()
        await world.rows.memberships(count, "admin")
        answer = await world.boss.execute(MEMBERSHIPS % more)
        assert len(answer.data["viewer"]["memberships"]["nodes"]) == count + 1
        taken.append(answer.statements)
    assert taken[0] == taken[1] < 20


async def test_statements_do_not_grow_with_nodes(world: World) -> None:
    members = ids(await world.page(CONNECTIONS[0], first=20))
    await world.boss.execute(NODES, {"ids": members})  # who asks is remembered from here on
    taken = [(await world.boss.execute(NODES, {"ids": members[:count]})).statements for count in (2, 20)]
    assert taken[0] == taken[1]


async def test_aliases_of_one_connection_are_not_mixed_up(world: World) -> None:
    """Loaders are shared by what is alike only."""
    page = await world.boss.organization(
        """one: members(first: 1) { nodes { id } totalCount } two: members(first: 2) { nodes { id } totalCount }
        last: members(last: 1) { nodes { id } }
        down: members(first: 1, orderBy: {field: JOINED_AT, direction: DESC}) { nodes { id } }
        viewers: members(first: 1, filter: {role: "owner"}) { nodes { id } totalCount }"""
    )
    assert ids(page["two"])[:1] == ids(page["one"])
    assert ids(page["last"]) == ids(page["down"]) != ids(page["one"])
    assert (ids(page["viewers"]), page["viewers"]["totalCount"]) == ([world.boss.member_id], 1)
    assert page["one"]["totalCount"] == page["two"]["totalCount"] == ROWS + 1
