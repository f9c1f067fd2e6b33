"""Orgraph, compiled and not, beside the least that each question can cost, on a large database."""

import asyncio
import itertools
import re
from statistics import quantiles
from typing import Any

import orjson
import pytest

from server.audit import event_hash
from server.demo import PASSWORD
from server.demo_world import EMAIL
from tests.benchmarks.arena import Arena, Contestant, separated
from tests.benchmarks.board import Board, Gate, Round, median_ratio
from tests.benchmarks.limit import uuid_of
from tests.benchmarks.load import CONNECTIONS, Client, Load, answers, post, waits, warm, wrk
from tests.benchmarks.questions import QUESTIONS, VARIETY, Ask, Question

pytestmark = pytest.mark.bench

ROUNDS = 5
SECONDS = 2
WARM = 8
"""Requests on each connection, after which statements have run more than five times: then plans may change."""
PREPARED = 12_000
"""Requests made ready for a round, of those that are asked once."""


class Asks:
    """A question's, as requests to one contestant after the other."""

    def __init__(self, question: Question, asks: list[Ask]) -> None:
        self.question, self.asks = question, asks

    def load(self, contestant: Contestant, seconds: int) -> Load:
        ready = self.asks[:PREPARED] if self.question.once else self.asks
        load = wrk(
            contestant.url, [self.question.request(ask, contestant) for ask in ready], seconds, contestant.process
        )
        if self.question.once:
            used = load.requests + 2 * CONNECTIONS  # with what was on its way when wrk ended
            assert used <= len(ready), f"There are not enough different requests for {self.question.name}"
            del self.asks[:used]
        return load

    def sample(self, count: int) -> list[Ask]:
        if not self.question.once:
            return self.asks[:: VARIETY // count]
        taken = self.asks[:count]
        del self.asks[:count]
        return taken


@pytest.mark.parametrize("question", QUESTIONS, ids=[question.name for question in QUESTIONS])
async def test_question(question: Question, arena: Arena, board: Board) -> None:
    asks = Asks(question, await question.asks(arena))
    if question.once:
        await same_grants(asks, arena)
    else:
        await same_answers(asks, arena)
    async with separated(arena.contestants, arena.connection):
        for each in arena.contestants:
            ready = [question.request(ask, each) for ask in asks.sample(WARM * CONNECTIONS)]
            await warm(each.url, ready, WARM)
        rounds = [await compete(asks, arena, number) for number in range(ROUNDS)]
    statements = {each.name: await statements_of(asks, each, arena) for each in arena.contestants}
    board.question(question.name, rounds, statements)
    ratio = median_ratio(rounds, "compiled", "limit")
    gates = [Gate(f"{question.name}, compiled beside the limit", ratio, question.gate, question.aim)]
    if question.name == "members":
        ratio = median_ratio(rounds, "compiled", "ordinary")
        gates.append(Gate("members, compiled beside not compiled", ratio, 10, 20))
    board.judge(*gates)


async def compete(asks: Asks, arena: Arena, number: int) -> Round:
    first = number % len(arena.contestants)
    before = await grants_made(arena)
    loads = {each.name: asks.load(each, SECONDS) for each in arena.contestants[first:] + arena.contestants[:first]}
    if asks.question.once:
        missing = sum(load.requests for load in loads.values()) - (await grants_made(arena) - before)
        assert missing <= 0, f"{missing} requests have granted nothing"
    return loads


async def same_answers(asks: Asks, arena: Arena) -> None:
    sample = asks.sample(20)
    given = {
        each.name: [body for _, body in await answers(each.url, [asks.question.request(ask, each) for ask in sample])]
        for each in arena.contestants
    }
    for place, expected in enumerate(given["limit"]):
        assert len(orjson.dumps(expected)) > 200, expected
        assert "errors" not in given["compiled"][place], given["compiled"][place]
        assert given["compiled"][place] == expected
        assert given["ordinary"][place] == expected


async def same_grants(asks: Asks, arena: Arena) -> None:
    """Each contestant grants the same, which is taken back by hand, and leaves the same behind."""
    for ask in asks.sample(10):
        left = {each.name: await granted(asks.question.request(ask, each), each, arena) for each in arena.contestants}
        assert left["compiled"] == left["limit"]
        assert left["ordinary"] == left["limit"]


async def granted(request: bytes, contestant: Contestant, arena: Arena) -> list[dict[str, Any]]:
    """The answer, the grant, its event and the chain's head, without what is never the same."""
    [(_, answer)] = await answers(contestant.url, [request])
    grant_id = uuid_of(answer["data"]["grantRole"]["grant"].pop("id"))
    grant = dict(await arena.connection.fetchrow('DELETE FROM "grant" WHERE id = $1 RETURNING *', grant_id))
    event, before = await arena.connection.fetch(
        "SELECT * FROM audit_event WHERE chain_id = $1 ORDER BY sequence DESC LIMIT 2", grant["organization_id"]
    )
    chain = await arena.connection.fetchrow(
        "SELECT sequence, hash FROM audit_chain WHERE id = $1", grant["organization_id"]
    )
    told = dict(event) | {"changes": orjson.loads(event["changes"])}
    assert (told["previous_hash"], told["sequence"]) == (before["hash"], before["sequence"] + 1)
    assert told["hash"] == event_hash(before["hash"], told)
    assert tuple(chain) == (told["sequence"], told["hash"])
    for name in ("id", "created_at", "sequence", "previous_hash", "hash", "request_id"):
        assert told.pop(name)
    for name in ("id", "created_at"):
        assert grant.pop(name)
    return [answer, grant, told]


async def grants_made(arena: Arena) -> int:
    return int(await arena.connection.fetchval('SELECT count(*) FROM "grant"'))


async def statements_of(asks: Asks, contestant: Contestant, arena: Arena) -> float | None:
    """SQL statements of a request, by PostgreSQL's own count, else by the server's, if it has one."""
    count = 20
    requests = [asks.question.request(ask, contestant) for ask in asks.sample(count)]
    loaded = await arena.connection.fetchval("SELECT current_setting('shared_preload_libraries')")
    if "pg_stat_statements" in loaded:
        await arena.connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await arena.connection.execute("SELECT pg_stat_statements_reset()")
        await answers(contestant.url, requests)
        calls = await arena.connection.fetchval(
            "SELECT sum(calls) FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid "
            "WHERE datname = current_database() AND query NOT LIKE '%pg_stat_statements%'"
        )
        return float(calls) / count
    heads = [head for head, _ in await answers(contestant.url, requests)]
    told = [int(number) for head in heads for number in re.findall(r'server-timing:.*desc="(\d+)"', head)]
    return sum(told) / count if told else None


async def test_others_while_people_sign_in(arena: Arena, board: Board) -> None:
    url = arena["compiled"].url
    token = (await arena.sign_in([await arena.connection.fetchval("SELECT user_id FROM member LIMIT 1")]))[0]
    light = post(url, "/graphql", token, {"query": "{ viewer { user { name } } }"})
    sign_in = post(
        url,
        "/graphql",
        "",
        {
            "query": "mutation ($input: SignInInput!) { signIn(input: $input) { token } }",
            "variables": {"input": {"email": EMAIL, "password": PASSWORD}},
        },
    )
    done, signed_in = asyncio.Event(), itertools.count()

    async def signing_in() -> None:
        async with Client.connected(url) as client:
            while not done.is_set():
                _, body = await client.send(sign_in)
                assert orjson.loads(body)["data"]["signIn"]["token"], body
                next(signed_in)

    await waits(url, light, rate=100, seconds=1)
    alone = await waits(url, light, rate=100, seconds=3)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(signing_in())
        beside = await waits(url, light, rate=100, seconds=10)
        done.set()
    p99 = [quantiles(times, n=100)[-1] for times in (alone, beside)]
    rate = next(signed_in) / 10
    print(f"\nA light query's 99th percentile: {p99[0]:.1f} ms alone, {p99[1]:.1f} ms beside {rate:.0f} sign-ins/s")
    board.results["sign_ins"] = {"p99_alone": p99[0], "p99_beside": p99[1], "sign_ins_per_second": rate}
    board.judge(Gate("99th percentile of others while four sign in", p99[1], 10, 5, " ms"))


async def test_memory_after_the_run(arena: Arena, board: Board) -> None:
    mebibytes = {each.name: each.process.memory_info().rss / 2**20 for each in arena.contestants}
    print("\nMemory: " + ", ".join(f"{name} {value:.0f} MiB" for name, value in mebibytes.items()))
    board.results["memory"] = mebibytes
    board.judge(Gate("memory of the serving process after the run", mebibytes["compiled"], 120, 80, " MiB"))
