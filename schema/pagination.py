"""Relay connections: keyset pages, any number of parents a statement.

A page is one SQL statement, however many parents the operation has: each parent's rows come from
the index that its order has, in a LATERAL join. A cursor names its connection, its order and the
last row's key, so that one of another connection is refused, and a page at any depth costs the same.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
import strawberry

from schema.context import Info
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
    query: strawberry.Private["PageQuery"]
    parent_id: strawberry.Private[UUID]

    @strawberry.field(description="The page's rows.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many rows match in all. Counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        query = self.query
        loader = info.context.loaders.named((query.source.name, query.where, "count"), query.count)
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


ROW_ID = Key("x.id", "uuid", _uuid)


@dataclass(frozen=True)
class Source:
    """Where a connection's rows come from.

    `tables` is what follows FROM, in which the row is `x`; `of_parent` is the condition that ties it
    to the parent's id, `p.id`; `orders` are the columns of each order, together unique.
    """

    name: str
    model: type[Row]
    tables: str
    of_parent: str
    orders: Mapping[str, tuple[Key, ...]]


@dataclass(frozen=True)
class Condition:
    """SQL with `{}` for each value; values are hashable, lists of ids as tuples."""

    sql: str
    values: tuple[Any, ...] = ()


class Parameters:
    """The values of a statement, numbered as they are mentioned."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> str:
        self.values.append(list(value) if isinstance(value, tuple) else value)
        return f"${len(self.values)}"

    def condition(self, condition: Condition) -> str:
        return condition.sql.format(*(self(value) for value in condition.values))


@dataclass(frozen=True)
class Position:
    """A row's place in an order: its keys as text."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class PageQuery:
    source: Source = field(hash=False, compare=False)
    order: str
    descending: bool
    where: tuple[Condition, ...]
    limit: int
    backwards: bool
    after: Position | None
    before: Position | None

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

    def _beyond(self, parameters: Parameters, position: Position, forwards: bool) -> str:
        columns = ", ".join(key.sql for key in self.keys)
        values = ", ".join(
            f"{parameters(value)}::text::{key.type}" for key, value in zip(self.keys, position.keys, strict=True)
        )
        sign = ">" if forwards is not self.descending else "<"
        return f"({columns}) {sign} ({values})"

    async def rows(self, parent_ids: list[UUID]) -> list[list[Any]]:
        """For each parent, the page's rows and one more, in the order in which they are read."""
        parameters = Parameters()
        parents = parameters(parent_ids)
        conditions = [self.source.of_parent, *(parameters.condition(condition) for condition in self.where)]
        if self.after is not None:
            conditions.append(self._beyond(parameters, self.after, forwards=True))
        if self.before is not None:
            conditions.append(self._beyond(parameters, self.before, forwards=False))
        direction = "DESC" if self.descending is not self.backwards else "ASC"
        order = ", ".join(f"{key.sql} {direction}" for key in self.keys)
        key_columns = ", ".join(f"({key.sql})::text AS key_{index}" for index, key in enumerate(self.keys))
        sql = f"""
            SELECT p.id AS parent_id, n.* FROM unnest({parents}::uuid[]) AS p(id)
            CROSS JOIN LATERAL (
                SELECT x.*, {key_columns}, row_number() OVER (ORDER BY {order}) AS place
                FROM {self.source.tables} WHERE {" AND ".join(conditions)}
                ORDER BY {order} LIMIT {parameters(self.limit + 1)}
            ) n
        """  # noqa: S608
        found: defaultdict[UUID, list[Any]] = defaultdict(list)
        for row in await fetch(sql, *parameters.values):
            found[row["parent_id"]].append(row)
        return [sorted(found[id], key=lambda row: row["place"]) for id in parent_ids]

    async def count(self, parent_ids: list[UUID]) -> list[int]:
        parameters = Parameters()
        parents = parameters(parent_ids)
        conditions = [self.source.of_parent, *(parameters.condition(condition) for condition in self.where)]
        sql = f"""
            SELECT p.id, n.count FROM unnest({parents}::uuid[]) AS p(id)
            CROSS JOIN LATERAL (
                SELECT count(*) FROM {self.source.tables} WHERE {" AND ".join(conditions)}
            ) n
        """  # noqa: S608
        counts = {row["id"]: row["count"] for row in await fetch(sql, *parameters.values)}
        return [counts[id] for id in parent_ids]


def _page_size(size: int | None, argument: str) -> None:
    if size is not None and not 1 <= size <= MAX_PAGE:
        raise BadRequest(f"{argument}: A page has 1 to {MAX_PAGE} rows, not {size}.")


async def connect(
    info: Info,
    source: Source,
    parent_id: UUID,
    node: Callable[[Any], T],
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    order: str,
    descending: bool = False,
    where: Sequence[Condition] = (),
) -> Connection[T]:
    """A page of a parent's rows. Raises BadRequest for a size, a combination or a cursor that cannot be."""
    _page_size(first, "first")
    _page_size(last, "last")
    if first is not None and last is not None:
        raise BadRequest("first, last: Ask for the first rows or for the last ones, not for both.")
    unplaced = PageQuery(
        source=source,
        order=order,
        descending=descending,
        where=tuple(where),
        limit=last or first or DEFAULT_PAGE,
        backwards=last is not None,
        after=None,
        before=None,
    )
    query = PageQuery(
        **{
            **unplaced.__dict__,
            "after": unplaced.position(after, "after"),
            "before": unplaced.position(before, "before"),
        }
    )
    loader = info.context.loaders.named((source.name, query), query.rows)
    rows: list[Any] = await loader.load(parent_id)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if query.backwards:
        rows = rows[::-1]
    edges: list[Edge[T]] = [
        Edge(
            cursor=query.cursor([row[f"key_{index}"] for index in range(len(query.keys))]),
            node=node(source.model._init_from_db(**row)),
        )
        for row in rows
    ]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=more if not query.backwards else before is not None,
            has_previous_page=more if query.backwards else after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        query=query,
        parent_id=parent_id,
    )
