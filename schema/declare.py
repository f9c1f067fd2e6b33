"""The words with which a type says where its fields live.

Both executions come from one declaration: the ordinary one, a resolver with loaders, and the compiled
one, SQL (schema/compiler). A field is a `column` of the row, a `derived` value, a `relation` to one row,
`many` rows or a `connection`; on Query it is `found` by its arguments or `asked` of a rule.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import strawberry

from schema.context import Info
from schema.pagination import (
    After,
    Before,
    Connection,
    First,
    Last,
    OrderDirection,
    Page,
    Source,
    all_rows,
    connect,
    page_of,
)
from schema.permissions import requires as requires_permission
from schema.sql import Condition, Parameters, Requirement, placed
from server.access import Actor, find
from server.database import fetch
from server.errors import BadRequest
from server.rows import Row, type_id

T = TypeVar("T")
R = TypeVar("R", bound=Row)

PLAN = "plan"
"""The key of a field's declaration in its metadata."""


@dataclass(frozen=True)
class Expression:
    """SQL on the row `x`, with `within` for the organization that the row is seen in."""

    sql: str


class WholeRow:
    """The row itself, as a model's instance."""


WHOLE_ROW = WholeRow()

Need = str | Expression | WholeRow
"""What a derived value is made of: a column by its name, an expression, or the row."""


@dataclass(frozen=True)
class Identity:
    """The row's TypeID."""


@dataclass(frozen=True)
class Derived:
    """`compute(actor, *needs)`: a scalar, an enum, or plain objects of the graph."""

    needs: tuple[Need, ...]
    compute: Callable[..., Any]
    requires: str | None = None


@dataclass(frozen=True)
class Column:
    name: str
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Documents:
    """A column of JSON: an array of objects whose members are the fields of a type."""

    name: str


@dataclass(frozen=True)
class Part:
    """An object made of the same row."""


@dataclass(frozen=True)
class Relation:
    """To the row whose id `key` is: a column's name, or in braces a value of the actor."""

    key: str
    model: type[Row] | None
    visible: bool
    within: str | None


@dataclass(frozen=True)
class Many:
    source: Source
    key: str
    within: str | None
    requires: str | None


@dataclass(frozen=True)
class Paged:
    source: Source
    key: str
    within: str | None
    requires: str | None
    if_: str | None
    """SQL on the parent's row `x`: without it the connection is null."""

    def page(self, arguments: dict[str, Any]) -> Page:
        """Raises BadRequest."""
        filter, order = arguments.get("filter"), arguments.get("order_by")
        conditions = filter.conditions() if filter is not None else []
        return page_of(
            self.source,
            first=arguments.get("first"),
            after=arguments.get("after"),
            last=arguments.get("last"),
            before=arguments.get("before"),
            where=[each for each in conditions if not isinstance(each, Requirement)],
            requirements=[each for each in conditions if isinstance(each, Requirement)],
            order=order.field.name if order is not None else None,
            descending=order.direction is OrderDirection.DESC if order is not None else None,
        )


@dataclass(frozen=True)
class Found:
    """One row of a model, by the condition that the arguments come to; None: there is none."""

    model: type[Row]
    where: Callable[..., Condition | None]


@dataclass(frozen=True)
class Asked:
    """`ask(actor, **arguments)`: plain objects of the graph."""

    ask: Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class OfActor:
    """Whoever asks: an object whose fields are made of values of the actor."""


@dataclass(frozen=True)
class Refetched:
    """Rows of whatever type by their ids; `one` of them, or a list."""

    one: bool


Declaration = (
    Identity | Column | Documents | Part | Derived | Relation | Many | Paged | Found | Asked | OfActor | Refetched
)


# Types and their models

_types: dict[type[Row], tuple[type[Any], str | None]] = {}


def refetchable(model: type[Row], permission: str | None = None) -> Callable[[type[T]], type[T]]:
    """Makes a type the one of a model, known to `node`. `permission`: what reading takes beside being visible."""

    def register(cls: type[T]) -> type[T]:
        _types[model] = (cls, permission)
        return cls

    return register


def type_of(model: type[Row]) -> tuple[type[Any], str | None]:
    return _types[model]


@cache
def models_by_prefix() -> dict[str, type[Row]]:
    return {model.prefix: model for model in _types}


