"""Operations are answered alike whether they are compiled or executed field by field."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterable

import pytest
from graphql import (
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
)

from tests.differential import Operation, Pair, comparable, pair_of_servers
from tests.differential_corpus import CORPUS
from tests.differential_operations import CORE, DEPTH, Drawing, mutation, query
from tests.differential_reduction import reduced
from tests.servers import Postgres

OPERATIONS = int(os.environ.get("ORGRAPH_TEST_OPERATIONS", "2000"))
BATCH = 100
SELDOM = 0.15
"""The part of the generated operations that may be nothing but refused."""


@pytest.fixture(scope="module")
async def pair(postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with pair_of_servers(postgres, template, tmp_path_factory.mktemp("differential")) as pair:
        yield pair


async def alike(pair: Pair, operations: Iterable[Operation]) -> None:
    """Fails with the smallest part of an operation that is not answered alike."""
    if differing := await pair.differing(operations):
        shortest = min(differing, key=lambda operation: len(operation.query))
        pytest.fail(await reduced(shortest, pair.difference))


# By hand

EVERYTHING = [name for name in CORPUS if name.startswith("everything")]
ASKING = ("owner", "many", "local", "key of a workspace", "anonymous")


@pytest.mark.parametrize("name", CORPUS)
async def test_what_a_document_can_do(pair: Pair, name: str) -> None:
    await alike(pair, [CORPUS[name].operation(pair.world, principal) for principal in ASKING])


async def test_everything_for_everybody(pair: Pair) -> None:
    principals = pair.world.principals
    await alike(pair, [CORPUS[name].operation(pair.world, asking) for name in EVERYTHING for asking in principals])


# At random


@pytest.mark.timeout(0)
async def test_generated_queries(pair: Pair) -> None:
    asked, faulty = pair.asked, pair.faulty
    for start in range(0, OPERATIONS, BATCH):
        seeds = range(start, min(start + BATCH, OPERATIONS))
        await alike(pair, [query(seed, pair.world) for seed in seeds])
    assert pair.faulty - faulty < (pair.asked - asked) * SELDOM


def reachable() -> set[tuple[str, str]]:
    """The types and fields that a query can ask for."""
    found: set[tuple[str, str]] = set()
    left = [CORE.query_type]
    while left:
        type_ = left.pop()
        for name, field in getattr(type_, "fields", {}).items():
            if (type_.name, name) not in found:
                found.add((type_.name, name))
                below = get_named_type(field.type)
                if is_composite_type(below):
                    left += (
                        [below] if isinstance(below, GraphQLObjectType) else [below, *CORE.get_possible_types(below)]
                    )
    return found


async def test_generated_queries_ask_for_every_field(pair: Pair) -> None:
    asked: set[tuple[str, str]] = set()
    for seed in range(2000):
        drawing = Drawing(seed, pair.world)
        drawing.selections(CORE.query_type, DEPTH)
        asked |= drawing.asked
    assert reachable() - asked == set()


async def test_payloads_of_mutations(pair: Pair) -> None:
    """Of mutations that change nothing and are not recorded, so that both servers have the same to tell."""
    world = pair.world
    big, place, custom = world.values["org"][0], world.values["ws"][0], world.values["role"][-1]
    unchanged: list[tuple[str, dict[str, object]]] = [
        ("updateOrganization", {"organizationId": big}),
        ("updateOrganization", {"organizationId": big, "description": ""}),
        ("updateOrganization", {"organizationId": big, "name": "\0"}),
        ("updateOrganizationSettings", {"organizationId": big, "settings": []}),
        ("updateWorkspace", {"workspaceId": place}),
        ("updateWorkspace", {"workspaceId": "ws_x"}),
        ("updateRole", {"roleId": custom}),
        ("removeMember", {"memberId": "mem_x"}),
        ("inviteMembers", {"organizationId": big, "invitations": []}),
        ("createApiKey", {"name": "", "role": "no"}),
    ]
    await alike(pair, [mutation(seed, world, *unchanged[seed % len(unchanged)], "owner") for seed in range(100)])


# Nobody gets another's answer


async def test_one_document_of_many_people_at_once(pair: Pair) -> None:
    chance = random.Random(4)
    asking = [name for name in pair.world.principals if name not in ("nobody", "timed out")]
    operations = [CORPUS[name].operation(pair.world, principal) for name in EVERYTHING for principal in asking]
    alone = [comparable(await pair.send(pair.compiling, operation)) for operation in operations]
    order = chance.sample(range(len(operations)), len(operations)) * 2
    queue = asyncio.Semaphore(16)

    async def again(index: int) -> bool:
        async with queue:
            return comparable(await pair.send(pair.compiling, operations[index])) == alone[index]

    same = await asyncio.gather(*map(again, order))
    assert [operations[index] for index, right in zip(order, same, strict=True) if not right] == []
    assert len({str(answer) for answer in alone}) > len(EVERYTHING) * 5, "what they may see is not the same"
