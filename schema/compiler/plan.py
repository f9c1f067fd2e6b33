"""An outline and the shapes of its slots → one SQL statement, and generated code that completes its rows.

The first list of all comes as the statement's own rows, lists within it as arrays; the code, a few
nested comprehensions, gives them their keys.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql import GraphQLObjectType

from schema.compiler.code import below
from schema.compiler.coercion import Ordinary
from schema.compiler.lists import Lists
from schema.compiler.outline import Outline, Selected, slot_of
from schema.compiler.rows import Level, Place, model_of, prefixed
from schema.declare import (
    Asked,
    Column,
    Derived,
    Documents,
    Found,
    Identity,
    Many,
    OfActor,
    Paged,
    Part,
    Refetched,
    Relation,
    type_of,
)
from schema.node import keys_of
from schema.permissions import permitted
from schema.scalars import parse_any_id
from schema.sql import Getter, placed
from server.rows import Row
from server.visibility import VISIBLE

ROOT = " FROM (SELECT) AS root"

_STREAMED = re.compile(r"@(\d+)")


@dataclass(frozen=True)
class Plan:
    """How an operation is answered. `complete(rows, actor, slots, answers)` gives its data, or raises Ordinary."""

    sql: str | None
    getters: Sequence[Getter]
    complete: Callable[[Any, Any, Sequence[Any], Sequence[Any]], dict[str, Any]]
    asked: Sequence[tuple[Callable[..., Any], int]]
    """Rules that are asked, each with its slot."""
    code: str
    uses_actor: bool
    takes_known: bool
    """Whether it is for those only who are signed in."""
    _confirming: dict[str, str] = field(default_factory=dict)

    def confirming(self, confirm: str) -> str:
        """The statement with one more value at the end of its row, for one more parameter."""
        if confirm not in self._confirming:
            columns, _, rest = (self.sql or f"SELECT{ROOT}").partition(ROOT)
            comma = "" if self.sql is None else ","
            confirmed = confirm.replace("{}", f"${len(self.getters) + 1}")
            self._confirming[confirm] = f"{columns}{comma} {confirmed}{ROOT}{rest}"
        return self._confirming[confirm]


def make_plan(outline: Outline, slots: Sequence[Any]) -> Plan:
    return Planner(outline, slots).plan()


class Planner(Lists):
    def __init__(self, outline: Outline, slots: Sequence[Any]) -> None:
        super().__init__(slots)
        self.outline = outline
        self.asked: list[tuple[Callable[..., Any], int]] = []

    def plan(self) -> Plan:
        level = self.root.level
        data = self.row_object(self.outline.root, self.root)
        body = "".join(f"    if not row[{index}]: refused()\n" for index in self.requirements)
        columns, joined = list(level.columns), level.joined
        offset = len(columns)
        if self.streamed is not None:
            joined += self.streamed[0]
            columns.append("streamed.*")
            body += f"    streamed = rows if row[{offset + self.streamed[1]}] else []\n"
        sql, getters = None, self.parameters.getters
        if columns:
            sql, getters = self.parameters.mentioned(f"SELECT {', '.join(columns)}{ROOT}{joined}")
        first = "    row = rows[0] if rows else None\n"
        self.functions.append(f"def complete(rows, actor, slots, answers):\n{first}{body}    return {data}\n")
        code = _STREAMED.sub(lambda found: str(offset + int(found[1])), "\n".join(self.functions))
        exec(compile(code, "<plan>", "exec"), self.constants)  # noqa: S102
        return Plan(
            sql, getters, self.constants["complete"], self.asked, code, self.parameters.uses_actor, self.takes_known
        )

    def field(self, parent: GraphQLObjectType, selected: Selected, place: Place) -> str:
        if selected.field is None:
            return repr(parent.name)
        match selected.declaration:
            case Identity():
                prefix = prefixed(model_of(place).prefix)
                return f"{self.constant(prefix)}({self.column(place, f'{place.alias}.id')})"
            case Column() as declared:
                return self.read_column(selected, declared, place)
            case Documents() as declared:
                return self.documents(selected, declared, place)
            case Part():
                return self.row_object(below(selected), place)
            case Derived() as declared:
                return self.derive(selected, declared, place)
            case Relation() as declared:
                return self.relate(selected, declared, place)
            case Many() as declared:
                return self.row_list(selected, declared, place)
            case Paged() as declared:
                return self.connect(selected, declared, place)
            case Found() as declared:
                return self.find(selected, declared, place)
            case Refetched() as declared:
                return self.refetch(selected, declared, place)
            case OfActor():
                self.require_known()
                return self.row_object(below(selected), place)
            case Asked() as declared:
                self.asked.append((declared.ask, slot_of(selected)))
                return self.value(selected.output, f"answers[{len(self.asked) - 1}]", selected.selection)
        raise Ordinary(f"{parent.name}.{selected.name} is not planned")

    def find(self, selected: Selected, declared: Found, place: Place) -> str:
        self.require_known()
        slot = slot_of(selected)
        condition = self.slots[slot]
        if condition is None:
            return "None"
        alias = self.alias()
        where = self.parameters.condition(condition, slot, lambda slots: slots[slot])
        return self.optional(selected, self.lookup(declared.model, alias, where, ("found", slot), place))

    def lookup(self, model: type[Row], alias: str, where: str, key: object, place: Place) -> Place:
        seen = f"{placed(where, alias)} AND {placed(self.parameters.fill(VISIBLE[model]), alias)}"
        place.level.joins[key] = (alias, f'LEFT JOIN "{model._meta.db_table}" {alias} ON {seen}')
        return Place(place.level, place.variable, model, alias, "NULL::uuid")

    def refetch(self, selected: Selected, declared: Refetched, place: Place) -> str:
        self.require_known()
        slot = slot_of(selected)
        found = []
        for model, selection in selected.of_models.items():
            inner = Place(Level(), self.name("r"), model, self.alias(), "NULL::uuid")
            item = self.row_object(selection, inner)
            id = self.column(inner, f"{inner.alias}.id")
            permission = type_of(model)[1]
            conditions = [
                f"x.id = ANY ({self.parameters.number((slot, model), _keys(slot, model))}::uuid[])",
                self.parameters.fill(VISIBLE[model]),
                *([self.parameters.fill(permitted(model, permission))] if permission else []),
            ]
            where = placed(" AND ".join(conditions), inner.alias)
            table = f'"{model._meta.db_table}" {inner.alias}{inner.level.joined}'
            rows = self.column(place, f"ARRAY (SELECT ROW ({inner.level.row}) FROM {table} WHERE {where})")  # noqa: S608
            found.append(f"{model.prefix!r}: {{{id}: {item} for {inner.variable} in {rows}}}")
        return f"{self.constant(_one if declared.one else _several)}(slots[{slot}], {{{', '.join(found)}}})"


def _keys(slot: int, model: type[Row]) -> Getter:
    return lambda actor, slots: list(keys_of(slots[slot]).get(model, ()))


def _several(ids: Sequence[str], found: Mapping[str, Mapping[UUID, Any]]) -> list[Any]:
    answers = []
    for id in ids:
        key = parse_any_id(id)
        answers.append(found.get(id.rpartition("_")[0], {}).get(key) if key else None)
    return answers


def _one(ids: Sequence[str], found: Mapping[str, Mapping[UUID, Any]]) -> Any:
    return _several(ids, found)[0]
