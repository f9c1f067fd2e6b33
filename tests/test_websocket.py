"""The WebSocket: its credentials, its protocol, and what it leaves behind."""

import asyncio
import json
import time
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from server import events
from server.rows import uuid7
from tests.factories import invite, join, owner, sign_up, unique
from tests.servers import Mailbox, Server
from tests.streams import (
    SECONDS,
    Result,
    bearer,
    by_sse,
    by_websocket,
    head,
    receive,
    results,
    send,
    since,
    socket,
    subscribe,
    types,
)

# Credentials


async def viewer_email(connection: ClientConnection) -> str | None:
    """Whom the socket takes its client for; None: nobody."""
    await subscribe(connection, "viewer", "{ viewer { user { email } } }")
    (answer,) = [result async for result in results(connection, "viewer")]
    return str(answer["data"]["viewer"]["user"]["email"]) if answer["data"]["viewer"] else None


async def test_credentials_by_payload_header_and_cookie(server: Server) -> None:
    person = await sign_up(server)
    cookie = {"Cookie": f"orgraph={person.token}"}
    async with socket(server, bearer(person)) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server, {"authorization": f"bearer {person.token}"}) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server, additional_headers=bearer(person)) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server, additional_headers=cookie, origin=Origin(server.url)) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server) as connection:
        assert await viewer_email(connection) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_page_cannot_use_the_cookie(server: Server, origin: str) -> None:
    person = await sign_up(server)
    with pytest.raises(InvalidStatus) as refused:
        async with socket(server, additional_headers={"Cookie": f"orgraph={person.token}"}, origin=Origin(origin)):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "init",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer \0"},
        {"Authorization": "Bearer " + "é" * 10000},
        {"Orgraph-Organization": "org_junk"},
    ],
)
async def test_wrong_credentials_close_the_socket(server: Server, init: Result) -> None:
    assert await closed_by(server, json.dumps({"type": "connection_init", "payload": init}), init=False) == 4403


async def test_an_organization_that_cannot_be_entered_closes_the_socket(server: Server, mailbox: Mailbox) -> None:
    boss, stranger = await owner(server, mailbox), await owner(server, mailbox)
    headers = {"Orgraph-Organization": boss.organization_id}
    init = json.dumps({"type": "connection_init", "payload": bearer(stranger) | headers})
    assert await closed_by(server, init, init=False) == 4403
    with pytest.raises(ConnectionClosed) as closed:
        async with socket(server, additional_headers=bearer(stranger) | headers):
            pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    async with socket(server, bearer(boss) | headers) as connection:
        assert await viewer_email(connection) == boss.email


# The protocol


async def closed_by(server: Server, message: str | bytes, init: bool = True) -> int | None:
    """The code with which the server closes the socket because of a message."""
    async with connect(server.websocket_url, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        if init:
            await send(connection, type="connection_init")
            await receive(connection)
        await connection.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await receive(connection)
        return closed.value.rcvd.code if closed.value.rcvd else 1006


def a_subscribe(**message: Any) -> str:
    return json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { user { id } } }"}} | message)


MALFORMED = [
    "5", "null", "true", '"x"', "[]", "[1]", "{}", "{", "", "x", "\0", "[" * 100_000, '{"a":' * 100_000, "9" * 5000,
    b"{}", b"\xff\xfe", '{"type": 5}', '{"type": null}', '{"type": ["subscribe"]}', json.dumps({"type": "é" * 500}),
    '{"type": "\\ud800"}', '{"type": "subscribe"}', '{"type": "complete"}', '{"type": "complete", "id": 5}',
    a_subscribe(id=5), a_subscribe(id=None), a_subscribe(id=""), a_subscribe(id=["1"]), a_subscribe(id={}),
    a_subscribe(payload=None), a_subscribe(payload="{ viewer }"), a_subscribe(payload={}),
    a_subscribe(payload={"query": 5}), a_subscribe(payload={"query": "{ a }", "variables": []}),
    a_subscribe(payload={"query": "{ a }", "operationName": 5}),
]  # fmt: skip


@pytest.mark.parametrize("message", MALFORMED, ids=range(len(MALFORMED)))
async def test_a_malformed_message_closes_with_4400(server: Server, message: str | bytes) -> None:
    assert await closed_by(server, message) == 4400


