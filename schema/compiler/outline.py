"""What an operation selects, type by type, with fragments and conditions resolved (GraphQL, section 6.3.2)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from schema.compiler.coercion import DEFINITION, Ordinary, Read, arguments_reader, has_variable
from schema.declare import PLAN, Asked, Declaration, Found, Paged, Refetched, models_by_prefix, type_of
from schema.node import MAX_NODES
from schema.scalars import parse_any_id
from server.access import Actor
from server.rows import Row

Slot = Callable[[Actor, Mapping[str, Any]], Any]
"""What a field is asked for in a request: a Page, a Condition, or arguments."""


@dataclass
class Selected:
    """A field under its response key."""

    key: str
    name: str
    field: Any
    """Strawberry's; None for __typename."""
    output: Any = None
    selection: "Selection | None" = None
    of_models: dict[type[Row], "Selection"] = field(default_factory=dict)
    """What is selected of each type, where the field's is an interface."""
    slot: int | None = None

    @property
    def declaration(self) -> Declaration | None:
        return self.field.metadata.get(PLAN) if self.field is not None else None


@dataclass
class Selection:
    type: GraphQLObjectType
    fields: list[Selected]


class Outline:
    """An operation under some values of its conditions, and for some types of refetched rows."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        conditions: Mapping[str, object],
        prefixes: Mapping[str, Sequence[str]],
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.conditions = conditions
        self.prefixes = prefixes
        self.slots: list[Slot] = []
        root = schema.get_root_type(operation.operation)
        if root is None:
            raise Ordinary("there is no such operation")
        self.root = self._selection(root, [operation.selection_set])

    def _selection(self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> Selection:
        grouped: dict[str, list[FieldNode]] = {}
        for set_ in sets:
            self._collect(type_, set_, grouped, set())
        return Selection(type_, [self._selected(type_, key, nodes) for key, nodes in grouped.items()])

    def _collect(
        self, type_: GraphQLObjectType, set_: SelectionSetNode, grouped: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in set_.selections:
            if not included(node.directives, self.conditions):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                grouped.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(type_, node.type_condition.name.value):
                    self._collect(type_, node.selection_set, grouped, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(type_, fragment.type_condition.name.value):
                    self._collect(type_, fragment.selection_set, grouped, seen)

    def _applies(self, type_: GraphQLObjectType, condition: str) -> bool:
        named = self.schema.get_type(condition)
        return named is type_ or any(named is interface for interface in type_.interfaces)

    def _selected(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        name = nodes[0].name.value
        if name == "__typename":
            return Selected(key, name, None)
        if name.startswith("__"):
            raise Ordinary("it asks for the schema")
        definition = parent.fields[name]
        selected = Selected(key, name, definition.extensions[DEFINITION], definition.type)
        selected.slot = self._slot(parent, selected, nodes[0], arguments_reader(definition, nodes[0]))
        sets = [node.selection_set for node in nodes if node.selection_set]
        if isinstance(selected.declaration, Refetched):
            known = models_by_prefix()
            if key not in self.prefixes:
                raise Ordinary("a node is asked for within a fragment")
            for prefix in self.prefixes[key]:
                model = known[prefix]
                selected.of_models[model] = self._selection(self._type_of(model), sets)
        elif sets:
            named = get_named_type(definition.type)
            if not isinstance(named, GraphQLObjectType):
                raise Ordinary(f"{parent.name}.{name} is of an abstract type")
            selected.selection = self._selection(named, sets)
        return selected

    def _type_of(self, model: type[Row]) -> GraphQLObjectType:
        name = type_of(model)[0].__strawberry_definition__.name
        found = self.schema.get_type(name)
        if not isinstance(found, GraphQLObjectType):
            raise Ordinary(f"there is no type {name}")
        return found

    def _paged(self, declaration: Paged, node: FieldNode, read: Read | None) -> Slot:
        if read is None:
            raise Ordinary("a connection takes no arguments")
        if not has_variable(node):
            page = declaration.page(read({}))
            return lambda actor, variables: page
        return lambda actor, variables: declaration.page(read(variables))

    def _slot(self, parent: GraphQLObjectType, selected: Selected, node: FieldNode, read: Read | None) -> int | None:
        declaration = selected.declaration
        if isinstance(declaration, Paged):
            self.slots.append(self._paged(declaration, node, read))
        elif isinstance(declaration, Found):
            where = declaration.where
            self.slots.append(lambda actor, variables: where(actor, **(read(variables) if read else {})))
        elif isinstance(declaration, Refetched) and read is not None:
            self.slots.append(lambda actor, variables: ids_of(read(variables)))
        elif isinstance(declaration, Asked) or parent is self.schema.mutation_type:
            self.slots.append(lambda actor, variables: read(variables) if read else {})
        elif read is not None:
            raise Ordinary(f"{selected.name} has arguments that are not planned")
        else:
            return None
        return len(self.slots) - 1


def slot_of(selected: Selected) -> int:
    assert selected.slot is not None
    return selected.slot


def included(directives: Sequence[DirectiveNode] | None, conditions: Mapping[str, object]) -> bool:
    for directive in directives or ():
        value = next((each.value for each in directive.arguments or () if each.name.value == "if"), None)
        if directive.name.value not in ("skip", "include") or value is None:
            raise Ordinary(f"the directive @{directive.name.value} is not planned")
        holds = conditions.get(value.name.value) if isinstance(value, VariableNode) else getattr(value, "value", None)
        if not isinstance(holds, bool):
            raise Ordinary("a condition is not a boolean")
        if holds is (directive.name.value == "skip"):
            return False
    return True


def condition_variables(definitions: Sequence[Any]) -> list[str]:
    """The variables on which it depends what is selected."""
    found: dict[str, None] = {}
    for node in _selections(definitions):
        for directive in node.directives or ():
            for each in directive.arguments or ():
                if isinstance(each.value, VariableNode):
                    found[each.value.name.value] = None
    return list(found)


def _selections(definitions: Sequence[Any]) -> Iterator[Any]:
    waiting = [each.selection_set for each in definitions]
    while waiting:
        for node in waiting.pop().selections:
            yield node
            below = getattr(node, "selection_set", None)
            if below is not None:
                waiting.append(below)


def ids_of(arguments: Mapping[str, Any]) -> list[str]:
    """Of `node` or `nodes`."""
    ids: list[str] = arguments["ids"] if "ids" in arguments else [arguments["id"]]
    if len(ids) > MAX_NODES:
        raise Ordinary("it asks for too many nodes")
    return ids


def prefixes_of(ids: Sequence[str]) -> list[str]:
    """The types that ids name, of those that can be refetched."""
    known = models_by_prefix()
    found = {id.rpartition("_")[0] for id in ids if parse_any_id(id) is not None}
    return sorted(found & known.keys())
