"""The one transaction: whole or not at all, and never a connection lost, however its task ends."""

import asyncio
import contextlib
import json
import random
import socket
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx
import pytest

from server import audit
from server.access import SYSTEM
from server.audit import change
from server.database import fetch, in_transaction, transaction
from server.models import AuditChain, AuditEvent, ChainKind, Organization
from server.rows import uuid7
from server.settings import settings
from tests.factories import join, owner
from tests.servers import Mailbox, Server

SECONDS = 10


@pytest.fixture
async def scratch(database: str) -> str:
    await fetch("CREATE TABLE pair (number int, half int)")
    return database


async def write_pair(number: int) -> None:
    """Two rows that are only ever there together."""
    async with transaction():
        await fetch("INSERT INTO pair VALUES ($1, 1)", number)
        await asyncio.sleep(0)
        await fetch("INSERT INTO pair VALUES ($1, 2)", number)


async def pool_is_whole() -> None:
    """All connections are to be had at once, none within a transaction."""
    together = asyncio.Barrier(settings.pool_size)

    async def hold() -> None:
        async with transaction():
            await fetch("SELECT 1")
            await together.wait()

    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*(hold() for _ in range(settings.pool_size)))
    ours = "FROM pg_stat_activity WHERE datname = current_database()"
    idle = await fetch(f"SELECT count(*) {ours} AND state LIKE 'idle in%'")
    assert idle[0]["count"] == 0


async def cancelled_at_random(work: Callable[[int], Awaitable[None]], count: int) -> tuple[set[int], set[int]]:
    """Which runs came to their end, and which did not."""
    chance = random.Random(11)
    done, cut = set(), set()

    async def one(number: int) -> None:
        task = asyncio.ensure_future(work(number))
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)  # a step of the loop, to hit what takes no time
        await asyncio.sleep(chance.choice([0, 0, chance.random() * 0.02]))
        if number % 5:  # the others see that what is left behind harms nobody
            task.cancel()
        try:
            await task
            done.add(number)
        except asyncio.CancelledError:
            cut.add(number)

    limit = asyncio.Semaphore(2 * settings.pool_size)

    async def limited(number: int) -> None:
        async with limit:
            await one(number)

    await asyncio.gather(*(limited(number) for number in range(count)))
    return done, cut


async def test_cancelled_transactions_are_whole_or_not_at_all(scratch: str) -> None:
    done, cut = await cancelled_at_random(write_pair, 500)
    assert len(done) > 10
    assert len(cut) > 10
    rows = await fetch("SELECT number, count(*) AS halves FROM pair GROUP BY number")
    assert {row["halves"] for row in rows} == {2}
    assert done <= {row["number"] for row in rows}
    await pool_is_whole()


async def test_cancelled_while_waiting_for_a_connection(scratch: str) -> None:
    release = asyncio.Event()

    async def hold() -> None:
        async with transaction():
            await release.wait()

    holders = [asyncio.create_task(hold()) for _ in range(settings.pool_size)]
    await asyncio.sleep(0.3)
    waiting = [asyncio.create_task(write_pair(number)) for number in range(50)]
    await asyncio.sleep(0.05)
    for task in waiting:
        task.cancel()
    await asyncio.sleep(0.05)
    release.set()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*holders)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    assert (await fetch("SELECT count(*) FROM pair"))[0]["count"] == 0
    await pool_is_whole()


async def test_cancelled_changes_leave_the_chain_whole(scratch: str) -> None:
    organization = await Organization.create(name="One", slug="one")
    await AuditChain.create(id=organization.id, kind=ChainKind.ORGANIZATION)

    async def rename(number: int) -> None:
        async with change(SYSTEM) as unit:
            await unit.lock_organization(organization.id)
            await Organization.filter(id=organization.id).update(name=f"N{number}")
            unit.record("organization.updated", organization, label=f"N{number}")

    done, cut = await cancelled_at_random(rename, 500)
    assert len(cut) > 10
    await rename(1000)
    written = await AuditEvent.filter(chain_id=organization.id).order_by("sequence")
    assert {f"N{number}" for number in done} <= {event.target_label for event in written}
    assert (await Organization.get(id=organization.id)).name == written[-1].target_label == "N1000"
    assert await audit.verify(organization.id) == audit.Verification(len(written))
    await pool_is_whole()


async def test_a_commit_once_begun_is_awaited(scratch: str) -> None:
    """Whoever is cancelled learns of it only when the rows are there."""
    await fetch(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$"
    )
    await fetch(
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON pair DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION slowly()"
    )
    task = asyncio.create_task(write_pair(1))
    await asyncio.sleep(0.3)
    for _ in range(3):  # an impatient caller
        task.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await fetch("SELECT count(*) FROM pair"))[0]["count"] == 2
    await pool_is_whole()


async def test_a_timeout_within(scratch: str) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):  # noqa: PT012
        async with asyncio.timeout(0.2), transaction():
            await fetch("INSERT INTO pair VALUES (1, 1)")
            await fetch("SELECT pg_sleep(30)")
    assert time.monotonic() - started < SECONDS
    assert await fetch("SELECT * FROM pair") == []
    await pool_is_whole()