async def test_the_order_of_messages(server: Server) -> None:
    assert await closed_by(server, a_subscribe(), init=False) == 4401
    assert await closed_by(server, '{"type": "connection_init"}') == 4429
    assert await closed_by(server, '{"type": "connection_init", "payload": []}', init=False) == 4400
    async with connect(server.websocket_url, subprotocols=[Subprotocol("graphql-ws")]) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            await receive(connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4406


async def test_an_id_in_use_closes_with_4409(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    async with socket(server, bearer(boss)) as connection:
        await subscribe(connection, "1")
        await subscribe(connection, "1")
        with pytest.raises(ConnectionClosed) as closed:
            await receive(connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4409


async def test_ping(server: Server) -> None:
    async with socket(server) as connection:
        await send(connection, type="ping", payload={"a": 1})
        assert (await receive(connection))["type"] == "pong"
        await send(connection, type="pong")
        await send(connection, type="complete", id="unknown")
        await send(connection, type="ping")
        assert (await receive(connection))["type"] == "pong"


FAULTY = {
    "syntax": "subscription {",
    "unknown field": "subscription { nothing }",
    "empty": "",
    "two": "query a { __typename } query b { __typename }",
    "two roots": "subscription { membershipChanges { type } b: membershipChanges { type } }",
    "nul": "{ \0 }",
}


@pytest.mark.parametrize("query", FAULTY.values(), ids=FAULTY)
async def test_a_faulty_operation_does_not_end_the_others(server: Server, mailbox: Mailbox, query: str) -> None:
    boss = await owner(server, mailbox)
    async with socket(server, bearer(boss)) as connection:
        await subscribe(connection, "good", organizationId=boss.organization_id, after=since(await head(boss)))
        await subscribe(connection, "bad", query)
        answer = await receive(connection)
        assert (answer["id"], answer["type"]) == ("bad", "error")
        assert answer["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
        await invite(boss)
        answer = await receive(connection)
        assert (answer["id"], answer["type"]) == ("good", "next")
        await subscribe(connection, "bad", "{ viewer { user { email } } }")  # the id is free again
        assert (await receive(connection))["payload"]["data"]["viewer"]["user"]["email"] == boss.email


async def test_two_subscriptions_on_one_socket(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    first = boss.organization_id
    created = await boss.do("createOrganization", {"name": unique("Second ")}, "organization { id }")
    second = created["organization"]["id"]
    async with socket(server, bearer(boss)) as connection:
        for organization_id in (first, second):
            boss.organization_id = organization_id
            await subscribe(connection, organization_id, organizationId=organization_id, after=since(await head(boss)))
        sent = {}
        for organization_id in (second, first):
            boss.organization_id = organization_id
            sent[organization_id] = (await invite(boss))["id"]
        answers = [await receive(connection) for _ in range(2)]
        got = {a["id"]: a["payload"]["data"]["membershipChanges"]["invitation"]["id"] for a in answers}
        assert got == sent
        await send(connection, type="complete", id=first)
        for organization_id in (first, second):
            boss.organization_id = organization_id
            await invite(boss)
        assert (await receive(connection))["id"] == second


async def test_operations_on_a_socket_see_what_is_new(server: Server, mailbox: Mailbox) -> None:
    """Nothing loaded by one operation is served to the next, and access is that of the moment."""
    boss = await owner(server, mailbox)
    async with socket(server, bearer(boss)) as connection:
        for name in ("One", "Two"):
            await boss.do("updateProfile", {"name": name})
            await subscribe(connection, name, "{ viewer { user { name } } }")
            (answer,) = [result async for result in results(connection, name)]
            assert answer["data"]["viewer"]["user"]["name"] == name
        await boss.do("signOut")
        assert await viewer_email(connection) is None


async def test_a_mutation_over_the_socket_reaches_a_subscription_on_it(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox)
    async with socket(server, bearer(boss)) as connection:
        await subscribe(connection, "changes", organizationId=boss.organization_id, after=since(await head(boss)))
        suspend = "mutation ($id: ID!) { suspendMember(input: {memberId: $id}) { userErrors { code } } }"
        await subscribe(connection, "suspend", suspend, id=member.member_id)
        answers: dict[str, list[Result]] = {"changes": [], "suspend": []}
        while not answers["changes"] or len(answers["suspend"]) < 2:
            message = await receive(connection)
            answers[message["id"]].append(message)
    assert answers["suspend"][0]["payload"]["data"]["suspendMember"]["userErrors"] == []
    assert answers["suspend"][1]["type"] == "complete"
    assert answers["changes"][0]["payload"]["data"]["membershipChanges"]["type"] == "SUSPENDED"


# What is left behind


async def test_abrupt_disconnects_leave_nothing_behind(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    process = psutil.Process(server.process.pid)

    def connections() -> int:
        return sum(1 for c in process.net_connections("tcp") if c.status == psutil.CONN_ESTABLISHED)

    before = connections()
    variables = {"organizationId": boss.organization_id, "after": since(await head(boss))}
    for _ in range(50):
        async with socket(server, bearer(boss)) as connection:
            await subscribe(connection, "1", **variables)
            connection.transport.abort()
        async with by_sse(boss, **variables):
            pass
    await invite(boss)
    deadline = time.monotonic() + SECONDS
    while connections() > before:
        assert time.monotonic() < deadline, f"{connections()} connections, {before} before"
        await asyncio.sleep(0.1)
    async with by_websocket(boss, **variables) as stream:
        assert await types(stream, 1) == ["INVITATION_SENT"]


def test_who_listens_no_more_is_forgotten() -> None:
    key = uuid7()
    with events.listening(key) as woken, events.listening(key):
        events.wake([key])
        assert woken.is_set()
    assert key not in events._waiting
