"""A mutation's payload: its rows are completed from what the rule has at hand, or else by one statement."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLObjectType, get_nullable_type

from schema.compiler.code import below
from schema.compiler.coercion import Ordinary
from schema.compiler.outline import Outline, Selected, Selection
from schema.compiler.plan import Plan, Planner
from schema.compiler.rows import Place, prefixed
from schema.declare import Column, Derived, Identity, OfActor, Part, Relation, WholeRow, models_by_type, referenced
from schema.sql import Getter
from server.rows import Row


class NotAtHand(Exception):
    """It takes a look into the database."""


def shape_of(outline: Outline, payload: Any) -> tuple[object, ...]:
    """What the plan depends on: which rows the payload has, and which related rows those bring along."""
    shape: list[object] = []
    for each in _payload(outline).fields:
        row = _row(each, payload)
        if row is not None:
            values = row.__dict__
            present = {name: values.get(name) is not None for name in values if name.endswith("_id") or name[0] == "_"}
            shape.append((each.key, tuple(sorted(present.items()))))
    return tuple(shape)


def make_payload_plan(outline: Outline, slots: Sequence[Any]) -> Plan:
    """The slots end with the payload. Raises Ordinary."""
    return PayloadPlanner(outline, slots).plan()


def mutation_field(outline: Outline) -> Selected:
    """Raises Ordinary unless there is just one."""
    fields = [each for each in outline.root.fields if each.field is not None]
    if len(fields) != 1:
        raise Ordinary("mutations that are several are executed one after the other")
    return fields[0]


def _payload(outline: Outline) -> Selection:
    return below(mutation_field(outline))


def _model(selected: Selected) -> type[Row] | None:
    """Of a payload's field that is a row."""
    named = get_nullable_type(selected.output)
    return models_by_type().get(named.name) if isinstance(named, GraphQLObjectType) else None


def _row(selected: Selected, payload: Any) -> Any:
    node = getattr(payload, selected.field.python_name) if selected.field is not None and _model(selected) else None
    return None if node is None else node.row


class PayloadPlanner(Planner):
    def __init__(self, outline: Outline, slots: Sequence[Any]) -> None:
        super().__init__(outline, slots)
        self.payload = slots[-1]

    def field(self, parent: GraphQLObjectType, selected: Selected, place: Place) -> str:
        if selected is not mutation_field(self.outline):
            return super().field(parent, selected, place)
        selection = below(selected)
        parts = [f"{each.key!r}: {self.payload_field(selection, each, place)}" for each in selection.fields]
        return "{" + ", ".join(parts) + "}"

    def payload_field(self, selection: Selection, selected: Selected, place: Place) -> str:
        if selected.field is None:
            return repr(selection.type.name)
        if isinstance(selected.declaration, OfActor):
            self.require_known()
            return self.row_object(below(selected), place)
        model = _model(selected)
        if model is None:
            return self.attribute(selection, selected, "answers[0]")
        row = _row(selected, self.payload)
        if row is None:
            return "None"
        name = selected.field.python_name
        try:
            return self.at_hand(below(selected), row, f"answers[0].{name}.row", related=True)
        except NotAtHand:
            return self.given(selected, model, name, place)

    def given(self, selected: Selected, model: type[Row], name: str, place: Place) -> str:
        alias = self.alias()
        id = self.parameters.number(("given", name), _given(lambda node: node.row.id, name))
        within = self.parameters.number(("within", name), _given(lambda node: node.within, name))
        place.level.joins[alias] = (alias, f'LEFT JOIN "{model._meta.db_table}" {alias} ON {alias}.id = {id}::uuid')
        row = Place(place.level, place.variable, model, alias, f"{within}::uuid")
        there = self.column(row, f"{alias}.id")
        return f"({self.row_object(below(selected), row)} if {there} is not None else gone())"

    def at_hand(self, selection: Selection, row: Any, code: str, related: bool) -> str:
        """`related`: whether rows that it brings along count too."""
        parts = [
            f"{each.key!r}: {self.value_at_hand(selection, each, row, code, related)}" for each in selection.fields
        ]
        return "{" + ", ".join(parts) + "}"

    def value_at_hand(self, selection: Selection, selected: Selected, row: Any, code: str, related: bool) -> str:
        if selected.field is None:
            return repr(selection.type.name)
        match selected.declaration:
            case Identity():
                return f"{self.constant(prefixed(row.prefix))}({code}.id)"
            case Column(name, read):
                value = f"{code}.{name}" if read is None else f"{self.constant(read)}({code}.{name})"
                return self.value(selected.output, value, selected.selection)
            case Part():
                return self.at_hand(below(selected), row, code, related)
            case Derived(needs, compute, None) if all(isinstance(need, str | WholeRow) for need in needs):
                self.parameters.uses_actor = True
                values = [code if isinstance(need, WholeRow) else f"{code}.{need}" for need in needs]
                call = f"{self.constant(compute)}({', '.join(('actor', *values))})"
                return self.value(selected.output, call, selected.selection)
            case Relation(key, None, False) if related:
                if getattr(row, key) is None:
                    return "None"
                name = f"_{key.removesuffix('_id')}"
                other = row.__dict__.get(name)
                if isinstance(other, referenced(type(row), key)):
                    return self.at_hand(below(selected), other, f"{code}.{name}", related=False)
        raise NotAtHand


def _given(read: Callable[[Any], Any], name: str) -> Getter:
    return lambda actor, slots: read(getattr(slots[-1], name))
