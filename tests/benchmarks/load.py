"""A client that costs little beside the server that it measures: prepared requests on kept connections."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

CONNECTIONS = 8


@dataclass(frozen=True)
class Request:
    """What is sent, byte for byte, again and again."""

    url: str
    content: bytes

    @classmethod
    def post(cls, url: str, token: str, body: object, path: str = "/graphql") -> "Request":
        content = orjson.dumps(body)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return cls(url, head.encode() + content)


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> "Connection":
        address = urlsplit(url)
        return cls(*await asyncio.open_connection(address.hostname, address.port, limit=2**22))

    async def send(self, request: Request) -> bytes:
        """The answer's body; fails on any status but 200."""
        self.writer.write(request.content)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        return await self.reader.readexactly(int(lower[start : lower.index(b"\r", start)]))


async def answer(request: Request) -> object:
    connection = await Connection.open(request.url)
    try:
        return orjson.loads(await connection.send(request))
    finally:
        connection.writer.close()


async def per_second(request: Request, seconds: float) -> float:
    """Requests per second of CONNECTIONS callers, each of which waits for its answer."""
    connections = [await Connection.open(request.url) for _ in range(CONNECTIONS)]
    done = 0

    async def caller(connection: Connection) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await connection.send(request)
            done += 1

    started = time.perf_counter()
    until = started + seconds
    await asyncio.gather(*(caller(connection) for connection in connections))
    elapsed = time.perf_counter() - started
    for connection in connections:
        connection.writer.close()
    return done / elapsed
