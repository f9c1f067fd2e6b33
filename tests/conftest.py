"""One PostgreSQL, one mailbox and one server for the whole run; each test makes its own organizations."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server import embedded, roles
from server.database import connected, migrate
from tests.factories import unique
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
        await roles.install()
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
