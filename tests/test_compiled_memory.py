"""However many documents clients make up, a server keeps a bounded number of them."""

import asyncio

import httpx
import psutil
import pytest

from tests.factories import founder
from tests.servers import Server

WARM, DOCUMENTS = 2_000, 10_000
CONCURRENCY = 4
GROWTH = 30 * 1024 * 1024
"""Bytes of memory that the documents after the first ones may come to."""


def memory(server: Server) -> int:
    process = psutil.Process(server.process.pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


@pytest.mark.timeout(900)
async def test_memory_under_many_documents(server: Server, http: httpx.AsyncClient) -> None:
    person = await founder(server)
    headers = {"Authorization": f"Bearer {person.token}"}

    async def ask(numbers: range) -> None:
        for number in numbers:
            query = f"{{ viewer {{ a{number}: permissions b{number}: user {{ c{number}: name }} }} }}"
            answer = (await http.post("/graphql", json={"query": query}, headers=headers)).json()
            assert answer["data"]["viewer"][f"b{number}"] == {f"c{number}": "Some Body"}

    async def ask_for_all(numbers: range) -> None:
        await asyncio.gather(*(ask(numbers[start::CONCURRENCY]) for start in range(CONCURRENCY)))

    await ask_for_all(range(WARM))
    before = memory(server)
    await ask_for_all(range(WARM, DOCUMENTS))
    assert memory(server) - before < GROWTH
