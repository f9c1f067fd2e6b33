"""Requests of the same moment, many rounds of them."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx

from schema.scalars import parse_any_id
from server.rows import uuid7
from tests.factories import Person, join, owner
from tests.servers import Mailbox, Server, link_token, text_of

THOROUGH = bool(os.environ.get("ORGRAPH_TEST_THOROUGH"))
"""As `make soak` is; the ordinary run is shorter."""

ROUNDS = 200 if THOROUGH else 80
FEWER_ROUNDS = 72 if THOROUGH else 24
"""Of races that are variations of others."""

SIDE_BY_SIDE = 4
Row = dict[str, Any]


async def send(http: httpx.AsyncClient, person: Person | None, mutation: str, input: Row, selection: str = "") -> Row:
    """The payload; fails on any error that is not a refusal, so on INTERNAL."""
    type_name = mutation[0].upper() + mutation[1:] + "Input"
    fields = f"{selection} userErrors {{ code field }}"
    query = f"mutation ($input: {type_name}!) {{ {mutation}(input: $input) {{ {fields} }} }}"
    headers = {"Authorization": f"Bearer {person.token}"} if person else {}
    response = await http.post("/graphql", json={"query": query, "variables": {"input": input}}, headers=headers)
    body = response.json()
    assert "errors" not in body, (mutation, body["errors"])
    return dict(body["data"][mutation])


def code(payload: Row) -> str:
    return str(payload["userErrors"][0]["code"]) if payload["userErrors"] else "done"


async def at_once(*requests: Awaitable[Row]) -> list[str]:
    """The codes of requests sent at the same moment."""
    return [code(payload) for payload in await asyncio.gather(*requests)]


async def raced(rounds: int, track: Callable[[int], Awaitable[None]]) -> None:
    """`track(n)` runs its n rounds; so many of them side by side that there are `rounds` in all."""
    async with asyncio.TaskGroup() as tracks:
        for _ in range(SIDE_BY_SIDE):
            tracks.create_task(track(rounds // SIDE_BY_SIDE))


async def pair(server: Server, mailbox: Mailbox) -> tuple[Person, Person]:
    """The two owners of an organization."""
    founder = await owner(server, mailbox)
    return founder, await join(founder, mailbox, "owner")


async def letters(mailbox: Mailbox, since: int, emails: list[str], seconds: float = 30) -> dict[str, str]:
    """The token of each address's invitation among the letters from number `since` on."""
    tokens: dict[str, str] = {}
    async with asyncio.timeout(seconds):
        while True:
            for letter in mailbox.letters[since:]:
                since += 1
                if (address := str(letter["To"])) in emails and "/accept-invitation" in text_of(letter):
                    tokens[address] = link_token(text_of(letter), "/accept-invitation")
            if len(tokens) == len(emails):
                return tokens
            await asyncio.sleep(0.01)


async def owner_count(database: asyncpg.Pool, organization_id: str) -> int:
    return int(
        await database.fetchval(
            """SELECT count(*) FROM "grant" g JOIN role r ON r.id = g.role_id JOIN member m ON m.id = g.member_id
            WHERE g.organization_id = $1 AND m.status = 'active' AND r.key = 'owner'
            AND g.workspace_id IS NULL AND g.expires_at IS NULL""",
            parse_any_id(organization_id),
        )
    )


async def restore_owner(database: asyncpg.Pool, person: Person) -> None:
    """An owner for good again, whatever became of them, with the member id that they had."""
    member_id, organization_id = parse_any_id(person.member_id), parse_any_id(person.organization_id)
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM audit_chain WHERE id = $1 FOR UPDATE", organization_id)
        await connection.execute(
            """INSERT INTO member (id, created_at, organization_id, user_id, status)
            VALUES ($1, now(), $2, $3, 'active')
            ON CONFLICT (id) DO UPDATE SET status = 'active'""",
            member_id,
            organization_id,
            parse_any_id(person.user_id),
        )
        await connection.execute('DELETE FROM "grant" WHERE member_id = $1', member_id)
        await connection.execute(
            """INSERT INTO "grant" (id, created_at, organization_id, member_id, role_id)
            SELECT $1, now(), $2, $3, id FROM role WHERE key = 'owner'""",
            uuid7(),
            organization_id,
            member_id,
        )
