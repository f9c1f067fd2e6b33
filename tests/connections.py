"""Connections to page through, and a world of rows for them."""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import strategies as st

from schema.scalars import parse_any_id
from server.rows import uuid7
from tests.factories import Person, unique

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
IN_DEFAULT_ORDER = pytest.mark.parametrize(
    "shape", [shape for shape in CONNECTIONS if "DESC" not in shape.order], ids=str
)


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
            "INSERT INTO role (id, created_at, organization_id, key, name, normalized_name, permissions) "
            "VALUES ($1, now(), $2, $3, 'R', $3, $4)",
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


Maker = Callable[[], Awaitable[World]]


def ids(page: Page) -> list[str]:
    return [node["id"] for node in page["nodes"]]


NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
