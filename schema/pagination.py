"""Relay connections: keyset pages, any number of parents a statement.

A page is one SQL statement, however many parents the operation has: each parent's rows come from
the index that its order has, in a LATERAL join. A cursor names its connection, its order and the
last row's key, so that one of another connection is refused, and a page at any depth costs the same.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import orjson
import strawberry

from schema.context import Info
from schema.sql import Condition, Getter, Parameters, Requirement, placed
from server.access import Actor
from server.database import fetch
from server.errors import BadRequest
from server.rows import Row

MAX_PAGE = 100
DEFAULT_PAGE = 50

T = TypeVar("T")

First = Annotated[int | None, strawberry.argument(description="The number of rows from the start, 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page begins.")]
Last = Annotated[int | None, strawberry.argument(description="The number of rows from the end, 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="The cursor before which the page ends.")]


@strawberry.enum(description="Which way a connection is ordered.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Ascending: oldest, or first in the alphabet, first.")
    DESC = strawberry.enum_value("DESC", description="Descending.")


@strawberry.type(description="Where a page stands in its connection, as Relay defines it.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether rows follow the page.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede the page.")
    start_cursor: str | None = strawberry.field(description="The first row's cursor.")
    end_cursor: str | None = strawberry.field(description="The last row's cursor.")


@strawberry.type(description="A row of a connection, with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Where this row stands; pass it as `after` or `before`.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="A page of rows.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The page's rows with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    page: strawberry.Private["Page"]
    parent_id: strawberry.Private[UUID]

    @strawberry.field(description="The page's rows.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many rows match in all. Counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        page, actor = self.page, info.context.actor

        async def load(parent_ids: list[UUID]) -> list[int]:
            return await page.count(actor, parent_ids)

        loader = info.context.loaders.named((page.source.name, page.where, "count"), load)
        count: int = await loader.load(self.parent_id)
        return count


@dataclass(frozen=True)
class Key:
    """A column to order by: its SQL expression, its type in SQL, and what a cursor's text must parse as."""

    sql: str
    type: str
    parse: Callable[[str], Any]


