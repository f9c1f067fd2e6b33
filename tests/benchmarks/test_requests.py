"""What ordinary requests cost beside the least that a request can cost, and beside people who sign in."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.factories import PASSWORD, Person, join, owner
from tests.servers import Mailbox, Server

pytestmark = pytest.mark.bench

ROUNDS = 7
REQUESTS = 150
VIEWER = "{ viewer { user { name } memberships { nodes { organization { name } roles { key } } } } }"
MEMBERS = "{ viewer { organization { members { nodes { user { name } roles { key } } } } } }"
CHECKS = "{ checkPermissions(checks: [%s]) { allowed reason } }" % ('{ permission: "members:invite" } ' * 100)
SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"


def request(http: httpx.AsyncClient, person: Person, query: str) -> Callable[[], Awaitable[object]]:
    headers = {"Authorization": f"Bearer {person.token}"}
    return lambda: http.post("/graphql", json={"query": query}, headers=headers)


async def per_second(ask: Callable[[], Awaitable[object]], requests: int = REQUESTS) -> float:
    """Requests per second of eight callers."""
    started = time.perf_counter()

    async def caller() -> None:
        for _ in range(requests // 8):
            await ask()

    await asyncio.gather(*(caller() for _ in range(8)))
    return requests // 8 * 8 / (time.perf_counter() - started)


async def test_queries_beside_a_bare_one(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    for _ in range(9):
        await join(ann, mailbox)
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        contestants = {
            "{ __typename }": request(http, ann, "{ __typename }"),
            "viewer and memberships": request(http, ann, VIEWER),
            "ten members with user and roles": request(http, ann, MEMBERS),
            "a hundred permission checks": request(http, ann, CHECKS),
        }
        rounds = [{name: await per_second(ask) for name, ask in contestants.items()} for _ in range(ROUNDS)]
    for name in contestants:
        ratios = [each[name] / each["{ __typename }"] for each in rounds]
        speed = statistics.median(each[name] for each in rounds)
        print(f"{name}: {speed:.0f}/s, {statistics.median(ratios):.2f} of the bare query")


async def test_sign_ins_do_not_hold_up_others(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    credentials = {"input": {"email": ann.email, "password": PASSWORD}}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        ask = request(http, ann, VIEWER)

        async def worst() -> float:
            """The 95th percentile of a caller's waiting, in milliseconds."""
            waits = []
            for _ in range(100):
                started = time.perf_counter()
                await ask()
                waits.append((time.perf_counter() - started) * 1000)
            return statistics.quantiles(waits, n=20)[-1]

        async def signing_in() -> int:
            count = 0
            while not done.is_set():
                await http.post("/graphql", json={"query": SIGN_IN, "variables": credentials})
                count += 1
            return count

        alone = await worst()
        done = asyncio.Event()
        people = [asyncio.create_task(signing_in()) for _ in range(8)]
        started = time.perf_counter()
        beside = await worst()
        done.set()
        signed_in = sum(await asyncio.gather(*people))
    rate = signed_in / (time.perf_counter() - started)
    print(f"95th percentile: {alone:.1f} ms alone, {beside:.1f} ms beside {rate:.0f} sign-ins/s")
