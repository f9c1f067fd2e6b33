"""Real servers, databases and mailboxes for tests to talk to."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Postgres:
    """A PostgreSQL server, on which databases can be made."""

    url: str
    """Of its maintenance database, in asyncpg's form."""

    def of(self, database: str) -> str:
        return re.sub(r"/[^/?]*(\?|$)", rf"/{database}\1", self.url, count=1)

    async def connect(self, database: str | None = None) -> asyncpg.Connection:
        url = self.of(database) if database else self.url
        return await asyncpg.connect(url.replace("asyncpg://", "postgresql://"))

    async def create(self, database: str, template: str = "template1") -> str:
        connection = await self.connect()
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        finally:
            await connection.close()
        return self.of(database)

    async def drop(self, database: str) -> None:
        connection = await self.connect()
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        finally:
            await connection.close()


@dataclass
class Mailbox:
    """A real SMTP server that keeps what it is given."""

    port: int = field(default_factory=free_port)
    letters: list[EmailMessage] = field(default_factory=list)
    by_address: defaultdict[str, list[EmailMessage]] = field(default_factory=lambda: defaultdict(list))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        from email import message_from_bytes, policy

        content = envelope.original_content or b""
        letter: EmailMessage = message_from_bytes(content, policy=policy.default)  # type: ignore[assignment]
        self.letters.append(letter)
        for address in envelope.rcpt_tos:
            self.by_address[address].append(letter)
        return "250 OK"

    @contextlib.contextmanager
    def serving(self) -> Iterator["Mailbox"]:
        controller = Controller(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()

    def to(self, address: str) -> list[EmailMessage]:
        return self.by_address[address]

    async def wait(self, address: str, count: int = 1, seconds: float = 15) -> EmailMessage:
        """The `count`th letter to the address."""
        deadline = time.monotonic() + seconds
        while len(self.to(address)) < count:
            assert time.monotonic() < deadline, f"No letter number {count} to {address} within {seconds} s"
            await asyncio.sleep(0.01)
        return self.to(address)[count - 1]

    async def token(self, address: str, count: int = 1, path: str = "") -> str:
        """The token of the link in the `count`th letter to the address."""
        letter = await self.wait(address, count)
        return link_token(text_of(letter), path)


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_token(text: str, path: str = "") -> str:
    found = re.search(rf"https?://\S+{re.escape(path)}\?token=\S+", text)
    assert found, text
    return parse_qs(urlsplit(found[0]).query)["token"][0]


@dataclass
class Server:
    """A running `orgraph serve`, a process of its own."""

    url: str
    database_url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/graphql"

    def stop(self, signal_number: int = signal.SIGTERM, seconds: float = 30) -> int:
        self.process.send_signal(signal_number)
        return self.process.wait(seconds)

    def output(self) -> str:
        return self.log.read_text(errors="replace")


def start_server(folder: Path, database_url: str = "", ready: bool = True, **environment: Any) -> Server:
    """Start a server on a free port; further environment variables by their names without the prefix.

    Without a database URL it runs its embedded PostgreSQL in `folder`.
    """
    port = int(environment.pop("port", 0) or free_port())
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"server-{port}.log"
    variables = {
        "ORGRAPH_PORT": port,
        "ORGRAPH_DATABASE_URL": database_url,
        "ORGRAPH_DATA_DIR": folder / "data",
        "ORGRAPH_DEMO": "0",
        **{f"ORGRAPH_{name.upper()}": value for name, value in environment.items()},
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ORGRAPH_")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "serve"],
            cwd=ROOT,
            env=inherited | {name: str(value) for name, value in variables.items()},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://127.0.0.1:{port}", database_url, process, log)
    if ready:
        wait_until_ready(server)
    return server


def wait_until_ready(server: Server, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        assert server.process.poll() is None, f"The server has ended:\n{server.output()}"
        assert time.monotonic() < deadline, f"The server is not ready:\n{server.output()}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.url}/readyz").status_code == 200:
                return
        time.sleep(0.05)