def _time(value: str) -> datetime:
    """As PostgreSQL writes a timestamptz in UTC."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00", value, re.ASCII):
        raise ValueError(value)
    return datetime.fromisoformat(value)


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError(value)
    return value


def _integer(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise ValueError(value)
    return int(value)


def _uuid(value: str) -> UUID:
    if str(UUID(value)) != value:
        raise ValueError(value)
    return UUID(value)


def time_key(sql: str) -> Key:
    return Key(sql, "timestamptz", _time)


def text_key(sql: str) -> Key:
    return Key(sql, "text", _text)


def integer_key(sql: str) -> Key:
    return Key(sql, "bigint", _integer)


def id_key(sql: str) -> Key:
    return Key(sql, "uuid", _uuid)


ROW_ID = id_key("x.id")


@dataclass(frozen=True)
class Source:
    """Where rows below a parent come from, in SQL in which `x` is the row and `p` the parent's row.

    `of_parent` ties the one to the other and says which of the rows the actor sees; `joins` are taken
    where their aliases are mentioned. `orders` are the columns of each order, together unique; the
    first is the default.
    """

    name: str
    model: type[Row]
    parent: type[Row]
    of_parent: str
    orders: Mapping[str, tuple[Key, ...]]
    joins: Mapping[str, str] = field(default_factory=dict)
    descending: bool = False
    """By default."""
    distinct: tuple[str, ...] = ()
    """Columns that each tell rows apart, where a row can come several times and only the first counts."""

    def tables(self, row: str, *mentioned: str) -> str:
        """What follows FROM, for SQL that mentions these expressions."""
        text = " ".join((self.of_parent, *mentioned))
        joins = [placed(join, row) for alias, join in self.joins.items() if re.search(rf"\b{alias}\.", text)]
        return " ".join((f'"{self.model._meta.db_table}" {row}', *joins))

    def all_of_parent(
        self,
        parameters: Parameters,
        columns: str,
        row: str = "x",
        parent: str = "p",
        joined: str = "",
        condition: str | None = None,
    ) -> str:
        """SELECT of all rows of a parent, in the default order (see Page.rows_of_parent)."""
        keys = next(iter(self.orders.values()))
        direction = "DESC" if self.descending else "ASC"
        order = ", ".join(f"{placed(key.sql, row)} {direction}" for key in keys)
        where = placed(parameters.fill(self.of_parent), row, parent) + (f" AND {condition}" if condition else "")
        return f"SELECT {columns} FROM {self.tables(row, order)}{joined} WHERE {where} ORDER BY {order}"  # noqa: S608


@dataclass(frozen=True)
class Position:
    """A row's place in an order: its keys as text."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """Which of a source's rows are asked for."""

    source: Source = field(hash=False, compare=False)
    order: str
    descending: bool
    where: tuple[Condition, ...]
    limit: int
    backwards: bool
    after: Position | None
    before: Position | None
    requirements: tuple[Requirement, ...] = ()

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """What its SQL depends on; the rest are parameters."""
        conditions = tuple(condition.sql for condition in (*self.where, *self.requirements))
        return self.order, self.descending, self.backwards, self.after is None, self.before is None, conditions

    @property
    def keys(self) -> tuple[Key, ...]:
        return self.source.orders[self.order]

    def cursor(self, keys: Sequence[str]) -> str:
        direction = "desc" if self.descending else "asc"
        return (
            base64.urlsafe_b64encode(orjson.dumps([self.source.name, self.order, direction, *keys]))
            .decode()
            .rstrip("=")
        )

    def position(self, cursor: str | None, argument: str) -> Position | None:
        """Raises BadRequest for what is no cursor of this connection and order."""
        if cursor is None:
            return None
        try:
            name, order, direction, *keys = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if (name, order, direction) != (self.source.name, self.order, "desc" if self.descending else "asc"):
                raise ValueError(name)
            for key, value in zip(self.keys, keys, strict=True):
                if not isinstance(value, str):
                    raise TypeError(value)
                key.parse(value)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadRequest(
                f"{argument}: This is not a cursor of this connection in this order. Pass on one that it gave."
            ) from error
        return Position(tuple(keys))

    def _beyond(self, parameters: Parameters, slot: int, end: Literal["after", "before"]) -> str:
        def getter(index: int) -> Getter:
            return lambda actor, slots: getattr(slots[slot], end).keys[index]

        columns = ", ".join(key.sql for key in self.keys)
        values = ", ".join(
            f"{parameters.number((slot, end, index), getter(index))}::text::{key.type}"
            for index, key in enumerate(self.keys)
        )
        sign = ">" if (end == "after") is not self.descending else "<"
        return f"({columns}) {sign} ({values})"

    def _matching(
        self, parameters: Parameters, slot: int, row: str, parent: str, further: str | None
    ) -> tuple[str, list[str]]:
        """The tables, and the conditions that hold for all pages."""

        def finder(index: int) -> Callable[[Sequence[Any]], Condition]:
            return lambda slots: slots[slot].where[index]

        conditions = [
            parameters.fill(self.source.of_parent),
            *(
                parameters.condition(condition, (slot, index), finder(index))
                for index, condition in enumerate(self.where)
            ),
        ]
        tables = self.source.tables(row, *conditions, *(key.sql for key in self.keys))
        return tables, [*(placed(condition, row, parent) for condition in conditions), *([further] if further else [])]

    def rows_of_parent(
        self,
        parameters: Parameters,
        slot: int,
        columns: str,
        more: int,
        row: str = "x",
        parent: str = "p",
        joined: str = "",
        condition: str | None = None,
    ) -> str:
        """SELECT of a parent's rows, in the order in which they are read, with `more` than the page's.

        `columns`, `joined` and a further `condition` are of the statement that it becomes a part of.
        """
        tables, conditions = self._matching(parameters, slot, row, parent, condition)
        if self.after is not None:
            conditions.append(placed(self._beyond(parameters, slot, "after"), row))
        if self.before is not None:
            conditions.append(placed(self._beyond(parameters, slot, "before"), row))
        direction = "DESC" if self.descending is not self.backwards else "ASC"
        order = ", ".join(f"{placed(key.sql, row)} {direction}" for key in self.keys)
        limit = parameters.number((slot, "limit", more), lambda actor, slots: slots[slot].limit + more)
        where = " AND ".join(conditions)
        return f"SELECT {columns} FROM {tables}{joined} WHERE {where} ORDER BY {order} LIMIT {limit}"  # noqa: S608

    def count_of_parent(
        self, parameters: Parameters, slot: int, row: str = "x", parent: str = "p", condition: str | None = None
    ) -> str:
        tables, conditions = self._matching(parameters, slot, row, parent, condition)
        return f"SELECT count(*) FROM {tables} WHERE {' AND '.join(conditions)}"  # noqa: S608

    async def rows(self, actor: Actor, parent_ids: list[UUID]) -> list[list[Any]]:
        """For each parent, the page's rows and one more, in the order in which they are read."""
        parameters = Parameters()
        keys = "".join(f", ({key.sql})::text AS key_{index}" for index, key in enumerate(self.keys))
        select = self.rows_of_parent(parameters, 0, f"x.*{keys}", more=1)
        found = await _of_parents(self.source, select, parameters, actor, self, parent_ids)
        return [found[id] for id in parent_ids]

    async def count(self, actor: Actor, parent_ids: list[UUID]) -> list[int]:
        parameters = Parameters()
        found = await _of_parents(self.source, self.count_of_parent(parameters, 0), parameters, actor, self, parent_ids)
        return [found[id][0]["count"] if id in found else 0 for id in parent_ids]


