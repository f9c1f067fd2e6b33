"""The arena and the board, one of each for a run."""

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.benchmarks.arena import Arena, fill, open_arena
from tests.benchmarks.board import Board
from tests.servers import Postgres


@pytest.fixture(scope="session")
def board() -> Iterator[Board]:
    board = Board()
    yield board
    board.write()


@pytest.fixture(scope="session")
async def arena(
    board: Board, postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Arena]:
    started = time.monotonic()
    url = await postgres.create("orgraph_arena", template)
    try:
        await fill(url)
        print(f"Loaded in {time.monotonic() - started:.0f} s")
        async with open_arena(url, tmp_path_factory.mktemp("arena")) as arena:
            yield arena
    finally:
        await postgres.drop("orgraph_arena")
