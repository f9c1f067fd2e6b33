"""Objects that are rows: their fields as columns of a SELECT, and code that reads them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type
from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from typeid.codecs import base32

from schema.compiler.code import Code, Memory, below
from schema.compiler.coercion import Ordinary
from schema.compiler.outline import Selected, Selection
from schema.declare import Column, Derived, Documents, Expression, Relation, WholeRow, referenced
from schema.permissions import permitted
from schema.sql import Parameters, placed
from server.rows import Row
from server.visibility import VISIBLE

MAX_COLUMNS = 500
"""Of all rows together: PostgreSQL's own limit is 1,664 for one."""


class Level:
    """One SELECT: the columns that it needs, and what is joined for them."""

    def __init__(self) -> None:
        self.columns: dict[str, int] = {}
        self.joins: dict[object, tuple[str, str]] = {}
        self.nested = False
        """Whether a column is an array."""

    def column(self, sql: str) -> int:
        return self.columns.setdefault(sql, len(self.columns))

    @property
    def row(self) -> str:
        return ", ".join(self.columns) or "1"

    @property
    def joined(self) -> str:
        return "".join(f" {join}" for _, join in self.joins.values())


@dataclass(frozen=True)
class Place:
    """Where an object's fields are: its row's alias in a level, and the code's variable for the record."""

    level: Level
    variable: str
    model: type[Row] | None
    alias: str
    within: str
    """SQL: the organization that the row is seen in."""
    streamed: bool = False
    """Whether its records are the statement's own rows."""


