"""Subscribers of membershipChanges, over WebSockets and SSE."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.factories import Client, Person
from tests.servers import Server

SECONDS = 15
"""How long anything is waited for."""

CHANGES = """subscription ($organizationId: ID, $workspaceId: ID, $after: String) {
    membershipChanges(organizationId: $organizationId, workspaceId: $workspaceId, after: $after) {
        type cursor occurredAt actor { type id label } target { type id label } role { key }
        member { id user { email } } workspace { id } invitation { id email status }
    }
}"""

Result = dict[str, Any]
Stream = AsyncIterator[Result]
Opener = Callable[..., contextlib.AbstractAsyncContextManager[Stream]]


def since(sequence: int) -> str:
    """The cursor of an event of the audit log. Clients pass on those that they were given."""
    return base64.urlsafe_b64encode(f"change:{sequence}".encode()).decode().rstrip("=")


@contextlib.asynccontextmanager
async def socket(server: Server, init: Result | None = None, **options: Any) -> AsyncIterator[ClientConnection]:
    """An acknowledged socket; `init` is the payload of connection_init."""
    async with connect(
        server.websocket_url, subprotocols=[Subprotocol("graphql-transport-ws")], compression=None, **options
    ) as connection:
        await send(connection, type="connection_init", payload=init)
        assert (await receive(connection))["type"] == "connection_ack"
        yield connection


def bearer(person: Client) -> Result:
    return {"Authorization": f"Bearer {person.token}"}


async def send(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def receive(connection: ClientConnection) -> Result:
    return dict(json.loads(await asyncio.wait_for(connection.recv(), SECONDS)))


async def subscribe(connection: ClientConnection, operation: str, query: str = CHANGES, **variables: Any) -> None:
    await send(connection, type="subscribe", id=operation, payload={"query": query, "variables": variables})


async def results(connection: ClientConnection, id: str) -> Stream:
    """What one operation answers, while no other is on the socket."""
    while True:
        message = await receive(connection)
        assert message["id"] == id
        match message["type"]:
            case "next":
                yield message["payload"]
            case "error":
                yield {"errors": message["payload"]}
                return
            case "complete":
                return


@contextlib.asynccontextmanager
async def by_websocket(person: Person, query: str = CHANGES, **variables: Any) -> AsyncIterator[Stream]:
    async with socket(person.server, bearer(person)) as connection:
        await subscribe(connection, "1", query, **({"organizationId": person.organization_id} | variables))
        stream = results(connection, "1")
        yield stream
        await stream.aclose()  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def by_sse(person: Person, query: str = CHANGES, **variables: Any) -> AsyncIterator[Stream]:
    async def messages() -> Stream:
        async for message in source.aiter_sse():
            if message.event == "complete":
                return
            if message.event == "next":
                yield json.loads(message.data)

    body = {"query": query, "variables": {"organizationId": person.organization_id} | variables}
    async with (
        httpx.AsyncClient(timeout=SECONDS, verify=False) as http,  # noqa: S501
        aconnect_sse(http, "POST", f"{person.server.url}/graphql", json=body, headers=bearer(person)) as source,
    ):
        stream = messages()
        yield stream
        await stream.aclose()


BOTH = pytest.mark.parametrize("opened", [by_websocket, by_sse], ids=["websocket", "sse"])


async def take(stream: Stream, count: int) -> list[Result]:
    """The next changes; fails on an error or an end."""
    found = []
    for _ in range(count):
        result = await asyncio.wait_for(anext(stream), SECONDS)
        assert "errors" not in result, result
        found.append(result["data"]["membershipChanges"])
    return found


async def types(stream: Stream, count: int) -> list[str]:
    return [change["type"] for change in await take(stream, count)]


async def rest(stream: Stream) -> list[Result]:
    """All that comes until the stream ends."""

    async def collect() -> list[Result]:
        return [result async for result in stream]

    return await asyncio.wait_for(collect(), SECONDS)


async def refusal(stream: Stream) -> str:
    """The code of the one message that a stream ends with."""
    (only,) = await rest(stream)
    assert not only.get("data"), only
    (error,) = only["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


async def head(person: Person) -> int:
    """The sequence of the newest event of the person's organization."""
    chain = await person.organization("auditEvents(first: 1) { nodes { sequence } }")
    return int(chain["auditEvents"]["nodes"][0]["sequence"])


async def grant(person: Person, member: Person, role: str = "viewer", **input: Any) -> str:
    given = {"memberId": member.member_id, "role": role} | input
    return str((await person.do("grantRole", given, "grant { id }"))["grant"]["id"])
