"""Operations over the whole schema, drawn at random, with values of a world of data."""

import json
import random
from typing import Any, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    get_named_type,
    is_composite_type,
)

from schema import schema
from tests.differential import Operation
from tests.differential_world import IDS, World

T = TypeVar("T")

CORE = schema._schema
DEPTH = 7
FIELDS = 22
"""Of an operation, about."""

OFTEN = ["viewer", "organization", "workspace", "node", "nodes", "members"]
"""Fields behind which there is much."""

JUNK = [
    "",
    "x",
    "org_",
    "mem_00000000000000000000000000",
    "org_01h455vb4pex5vsknk084sn02q",
    "\0",
    "a\0b",
    "\u2028'\"\\",
]
TIMES = ["2024-02-29T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+00:00", "2024-02-29", "junk"]
OF_ID = {
    "organizationId": "org",
    "workspaceId": "ws",
    "workspace.id": "ws",
    "organization.id": "org",
    "actorId": "user",
    "userId": "user",
    "apiKeyId": "key",
    "targetId": "org",
}
OF_TEXT = {
    "slug": "slug",
    "token": "invitation",
    "permission": "permission",
    "role": "role_key",
    "action": "action",
    "email": "email",
    "search": "email",
}
"""The kind of a world's values that arguments take."""


def literal(type_: Any, value: Any) -> str:
    """A value as it stands in a document."""
    if isinstance(type_, GraphQLNonNull):
        return literal(type_.of_type, value)
    if value is None:
        return "null"
    if isinstance(type_, GraphQLList):
        if not isinstance(value, list):
            return literal(type_.of_type, value)
        return "[" + ", ".join(literal(type_.of_type, each) for each in value) + "]"
    if isinstance(type_, GraphQLInputObjectType):
        return "{" + ", ".join(f"{key}: {literal(type_.fields[key].type, each)}" for key, each in value.items()) + "}"
    return str(value) if isinstance(type_, GraphQLEnumType) else json.dumps(value)


