"""`orgraph serve` as people run it: starts, stops, crashes, refusals, and what it tells its operators."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from tests.factories import Client, Person, join, owner, sign_in, unique
from tests.servers import ROOT, Mailbox, Postgres, Server, free_port, start_server, wait_until_ready

SUBSCRIPTION = "subscription { membershipChanges { type } }"


def postgres_of(folder: Path) -> list[psutil.Process]:
    """The PostgreSQL processes of a server's data directory."""
    data = str((folder / "data" / "postgres").resolve())
    found = psutil.process_iter(["name", "cwd"])
    return [each for each in found if each.info["name"] == "postgres" and each.info["cwd"] == data]


@contextlib.contextmanager
def ending(*servers: Server) -> Any:
    """Whatever a test's failure leaves running is stopped."""
    try:
        yield
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.stop()


def orgraph(*arguments: str, **environment: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; environment variables by their names without the prefix."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ORGRAPH_")}
    variables = {f"ORGRAPH_{name.upper()}": str(value) for name, value in environment.items()}
    command = [sys.executable, "-m", "server.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env=inherited | variables, capture_output=True, text=True, timeout=60)


def said(server: Server, pattern: str, seconds: float = 10) -> re.Match[str]:
    """What the server has printed, or prints within a few seconds."""
    deadline = time.monotonic() + seconds
    while not (found := re.search(pattern, server.output())):
        assert time.monotonic() < deadline, server.output()
        time.sleep(0.05)
    return found


async def requests_logged(server: Server, request_id: str) -> list[dict[str, Any]]:
    """The request's lines in the log, which are written after its answer."""
    deadline = time.monotonic() + 10
    while True:
        lines = [json.loads(line) for line in server.output().splitlines() if line.startswith("{") and line[-1] == "}"]
        found = [line for line in lines if line.get("request_id") == request_id and line["event"] == "request"]
        if found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.05)


