"""Connections: every row once and in order, whatever the page, and cursors that only fit where they come from."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schema.scalars import parse_any_id, type_id
from server.models import uuid7
from tests.factories import Person, invite, owner, unique
from tests.servers import Mailbox, Postgres, Server

ROWS = 23
"""Of each kind, in groups that an order cannot tell apart but by the id."""

PAGE = """totalCount edges { cursor node { id } } nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"""
ARGUMENTS = "first: $first, after: $after, last: $last, before: $before"

Page = dict[str, Any]


@dataclass(frozen=True)
class Ordered:
    """A connection in an order: where it stands in a query, and what its rows are ordered by."""

    name: str
    parent: str
    field: str
    order: str = ""
    key: str = "id"
    descending: bool = False

    @property
    def query(self) -> str:
        order = f", orderBy: {self.order}" if self.order else ""
        parent, closing = self.parent, "}" * self.parent.count("{")
        return f"""query ($id: ID!, $ws: ID!, $mem: ID!, $first: Int, $after: String, $last: Int, $before: String) {{
            {parent} page: {self.field}({ARGUMENTS}{order}) {{ {PAGE} rows: nodes {{ key: {self.key} }} }}
            sibling: __typename {closing} workspace(id: $ws) {{ id }} node(id: $mem) {{ id }}
            other: organization(id: $id) {{ id }} }}"""

    def __str__(self) -> str:
        return f"{self.name} {self.order}".strip()


def _orders(name: str, parent: str, field: str, keys: dict[str, str]) -> list[Ordered]:
    return [
        Ordered(name, parent, field, f"{{field: {order}, direction: {direction}}}", key, direction == "DESC")
        for order, key in keys.items()
        for direction in ("ASC", "DESC")
    ]


IN_ORGANIZATION = "organization(id: $id) {"
MEMBER_KEYS = {"JOINED_AT": "joinedAt", "NAME": "user { key: name }", "EMAIL": "user { key: email }"}
WORKSPACE_KEYS = {"CREATED_AT": "createdAt", "NAME": "name"}
CONNECTIONS = [
    *_orders("members", IN_ORGANIZATION, "members", MEMBER_KEYS),
    *_orders("workspace.members", "workspace(id: $ws) {", "members", MEMBER_KEYS),
    *_orders("workspaces", IN_ORGANIZATION, "workspaces", WORKSPACE_KEYS),
    *_orders("member.workspaces", "node(id: $mem) { ... on Member {", "workspaces", WORKSPACE_KEYS),
    Ordered("memberships", "viewer {", "memberships", key="joinedAt"),
    Ordered("roles", IN_ORGANIZATION, "roles"),
    Ordered("invitations", IN_ORGANIZATION, "invitations", key="createdAt", descending=True),
    Ordered("auditEvents", IN_ORGANIZATION, "auditEvents", key="sequence", descending=True),
    Ordered("auditEvents", IN_ORGANIZATION, "auditEvents", "{direction: ASC}", "sequence"),
]
junk = st.binary(max_size=60).map(lambda content: base64.urlsafe_b64encode(content).decode())
EACH = pytest.mark.parametrize("shape", CONNECTIONS, ids=str)
IN_DEFAULT_ORDER = pytest.mark.parametrize(
    "shape", [shape for shape in CONNECTIONS if "DESC" not in shape.order], ids=str
)
UNSHRUNK = [Phase.explicit, Phase.generate]  # an example is twenty, and shrinking them takes minutes
anything = settings(max_examples=15, deadline=None, database=None, derandomize=True, phases=UNSHRUNK)


class Rows:
    """Rows written straight into the server's database, many at once and with the same times and names."""

    def __init__(self, connection: asyncpg.Connection, person: Person) -> None:
        self.connection = connection
        self.organization_id = self.uuid(person.organization_id)
        self.user_id = self.uuid(person.user_id)

    @staticmethod
    def uuid(id: str) -> UUID:
        found = parse_any_id(id)
        assert found
        return found

    @staticmethod
    def time(index: int) -> datetime:
        return datetime(2020, 1, 1 + index // 5, 12, 0, 0, 123456 if index // 5 else 0, tzinfo=UTC)

    async def role(self, key: str) -> UUID:
        return UUID(
            str(await self.connection.fetchval("SELECT id FROM role WHERE key = $1 AND organization_id IS NULL", key))
        )

    async def users(self, count: int) -> list[UUID]:
        ids = [uuid7() for _ in range(count)]
        rows = [(id, self.time(i), f"{unique('bulk')}@example.com", f"Name {i // 4}") for i, id in enumerate(ids)]
        await self.connection.executemany(
            "INSERT INTO \"user\" (id, created_at, email, name, password_hash) VALUES ($1, $2, $3, $4, 'x')", rows
        )
        return ids

    async def members(self, count: int, role: str = "member") -> list[UUID]:
        """With a role granted by the first person, organization-wide."""
        users = await self.users(count)
        ids = [uuid7() for _ in users]
        rows = [
            (id, self.time(i), self.organization_id, user) for i, (id, user) in enumerate(zip(ids, users, strict=True))
        ]
        await self.connection.executemany(
            "INSERT INTO member (id, created_at, organization_id, user_id, status) VALUES ($1, $2, $3, $4, 'active')",
            rows,
        )
        for id in ids:
            await self.grant(id, role)
        return ids

    async def grant(self, member: UUID, role: str, workspace: UUID | None = None) -> None:
        await self.connection.execute(
            'INSERT INTO "grant" (id, created_at, organization_id, member_id, role_id, workspace_id, granted_by_id) '
            "VALUES ($1, now(), $2, $3, $4, $5, $6)",
            *(uuid7(), self.organization_id, member, await self.role(role), workspace, self.user_id),
        )

    async def workspaces(self, count: int) -> list[UUID]:
        ids = [uuid7() for _ in range(count)]
        rows = [(id, self.time(i), self.organization_id, f"Place {i // 4}", unique("bulk")) for i, id in enumerate(ids)]
        await self.connection.executemany(
            "INSERT INTO workspace (id, created_at, organization_id, name, slug) VALUES ($1, $2, $3, $4, $5)", rows
        )
        return ids

    async def invitations(self, count: int) -> None:
        role = await self.role("viewer")
        rows = [
            (uuid7(), self.time(i), self.organization_id, f"{unique('bulk')}@example.com", role, self.user_id)
            for i in range(count)
        ]
        await self.connection.executemany(
            "INSERT INTO invitation "
            "(id, created_at, organization_id, email, role_id, status, organization_wide, invited_by_id, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, 'pending', true, $6, now() + interval '1 day')",
            rows,
        )

    async def roles(self, count: int) -> None:
        rows = [(uuid7(), self.organization_id, unique("role"), ["content:read"] * (i // 4)) for i in range(count)]
        await self.connection.executemany(
            "INSERT INTO role (id, created_at, organization_id, key, name, permissions) "
            "VALUES ($1, now(), $2, $3, 'R', $4)",
            rows,
        )

    async def memberships(self, count: int, role: str = "member") -> None:
        """Of the person, in as many further organizations."""
        for index in range(count):
            organization, member = uuid7(), uuid7()
            await self.connection.execute(
                "INSERT INTO organization (id, created_at, name, slug) VALUES ($1, now(), 'Bulk', $2)",
                *(organization, unique("bulk")),
            )
            await self.connection.execute(
                "INSERT INTO member (id, created_at, organization_id, user_id, status) "
                "VALUES ($1, $2, $3, $4, 'active')",
                *(member, self.time(index), organization, self.user_id),
            )
            await self.connection.execute(
                'INSERT INTO "grant" (id, created_at, organization_id, member_id, role_id) '
                "VALUES ($1, now(), $2, $3, $4)",
                *(uuid7(), organization, member, await self.role(role)),
            )


@pytest.fixture(scope="module")
async def connection(server: Server, postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await postgres.connect("orgraph_server")
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, verify=False, timeout=30) as client:  # noqa: S501
        yield client


@dataclass
class World:
    boss: Person
    rows: Rows
    place: str
    http: httpx.AsyncClient

    async def execute(self, query: str, **arguments: Any) -> dict[str, Any]:
        """The answer's body; over one connection, since there are many questions here."""
        variables = {"id": self.boss.organization_id, "ws": self.place, "mem": self.boss.member_id, **arguments}
        headers = {"Authorization": f"Bearer {self.boss.token}"}
        response = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def page(self, shape: Ordered, **arguments: Any) -> Page:
        """With the connection's answer as `page`, wherever it stands."""
        answer = await self.execute(shape.query, **arguments)
        assert "errors" not in answer, answer
        return page_of(answer["data"])

    async def many(self, shape: Ordered, pages: list[str]) -> list[dict[str, Any] | None]:
        """The error of each page, by its arguments, all in one operation; the rest of it must be answered."""
        order = f", orderBy: {shape.order}" if shape.order else ""
        fields = " ".join(f"a{i}: {shape.field}({text}{order}) {{ nodes {{ id }} }}" for i, text in enumerate(pages))
        closing = "}" * shape.parent.count("{")
        answer = await self.execute(
            f"""query ($id: ID!, $ws: ID!, $mem: ID!) {{ {shape.parent} sibling: __typename {fields} {closing}
            other: organization(id: $id) {{ ws: id }} one: workspace(id: $ws) {{ id }}
            two: node(id: $mem) {{ id }} }}"""
        )
        (parent,) = [value for value in answer["data"].values() if "sibling" in value]
        assert None not in answer["data"].values()
        found = {error["path"][-1]: error for error in answer.get("errors", [])}
        assert {name for name, value in parent.items() if value is None} == set(found)
        return [found.get(f"a{index}") for index in range(len(pages))]

    async def codes(self, shape: Ordered, cursors: list[str]) -> list[str | None]:
        """What becomes of each cursor as `after`: None if it is taken for one."""
        errors = await self.many(shape, [f"first: 1, after: {json.dumps(cursor)}" for cursor in cursors])
        return [error and str(error["extensions"]["code"]) for error in errors]


def page_of(data: dict[str, Any]) -> Page:
    (found,) = [value["page"] for value in data.values() if isinstance(value, dict) and "page" in value]
    assert found["nodes"] == [edge["node"] for edge in found["edges"]]
    return dict(found)


@pytest.fixture(scope="module")
def make_world(
    server: Server, mailbox: Mailbox, connection: asyncpg.Connection, http: httpx.AsyncClient
) -> Callable[[], Awaitable[World]]:
    async def make() -> World:
        boss = await owner(server, mailbox)
        return World(boss, Rows(connection, boss), await boss.workspace(), http)

    return make


Maker = Callable[[], Awaitable[World]]


@pytest.fixture(scope="module")
async def world(make_world: Maker) -> World:
    """ROWS of everything. Tests only read it."""
    world = await make_world()
    for _ in range(5):
        await invite(world.boss)
    for member in await world.rows.members(ROWS):
        await world.rows.grant(member, "viewer", Rows.uuid(world.place))
    await world.rows.workspaces(ROWS)
    await world.rows.invitations(ROWS)
    await world.rows.roles(ROWS)
    await world.rows.memberships(ROWS)
    return world


def ids(page: Page) -> list[str]:
    return [node["id"] for node in page["nodes"]]


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


async def test_a_cursor_fits_its_own_connection_and_order_only(world: World) -> None:
    cursors = [(await world.page(shape, first=1))["edges"][0]["cursor"] for shape in CONNECTIONS]
    assert len(set(cursors)) == len(cursors)
    for place, shape in enumerate(CONNECTIONS):
        expected = [None if origin == place else "BAD_REQUEST" for origin in range(len(CONNECTIONS))]
        assert await world.codes(shape, cursors) == expected, shape


@IN_DEFAULT_ORDER
async def test_a_cursor_cut_off(world: World, shape: Ordered) -> None:
    cursor = (await world.page(shape, first=1))["edges"][0]["cursor"]
    cut = [cursor[:length] for length in range(0, len(cursor), 3)] + [cursor[:-1], cursor[:-2], cursor + "AAAA"]
    assert set(await world.codes(shape, cut)) == {"BAD_REQUEST"}


def encoded(parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decoded(cursor: str) -> list[Any]:
    return list(json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))


DOCTORED = [
    None, True, 5, 1.5, [], ["a"], {}, {"a": 1}, "", " ", "\0", "a\0", "x", "-1", "1_000", "٣", "1e3", "0x10", "9" * 30,
    "123456789012345678abc", "infinity", "now", "today", "2020-W01-1", "20200101", "2020-01-01", "2020-02-30",
    "2020-01-01T00:00:00", "2020-01-01T00:00:00+23:59:59.999999", "2020-01-01 00:00:00+99", "0000-01-01", "10000-01-01",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "urn:uuid:00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}", "0" * 32, "0" * 31, "a" * 10_000, "'; SELECT 1", "$1", "{}", "é" * 500,
]  # fmt: skip


@IN_DEFAULT_ORDER
async def test_a_doctored_cursor_is_never_unforeseen(world: World, shape: Ordered) -> None:
    """Each of its keys replaced: either it is refused, or it is a place in the order."""
    parts = decoded((await world.page(shape, first=1))["edges"][0]["cursor"])
    for index in range(len(parts)):
        doctored = [encoded([*parts[:index], value, *parts[index + 1 :]]) for value in DOCTORED]
        codes = await world.codes(shape, doctored)
        accepted = {None} if index >= 3 else set()
        wrong = [
            (value, code) for value, code in zip(DOCTORED, codes, strict=True) if code not in {"BAD_REQUEST", *accepted}
        ]
        assert wrong == [], index
    misshapen = [parts[:-1], [*parts, "x"], parts[:3], [], {}, "x", 5, None, [parts]]
    assert set(await world.codes(shape, [encoded(wrong) for wrong in misshapen])) == {"BAD_REQUEST"}


@anything
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | junk, min_size=20, max_size=20))
async def test_a_cursor_of_any_text(world: World, texts: list[str]) -> None:
    errors = await world.many(CONNECTIONS[0], [f"last: 2, before: {json.dumps(text)}" for text in texts])
    assert {error and error["extensions"]["code"] for error in errors} == {"BAD_REQUEST"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@anything
@given(st.lists(st.tuples(json_values, st.just(str(UUID(int=0))) | json_values), min_size=20, max_size=20))
async def test_a_cursor_of_any_keys(world: World, keys: list[tuple[Any, Any]]) -> None:
    """Well made, but for the keys."""
    (by_name,) = [c for c in CONNECTIONS if c.name == "members" and "NAME" in c.order and not c.descending]
    cursors = [encoded(["members", "NAME", "asc", *some]) for some in keys]
    assert set(await world.codes(by_name, cursors)) <= {None, "BAD_REQUEST"}


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


# Nodes


async def some_of_each(world: World) -> dict[str, str]:
    """An id of each type."""
    data = await world.boss.query(
        """query ($id: ID!) { viewer { user { id } session { id } } organization(id: $id) { id
        members(first: 1) { nodes { id grants { id } } } workspaces(first: 1) { nodes { id } }
        roles(first: 1) { nodes { id } } invitations(first: 1) { nodes { id } }
        auditEvents(first: 1) { nodes { id } } } }""",
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
        "AuditEvent": of["auditEvent"]["id"],
    }


NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


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


# The number of SQL statements

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
        answers = {
            name: await world.boss.execute(query % part, {"id": world.boss.organization_id})
            for name, part in DEEP.items()
        }
        assert len(answers["members"].data["organization"]["members"]["nodes"]) == count + 1
        taken.append({name: answer.statements for name, answer in answers.items()})
    assert taken[0] == taken[1]
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
