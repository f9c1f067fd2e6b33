"""Code in the making: names, constants and functions of a completer, and how plain objects are completed."""

from collections.abc import Callable
from typing import Any

import orjson
from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLScalarType

from schema.compiler.coercion import Ordinary
from schema.compiler.outline import Selected, Selection
from schema.declare import PLAN

MAX_REMEMBERED = 100


def gone() -> Any:
    raise Ordinary("a row has gone")


def refused() -> Any:
    raise Ordinary("a permission is lacking")


class Memory:
    """What lists of texts are completed to: a few roles' permissions, in many rows."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], orjson.Fragment] = {}

    def __call__(self, value: list[str], complete: Callable[[list[str], Any], Any], actor: Any) -> orjson.Fragment:
        key = tuple(value)
        if key not in self._known:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = orjson.Fragment(orjson.dumps(complete(value, actor)))
        return self._known[key]


class Code:
    """Names and values of a request are in its text as quoted strings (response keys) or not at all."""

    def __init__(self) -> None:
        self.names = 0
        self.functions: list[str] = []
        self.constants: dict[str, Any] = {"gone": gone, "refused": refused}

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def constant(self, value: Any, kind: str = "k") -> str:
        for name, known in self.constants.items():
            if known is value:
                return name
        name = self.name(kind)
        self.constants[name] = value
        return name

    def define(self, kind: str, parameters: str, body: str) -> str:
        name = self.name(kind)
        self.functions.append(f"def {name}({parameters}):\n{body}")
        return name

    def value(self, type_: Any, value: str, selection: Selection | None) -> str:
        """Code that completes a Python value as graphql-core does."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, value, selection)
        if isinstance(type_, GraphQLScalarType):
            return value
        if isinstance(type_, GraphQLEnumType):
            return f"{self.constant(enum_name)}({value})"
        if isinstance(type_, GraphQLList):
            item = self.value(type_.of_type, "item", selection)
            if item == "item":
                return value
            return (
                self.define(
                    "items", "items, actor", f"    return None if items is None else [{item} for item in items]\n"
                )
                + f"({value}, actor)"
            )
        assert selection is not None
        parts = [f"{each.key!r}: {self.attribute(selection, each)}" for each in selection.fields]
        body = f"    return None if item is None else {{{', '.join(parts)}}}\n"
        return self.define("item", "item, actor", body) + f"({value}, actor)"

    def attribute(self, selection: Selection, selected: Selected, item: str = "item") -> str:
        known = selected.field
        if known is None:
            return repr(selection.type.name)
        if known.extensions or known.metadata.get(PLAN) is not None:
            raise Ordinary(f"{selection.type.name}.{selected.name} is not planned")
        resolver = known.base_resolver
        if resolver is None:
            return self.value(selected.output, f"{item}.{known.python_name}", selected.selection)
        if resolver.is_async or resolver.arguments or resolver.info_parameter is not None:
            raise Ordinary(f"{selection.type.name}.{selected.name} is not planned")
        return self.value(selected.output, f"{self.constant(resolver.wrapped_func)}({item})", selected.selection)


def below(selected: Selected) -> Selection:
    assert selected.selection is not None
    return selected.selection


def enum_name(value: Any) -> str | None:
    return None if value is None else value.name