async def test_an_exception_rolls_back(scratch: str) -> None:
    for raised in (ValueError, KeyboardInterrupt, GeneratorExit):
        with pytest.raises(raised):  # noqa: PT012
            async with transaction():
                await fetch("INSERT INTO pair VALUES (1, 1)")
                raise raised
        assert not in_transaction()
    assert await fetch("SELECT * FROM pair") == []
    await pool_is_whole()


async def test_a_failed_statement_rolls_back(scratch: str) -> None:
    with pytest.raises(Exception, match="division by zero"):  # noqa: PT012
        async with transaction():
            await fetch("INSERT INTO pair VALUES (1, 1)")
            await fetch("SELECT 1/0")
    assert await fetch("SELECT * FROM pair") == []
    await pool_is_whole()


async def test_a_connection_that_breaks_within(scratch: str) -> None:
    for _ in range(3):
        with pytest.raises(Exception, match=r"."):  # noqa: PT012
            async with transaction():
                await fetch("INSERT INTO pair VALUES (1, 1)")
                await fetch("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await fetch("SELECT * FROM pair") == []
    await pool_is_whole()


async def test_transactions_do_not_nest(scratch: str) -> None:
    async with transaction():
        await fetch("INSERT INTO pair VALUES (1, 1)")
        with pytest.raises(RuntimeError):
            async with transaction():
                pass
        await fetch("INSERT INTO pair VALUES (1, 2)")
    assert (await fetch("SELECT count(*) FROM pair"))[0]["count"] == 2


async def test_others_do_not_see_what_is_not_committed(scratch: str) -> None:
    seen = []

    async def look() -> None:
        seen.append((await fetch("SELECT count(*) FROM pair"))[0]["count"])

    looking = asyncio.Event()

    async def other() -> None:
        await looking.wait()
        await look()

    task = asyncio.create_task(other())
    async with transaction():
        await fetch("INSERT INTO pair VALUES (1, 1)")
        looking.set()
        await task
        await look()
    assert seen == [0, 1]


async def test_a_change_that_records_nothing_commits_nothing(scratch: str) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with change(SYSTEM) as unit:
            await unit.begin()
            await fetch("INSERT INTO pair VALUES (1, 1)")
    assert await fetch("SELECT * FROM pair") == []
    organization = await Organization.create(name="One", slug="one")
    with pytest.raises(RuntimeError):
        async with change(SYSTEM) as unit:
            unit.record("organization.updated", organization, chain_id=uuid7())
    assert not await AuditEvent.exists()
    await pool_is_whole()


async def test_clients_that_leave_cost_nothing(server: Server, mailbox: Mailbox) -> None:
    """300 requests, queries and mutations, whose clients are gone before the answer."""
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox)
    address = urlsplit(server.url)
    assert address.hostname
    assert address.port
    chance = random.Random(5)
    bodies = [
        {"query": "{ viewer { memberships { nodes { organization { members { nodes { user { email } } } } } } } }"},
        {
            "query": "mutation ($m: ID!, $at: DateTime) {"
            ' grantRole(input: {memberId: $m, role: "viewer", expiresAt: $at}) {'
            " member { grants { id } } userErrors { code } } }",
        },
    ]

    def request(number: int) -> bytes:
        body = bodies[number % 2]
        if number % 2:
            moment = f"2100-01-01T00:{number // 60:02}:{number % 60:02}Z"
            body = body | {"variables": {"m": member.member_id, "at": moment}}
        content = json.dumps(body).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {boss.token}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    async def raw(number: int) -> None:
        """The whole request, or only a part of it, and then a reset."""
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        sent = request(number)
        writer.write(sent if number % 5 else sent[: chance.randrange(len(sent))])
        await writer.drain()
        await asyncio.sleep(chance.random() * 0.03)
        raw_socket = writer.get_extra_info("socket")
        raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await reader.read()

    async def impatient(http: httpx.AsyncClient, number: int) -> None:
        _, _, content = request(number).partition(b"\r\n\r\n")
        headers = {"Authorization": f"Bearer {boss.token}", "Content-Type": "application/json"}
        with contextlib.suppress(httpx.TimeoutException):
            timeout = httpx.Timeout(5, read=0.001 + chance.random() * 0.03)
            await http.post(f"{server.url}/graphql", content=content, headers=headers, timeout=timeout)

    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501
        for start in range(0, 300, 30):
            runs = (raw(n) if n % 3 else impatient(http, n) for n in range(start, start + 30))
            await asyncio.gather(*runs)
    started = time.monotonic()
    async with asyncio.timeout(SECONDS):
        places = await asyncio.gather(*(boss.workspace() for _ in range(30)))
    assert len(set(places)) == 30
    assert time.monotonic() - started < SECONDS
    chain = await boss.organization("auditEvents(first: 1) { totalCount nodes { sequence } }")
    assert chain["auditEvents"]["totalCount"] == chain["auditEvents"]["nodes"][0]["sequence"]
