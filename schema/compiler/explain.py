"""Which way an operation goes, why, and by what SQL and what plan of PostgreSQL's."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, parse

from schema import schema
from schema.compiler import Ordinary, operation_of
from server.access import Actor
from server.database import fetch
from server.errors import BadRequest, Problem, Unauthenticated


def names_of(text: str) -> Iterator[str | None]:
    """Of a document's operations; one None where it has no other operation."""
    try:
        document = parse(text)
    except GraphQLError:
        yield None
        return
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            yield each.name.value if each.name else None


async def explain(actor: Actor, text: str, name: str | None, variables: Mapping[str, Any]) -> str:
    """A paragraph or two for a person to read."""
    title = name or "The operation"
    try:
        operation = operation_of(schema, text, name)
        if operation.is_mutation:
            return f"{title} runs its rules; its payload takes what they have at hand, or else one statement more."
        plan, slots = operation.plan(actor, variables)
    except (Ordinary, BadRequest, Problem, Unauthenticated) as reason:
        return f"{title} is executed field by field: {reason or type(reason).__name__}"
    if plan.sql is None:
        return f"{title} is compiled, and needs no statement of its own."
    values = [getter(actor, slots) for getter in plan.getters]
    rows = await fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {plan.sql}", *values)
    parameters = "\n".join(f"  ${index} = {value!r}" for index, value in enumerate(values, 1))
    steps = "\n".join(row[0] for row in rows)
    return f"{title} is compiled to one statement.\n\n{plan.sql}\n\n{parameters}\n\n{steps}"
