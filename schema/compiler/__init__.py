"""Queries compiled: request text → plan (one SQL statement and its completer), cached → bytes.

A document is parsed and validated once. Under each set of its conditions' values it has an outline,
and for each shape of what its fields are asked a plan. What cannot be planned, and every request
whose answer would have an error, raises Ordinary: graphql-core then answers it field by field.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from asyncpg import DataError
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    validate,
)
from strawberry import Schema

from schema.compiler.coercion import DEFINITION, Ordinary, arguments_reader, variables_reader
from schema.compiler.outline import Outline, condition_variables, ids_of, prefixes_of, slot_of
from schema.compiler.payloads import make_payload_plan, mutation_field, shape_of
from schema.compiler.plan import Plan, make_plan
from schema.context import Context, current
from schema.declare import PLAN, Refetched
from schema.documents import documents
from schema.door import through
from schema.limits import MAX_COST, MAX_TOKENS, Cost
from schema.pagination import Page
from schema.permissions import RequiresDirective
from schema.sql import Condition
from server.access import Actor
from server.authentication import Remembered, Unconfirmed
from server.database import read
from server.errors import BadRequest, Problem, Unauthenticated, Uncertain

log = structlog.get_logger()

__all__ = ["Answered", "Ordinary", "Unconfirmed", "answer", "mutate", "operation_of"]

MAX_PLANS = 1000
"""Kept of all operations, those used last; a plan takes some ten kilobytes."""

MAX_OUTLINES = 16
"""Of one operation, whatever values its conditions have."""


@dataclass(eq=False)
class _Known:
    """An operation under some values of its conditions: what plans are kept by."""

    outline: Outline


plans: OrderedDict[tuple[_Known, object], Plan] = OrderedDict()


class Operation:
    """A query of a valid document. Raises Ordinary where it can never be planned."""

    def __init__(self, schema: Any, document: DocumentNode, name: str | None) -> None:
        operation = get_operation_ast(document, name)
        if operation is None or operation.operation is OperationType.SUBSCRIPTION:
            raise Ordinary("it is not a query or a mutation")
        if operation.directives:
            raise Ordinary("the operation has a directive")
        self.schema = schema
        self.operation = operation
        definitions = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
        self.fragments = {each.name.value: each for each in definitions}
        self.conditions = condition_variables([operation, *definitions])
        self.read_variables = variables_reader(schema, operation)
        self.refetching = [*self._refetching(operation)]
        self.known: dict[Any, _Known] = {}
        self.document = document
        self.cheap = self._cost(None) <= MAX_COST
        self.confirms = self._confirms()

    def _cost(self, variables: Mapping[str, Any] | None) -> int:
        root = self.schema.get_root_type(self.operation.operation)
        return Cost(self.schema, self.document, variables).of(self.operation.selection_set, root)

    def _refetching(self, operation: OperationDefinitionNode) -> Sequence[tuple[str, Any]]:
        """The fields that are of whatever type their ids name, with what reads their arguments."""
        found = []
        for node in operation.selection_set.selections:
            if not isinstance(node, FieldNode):
                continue
            definition = self.schema.query_type.fields.get(node.name.value)
            known = definition.extensions[DEFINITION] if definition else None
            if known is not None and isinstance(known.metadata.get(PLAN), Refetched):
                key = node.alias.value if node.alias else node.name.value
                found.append((key, arguments_reader(definition, node)))
        return found

    @property
    def is_mutation(self) -> bool:
        return self.operation.operation is OperationType.MUTATION

    def _confirms(self) -> bool:
        """Whether it reads the access of whoever asks in its own statement: not so what is about an account."""
        if not self.is_mutation:
            return True
        names = (node.name.value for node in self.operation.selection_set.selections if isinstance(node, FieldNode))
        definitions = (self.schema.mutation_type.fields.get(name) for name in names)
        fields = (definition.extensions[DEFINITION] for definition in definitions if definition is not None)
        return all(any(isinstance(each, RequiresDirective) for each in field.directives) for field in fields)

    def asked(self, actor: Actor, given: Mapping[str, Any]) -> tuple["_Known", list[Any]]:
        """What the fields are asked with these variables. Raises Ordinary, Problem, BadRequest."""
        if not self.cheap and self._cost(given) > MAX_COST:
            raise Ordinary("it can come to too many fields")
        variables = self.read_variables(given)
        prefixes = {key: prefixes_of(ids_of(read(variables))) for key, read in self.refetching}
        conditions = {name: variables.get(name) for name in self.conditions}
        key = (*conditions.values(), *map(tuple, prefixes.values()))
        known = self.known.get(key)
        if known is None:
            if len(self.known) >= MAX_OUTLINES:
                self.known.clear()
            outline = Outline(self.schema, self.operation, self.fragments, conditions, prefixes)
            known = self.known[key] = _Known(outline)
        return known, [slot(actor, variables) for slot in known.outline.slots]

    def plan(self, actor: Actor, given: Mapping[str, Any]) -> tuple[Plan, list[Any]]:
        """A query's plan, and what its fields are asked. Raises Ordinary, Problem, BadRequest."""
        if self.is_mutation:
            raise Ordinary("a mutation is planned when its rules have run")
        known, slots = self.asked(actor, given)
        shapes = tuple(map(_shape, slots))
        return _kept(known, shapes, lambda: make_plan(known.outline, slots)), slots

    def payload_plan(self, known: "_Known", slots: list[Any]) -> Plan:
        """Of a mutation; its slots end with the payload. Raises Ordinary."""
        outline = known.outline
        shapes = (*map(_shape, slots[:-1]), shape_of(outline, slots[-1]))
        return _kept(known, shapes, lambda: make_payload_plan(outline, slots))


