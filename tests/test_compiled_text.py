"""No value of a request is ever part of a statement's text, whatever argument it is given to."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type, is_composite_type

from tests.differential import Operation, Pair, pair_of_servers
from tests.differential_operations import CORE
from tests.differential_reduction import reduced
from tests.servers import Postgres
from tests.wiretap import Wiretap

MARKER = "zq8marker"
HOSTILE = [
    MARKER,
    f"{MARKER}'",
    f"{MARKER}''; DROP TABLE member; --",
    f'"{MARKER}"',
    f"{MARKER} $1 $2::text",
    f"%s %(x)s %{MARKER}_",
    f"{{}} {{0}} {{user_id}} {{x.id}} {MARKER}",
    f"\\{MARKER}\\",
    f"\\'{MARKER}\\u0027",
    f"\u2019{MARKER}\u02bc\uff07",
    f"/* {MARKER} */ -- #",
    f"$$ {MARKER} $zq$",
    f"{MARKER}\n;\r\n\t\x01",
    f"\0{MARKER}",
    f"'''{MARKER}\"\"\"\n'''",
    f"org_{MARKER}",
    MARKER + "x" * 10_000,
]

PARENTS = {
    "Query": "{}",
    "Viewer": "viewer {{ {} }}",
    "Organization": "organization(id: $org) {{ {} }}",
    "Workspace": "workspace(id: $ws) {{ {} }}",
    "Member": "node(id: $mem) {{ ... on Member {{ {} }} }}",
}
"""Where fields that take arguments stand."""


@pytest.fixture(scope="module")
async def tap(postgres: Postgres) -> AsyncIterator[Wiretap]:
    async with Wiretap(postgres).listening() as tap:
        yield tap


@pytest.fixture(scope="module")
async def pair(
    postgres: Postgres, template: str, tap: Wiretap, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    async with pair_of_servers(postgres, template, tmp_path_factory.mktemp("text"), tap) as pair:
        yield pair


@dataclass(frozen=True)
class Place:
    """Where a text can be given: `selection` has a § for it."""

    selection: str
    type: str

    def __str__(self) -> str:
        return self.selection


def text_type(type_: Any) -> str | None:
    """The type of a variable that fits, where the type takes any text."""
    named = get_named_type(type_).name
    return f"{named}!" if named in ("String", "ID") else None


def places() -> Iterator[Place]:
    """Of every argument and input field."""
    for name, parent in PARENTS.items():
        for field_name, field in CORE.type_map[name].fields.items():  # type: ignore[attr-defined]
            below = "{ __typename }" if is_composite_type(get_named_type(field.type)) else ""
            for argument_name, argument in field.args.items():
                others = "".join(
                    f', {key}: "members:read"'
                    for key, other in field.args.items()
                    if key != argument_name and isinstance(other.type, GraphQLNonNull) and text_type(other.type)
                )
                for path, type_ in within(argument_name, argument.type):
                    yield Place(parent.format(f"{field_name}({path}{others}) {below}"), type_)


def within(name: str, type_: Any) -> Iterator[tuple[str, str]]:
    """The argument, or each field of the input object that it is, with the type of the text."""
    if found := text_type(type_):
        yield f"{name}: §", found
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType):
        for key, field in named.fields.items():
            if found := text_type(field.type):
                required = (
                    ', permission: "members:read"' if "permission" in named.fields and key != "permission" else ""
                )
                yield f"{name}: {{{key}: §{required}}}", found


PLACES = list(places())


def test_every_argument_is_among_the_places() -> None:
    taking = {
        name
        for name, type_ in CORE.type_map.items()
        for field in getattr(type_, "fields", {}).values()
        if any(True for argument in getattr(field, "args", {}).items() for _ in within(argument[0], argument[1].type))
    }
    connections = {name for name in taking if not name.startswith("__")} - {"Mutation", "Subscription"}
    assert connections == set(PARENTS)


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_value_is_never_part_of_a_statement(pair: Pair, tap: Wiretap, place: Place) -> None:
    ids = {name: pair.world.values[name][0] for name in ("org", "ws", "mem") if f"${name}" in place.selection}
    declared = [f"${name}: ID!" for name in ids]
    head, head_with_text = (
        f"({', '.join(declared)})" if declared else "",
        f"({', '.join([*declared, f'$x: {place.type}'])})",
    )
    operations = []
    for text in HOSTILE:
        variable, literal = place.selection.replace("§", "$x"), place.selection.replace("§", json.dumps(text))
        operations += [
            Operation(f"query {head_with_text} {{ {variable} }}", {**ids, "x": text}),
            Operation(f"query {head} {{ {literal} }}", ids),
        ]
    tap.texts.clear()
    if differing := await pair.differing(operations):
        pytest.fail(await reduced(differing[0], pair.difference))
    assert [text for text in tap.texts if MARKER in text] == []


async def test_statements_are_heard(pair: Pair, tap: Wiretap) -> None:
    """What the other tests look for would be found."""
    connection = await asyncpg.connect(tap.of("postgres").replace("asyncpg", "postgresql"))
    await connection.fetch(f"SELECT '{MARKER}', $1::text", "x")
    await connection.execute(f"SELECT '{MARKER}'")
    await connection.close()
    assert len([text for text in tap.texts if MARKER in text]) == 2