@cache
def models_by_type() -> dict[str, type[Row]]:
    """By the types' names on the graph."""
    return {cls.__strawberry_definition__.name: model for model, (cls, _) in _types.items()}


def node_of(row: Row, within: UUID | None = None) -> Any:
    return _types[type(row)][0](row=row, within=within)


# Words


def _field(
    declaration: Declaration,
    resolve: Callable[..., Any],
    description: str,
    requires: str | None = None,
    arguments: Sequence[inspect.Parameter] = (),
) -> Any:
    parameters = [
        inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
        *arguments,
    ]
    # Without a return annotation, the field's type is what its class says.
    resolve.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return strawberry.field(
        resolver=resolve,
        description=description,
        metadata={PLAN: declaration},
        extensions=[requires_permission(requires)] if requires else [],
    )


def _key(source: Any, info: Info, key: str) -> Any:
    return info.context.actor.value(key[1:-1]) if key.startswith("{") else getattr(source.row, key)


def identity(description: str) -> Any:
    return _field(Identity(), lambda self, info: type_id(self.row.prefix, self.row.id), description)


def column(name: str, description: str, read: Callable[[Any], Any] | None = None) -> Any:
    """A column; `read` makes the field's value of the column's."""

    def resolve(self: Any, info: Info) -> Any:
        value = getattr(self.row, name)
        return value if read is None else read(value)

    return _field(Column(name, read), resolve, description)


def documents(name: str, item: type[Any], description: str) -> Any:
    """A column of JSON, an array of objects with the fields of `item`."""

    def resolve(self: Any, info: Info) -> list[Any]:
        return [item(**each) for each in getattr(self.row, name)]

    return _field(Documents(name), resolve, description)


def part(type_: type[Any], description: str) -> Any:
    """An object that is made of the same row."""
    return _field(Part(), lambda self, info: type_(row=self.row), description)


def derived(compute: Callable[..., Any], description: str, *needs: Need, requires: str | None = None) -> Any:
    """What `compute(actor, *needs)` makes of columns and expressions."""
    expressions = any(isinstance(need, Expression) for need in needs)

    def at_hand(self: Any, need: Need) -> Any:
        return getattr(self.row, need) if isinstance(need, str) else self.row

    def resolve(self: Any, info: Info) -> Any:
        return compute(info.context.actor, *(at_hand(self, need) for need in needs))

    async def resolve_expressions(self: Any, info: Info) -> Any:
        values = [
            await _load(info, self, need) if isinstance(need, Expression) else at_hand(self, need) for need in needs
        ]
        return compute(info.context.actor, *values)

    return _field(
        Derived(needs, compute, requires), resolve_expressions if expressions else resolve, description, requires
    )


async def _load(info: Info, node: Any, expression: Expression) -> Any:
    actor, model = info.context.actor, type(node.row)

    async def load(keys: list[tuple[UUID, UUID | None]]) -> list[Any]:
        parameters = Parameters()
        value = placed(parameters.fill(expression.sql), "x", within="q.within")
        ids = parameters.number("ids", lambda actor, slots: [id for id, _ in keys])
        withins = parameters.number("withins", lambda actor, slots: [within for _, within in keys])
        sql = f"""SELECT q.id, q.within, {value} AS value
            FROM unnest({ids}::uuid[], {withins}::uuid[]) q (id, within)
            JOIN "{model._meta.db_table}" x ON x.id = q.id"""  # noqa: S608
        found = {(row["id"], row["within"]): row["value"] for row in await fetch(sql, *parameters.values(actor))}
        return [found.get(key) for key in keys]

    return await info.context.loaders.named((model, expression), load).load((node.row.id, node.within))


def relation(
    key: str,
    description: str,
    model: type[Row] | None = None,
    visible: bool = False,
    within: str | None = None,
) -> Any:
    """One row by its id. `model`: left out for a foreign key. `visible`: null unless the actor sees the row."""

    async def resolve(self: Any, info: Info) -> Any:
        id = _key(self, info, key)
        if id is None:
            return None
        target = model or referenced(type(self.row), key)
        row = await info.context.loaders.by_id(target, info.context.actor if visible else None).load(id)
        return node_of(row, getattr(self.row, within) if within else None) if row else None

    return _field(Relation(key, model, visible, within), resolve, description)


