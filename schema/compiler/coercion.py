"""JSON → the Python values that resolvers take, for variables and arguments (GraphQL, sections 3 and 6.1.2).

Only what is right is coerced here. Whatever is not raises Ordinary, and the ordinary execution says
what is wrong with it, in its own words.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    type_from_ast,
    value_from_ast_untyped,
)

Coerce = Callable[[Any], Any]
Read = Callable[[Mapping[str, Any]], Any]
"""A value of an operation's variables."""

DEFINITION = "strawberry-definition"
"""Under which Strawberry leaves its own definition in the extensions of graphql-core's."""

MISSING = object()
LARGEST_INT = 2**31 - 1


class Ordinary(Exception):
    """The operation takes the ordinary way; the message says why."""


def _wrong(value: Any) -> Any:
    raise Ordinary("a variable or an argument is not of its type")


def _int(value: Any) -> int:
    return value if type(value) is int and -LARGEST_INT <= value <= LARGEST_INT else _wrong(value)


def _string(value: Any) -> str:
    return value if type(value) is str else _wrong(value)


def _boolean(value: Any) -> bool:
    return value if type(value) is bool else _wrong(value)


def _id(value: Any) -> str:
    return str(value) if type(value) is int else _string(value)


_SCALARS: dict[str, Coerce] = {"Int": _int, "String": _string, "Boolean": _boolean, "ID": _id}

_coercers: dict[Any, Coerce] = {}


def coercer(type_: Any) -> Coerce:
    """Takes a JSON value of an input type; raises Ordinary."""
    if type_ not in _coercers:
        _coercers[type_] = _coercer(type_)
    return _coercers[type_]


def _coercer(type_: Any) -> Coerce:
    if isinstance(type_, GraphQLNonNull):
        inner = coercer(type_.of_type)
        return lambda value: _wrong(value) if value is None else inner(value)
    if isinstance(type_, GraphQLList):
        item = coercer(type_.of_type)
        return lambda value: (
            None if value is None else [item(each) for each in value] if type(value) is list else [item(value)]
        )
    if isinstance(type_, GraphQLInputObjectType):
        return _input(type_)
    if isinstance(type_, GraphQLEnumType):
        members = enum_members(type_)
        return lambda value: (
            None if value is None else members[value] if type(value) is str and value in members else _wrong(value)
        )
    return _scalar(type_)


def enum_members(type_: GraphQLEnumType) -> dict[str, Any]:
    enum = type_.extensions[DEFINITION].wrapped_cls
    return {name: enum[name] for name in type_.values}


def _scalar(type_: GraphQLScalarType) -> Coerce:
    known = _SCALARS.get(type_.name)
    if known is not None:
        return lambda value: None if value is None else known(value)

    def parse(value: Any) -> Any:
        try:
            return None if value is None else type_.parse_value(value)
        except Exception as error:
            raise Ordinary("a variable or an argument is not of its type") from error

    return parse


class Fields:
    """The fields of an input type, or the arguments of a field, by their GraphQL names."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.names: dict[str, str] = {}
        self.required: set[str] = set()
        self.types: dict[str, Any] = {}
        self.absent: dict[str, None] = {}
        for name, definition in definitions.items():
            known = definition.extensions[DEFINITION]
            self.names[name] = known.python_name
            self.types[name] = definition.type
            has_default = definition.default is not None or definition.default_value is not Undefined
            if isinstance(definition.type, GraphQLNonNull) and not has_default:
                self.required.add(name)
            elif not has_default:
                self.absent[known.python_name] = None

    def check(self, given: Mapping[str, Any]) -> None:
        if not self.required <= given.keys():
            raise Ordinary("a required value is missing")


def _input(type_: GraphQLInputObjectType) -> Coerce:
    build = _builder(type_)
    coercers: dict[str, Coerce] = {}

    def coerce(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not dict:
            return _wrong(value)
        if not coercers:  # not before the first use, since types may contain themselves
            coercers.update({name: coercer(field.type) for name, field in type_.fields.items()})
        try:
            return build({name: coercers[name](each) for name, each in value.items()})
        except KeyError:
            return _wrong(value)

    return coerce


def _builder(type_: GraphQLInputObjectType) -> Callable[[dict[str, Any]], Any]:
    """The input's object, of its fields' coerced values."""
    cls = type_.extensions[DEFINITION].origin
    made: list[Fields] = []

    def build(values: dict[str, Any]) -> Any:
        if not made:
            made.append(Fields(type_.fields))
        fields = made[0]
        fields.check(values)
        return cls(**{**fields.absent, **{fields.names[name]: value for name, value in values.items()}})

    return build


def variables_reader(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Takes a request's variables and gives them coerced, without those that are neither given nor have a default."""
    declared: list[tuple[str, Coerce, Any, bool]] = []
    for definition in operation.variable_definitions or ():
        type_ = type_from_ast(schema, definition.type)
        coerce = coercer(type_)
        default = coerce(value_from_ast_untyped(definition.default_value)) if definition.default_value else MISSING
        declared.append((definition.variable.name.value, coerce, default, isinstance(type_, GraphQLNonNull)))

    def read(given: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, coerce, default, required in declared:
            if name in given:
                values[name] = coerce(given[name])
            elif default is not MISSING:
                values[name] = default
            elif required:
                raise Ordinary("a required variable is missing")
        return values

    return read


def arguments_reader(field: GraphQLField, node: FieldNode) -> Read | None:
    """The keyword arguments of a resolver; None for a field that takes none."""
    if not field.args:
        return None
    fields = Fields(field.args)
    given = {each.name.value: each.value for each in node.arguments or ()}
    readers = {name: _reader(value, field.args[name].type) for name, value in given.items()}

    def read(variables: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: value for name, each in readers.items() if (value := each(variables)) is not MISSING}
        fields.check(values)
        return {fields.names[name]: value for name, value in values.items()}

    return read


def _reader(node: ValueNode, type_: Any) -> Read:
    """MISSING where it is a variable that is not given."""
    if not has_variable(node):
        constant = coercer(type_)(value_from_ast_untyped(node))
        return lambda variables: constant
    required = isinstance(type_, GraphQLNonNull)
    inner = type_.of_type if required else type_
    if isinstance(node, VariableNode):
        name = node.name.value

        def variable(variables: Mapping[str, Any]) -> Any:
            value = variables.get(name, MISSING)
            return _wrong(value) if required and (value is None or value is MISSING) else value

        return variable
    if isinstance(inner, GraphQLList):
        nodes = node.values if isinstance(node, ListValueNode) else [node]
        items = [_reader(each, inner.of_type) for each in nodes]
        return lambda variables: [None if (value := each(variables)) is MISSING else value for each in items]
    if isinstance(inner, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        build = _builder(inner)
        parts = {each.name.value: _reader(each.value, inner.fields[each.name.value].type) for each in node.fields}
        return lambda variables: build(
            {name: value for name, each in parts.items() if (value := each(variables)) is not MISSING}
        )
    raise Ordinary("a variable stands within a scalar")


def has_variable(node: FieldNode | ValueNode) -> bool:
    """Of a field, in its arguments."""
    if isinstance(node, VariableNode):
        return True
    if isinstance(node, FieldNode):
        return any(has_variable(each.value) for each in node.arguments or ())
    if isinstance(node, ListValueNode):
        return any(has_variable(each) for each in node.values)
    return isinstance(node, ObjectValueNode) and any(has_variable(each.value) for each in node.fields)
