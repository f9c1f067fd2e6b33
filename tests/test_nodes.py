"""Nodes: whatever has an id is fetched by it, by those who may see it."""

from itertools import pairwise

from tests.connections import NODES, World
from tests.factories import owner
from tests.servers import Mailbox


async def some_of_each(world: World) -> dict[str, str]:
    """An id of each type."""
    data = await world.boss.query(
        """query ($id: ID!) { viewer { user { id } session { id } } organization(id: $id) { id
        members(first: 1) { nodes { id grants { id } } } workspaces(first: 1) { nodes { id } }
        roles(first: 1) { nodes { id } } invitations(first: 1) { nodes { id } }
        apiKeys(first: 1) { nodes { id } } auditEvents(first: 1) { nodes { id } } } }""",
        {"id": world.boss.organization_id},
    )
    organization = data["organization"]
    of = {name.removesuffix("s"): value["nodes"][0] for name, value in organization.items() if name != "id"}
    return {
        "Organization": organization["id"],
        "User": data["viewer"]["user"]["id"],
        "Session": data["viewer"]["session"]["id"],
        "Member": of["member"]["id"],
        "Grant": of["member"]["grants"][0]["id"],
        "Workspace": of["workspace"]["id"],
        "Role": of["role"]["id"],
        "Invitation": of["invitation"]["id"],
        "ApiKey": of["apiKey"]["id"],
        "AuditEvent": of["auditEvent"]["id"],
    }


async def test_each_type_is_refetched(world: World) -> None:
    wanted = await some_of_each(world)
    expected = [{"__typename": name, "id": id} for name, id in wanted.items()]
    assert (await world.boss.query(NODES, {"ids": list(wanted.values())}))["nodes"] == expected
    for node in expected:
        query = "query ($id: ID!) { node(id: $id) { __typename id } }"
        assert await world.boss.query(query, {"id": node["id"]}) == {"node": node}
    implemented = await world.boss.query('{ __type(name: "Node") { possibleTypes { name } } }')
    assert {row["name"] for row in implemented["__type"]["possibleTypes"]} == set(wanted)


async def test_ids_that_are_nothing(world: World) -> None:
    wanted = list((await some_of_each(world)).values())
    junk = ["", "_", "junk", "org_", "\0", "org_\0", "é", "a" * 10_000, "org_" + "u" * 26, "org_" + "8" + "0" * 25]
    missing = [id[:-4] + ("0000" if id[-4:] != "0000" else "1111") for id in wanted]
    other_type = [f"{two.partition('_')[0]}_{one.partition('_')[2]}" for one, two in pairwise(wanted)]
    upper = [id.upper() for id in wanted]
    nothing = junk + missing + other_type + upper
    assert (await world.boss.query(NODES, {"ids": nothing}))["nodes"] == [None] * len(nothing)
    assert (await world.boss.query(NODES, {"ids": []}))["nodes"] == []
    one = wanted[0]
    assert [node and node["id"] for node in (await world.boss.query(NODES, {"ids": [one, "x", one]}))["nodes"]] == [
        one,
        None,
        one,
    ]


async def test_what_belongs_to_others_is_nothing(world: World, mailbox: Mailbox) -> None:
    stranger = await owner(world.boss.server, mailbox)
    wanted = await some_of_each(world)
    answered = await stranger.query(NODES, {"ids": list(wanted.values())})
    assert [node["__typename"] for node in answered["nodes"] if node] == ["Role"]  # built-in ones are everybody's


async def test_a_hundred_nodes_at_most(world: World) -> None:
    for count, codes in ((100, []), (101, ["BAD_REQUEST"])):
        answer = await world.boss.execute(NODES, {"ids": [world.boss.organization_id] * count})
        assert answer.codes == codes
        assert codes == [] or "100" in answer.body["errors"][0]["message"]
