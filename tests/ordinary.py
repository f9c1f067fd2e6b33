"""A server that executes every request field by field, in the place of the one that compiles."""

from collections.abc import AsyncIterator

import pytest

from tests.factories import unique
from tests.servers import Mailbox, Postgres, Server, start_server


@pytest.fixture(scope="session")
async def server(
    postgres: Postgres, template: str, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    """Overrides the suite's in the module that imports it."""
    url = await postgres.create(unique("ordinary"), template)
    smtp = f"smtp://127.0.0.1:{mailbox.port}"
    server = start_server(tmp_path_factory.mktemp("ordinary"), url, smtp_url=smtp, pool_size=20, compile=0)
    yield server
    server.stop()
