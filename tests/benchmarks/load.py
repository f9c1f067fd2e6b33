"""Clients: wrk for how many requests a second, and a small one of our own for answers and waiting times."""

import asyncio
import contextlib
import itertools
import json
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import psutil

CONNECTIONS = 16

SCRIPT = """
local requests, place = {}, 0
local file = assert(io.open(REQUESTS, "rb"))
local length = file:read("*n")
while length do
    file:read(1)
    requests[#requests + 1] = file:read(length)
    length = file:read("*n")
end
file:close()
function request()
    place = place % #requests + 1
    return requests[place]
end
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('\\n{"requests": %d, "seconds": %f, "errors": %d, "p50": %f, "p99": %f}\\n',
        summary.requests, summary.duration / 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


def post(url: str, path: str, token: str, body: object) -> bytes:
    """A request as it is sent, byte for byte."""
    content = orjson.dumps(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@dataclass(frozen=True)
class Load:
    """What a server did in a round; times in milliseconds."""

    requests: int
    per_second: float
    cpu: float
    """Of the server's process, a request."""
    p50: float
    p99: float


def wrk(url: str, requests: Sequence[bytes], seconds: int, server: psutil.Process) -> Load:
    """The requests in turn, each connection waiting for its answer. Fails on any status but 200."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "requests")
        ready.write_bytes(b"".join(b"%d\n%s\n" % (len(each), each) for each in requests))
        script = Path(folder, "requests.lua")
        script.write_text(SCRIPT.replace("REQUESTS", json.dumps(str(ready))))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=20s", "-s", str(script), url]
        before = server.cpu_times()
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        after = server.cpu_times()
    summary: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    assert summary["errors"] == 0, ended.stdout
    count = summary["requests"]
    assert count, f"Not one answer in {seconds} s"
    cpu = (after.user - before.user + after.system - before.system) * 1000 / count
    return Load(count, count / summary["seconds"], cpu, summary["p50"], summary["p99"])


class Client:
    """A kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(cls, url: str) -> AsyncIterator["Client"]:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**22)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()

    async def send(self, request: bytes) -> tuple[str, bytes]:
        """The answer's head, in lower case, and body; fails on any status but 200."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        assert head.startswith("http/1.1 200"), head
        length = int(head.partition("content-length:")[2].partition("\r")[0])
        return head, await self.reader.readexactly(length)


async def answers(url: str, requests: Sequence[bytes]) -> list[tuple[str, Any]]:
    """Heads and parsed bodies."""
    async with Client.connected(url) as client:
        return [(head, orjson.loads(body)) for head, body in [await client.send(each) for each in requests]]


async def warm(url: str, requests: Sequence[bytes], times: int) -> None:
    """On all connections at once, so often that PostgreSQL has made up its mind about every statement's plan."""
    turns = itertools.cycle(requests)

    async def one() -> None:
        async with Client.connected(url) as client:
            for _ in range(times):
                await client.send(next(turns))

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


async def waits(url: str, request: bytes, rate: float, seconds: float) -> list[float]:
    """How long answers took from the moment at which the request was due, in milliseconds, at a constant rate."""
    taken: list[float] = []
    async with contextlib.AsyncExitStack() as opened:
        idle = deque([await opened.enter_async_context(Client.connected(url)) for _ in range(CONNECTIONS)])

        async def one(due: float) -> None:
            client = idle.popleft()
            await client.send(request)
            taken.append((time.perf_counter() - due) * 1000)
            idle.append(client)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = started + number / rate
                await asyncio.sleep(max(0, due - time.perf_counter()))
                group.create_task(one(due))
    return taken
