"""The smallest part of an operation that still shows a fault."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    Node,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.differential import Operation

REMOVABLE = ("field", "inline_fragment", "fragment_spread", "argument", "directive")


class _Without(Visitor):
    """Leaves out one node, the `number`th that can be left out."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.seen = 0

    def enter(self, node: Node, key: Any, parent: Any, *_: Any) -> Any:
        alone = not isinstance(node, ArgumentNode | DirectiveNode) and isinstance(parent, tuple) and len(parent) == 1
        if node.kind not in REMOVABLE or alone:
            return None
        self.seen += 1
        return REMOVE if self.seen == self.number else None


class _Used(Visitor):
    """Names of the variables and fragments that something refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[tuple[str, str]] = set()

    def enter(self, node: Node, key: Any, parent: Any, *_: Any) -> None:
        if isinstance(node, FragmentSpreadNode):
            self.names.add(("fragment", node.name.value))
        elif isinstance(node, VariableNode) and not isinstance(parent, VariableDefinitionNode):
            self.names.add(("variable", node.name.value))


class _Unused(Visitor):
    """Leaves out definitions that nothing refers to."""

    def __init__(self, used: set[tuple[str, str]]) -> None:
        super().__init__()
        self.used = used

    def enter(self, node: Node, *_: Any) -> Any:
        if isinstance(node, FragmentDefinitionNode):
            return None if ("fragment", node.name.value) in self.used else REMOVE
        if isinstance(node, VariableDefinitionNode):
            return None if ("variable", node.variable.name.value) in self.used else REMOVE
        return None


def _tidied(document: DocumentNode) -> tuple[DocumentNode, set[tuple[str, str]]]:
    while True:
        used = _Used()
        visit(document, used)
        tidied = visit(document, _Unused(used.names))
        if tidied == document:
            return document, used.names
        document = tidied


def smaller(operation: Operation) -> Iterator[Operation]:
    """The operation without one of its parts, the largest first."""
    try:
        document = parse(operation.query)
    except GraphQLSyntaxError:
        return
    number = 1
    while True:
        without = _Without(number)
        document_without = visit(document, without)
        if without.seen < number:
            return
        tidied, used = _tidied(document_without)
        variables = {name: value for name, value in (operation.variables or {}).items() if ("variable", name) in used}
        yield replace(operation, query=print_ast(tidied), variables=variables or None)
        number += 1


async def reduced(operation: Operation, fault: Callable[[Operation], Awaitable[str]]) -> str:
    """What is wrong with the smallest part of the operation that has a fault."""
    found = await fault(operation)
    reducing = True
    while reducing:
        reducing = False
        for part in smaller(operation):
            if still := await fault(part):
                operation, found, reducing = part, still, True
                break
    return found
