"""What a server says to PostgreSQL, listened to on the way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from server.database import credentials_of
from tests.servers import Postgres, free_port

# Frontend/backend protocol, "Message Formats": what a connection begins with has a code and no letter.
STARTUP = 196608
SSL_REQUEST = 80877103
SIMPLE_QUERY, PARSE = b"Q", b"P"


@dataclass
class Wiretap:
    """A relay in front of PostgreSQL that keeps the texts of all statements, without their parameters."""

    postgres: Postgres
    port: int = field(default_factory=free_port)
    texts: list[str] = field(default_factory=list)

    def of(self, database: str) -> str:
        """The database's URL by way of here."""
        credentials = credentials_of(self.postgres.url)
        login = f"{credentials.get('user', '')}:{credentials.get('password', '')}"
        return f"asyncpg://{login}@127.0.0.1:{self.port}/{database}"

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Wiretap"]:
        server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        credentials = credentials_of(self.postgres.url)
        host, port = credentials.get("host", "127.0.0.1"), credentials.get("port") or 5432
        if host.startswith("/"):
            answers, questions = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            answers, questions = await asyncio.open_connection(host, port)
        directions = [self._listen(reader, writer, questions), _pass_on(answers, writer)]
        tasks = [asyncio.create_task(direction) for direction in directions]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()
            questions.close()

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, questions: asyncio.StreamWriter
    ) -> None:
        code = 0
        while code != STARTUP:
            size = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(size) - 4)
            code = int.from_bytes(body[:4])
            if code == SSL_REQUEST:
                writer.write(b"N")
            else:
                questions.write(size + body)
        while True:
            kind = await reader.readexactly(1)
            size = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(size) - 4)
            if kind in (SIMPLE_QUERY, PARSE):
                self.texts.append(body.split(b"\0")[kind == PARSE].decode())
            questions.write(kind + size + body)
            await questions.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(2**16):
        writer.write(content)
        await writer.drain()