def _kept(known: _Known, shape: object, make: Callable[[], Plan]) -> Plan:
    key = (known, shape)
    plan = plans.get(key)
    if plan is None:
        plan = plans[key] = make()
        if len(plans) > MAX_PLANS:
            plans.popitem(last=False)
    else:
        plans.move_to_end(key)
    return plan


def _shape(asked: Any) -> object:
    if isinstance(asked, Page):
        return asked.shape
    return asked.sql if isinstance(asked, Condition) else asked is None


def operation_of(schema: Schema, text: str, name: str | None) -> Operation:
    """The operation of a request. Raises Ordinary, as for a document that is not valid."""
    known = documents.get(text)
    if known is None:
        try:
            document = parse(text, max_tokens=MAX_TOKENS)
        except (GraphQLError, RecursionError) as error:
            raise Ordinary(f"the document is not GraphQL: {error}") from error
        if errors := validate(schema._schema, document, max_errors=1):
            raise Ordinary(f"the document is not valid: {errors[0].message}")
        known = documents.keep(text, document)
    operation = known.operations.get(name)
    if operation is None:
        try:
            operation = Operation(schema._schema, known.document, name)
        except Ordinary as reason:
            operation = str(reason)
        if len(known.operations) < MAX_OUTLINES:  # a request can name any operation
            known.operations[name] = operation
    if isinstance(operation, str):
        raise Ordinary(operation)
    assert isinstance(operation, Operation)
    return operation


async def answer(operation: Operation, asking: Actor | Remembered, variables: Mapping[str, Any]) -> bytes:
    """A query's response body, without errors. Raises Ordinary; Unconfirmed of somebody remembered."""
    actor = asking.actor if isinstance(asking, Remembered) else asking
    try:
        plan, slots = operation.plan(actor, variables)
        if plan.takes_known and not actor.known:
            raise Unauthenticated
        rows: Sequence[Any] = ()
        values = [getter(actor, slots) for getter in plan.getters]
        if isinstance(asking, Remembered) and (plan.uses_actor or plan.asked):
            rows = await read(plan.confirming(asking.confirm), *values, asking.digest)
            if rows[0][-1] != asking.version:
                raise Unconfirmed
        elif plan.sql is not None:
            rows = await read(plan.sql, *values)
        answers = [await ask(actor, **slots[slot]) for ask, slot in plan.asked]
        return orjson.dumps({"data": plan.complete(rows, actor, slots, answers)})
    except Unconfirmed:
        raise
    except (Ordinary, BadRequest, Problem, Unauthenticated, DataError) as reason:
        raise Ordinary(str(reason)) from reason
    except Exception as error:  # whatever it is, the ordinary execution gives it its error and path
        log.warning("compiled.failed", exc_info=True)
        raise Ordinary(repr(error)) from error


class Answered(Exception):
    """A mutation's rules have run, and what is asked of its payload (`context.answered`) takes the ordinary way."""


@dataclass
class Call:
    """What a mutation's resolver takes of Strawberry's Info."""

    context: Context


async def mutate(operation: Operation, context: Context, variables: Mapping[str, Any]) -> bytes:
    """A response's body. Raises Ordinary or Unconfirmed as long as nothing was changed, Answered after it."""
    try:
        known, slots = operation.asked(context.actor, variables)
        selected = mutation_field(known.outline)
        field, arguments = selected.field, slots[slot_of(selected)]
        resolve, call = field.base_resolver.wrapped_func, Call(context)
        payload, stale = await through(
            context, selected.name, field.type, lambda: resolve(None, info=call, **arguments)
        )
    except (Unconfirmed, Uncertain):
        raise
    except Exception as reason:  # whatever it is, nothing was changed, and the ordinary execution says why
        raise Ordinary(str(reason)) from reason
    context.answered = payload
    slots = [*slots, payload]
    try:
        plan = operation.payload_plan(known, slots)
        if stale and plan.uses_actor:
            context.acting(await current(context.actor))
            stale = False
        if plan.takes_known and not context.actor.known:
            raise Ordinary("nobody is signed in any more")
        values = [getter(context.actor, slots) for getter in plan.getters]
        rows = await read(plan.sql, *values) if plan.sql is not None else ()
        return orjson.dumps({"data": plan.complete(rows, context.actor, slots, [payload])})
    except Exception as error:
        if not isinstance(error, Ordinary):
            log.warning("compiled.failed", exc_info=True)
        if stale:
            context.acting(await current(context.actor))
        raise Answered from error
