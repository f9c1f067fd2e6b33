"""Behind PgBouncer in transaction mode, where each transaction may be on another connection of PostgreSQL."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.factories import Client, owner, unique
from tests.servers import ROOT, Mailbox, Postgres, free_port, start_server
from tests.test_serve import ending, orgraph

QUESTIONS = (
    "{ viewer { user { id email } organization { id name } } }",
    "{ viewer { memberships { nodes { id organization { members { totalCount nodes { id } } } } } } }",
    "{ viewer { organization { auditEvents(first: 3) { nodes { sequence action actor { label } } } } } }",
)

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture
def pgbouncer(postgres: Postgres, tmp_path: Path) -> Iterator[str]:
    """The address of a PgBouncer set up as README.md says, with three connections for all."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    url = urlsplit(postgres.url)
    host = url.hostname or parse_qs(url.query)["host"][0]
    port, log, settings = free_port(), tmp_path / "pgbouncer.log", tmp_path / "pgbouncer.ini"
    log.touch(0o666)
    [unknown] = re.findall(r"ignore_startup_parameters = .*", (ROOT / "README.md").read_text())
    settings.write_text(
        f"""
        [databases]
        * = host={host} port={url.port or 5432} user=postgres
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        default_pool_size = 3
        {unknown}
        """
    )
    # It does not run as root, and the embedded PostgreSQL's socket is only for who owns it.
    user = ["--user", Path(host).owner() if Path(host).exists() else "nobody"] if os.geteuid() == 0 else []
    with log.open("ab") as output:
        process = subprocess.Popen([PGBOUNCER, *user, str(settings)], stdout=output, stderr=output)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait()


async def test_behind_pgbouncer(tmp_path: Path, postgres: Postgres, pgbouncer: str, mailbox: Mailbox) -> None:
    name = unique("pooled")
    await postgres.create(name)
    url = f"postgresql://postgres@{pgbouncer}/{name}?statement_cache_size=0"
    smtp_url = f"smtp://127.0.0.1:{mailbox.port}"
    with contextlib.ExitStack() as stack:
        servers = []
        for _ in range(2):  # the second would wait for ever if the first left its lock with the pooler
            servers.append(start_server(tmp_path, url, smtp_url=smtp_url))
            stack.enter_context(ending(servers[-1]))
        people = await asyncio.gather(*(owner(servers[0], mailbox) for _ in range(3)))
        clients = [Client(server, person.token) for server in servers for person in people]
        asked = [(client, question) for client in clients for question in QUESTIONS]
        alone = [await client.query(question) for client, question in asked]
        together = await asyncio.gather(*(client.query(question) for client, question in asked * 10))
        assert together == alone * 10
        workspaces = await asyncio.gather(*(person.workspace() for person in people * 10))
        assert len(set(workspaces)) == 30
        assert [server.stop() for server in servers] == [0, 0]
        assert not any("Traceback" in server.output() for server in servers)
    verified = await asyncio.to_thread(orgraph, "audit", "verify", database_url=url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    await postgres.drop(name)