class Drawing:
    """One operation while it is drawn."""

    def __init__(self, seed: int, world: World) -> None:
        self.random = random.Random(seed)
        self.world = world
        self.left = FIELDS
        self.aliases = 0
        self.asked: set[tuple[str, str]] = set()
        """Types and their fields."""
        self.declared: list[str] = []
        self.variables: dict[str, Any] = {}
        self.fragments: dict[str, str] = {}

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def one(self, values: list[T]) -> T:
        return self.random.choice(values)

    # Values

    def value(self, name: str, type_: Any, place: str) -> Any:
        """For the argument or input field of a name; `place` is the field that takes it."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(name, type_.of_type, place)
        if isinstance(type_, GraphQLList):
            if self.chance(5):
                return self.value(name, type_.of_type, place)  # a single one is taken for a list of one
            return [self.value(name, type_.of_type, place) for _ in range(self.random.randint(0, 4))]
        if isinstance(type_, GraphQLInputObjectType):
            required = {key for key, each in type_.fields.items() if _is_required(each)}
            given = [key for key in type_.fields if key in required or self.chance(25)]
            return {key: self.nullable(key, type_.fields[key], place) for key in given}
        if isinstance(type_, GraphQLEnumType):
            return self.one(list(type_.values))
        if type_.name == "Int":
            return self.one([1, 2, 3]) if self.chance(92) else self.one([0, -1, 50, 100, 101, 2**31 - 1])
        if type_.name == "DateTime":
            return self.one(TIMES)
        if type_.name == "Boolean":
            return self.chance(50)
        return self.id(name, place) if type_.name == "ID" else self.text(name, place)

    def nullable(self, name: str, argument: GraphQLArgument | GraphQLInputField, place: str) -> Any:
        required = isinstance(argument.type, GraphQLNonNull)
        return None if not required and self.chance(6) else self.value(name, argument.type, place)

    def id(self, name: str, place: str) -> str:
        if self.chance(6):
            return self.one(JUNK)
        kind = OF_ID.get(name) or OF_ID.get(f"{place}.{name}")
        if kind is None or self.chance(8):
            kind = self.one(list(IDS))
        # The first ones are of the organization that most of those who ask are in.
        values = self.world.values[kind]
        return self.one(values[:2] if kind == "org" else values[:8]) if self.chance(50) else self.one(values)

    def text(self, name: str, place: str) -> str:
        if self.chance(5):
            return self.one(JUNK)
        if name in ("after", "before"):
            kinds = [kind for kind in self.world.values if kind.startswith("cursor:")]
            own = f"cursor:{place}"
            return self.one(self.world.values[own if own in kinds and self.chance(85) else self.one(kinds)])
        if name in OF_TEXT:
            found = self.one(self.world.values[OF_TEXT[name]])
            return found[: self.random.randint(0, 6)] if name in ("search", "email") else found
        return self.one(JUNK)

    def argument(self, name: str, argument: GraphQLArgument, place: str) -> str:
        """`name: value`, as a literal or a variable."""
        value = self.nullable(name, argument, place)
        if self.chance(55):
            return f"{name}: {literal(argument.type, value)}"
        return f"{name}: ${self.variable(argument.type, value)}"

    def variable(self, type_: Any, value: Any) -> str:
        name = f"v{len(self.declared)}"
        if self.chance(15):  # the value as default, perhaps with no or another one in the request
            self.declared.append(f"${name}: {type_} = {literal(type_, value)}")
            if not isinstance(type_, GraphQLNonNull) and self.chance(30):
                self.variables[name] = None
            return name
        self.declared.append(f"${name}: {type_}")
        if value is not None or self.chance(50) or isinstance(type_, GraphQLNonNull):
            self.variables[name] = value
        return name

    # Selections

    def selections(self, parent: Any, depth: int) -> str:
        """What follows a field of an object or interface, without the braces."""
        parts = [self.selection(parent, depth) for _ in range(self.random.randint(1, 5) if self.left > 0 else 1)]
        if isinstance(parent, GraphQLInterfaceType) and parent.name == "Node":
            kinds = list(CORE.get_possible_types(parent))
            count = self.random.randint(1, 4) if self.left > 0 else 0
            parts += [self.condition(self.one(kinds), depth) for _ in range(count)]
        return " ".join(parts)

    def selection(self, parent: Any, depth: int) -> str:
        kind = self.random.randint(0, 24)
        if kind == 19 and depth > 0:
            return self.spread(parent, depth)
        if kind == 18 and depth > 0:
            return f"...{self.directive()} {{ {self.selections(parent, depth - 1)} }}"
        if kind == 17 and depth > 0:
            return self.condition(self.one([parent, *getattr(parent, "interfaces", ())]), depth)
        if kind == 16:
            return self.one(["__typename", f"a{self.count()}: __typename"])
        names = [
            name
            for name, field in parent.fields.items()
            if (depth > 0 and self.left > 0) or not is_composite_type(get_named_type(field.type))
        ]
        names += [name for name in OFTEN if name in names]
        if not names:
            return "__typename"
        name = self.one(names)
        self.asked.add((parent.name, name))
        return self.field(name, parent.fields[name], depth)

    def condition(self, type_: Any, depth: int) -> str:
        return f"... on {type_.name}{self.directive()} {{ {self.selections(type_, depth - 1)} }}"

    def spread(self, parent: Any, depth: int) -> str:
        """A fragment, perhaps one that stands elsewhere too."""
        known = [name for name in self.fragments if name.startswith(f"{parent.name}_") and name[-1].isdigit()]
        if known and self.chance(50):
            return f"...{self.one(known)}{self.directive()}"
        body = self.selections(parent, min(depth - 1, 2))
        name = f"{parent.name}_{len(self.fragments)}"
        self.fragments[name] = f"fragment {name} on {parent.name} {{ {body} }}"
        return f"...{name}{self.directive()}"

    def directive(self) -> str:
        if not self.chance(20):
            return ""
        boolean = GraphQLNonNull(CORE.type_map["Boolean"])  # type: ignore[type-var]
        chosen = self.chance(50)
        condition = f"${self.variable(boolean, chosen)}" if self.chance(50) else literal(boolean, chosen)
        return f" @{self.one(['skip', 'include'])}(if: {condition})"

    def count(self) -> int:
        self.aliases += 1
        return self.aliases

    def field(self, name: str, field: GraphQLField, depth: int) -> str:
        self.left -= 1
        below = get_named_type(field.type)
        paged = "first" in field.args
        given = [key for key, each in field.args.items() if _is_required(each) or self.chance(22)]
        if paged and depth < DEPTH - 1 and not {"first", "last"} & set(given):
            given.append("first")  # pages in pages come to more than an operation may
        if "slug" in field.args and not given:
            given.append(self.one(["id", "slug"]))
        arguments = ", ".join(self.argument(key, field.args[key], name) for key in given)
        # Without an alias what has arguments would often conflict with itself.
        aliased = self.chance(90 if given else 25)
        text = f"a{self.count()}: {name}" if aliased else name
        text += f"({arguments})" if arguments else ""
        text += self.directive() if self.chance(30) else ""
        return f"{text} {{ {self.selections(below, depth - 1)} }}" if is_composite_type(below) else text

    def operation(self, kind: str, body: str, principal: str) -> Operation:
        name = self.one(["", " Q"])
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        named = bool(name) and self.chance(30)
        head = "" if kind == "query" and not declared and not name else f"{kind}{name}{declared} "
        document = f"{head}{{ {body} }} {' '.join(self.fragments.values())}".strip()
        return Operation(document, self.variables or None, "Q" if named else None, principal)


def _is_required(argument: GraphQLArgument | GraphQLInputField) -> bool:
    return isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined


def query(seed: int, world: World) -> Operation:
    drawing = Drawing(seed, world)
    body = drawing.selections(CORE.query_type, DEPTH)
    return drawing.operation("query", body, drawing.one([*world.principals, *["owner"] * 8]))


def mutation(seed: int, world: World, name: str, given: dict[str, Any], principal: str) -> Operation:
    """With any selection of its payload."""
    drawing = Drawing(seed, world)
    assert CORE.mutation_type is not None
    field = CORE.mutation_type.fields[name]
    passed = f"(input: ${drawing.variable(field.args['input'].type, given)})"
    below = drawing.selections(get_named_type(field.type), DEPTH - 1)
    return drawing.operation("mutation", f"{name}{passed} {{ {below} }}", principal)