def assert_one_line(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    """The command has failed, and says so in one line."""
    output = ended.stdout + ended.stderr
    assert ended.returncode == 1, output
    assert len(output.strip().splitlines()) == 1, output
    for word in words:
        assert word in output


async def test_first_start_second_start_and_stop(tmp_path: Path) -> None:
    server = start_server(tmp_path, demo=1)
    with ending(server):
        assert said(server, r"Orgraph is ready: (\S+)/graphql")[1] == server.url
        email, password = said(server, r"Sign in with the e-mail (\S+) and the password (\S+)").groups()
        person = await sign_in(server, email, password)
        assert person.organization_id
        workspace_id = await person.workspace()
        assert postgres_of(tmp_path)
        assert server.stop(signal.SIGINT) == 0
        assert postgres_of(tmp_path) == []
    lines = [line for line in server.output().splitlines() if not re.match("Orgraph is|Sign in|Letters", line)]
    assert {json.loads(line)["event"] for line in lines} == {"request"}, "nobody else writes into the log"

    again = start_server(tmp_path, demo=1)
    with ending(again):
        again_person = await sign_in(again, email, password)
        assert again_person.user_id == person.user_id
        assert (await person_on(again, person).query(f'{{ workspace(id: "{workspace_id}") {{ id }} }}'))["workspace"]
        assert again.stop(signal.SIGTERM) == 0
        assert postgres_of(tmp_path) == []


def person_on(server: Server, person: Person) -> Person:
    """The same person and session, at another server of the same data."""
    return Person(server, person.token, organization_id=person.organization_id)


async def write_until_killed(writer: Person, acknowledged: list[str]) -> None:
    with contextlib.suppress(httpx.TransportError, json.JSONDecodeError, KeyError, AssertionError):
        while True:
            acknowledged.append(await writer.workspace())


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Another program."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


async def test_kill_loses_nothing_that_was_acknowledged(
    tmp_path: Path, mailbox: Mailbox, bystander: subprocess.Popen[bytes]
) -> None:
    smtp_url = f"smtp://127.0.0.1:{mailbox.port}"
    server = start_server(tmp_path, smtp_url=smtp_url)
    with contextlib.ExitStack() as stack:
        stack.enter_context(ending(server))
        writers = await asyncio.gather(*(owner(server, mailbox) for _ in range(3)))
        for also_postgres in (False, True):
            acknowledged: list[list[str]] = [[] for _ in writers]
            pairs = list(zip(writers, acknowledged, strict=True))
            working = [asyncio.create_task(write_until_killed(*pair)) for pair in pairs]
            while not all(len(ids) >= 5 for ids in acknowledged):
                assert not any(task.done() for task in working)
                await asyncio.sleep(0.01)
            server.process.kill()
            if also_postgres:
                kill_postgres(tmp_path, bystander)
            server.process.wait()
            await asyncio.gather(*working)

            server = start_server(tmp_path, smtp_url=smtp_url)
            stack.enter_context(ending(server))
            writers = [person_on(server, writer) for writer in writers]
            for writer, ids in zip(writers, acknowledged, strict=True):
                kept = await writer.query("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids[-100:]})
                assert [node and node["id"] for node in kept["nodes"]] == ids[-100:]
        verified = await asyncio.to_thread(orgraph, "audit", "verify", data_dir=tmp_path / "data")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert int(verified.stdout.split()[0]) > sum(map(len, acknowledged))
        assert server.stop() == 0
    assert postgres_of(tmp_path) == []
    assert bystander.poll() is None


def kill_postgres(folder: Path, bystander: subprocess.Popen[bytes]) -> None:
    """As by a power cut, after which the machine has given PostgreSQL's number to another program."""
    for process in postgres_of(folder):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    left_behind = folder / "data" / "postgres" / "postmaster.pid"
    _, *lines = left_behind.read_text().splitlines()
    left_behind.write_text("\n".join([str(bystander.pid), *lines]) + "\n")


async def test_refusals_leave_nothing_behind(tmp_path: Path) -> None:
    server = start_server(tmp_path)
    with ending(server):
        # Of a data directory in use.
        second = await asyncio.to_thread(orgraph, "serve", port=free_port(), data_dir=tmp_path / "data")
        assert_one_line(second, "Another Orgraph is using", "ORGRAPH_DATA_DIR")
        # Of a port in use.
        elsewhere = tmp_path / "elsewhere"
        port = server.url.rpartition(":")[2]
        taken = await asyncio.to_thread(orgraph, "serve", port=port, data_dir=elsewhere / "data")
        assert_one_line(taken, f"port {port}", "ORGRAPH_PORT")
        assert postgres_of(elsewhere) == []
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert server.stop() == 0
    # Of a data directory that cannot be one.
    (tmp_path / "file").write_text("")
    unwritable = await asyncio.to_thread(orgraph, "serve", port=free_port(), data_dir=tmp_path / "file")
    assert_one_line(unwritable, "ORGRAPH_DATA_DIR")


async def test_wrong_database_url(postgres: Postgres) -> None:
    missing = unique("missing")
    urls = {
        "postgresql://nobody:secret@127.0.0.1:1/orgraph": "cannot be reached",
        "postgresql://nobody:secret@host.invalid/orgraph": "cannot be reached",
        "mysql://nobody:secret@127.0.0.1/orgraph": "not the URL",
        "127.0.0.1:5432": "not the URL",
        postgres.of(missing): missing,
    }
    commands = ["serve", "serve", "serve", "serve", "migrate"]
    ended = await asyncio.gather(
        *(
            asyncio.to_thread(orgraph, command, port=free_port(), database_url=url)
            for command, url in zip(commands, urls, strict=True)
        )
    )
    for refused, cause in zip(ended, urls.values(), strict=True):
        assert_one_line(refused, "ORGRAPH_DATABASE_URL", cause)
        assert "secret" not in refused.stderr


async def test_three_servers_start_at_once(tmp_path: Path, postgres: Postgres, template: str) -> None:
    name = unique("together")
    url = await postgres.create(name)
    servers = [start_server(tmp_path, url, ready=False, demo=1) for _ in range(3)]
    with ending(*servers):
        for server in servers:
            await asyncio.to_thread(wait_until_ready, server)
            email, password = said(server, r"Sign in with the e-mail (\S+) and the password (\S+)").groups()
            await sign_in(server, email, password)
            assert "Traceback" not in server.output()
        connection = await postgres.connect(name)
        assert await connection.fetchval('SELECT count(*) FROM "user" WHERE email = $1', email) == 1
        await connection.close()

        assert readiness(servers) == [200, 200, 200]
        await postgres.drop(name)
        assert readiness(servers) == [503, 503, 503]
        assert [httpx.get(f"{server.url}/healthz").status_code for server in servers] == [200, 200, 200]
        await postgres.create(name, template)
        assert readiness(servers) == [200, 200, 200], "they come back when the database does"
        assert [server.stop() for server in servers] == [0, 0, 0]
    await postgres.drop(name)


async def test_start_on_an_existing_database_is_quick(tmp_path: Path, postgres: Postgres, template: str) -> None:
    name = unique("existing")
    server = start_server(tmp_path, await postgres.create(name, template))
    with ending(server):
        process = psutil.Process(server.process.pid)
        used = process.cpu_times()
        assert used.user + used.system < 3, "processor time, which other programs do not lengthen as they do a start"
        assert process.memory_info().rss < 100 * 2**20
        assert server.stop() == 0
    await postgres.drop(name)


def readiness(servers: list[Server]) -> list[int]:
    return [httpx.get(f"{server.url}/readyz").status_code for server in servers]


@pytest.fixture
async def postgres_15() -> AsyncIterator[str]:
    """A database on a PostgreSQL 15 that the machine happens to run."""
    external = Postgres("asyncpg://postgres@127.0.0.1:5432/postgres")
    try:
        connection = await asyncpg.connect(external.url.replace("asyncpg://", "postgresql://"), timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        pytest.skip("no PostgreSQL lets postgres in on 127.0.0.1:5432")
    version = connection.get_server_version().major
    await connection.close()
    if version != 15:
        pytest.skip(f"the PostgreSQL on 127.0.0.1:5432 is {version}, not 15")
    name = unique("orgraph")
    yield (await external.create(name)).replace("asyncpg://", "postgresql://")
    await external.drop(name)


async def test_external_postgres_15(tmp_path: Path, postgres_15: str, mailbox: Mailbox) -> None:
    server = start_server(tmp_path, postgres_15, smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
    with ending(server):
        inviter = await owner(server, mailbox)
        member = await join(inviter, mailbox, "member")
        assert member.organization_id == inviter.organization_id
        assert server.stop() == 0
    verified = await asyncio.to_thread(orgraph, "audit", "verify", database_url=postgres_15)
    assert "events verified" in verified.stdout
    assert not (tmp_path / "data").exists()


async def test_request_id_is_in_log_and_audit_event(server: Server, mailbox: Mailbox) -> None:
    person = await owner(server, mailbox)
    request_id = unique("request-")
    answer = await person.execute(
        "mutation ($input: CreateWorkspaceInput!) { createWorkspace(input: $input) { userErrors { message } } }",
        {"input": {"name": unique("Workspace "), "organizationId": person.organization_id}},
        X_Request_Id=request_id,
    )
    assert answer.headers["x-request-id"] == request_id
    events = (await person.organization("auditEvents(first: 100) { nodes { action requestId } }"))["auditEvents"]
    assert "workspace.created" in [event["action"] for event in events["nodes"] if event["requestId"] == request_id]
    (line,) = await requests_logged(server, request_id)
    assert (line["method"], line["path"], line["status"], line["level"]) == ("POST", "/graphql", 200, "info")
    assert line["milliseconds"] > 0
    assert line["timestamp"].endswith("Z")


def test_lines_of_requests_are_as_other_lines() -> None:
    script = """
import asyncio, logging, structlog
from server import logs
logs.configure()
facts = {"method": "GET", "path": '/"ü', "status": 200, "milliseconds": 0.12, "statements": 3, "request_id": "a"}
async def main():
    structlog.get_logger().info("request", **facts)
    logs.request(logging.INFO, facts)
    logs.request(logging.DEBUG, facts)
    logs.flush()
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    slow, quick = (json.loads(line) for line in ended.stderr.splitlines())
    assert list(slow) == list(quick)
    for line in (slow, quick):
        assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z", line.pop("timestamp"))
    assert slow == quick


async def test_unusable_request_id_is_replaced(server: Server) -> None:
    answer = await Client(server).execute("{ __typename }", X_Request_Id="two words")
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert await requests_logged(server, answer.headers["x-request-id"])


async def test_stop_completes_subscriptions(
    tmp_path: Path, postgres: Postgres, template: str, mailbox: Mailbox
) -> None:
    name = unique("stopping")
    url = await postgres.create(name, template)
    server = start_server(tmp_path, url, smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
    with ending(server):
        person = await owner(server, mailbox)
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {person.token}"}
        received = ""
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("POST", f"{server.url}/graphql", json={"query": SUBSCRIPTION}, headers=headers) as stream,
        ):
            assert stream.headers["content-type"].startswith("text/event-stream")
            await asyncio.sleep(0.5)
            started = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            async for text in stream.aiter_text():
                received += text
        assert "event: complete" in received
        assert await asyncio.to_thread(server.process.wait, 10) == 0
        assert time.monotonic() - started < 3
    assert "Traceback" not in server.output()
    await postgres.drop(name)
