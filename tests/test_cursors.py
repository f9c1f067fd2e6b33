"""Cursors fit only where they come from, and a wrong one is refused."""

import base64
import json
from typing import Any
from uuid import UUID

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.connections import CONNECTIONS, IN_DEFAULT_ORDER, Ordered, World, junk

UNSHRUNK = [Phase.explicit, Phase.generate]  # an example is twenty, and shrinking them takes minutes
anything = settings(max_examples=15, deadline=None, database=None, derandomize=True, phases=UNSHRUNK)


async def test_a_cursor_fits_its_own_connection_and_order_only(world: World) -> None:
    cursors = [(await world.page(shape, first=1))["edges"][0]["cursor"] for shape in CONNECTIONS]
    assert len(set(cursors)) == len(cursors)
    for place, shape in enumerate(CONNECTIONS):
        expected = [None if origin == place else "BAD_REQUEST" for origin in range(len(CONNECTIONS))]
        assert await world.codes(shape, cursors) == expected, shape


@IN_DEFAULT_ORDER
async def test_a_cursor_cut_off(world: World, shape: Ordered) -> None:
    cursor = (await world.page(shape, first=1))["edges"][0]["cursor"]
    cut = [cursor[:length] for length in range(0, len(cursor), 3)] + [cursor[:-1], cursor[:-2], cursor + "AAAA"]
    assert set(await world.codes(shape, cut)) == {"BAD_REQUEST"}


def encoded(parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decoded(cursor: str) -> list[Any]:
    return list(json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))


DOCTORED = [
    None, True, 5, 1.5, [], ["a"], {}, {"a": 1}, "", " ", "\0", "a\0", "x", "-1", "1_000", "٣", "1e3", "0x10", "9" * 30,
    "123456789012345678abc", "infinity", "now", "today", "2020-W01-1", "20200101", "2020-01-01", "2020-02-30",
    "2020-01-01T00:00:00", "2020-01-01T00:00:00+23:59:59.999999", "2020-01-01 00:00:00+99", "0000-01-01", "10000-01-01",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "urn:uuid:00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}", "0" * 32, "0" * 31, "a" * 10_000, "'; SELECT 1", "$1", "{}", "é" * 500,
]  # fmt: skip


@IN_DEFAULT_ORDER
async def test_a_doctored_cursor_is_never_unforeseen(world: World, shape: Ordered) -> None:
    """Each of its keys replaced: either it is refused, or it is a place in the order."""
    parts = decoded((await world.page(shape, first=1))["edges"][0]["cursor"])
    for index in range(len(parts)):
        doctored = [encoded([*parts[:index], value, *parts[index + 1 :]]) for value in DOCTORED]
        codes = await world.codes(shape, doctored)
        accepted = {None} if index >= 3 else set()
        wrong = [
            (value, code) for value, code in zip(DOCTORED, codes, strict=True) if code not in {"BAD_REQUEST", *accepted}
        ]
        assert wrong == [], index
    misshapen = [parts[:-1], [*parts, "x"], parts[:3], [], {}, "x", 5, None, [parts]]
    assert set(await world.codes(shape, [encoded(wrong) for wrong in misshapen])) == {"BAD_REQUEST"}


@anything
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | junk, min_size=20, max_size=20))
async def test_a_cursor_of_any_text(world: World, texts: list[str]) -> None:
    errors = await world.many(CONNECTIONS[0], [f"last: 2, before: {json.dumps(text)}" for text in texts])
    assert {error and error["extensions"]["code"] for error in errors} == {"BAD_REQUEST"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@anything
@given(st.lists(st.tuples(json_values, st.just(str(UUID(int=0))) | json_values), min_size=20, max_size=20))
async def test_a_cursor_of_any_keys(world: World, keys: list[tuple[Any, Any]]) -> None:
    """Well made, but for the keys."""
    (by_name,) = [c for c in CONNECTIONS if c.name == "members" and "NAME" in c.order and not c.descending]
    cursors = [encoded(["members", "NAME", "asc", *some]) for some in keys]
    assert set(await world.codes(by_name, cursors)) <= {None, "BAD_REQUEST"}
