"""One PostgreSQL, one mailbox and one server for the whole run; each test makes its own organizations."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from server import audit, embedded, events, installation, mail
from server.database import connected, migrate
from server.models import AuditChain, ChainKind, Letter
from server.settings import settings
from tests.connections import ROWS, Maker, Rows, World
from tests.factories import Person, invite, owner, unique
from tests.installations import Stage, found
from tests.letters import URL, Receiver
from tests.servers import Mailbox, Postgres, Server, start_server

TEMPLATE = "orgraph_template"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """ORGRAPH_TEST_DATABASE_URL's server, else an embedded one of the run's own."""
    if url := os.environ.get("ORGRAPH_TEST_DATABASE_URL"):
        yield Postgres(url.replace("postgresql://", "asyncpg://"))
        return
    with tempfile.TemporaryDirectory(prefix="orgraph-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Postgres(embedded.start(Path(folder)))
        embedded.stop(Path(folder))


@pytest.fixture(scope="session")
async def template(postgres: Postgres) -> str:
    """The name of a migrated database, to make others of."""
    url = await postgres.create(TEMPLATE)
    await migrate(url)
    async with connected(url):
        await installation.install()
    return TEMPLATE


@pytest.fixture
async def database(postgres: Postgres, template: str) -> AsyncIterator[str]:
    """A migrated database of the test's own, with the pool of this process connected to it."""
    name = unique("scratch")
    url = await postgres.create(name, template)
    async with connected(url):
        yield url
    await postgres.drop(name)


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox().serving() as mailbox:
        yield mailbox


@pytest.fixture(scope="session")
async def server(
    postgres: Postgres, template: str, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    url = await postgres.create("orgraph_server", template)
    server = start_server(
        tmp_path_factory.mktemp("server"), url, smtp_url=f"smtp://127.0.0.1:{mailbox.port}", pool_size=20
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def product(
    server: Server, postgres: Postgres, template: str, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Awaitable[Server]]]:
    """The server of a product, by its catalogue's name or path; one for the whole run, started when first asked for."""
    started: dict[str, Server] = {}

    async def serving(catalogue: str) -> Server:
        if catalogue == "default":
            return server
        if catalogue not in started:
            url = await postgres.create(unique("product"), template)
            started[catalogue] = start_server(
                tmp_path_factory.mktemp("product"),
                url,
                smtp_url=f"smtp://127.0.0.1:{mailbox.port}",
                catalogue=catalogue,
            )
        return started[catalogue]

    yield serving
    for each in started.values():
        each.stop()


@pytest.fixture
async def database_of_server(server: Server) -> AsyncIterator[asyncpg.Connection]:
    connection = await Postgres(server.database_url).connect()
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def boss(server: Server, mailbox: Mailbox) -> Person:
    return await owner(server, mailbox)


@pytest.fixture(scope="module")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, verify=False, timeout=30) as client:  # noqa: S501
        yield client


@pytest.fixture
def quiet(server: Server) -> Iterator[None]:
    """Whatever a client sends, the server's log tells of no failure."""
    before = len(server.output())
    yield
    assert "Traceback" not in server.output()[before:]


# Letters


@pytest.fixture
async def queue(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty queue, links to URL, and pauses that a test can wait for."""
    await Letter.all().delete()
    monkeypatch.setattr(settings, "public_url", URL)
    monkeypatch.setattr(settings, "mail_from", "Orgraph <no-reply@example.com>")
    monkeypatch.setattr(settings, "smtp_url", "")
    settings.__dict__.pop("url", None)
    monkeypatch.setattr(events, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(mail, "FIRST_PAUSE", timedelta(seconds=0.1))
    monkeypatch.setattr(mail, "LONGEST_PAUSE", timedelta(seconds=0.2))


@pytest.fixture
def forget_url() -> Iterator[None]:
    yield
    settings.__dict__.pop("url", None)


@pytest.fixture
def smtp(queue: None, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    receiver = Receiver()
    monkeypatch.setattr(settings, "smtp_url", f"smtp://127.0.0.1:{receiver.port}")
    return receiver


# Connections


@pytest.fixture(scope="session")
async def make_world(server: Server, mailbox: Mailbox) -> AsyncIterator[Maker]:
    connection = await Postgres(server.database_url).connect()
    async with httpx.AsyncClient(base_url=server.url, verify=False, timeout=30) as http:  # noqa: S501

        async def make() -> World:
            boss = await owner(server, mailbox)
            return World(boss, Rows(connection, boss), await boss.workspace(), http)

        yield make
    await connection.close()


@pytest.fixture(scope="session")
async def world(make_world: Maker) -> World:
    """ROWS of everything. Tests only read it."""
    world = await make_world()
    for _ in range(5):
        await invite(world.boss)
    await world.boss.do("createApiKey", {"name": "CI", "role": "viewer"})
    for member in await world.rows.members(ROWS):
        await world.rows.grant(member, "viewer", Rows.uuid(world.place))
    await world.rows.workspaces(ROWS)
    await world.rows.invitations(ROWS)
    await world.rows.roles(ROWS)
    await world.rows.memberships(ROWS)
    return world


# Installations


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    """An organization in a database of the test's own, for another catalogue to be installed on."""
    yield await found()
    for chain in await AuditChain.filter(kind=ChainKind.ORGANIZATION):
        assert await audit.verify(chain.id) == audit.Verification(chain.sequence), "every chain verifies afterwards"
