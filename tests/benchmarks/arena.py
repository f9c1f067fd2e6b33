"""Where the contestants meet: one large database, three servers on it, and who runs on which core."""

import asyncio
import contextlib
import hashlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import psutil

from server.rows import uuid7
from tests.servers import ROOT, Postgres, Server, free_port, start_server

DEMO = {"organizations": 1000, "members": 25_000, "largest": 5_000, "events": 500_000}
MORE_EVENTS = 500_000
"""In the large organization, which of the demo's has a fifth: for pages that deep."""

# Copies of its events; their ids and times differ, and nobody verifies their hashes.
_COPIED = """chain_id, action, actor_type, actor_id, actor_label, target_type, target_id, target_label, workspace_id,
    changes, ip, user_agent, request_id, previous_hash, hash"""
_COPIES = f"""
    WITH chain AS (
        UPDATE audit_chain SET sequence = sequence + {MORE_EVENTS} FROM organization o
        WHERE o.id = audit_chain.id AND o.slug = 'acme'
        RETURNING audit_chain.id, sequence - {MORE_EVENTS} AS length
    )
    INSERT INTO audit_event (id, sequence, created_at, {_COPIED})
    SELECT ('01f00000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid, length + number,
        now() - ({MORE_EVENTS} - number) * interval '1 ms', {_COPIED}
    FROM chain, generate_series(1, {MORE_EVENTS}) number, audit_event e
    WHERE e.chain_id = chain.id AND e.sequence = 1 + number % length
"""
# Roles of their own, so that there are enough grants that nobody has yet.
_CUSTOM_ROLES = """
    INSERT INTO role (id, created_at, organization_id, key, name, normalized_name, permissions)
    SELECT gen_random_uuid(), now(), o.id, key, key, key, '{content:read}'
    FROM organization o, unnest(ARRAY['reader', 'guest', 'auditor', 'visitor']) key
"""


async def fill(url: str) -> None:
    """Load the arena's data into a migrated database."""
    options = [text for name, count in DEMO.items() for text in (f"--{name}", str(count))]
    environment = os.environ | {"ORGRAPH_DATABASE_URL": url}
    command = [sys.executable, "-m", "server.cli", "demo", *options]
    await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    connection = await Postgres(url).connect()
    try:
        await connection.execute(_COPIES)
        await connection.execute(_CUSTOM_ROLES)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


@dataclass(frozen=True)
class Contestant:
    name: str
    url: str
    process: psutil.Process


@dataclass
class Arena:
    contestants: list[Contestant]
    connection: asyncpg.Connection
    organization: UUID
    """The large one."""

    def __getitem__(self, name: str) -> Contestant:
        return next(each for each in self.contestants if each.name == name)

    async def sign_in(self, users: list[UUID]) -> list[str]:
        """Session tokens, without the cost of signing in."""
        tokens = [secrets.token_urlsafe(32) for _ in users]
        await self.connection.executemany(
            "INSERT INTO session (id, created_at, user_id, token_hash, last_used_at, expires_at) "
            "VALUES ($1, now(), $2, $3, now(), now() + interval '1 day')",
            [
                (uuid7(), user, hashlib.sha256(token.encode()).hexdigest())
                for user, token in zip(users, tokens, strict=True)
            ],
        )
        return tokens


@contextlib.contextmanager
def by_hand(database_url: str) -> Iterator[Server]:
    port = free_port()
    environment = os.environ | {"ORGRAPH_DATABASE_URL": database_url, "ORGRAPH_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.limit"], cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            time.sleep(0.05)
        else:
            raise AssertionError("The hand-written server does not start")
        yield Server(url, database_url, process, Path(os.devnull))
    finally:
        process.terminate()
        process.wait()


async def connect(database_url: str) -> asyncpg.Connection:
    url = database_url.replace("asyncpg://", "postgresql://")
    return await asyncpg.connect(url, server_settings={"timezone": "UTC", "application_name": "benchmarks"})


def pin(process: psutil.Process, cores: list[int]) -> None:
    """With its threads."""
    for thread in process.threads():
        os.sched_setaffinity(thread.id, cores)


@contextlib.asynccontextmanager
async def separated(contestants: list[Contestant], connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Servers on one core; PostgreSQL and this process, of which wrk is a child, on the other."""
    pinned: list[psutil.Process] = []
    try:
        backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
        postmaster = backend.parent()
        if backend.name() != "postgres" or postmaster is None:
            raise psutil.NoSuchProcess(backend.pid)
        for process in (psutil.Process(), postmaster, *postmaster.children()):
            pin(process, [1])
            pinned.append(process)
        for each in contestants:
            pin(each.process, [0])
            pinned.append(each.process)
    except (psutil.Error, OSError, AttributeError) as error:
        print(f"\nNot pinned to cores, so that the figures hold less still: {error!r}")
    try:
        yield
    finally:
        for process in {*pinned, *(postmaster.children() if len(pinned) > 1 else ())}:
            with contextlib.suppress(psutil.Error, OSError):
                pin(process, list(range(os.cpu_count() or 1)))


@contextlib.asynccontextmanager
async def open_arena(database_url: str, folder: Path) -> AsyncIterator[Arena]:
    """On a database that `fill` has filled."""
    with contextlib.ExitStack() as started:
        servers = {"limit": started.enter_context(by_hand(database_url))}
        for name, compile in (("compiled", 1), ("ordinary", 0)):
            servers[name] = start_server(folder / name, database_url, compile=compile)
            started.callback(servers[name].stop)
        contestants = [
            Contestant(name, server.url, psutil.Process(server.process.pid)) for name, server in servers.items()
        ]
        connection = await connect(database_url)
        try:
            organization = await connection.fetchval("SELECT id FROM organization WHERE slug = 'acme'")
            yield Arena(contestants, connection, organization)
        finally:
            await connection.close()