def referenced(model: type[Row], key: str) -> type[Row]:
    """The model that a foreign key's column points to."""
    field: Any = model._meta.fields_map[key.removesuffix("_id")]
    return cast(type[Row], field.related_model)


def many(
    source: Source, description: str, key: str = "id", within: str | None = None, requires: str | None = None
) -> Any:
    """All rows of a source."""

    async def resolve(self: Any, info: Info) -> Any:
        actor, parent_id = info.context.actor, _key(self, info, key)

        async def load(parent_ids: list[UUID]) -> list[list[Any]]:
            return await all_rows(source, actor, parent_ids)

        rows = await info.context.loaders.named((source.name, "all"), load).load(parent_id) if parent_id else []
        if source.distinct:
            rows = list({row["id"]: row for row in rows}.values())
        place = getattr(self.row, within) if within else None
        return [node_of(source.model._init_from_db(**row), place) for row in rows]

    return _field(Many(source, key, within, requires), resolve, description, requires)


def argument(type_: Any, description: str) -> Any:
    """The annotation of a connection's `filter` or `orderBy`."""
    return Annotated[type_ | None, strawberry.argument(description=description)]


def connection(
    source: Source,
    description: str,
    *,
    key: str = "id",
    filter: Any = None,
    order_by: Any = None,
    within: str | None = None,
    requires: str | None = None,
    if_: str | None = None,
) -> Any:
    """A page of a source's rows. `if_`: SQL on the parent's row without which the connection is null."""
    paged = Paged(source, key, within, requires, if_)
    arguments: dict[str, Any] = {"first": First, "after": After, "last": Last, "before": Before}
    if filter is not None:
        arguments["filter"] = filter
    if order_by is not None:
        arguments["order_by"] = order_by

    async def resolve(self: Any, info: Info, **given: Any) -> Connection[Any] | None:
        parent_id = _key(self, info, key)
        if parent_id is None or (if_ is not None and not await _load(info, self, Expression(if_))):
            return None
        page = paged.page(given)
        await _require(page, info.context.actor)
        place = getattr(self.row, within) if within else None
        return await connect(info, page, parent_id, lambda row: node_of(row, place))

    return _field(
        paged,
        resolve,
        description,
        requires,
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in arguments.items()
        ],
    )


async def _require(page: Page, actor: Actor) -> None:
    """Raises BadRequest."""
    for requirement in page.requirements:
        if not await holds(actor, requirement):
            raise BadRequest(requirement.message)


async def holds(actor: Actor, condition: Condition) -> bool:
    parameters = Parameters()
    sql = f"SELECT {parameters.condition(condition, 0, lambda slots: condition)} AS holds"
    return bool((await fetch(sql, *parameters.values(actor)))[0]["holds"])


def found(model: type[Row], where: Callable[..., Condition | None], description: str) -> Any:
    """A field of Query: the row for which `where(actor, **arguments)` holds, if the actor sees it.

    The arguments are those of `where`, which may raise Unauthenticated.
    """

    async def resolve(self: Any, info: Info, **arguments: Any) -> Any:
        condition = where(info.context.actor, **arguments)
        rows = await matching(info.context.actor, model, condition) if condition else []
        return node_of(rows[0]) if rows else None

    return _field(Found(model, where), resolve, description, arguments=_arguments_of(where))


async def matching(actor: Actor, model: type[R], condition: Condition) -> list[R]:
    """The rows that the actor sees and for which a condition holds."""
    numbers = [f"${index + 1}" for index in range(len(condition.values))]
    values = [list(value) if isinstance(value, tuple) else value for value in condition.values]
    return await find(actor, model, Parameters().fill(condition.sql, *numbers), *values)


def asked(ask: Callable[..., Awaitable[Any]], description: str, extensions: Sequence[Any] = ()) -> Any:
    """A field of Query: what `ask(actor, **arguments)` answers, plain objects of the graph."""

    async def resolve(self: Any, info: Info, **arguments: Any) -> Any:
        return await ask(info.context.actor, **arguments)

    made = _field(Asked(ask), resolve, description, arguments=_arguments_of(ask))
    made.extensions = [*made.extensions, *extensions]
    return made


def _arguments_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Those after the actor."""
    return list(inspect.signature(function).parameters.values())[1:]
