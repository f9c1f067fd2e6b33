"""Orgraph beside the least that each question can cost, on a large database; ratios of the same moment."""

import asyncio
import base64
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import orjson
import pytest

from server.demo import PASSWORD
from server.demo_world import EMAIL
from server.rows import type_id
from tests.benchmarks.limit import QUESTIONS
from tests.benchmarks.load import Request, answer, per_second
from tests.factories import Client, sql
from tests.servers import ROOT, Postgres, Server, free_port, start_server

pytestmark = pytest.mark.bench

DEMO = {"organizations": 1000, "members": 25_000, "largest": 5_000, "events": 1_000_000}
ROUNDS = 7
SECONDS = 1.0
"""Of one contestant in one round."""

RESULTS = ROOT / ".cache" / "benchmarks.json"


@dataclass
class Arena:
    server: Server
    limit: str
    """The URL of the hand-written one."""
    token: str
    organization: UUID
    """The large one."""


@contextlib.contextmanager
def by_hand(database_url: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.limit:app", "--port", str(port), "--no-access-log"]
    environment = os.environ | {"ORGRAPH_DATABASE_URL": database_url}
    process = subprocess.Popen([*command, "--log-level", "error"], cwd=ROOT, env=environment)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
async def arena(postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    url = await postgres.create("orgraph_arena", template)
    options = [text for name, count in DEMO.items() for text in (f"--{name}", str(count))]
    command = [sys.executable, "-m", "server.cli", "demo", *options]
    loaded = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=os.environ | {"ORGRAPH_DATABASE_URL": url}, check=False
    )
    assert loaded.returncode == 0
    server = start_server(tmp_path_factory.mktemp("arena"), url)
    try:
        with by_hand(url) as limit:
            credentials = {"email": EMAIL, "password": PASSWORD}
            signed_in = await Client(server).do("signIn", credentials, "token")
            organization = (await sql(server, "SELECT id FROM organization WHERE slug = 'acme'"))[0]["id"]
            await _answering(limit)
            yield Arena(server, limit, signed_in["token"], organization)
    finally:
        server.stop()
        await postgres.drop("orgraph_arena")


async def _answering(url: str) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                await http.get(f"{url}/", headers={"Authorization": "Bearer none"})
                return
            await asyncio.sleep(0.05)
    raise AssertionError("The hand-written server does not start")


def cursor(sequence: int) -> str:
    """Of audit events, the newest first: as if a page had ended there."""
    keys = ["auditEvents", "SEQUENCE", "desc", str(sequence)]
    return base64.urlsafe_b64encode(orjson.dumps(keys)).decode().rstrip("=")


@dataclass(frozen=True)
class Contest:
    """One question, asked of both."""

    name: str
    variables: dict[str, Any]
    by_hand: dict[str, Any]
    """What the hand-written route is asked, in its address."""
    body: dict[str, Any]

    def requests(self, arena: Arena) -> dict[str, Request]:
        question = self.name.partition(",")[0]
        document = {"query": QUESTIONS[question], "variables": self.variables}
        path = f"/{question}?{urlencode(self.by_hand)}"
        return {
            "limit": Request.post(arena.limit, arena.token, self.body, path),
            "orgraph": Request.post(arena.server.url, arena.token, document),
        }


async def contests(arena: Arena) -> list[Contest]:
    id = type_id("org", arena.organization)
    frequent = "SELECT action FROM audit_event WHERE chain_id = $1 GROUP BY action ORDER BY count(*) DESC LIMIT 1"
    action = (await sql(arena.server, frequent, arena.organization))[0]["action"]
    head = await sql(arena.server, "SELECT sequence FROM audit_chain WHERE id = $1", arena.organization)
    last = head[0]["sequence"] + 1
    deep = max(last - 500_000, last // 10)
    some = "SELECT user_id FROM member WHERE organization_id = $1 LIMIT 50"
    members = await sql(arena.server, some, arena.organization)
    asked = [(row["user_id"], permission) for row in members for permission in ("members:invite", "content:read")]
    checks = [
        {"permission": permission, "userId": type_id("user", user), "organizationId": id} for user, permission in asked
    ]
    large = {"organization": arena.organization}
    events, of_events = {"organization": id, "action": action}, large | {"action": action}
    return [
        Contest("memberships", {}, {}, {}),
        Contest("members", {"organization": id}, large, {}),
        Contest("events, first page", events, of_events | {"before": last}, {}),
        Contest("events, deep", events | {"after": cursor(deep)}, of_events | {"before": deep}, {}),
        Contest(
            "checks",
            {"checks": checks},
            large,
            {"users": [str(user) for user, _ in asked], "permissions": [permission for _, permission in asked]},
        ),
    ]


async def test_beside_the_limit(arena: Arena) -> None:
    results = {}
    for contest in await contests(arena):
        requests = contest.requests(arena)
        answers = {name: await answer(request) for name, request in requests.items()}
        assert answers["orgraph"] == answers["limit"], contest.name
        rounds: list[dict[str, float]] = []
        for _ in range(ROUNDS):
            rounds.append({name: await per_second(request, SECONDS) for name, request in requests.items()})
        ratios = [each["orgraph"] / each["limit"] for each in rounds]
        speeds = {name: median(each[name] for each in rounds) for name in requests}
        results[contest.name] = {"per_second": speeds, "ratio": median(ratios), "ratios": [min(ratios), max(ratios)]}
        print(
            f"{contest.name}: {speeds['orgraph']:.0f}/s, {median(ratios):.2f} of the limit's {speeds['limit']:.0f}/s "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))