async def _of_parents(
    source: Source, select: str, parameters: Parameters, actor: Actor, page: "Page | None", parent_ids: list[UUID]
) -> defaultdict[UUID, list[Any]]:
    """What `select` finds, by the parent's id."""
    ids = parameters.number("parents", lambda actor, slots: parent_ids)
    # A lateral join keeps each parent's rows in their order, though SQL does not promise it: hence the number.
    sql = f"""
        SELECT p.id AS parent_id, n.* FROM "{source.parent._meta.db_table}" p
        CROSS JOIN LATERAL (SELECT row_number() OVER () AS place, n.* FROM ({select}) n) n
        WHERE p.id = ANY ({ids}::uuid[]) ORDER BY p.id, n.place
    """  # noqa: S608
    found: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in await fetch(sql, *parameters.values(actor, [page])):
        found[row["parent_id"]].append(row)
    return found


async def all_rows(source: Source, actor: Actor, parent_ids: list[UUID]) -> list[list[Any]]:
    """For each parent all of its rows, in the default order."""
    parameters = Parameters()
    select = source.all_of_parent(parameters, "x.*")
    found = await _of_parents(source, select, parameters, actor, None, parent_ids)
    return [found[id] for id in parent_ids]


def _page_size(size: int | None, argument: str) -> None:
    if size is not None and not 1 <= size <= MAX_PAGE:
        raise BadRequest(f"{argument}: A page has 1 to {MAX_PAGE} rows, not {size}.")


def page_of(
    source: Source,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    where: Sequence[Condition] = (),
    order: str | None = None,
    descending: bool | None = None,
    requirements: Sequence[Requirement] = (),
) -> Page:
    """Raises BadRequest for a size, a combination or a cursor that cannot be."""
    _page_size(first, "first")
    _page_size(last, "last")
    if first is not None and last is not None:
        raise BadRequest("first, last: Ask for the first rows or for the last ones, not for both.")
    page = Page(
        source=source,
        order=order or next(iter(source.orders)),
        descending=source.descending if descending is None else descending,
        where=tuple(where),
        limit=last or first or DEFAULT_PAGE,
        backwards=last is not None,
        after=None,
        before=None,
        requirements=tuple(requirements),
    )
    if after is None and before is None:
        return page
    return replace(page, after=page.position(after, "after"), before=page.position(before, "before"))


async def connect(info: Info, page: Page, parent_id: UUID, node: Callable[[Any], T]) -> Connection[T]:
    """A page of a parent's rows."""
    actor = info.context.actor

    async def load(parent_ids: list[UUID]) -> list[list[Any]]:
        return await page.rows(actor, parent_ids)

    rows: list[Any] = await info.context.loaders.named((page.source.name, page), load).load(parent_id)
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    if page.backwards:
        rows = rows[::-1]
    edges: list[Edge[T]] = [
        Edge(
            cursor=page.cursor([row[f"key_{index}"] for index in range(len(page.keys))]),
            node=node(page.source.model._init_from_db(**row)),
        )
        for row in rows
    ]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=more if not page.backwards else page.before is not None,
            has_previous_page=more if page.backwards else page.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        page=page,
        parent_id=parent_id,
    )