class Rows(Code, ABC):
    def __init__(self) -> None:
        super().__init__()
        self.parameters = Parameters()
        self.requirements: list[int] = []
        self.takes_known = False
        self.root = Place(Level(), "row", None, "", "NULL::uuid")
        self.aliases = 0
        self.columns = 0

    @abstractmethod
    def field(self, parent: GraphQLObjectType, selected: Selected, place: Place) -> str:
        """Code of a field's value."""

    def alias(self) -> str:
        self.aliases += 1
        return f"t{self.aliases}"

    def column(self, place: Place, sql: str) -> str:
        """The code that reads a column."""
        index = place.level.column(sql)
        if index == len(place.level.columns) - 1:
            self.columns += 1
            if self.columns > MAX_COLUMNS:
                raise Ordinary("it selects too much for one statement")
        # The statement's own rows begin with the root's columns, whose number is not known yet.
        return f"{place.variable}[@{index}]" if place.streamed else f"{place.variable}[{index}]"

    def row_object(self, selection: Selection, place: Place) -> str:
        parts = [f"{each.key!r}: {self.field(selection.type, each, place)}" for each in selection.fields]
        return "{" + ", ".join(parts) + "}"

    def require(self, sql: str) -> None:
        """What must hold for the plan to answer at all."""
        self.column(self.root, sql)
        self.requirements.append(self.root.level.columns[sql])

    def require_known(self) -> None:
        """Nobody else is answered: that is an error."""
        self.parameters.uses_actor = self.takes_known = True

    def read_column(self, selected: Selected, declared: Column, place: Place) -> str:
        raw = self.column(place, f"{place.alias}.{declared.name}")
        stored: Any = model_of(place)._meta.fields_map[declared.name]
        if isinstance(stored, ArrayField):
            place.level.nested = True
        if declared.read is None and isinstance(get_named_type(selected.output), GraphQLEnumType):
            names = {None: None} | {member.value: member.name for member in stored.enum_type}
            return f"{self.constant(names)}[{raw}]"
        if declared.read is None:
            return self.value(selected.output, raw, selected.selection)
        value = self.value(selected.output, f"{self.constant(declared.read)}(value)", selected.selection)
        if isinstance(stored, ArrayField) and selected.selection is not None:
            complete = self.define("of_array", "value, actor", f"    return {value}\n")
            return f"{self.constant(Memory())}({raw}, {complete}, actor)"
        return value.replace("(value)", f"({self.stored(stored, raw)})", 1)

    def documents(self, selected: Selected, declared: Documents, place: Place) -> str:
        raw = self.column(place, f"{place.alias}.{declared.name}")
        selection = below(selected)
        names = {each.key: each.field.python_name if each.field else None for each in selection.fields}
        if all(key == name for key, name in names.items()) and names.keys() == selection.type.fields.keys():
            return f"{self.constant(orjson.Fragment)}({raw})"  # as PostgreSQL wrote it, in its own order
        parts = [f"{key!r}: {f'item[{name!r}]' if name else repr(selection.type.name)}" for key, name in names.items()]
        return f"[{{{', '.join(parts)}}} for item in {self.constant(loads)}({raw})]"

    def stored(self, stored: Any, raw: str) -> str:
        """What a model's instance has of a column."""
        if (enum := getattr(stored, "enum_type", None)) is not None:
            return f"{self.constant({None: None} | {member.value: member for member in enum})}[{raw}]"
        if isinstance(stored, fields.JSONField):
            return f"{self.constant(loads)}({raw})"
        return raw

    def derive(self, selected: Selected, declared: Derived, place: Place) -> str:
        self.parameters.uses_actor = True
        values = [self.need(need, place) for need in declared.needs]
        value = self.value(
            selected.output, f"{self.constant(declared.compute)}({', '.join(('actor', *values))})", selected.selection
        )
        if declared.requires is None:
            return value
        allowed = self.column(place, self.permission(declared.requires, place))
        return f"({value} if {allowed} else refused())"

    def need(self, need: Any, place: Place) -> str:
        model = model_of(place) if place.model else None
        if isinstance(need, Expression):
            place.level.nested = True  # or may be
            return self.column(place, self.piece(need.sql, place))
        if isinstance(need, WholeRow):
            assert model is not None
            place.level.nested = True
            values = [self.column(place, f"{place.alias}.{name}") for name in model._meta.fields_db_projection.values()]
            return f"{self.constant(hydrating(model))}({', '.join(values)})"
        assert model is not None
        place.level.nested |= isinstance(model._meta.fields_map[need], ArrayField)
        return self.stored(model._meta.fields_map[need], self.column(place, f"{place.alias}.{need}"))

    def piece(self, sql: str, place: Place) -> str:
        return placed(self.parameters.fill(sql), place.alias, within=place.within)

    def permission(self, permission: str, place: Place) -> str:
        return self.piece(permitted(model_of(place), permission), place)

    def join(self, key: str, model: type[Row], visible: bool, place: Place) -> str:
        """The alias of a row joined by its id."""
        known = place.level.joins.get((place.alias, key, model, visible))
        if known is not None:
            return known[0]
        alias = self.alias()
        id = f"{self.parameters.fill(key)}::uuid" if key.startswith("{") else f"{place.alias}.{key}"
        condition = f" AND {placed(self.parameters.fill(VISIBLE[model]), alias)}" if visible else ""
        join = f'LEFT JOIN "{model._meta.db_table}" {alias} ON {alias}.id = {id}{condition}'
        place.level.joins[place.alias, key, model, visible] = (alias, join)
        return alias

    def relate(self, selected: Selected, declared: Relation, place: Place) -> str:
        model = declared.model or referenced(model_of(place), declared.key)
        alias = self.join(declared.key, model, declared.visible, place)
        within = f"{place.alias}.{declared.within}" if declared.within else "NULL::uuid"
        return self.optional(selected, Place(place.level, place.variable, model, alias, within, place.streamed))

    def optional(self, selected: Selected, place: Place) -> str:
        there = self.column(place, f"{place.alias}.id")
        return f"(None if {there} is None else {self.row_object(below(selected), place)})"


def model_of(place: Place) -> type[Row]:
    assert place.model is not None
    return place.model


def loads(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)


@cache
def prefixed(prefix: str) -> Callable[[UUID], str]:
    start = f"{prefix}_"
    return lambda id: start + base32.encode(id.bytes)


@cache
def hydrating(model: type[Row]) -> Callable[..., Row]:
    columns = tuple(model._meta.fields_db_projection.values())
    return lambda *values: model._init_from_db(**dict(zip(columns, values, strict=True)))
