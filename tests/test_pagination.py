"""Connections: every row once and in order, whatever the page."""

from uuid import UUID

import pytest

from schema.scalars import type_id
from tests.connections import CONNECTIONS, IN_DEFAULT_ORDER, Maker, Ordered, World, ids

EACH = pytest.mark.parametrize("shape", CONNECTIONS, ids=str)


@EACH
async def test_walks_both_ways(world: World, shape: Ordered) -> None:
    whole = await world.page(shape, first=100)
    total = whole["totalCount"]
    assert len(set(ids(whole))) == len(ids(whole)) == total
    assert total >= 5
    keys = [row["key"]["key"] if isinstance(row["key"], dict) else row["key"] for row in whole["rows"]]
    pairs = list(zip(keys, ids(whole), strict=True))
    if shape.name != "roles":
        assert pairs == sorted(pairs, reverse=shape.descending)
        assert shape.key in ("sequence", "user { key: email }") or len(set(keys)) < len(keys), "no ties"
    assert (whole["pageInfo"]["hasNextPage"], whole["pageInfo"]["hasPreviousPage"]) == (False, False)
    for size in (4, total - 1, total):
        for forwards in (True, False):
            assert await walk(world, shape, size, forwards, total) == ids(whole)


async def walk(world: World, shape: Ordered, size: int, forwards: bool, total: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        arguments = {"first": size, "after": cursor} if forwards else {"last": size, "before": cursor}
        page = await world.page(shape, **arguments)
        found = found + ids(page) if forwards else ids(page) + found
        info, cursors = page["pageInfo"], [edge["cursor"] for edge in page["edges"]]
        assert page["totalCount"] == total
        assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
        more, less = ("hasNextPage", "hasPreviousPage") if forwards else ("hasPreviousPage", "hasNextPage")
        assert info[less] is (cursor is not None)
        assert info[more] is (len(found) < total)
        if not info[more]:
            return found
        assert len(cursors) == size
        cursor = info["endCursor" if forwards else "startCursor"]


@IN_DEFAULT_ORDER
async def test_between_two_cursors(world: World, shape: Ordered) -> None:
    whole = await world.page(shape, first=100)
    cursors = [edge["cursor"] for edge in whole["edges"]]
    here, there = 1, len(cursors) - 2
    page = await world.page(shape, first=100, after=cursors[here], before=cursors[there])
    assert ids(page) == ids(whole)[here + 1 : there]
    page = await world.page(shape, last=1, after=cursors[here], before=cursors[there])
    assert ids(page) == ids(whole)[there - 1 : there]
    assert page["pageInfo"]["hasPreviousPage"] is True
    empty = await world.page(shape, first=5, after=cursors[-1])
    assert (ids(empty), empty["pageInfo"]["hasNextPage"]) == ([], False)
    assert (empty["pageInfo"]["startCursor"], empty["pageInfo"]["endCursor"]) == (None, None)
    assert ids(await world.page(shape, first=5, after=cursors[there], before=cursors[here])) == []


async def test_fifty_by_default(make_world: Maker) -> None:
    world = await make_world()
    await world.rows.members(60)
    page = await world.page(CONNECTIONS[0])
    assert (len(ids(page)), page["totalCount"], page["pageInfo"]["hasNextPage"]) == (50, 61, True)


BAD_PAGES = {
    "first: 0": "first",
    "first: -1": "first",
    "first: 101": "first",
    "first: 2147483647": "first",
    "last: 0": "last",
    "last: -1": "last",
    "last: 101": "last",
    "first: 1, last: 1": "first, last",
    'after: "junk"': "after",
    'last: 1, before: "junk"': "before",
    'first: 1, after: ""': "after",
}


@IN_DEFAULT_ORDER
async def test_pages_that_cannot_be(world: World, shape: Ordered) -> None:
    """The connection is null for a reason that names the argument; everything else is answered."""
    for error, named in zip(await world.many(shape, list(BAD_PAGES)), BAD_PAGES.values(), strict=True):
        assert error
        assert error["extensions"] == {"code": "BAD_REQUEST"}
        assert error["message"].startswith(f"{named}: ")


async def test_rows_that_come_and_go_do_not_shift_others(make_world: Maker) -> None:
    world = await make_world()
    members = await world.rows.members(12)
    (by_time,) = [c for c in CONNECTIONS if c.name == "members" and "JOINED_AT" in c.order and not c.descending]
    whole = ids(await world.page(by_time, first=100))
    first = await world.page(by_time, first=5)
    assert ids(first) == whole[:5]
    await world.rows.connection.execute(
        "DELETE FROM member WHERE id = ANY ($1)", [members[1], members[4]]
    )  # the cursor's own row
    late, early = await world.rows.members(2)
    await world.rows.connection.execute("UPDATE member SET created_at = '2019-01-01Z' WHERE id = $1", early)
    await world.rows.connection.execute("UPDATE member SET created_at = '2099-01-01Z' WHERE id = $1", late)
    rest = await world.page(by_time, first=100, after=first["pageInfo"]["endCursor"])
    assert ids(rest) == [*whole[5:], type_id("mem", late)]
    back = await world.page(by_time, last=100, before=rest["pageInfo"]["startCursor"])
    gone = {type_id("mem", id) for id in (members[1], members[4])}
    assert ids(back) == [type_id("mem", early), *(id for id in whole[:5] if id not in gone)]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_a_filter_survives_paging(make_world: Maker, direction: str) -> None:
    world = await make_world()
    await world.rows.members(5, "viewer")
    await world.rows.members(5, "member")
    viewers = set(map(str, await world.rows.members(6, "viewer")))
    query = """query ($id: ID!, $after: String, $d: OrderDirection!) { organization(id: $id) { members(
        first: 2, after: $after, filter: {role: "viewer"}, orderBy: {field: NAME, direction: $d}
    ) { totalCount nodes { id roles { key } } pageInfo { endCursor hasNextPage } } } }"""
    found: list[str] = []
    after = None
    while True:
        variables = {"id": world.boss.organization_id, "after": after, "d": direction}
        page = (await world.boss.query(query, variables))["organization"]["members"]
        assert page["totalCount"] == 11
        assert all(node["roles"] == [{"key": "viewer"}] for node in page["nodes"])
        found += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(found) == len(set(found)) == 11
    assert {type_id("mem", UUID(id)) for id in viewers} <= set(found)
