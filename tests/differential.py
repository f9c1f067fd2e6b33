"""One question to two servers on the same data, one of which compiles; whatever differs is a fault."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from server.database import connected
from tests.differential_world import Builder, World, write_catalogue
from tests.factories import unique
from tests.servers import Postgres, Server, start_server, wait_until_ready
from tests.wiretap import Wiretap

CONCURRENCY = 8
SHOWN = 2000
"""Characters of an answer, in the account of a difference."""

HEADERS = ("content-type", "cache-control", "www-authenticate", "set-cookie")
"""Of an answer, those that are part of it."""


CURSORS = """query ($org: ID!, $ws: ID!, $mem: ID!) {
    organization(id: $org) {
        members(first: 7) { ...C } up: members(first: 7, orderBy: {field: NAME}) { ...C }
        down: members(first: 7, orderBy: {field: EMAIL, direction: DESC}) { ...C }
        workspaces(first: 7) { ...W } named: workspaces(first: 7, orderBy: {field: NAME, direction: DESC}) { ...W }
        roles(first: 7) { edges { cursor } } invitations(first: 7) { edges { cursor } }
        auditEvents(first: 7) { edges { cursor } } apiKeys(first: 7) { edges { cursor } }
    }
    workspace(id: $ws) { members(first: 7) { ...C } apiKeys(first: 7) { edges { cursor } } }
    node(id: $mem) { ... on Member { workspaces(first: 7) { ...W } } }
    viewer { memberships(first: 7) { ...C } }
} fragment C on MemberConnection { edges { cursor } } fragment W on WorkspaceConnection { edges { cursor } }"""


@dataclass(frozen=True)
class Operation:
    """What a client sends. `variables` and `name` are left out of the request where they are None."""

    query: str
    variables: dict[str, Any] | None = None
    name: str | None = None
    principal: str = "owner"
    headers: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def body(self) -> dict[str, Any]:
        given = {"query": self.query, "variables": self.variables, "operationName": self.name}
        return {key: value for key, value in given.items() if value is not None}

    def __repr__(self) -> str:
        rest = {key: value for key, value in self.body.items() if key != "query"}
        return f"{self.principal} asks, with {json.dumps(rest, ensure_ascii=False)} {self.headers or ''}:\n{self.query}"


def comparable(response: httpx.Response) -> dict[str, Any]:
    """What both executions must say alike. Errors have no order of their own, and a request id each."""
    body = response.json()
    errors = body.pop("errors", None)
    if isinstance(errors, list):
        for error in errors:
            error.get("extensions", {}).pop("requestId", None)
        body["errors"] = sorted(errors, key=json.dumps)
    headers = {name: response.headers[name] for name in HEADERS if name in response.headers}
    return {"status": response.status_code, "headers": headers, "body": body}


def first_difference(one: Any, other: Any, path: str = "") -> str:
    """Where two answers that are not the same part.

    Keys in another order are not the same, but for an event's changes: those pass through as PostgreSQL has them.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        alike = sorted(one) == sorted(other) if ".changes." in path else list(one) == list(other)
        if not alike:
            return f"{path or 'answer'}: keys {list(one)} and {list(other)}"
        parts = ((one[key], other[key], f"{path}.{key}" if path else key) for key in one)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        parts = ((one[index], other[index], f"{path}.{index}") for index in range(len(one)))
    else:
        return "" if json.dumps(one) == json.dumps(other) else f"{path}: {json.dumps(one)} and {json.dumps(other)}"
    return next(filter(None, (first_difference(*part) for part in parts)), "")


def is_compiled(response: httpx.Response) -> bool:
    return "compiled" in response.headers.get("server-timing", "")


@dataclass
class Pair:
    """Two servers on one database. `asked` and `compiled` count operations."""

    world: World
    database_url: str
    compiling: Server
    ordinary: Server
    http: httpx.AsyncClient
    asked: int = 0
    compiled: int = 0
    faulty: int = 0
    """How many were answered with errors only."""

    async def send(self, server: Server, operation: Operation) -> httpx.Response:
        headers = self.world.principals.get(operation.principal, {}) | operation.headers
        content = json.dumps(operation.body).encode()
        sent = {"Content-Type": "application/json"} | headers
        return await self.http.post(f"{server.url}/graphql", content=content, headers=sent)

    async def learn_cursors(self) -> None:
        """So that generated pages can begin somewhere; of the connection's name with others of the same name."""
        first = {name: self.world.values[name][0] for name in ("org", "ws", "mem")}
        answer = (await self.send(self.ordinary, Operation(CURSORS, first))).json()
        for parent in answer["data"].values():
            for name, page in parent.items():
                kind = {"up": "members", "down": "members", "named": "workspaces"}.get(name, name)
                self.world.add(f"cursor:{kind}", *(edge["cursor"] for edge in page["edges"]))

    async def difference(self, operation: Operation) -> str:
        """Empty where both say the same."""
        answers = await asyncio.gather(self.send(self.compiling, operation), self.send(self.ordinary, operation))
        self.asked += 1
        self.compiled += is_compiled(answers[0])
        one, other = (comparable(answer) for answer in answers)
        self.faulty += one["body"].get("data") is None
        found = first_difference(one, other)
        texts = (
            f"{name}: {answer.text[:SHOWN]}" for name, answer in zip(("compiled", "ordinary"), answers, strict=True)
        )
        return found and "\n".join((repr(operation), *texts, found))

    async def differing(self, operations: Iterable[Operation]) -> list[Operation]:
        """Those that are not answered alike, several asked at a time."""
        queue = asyncio.Semaphore(CONCURRENCY)

        async def compared(operation: Operation) -> Operation | None:
            async with queue:
                return operation if await self.difference(operation) else None

        return [each for each in await asyncio.gather(*map(compared, operations)) if each is not None]


@contextlib.asynccontextmanager
async def pair_of_servers(
    postgres: Postgres, template: str, folder: Path, tap: Wiretap | None = None
) -> AsyncIterator[Pair]:
    """On a new database with a world in it. `tap`: what the one that compiles says to the database goes through it."""
    name = unique("differential")
    url = await postgres.create(name, template)
    given = {"catalogue": write_catalogue(folder), "pool_size": 8, "public_url": "http://localhost"}
    servers = [
        start_server(folder / "compiling", tap.of(name) if tap else url, ready=False, **given),
        start_server(folder / "ordinary", url, ready=False, compile=0, **given),
    ]
    try:
        async with httpx.AsyncClient(timeout=60, verify=False) as http:  # noqa: S501
            for server in servers:
                await asyncio.to_thread(wait_until_ready, server)  # which may come through this process
            async with connected(url):
                world = await Builder().build()
            pair = Pair(world, url, *servers, http)
            await pair.learn_cursors()
            yield pair
    finally:
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in servers))
        await postgres.drop(name)
