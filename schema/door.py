"""The mutation door: one field, one transaction, one audit sheet."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.base import StrawberryOptional, get_object_definition
from strawberry.types.field import StrawberryField

from schema.context import Context, Info, current
from schema.permissions import document
from schema.problems import UserError, user_error
from server.audit import change, record_refusal
from server.errors import Problem

T = TypeVar("T")


@strawberry.interface(description="What a mutation answers: its result, or why it was refused.")
class Payload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing was changed; empty when it worked."
    )
    revision: str | None = strawberry.field(
        default=None,
        description="Names the state after the change: checkPermissions(atLeast:) answers from it or a later one.",
    )


class Door(FieldExtension):
    """Opens a change for the field, commits or rolls it back, and goes on with access as it then is."""

    def apply(self, field: StrawberryField) -> None:
        for argument in field.arguments:
            argument.description = argument.description or "What to do."
        document(field)

    async def resolve_async(self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **kwargs: Any) -> Any:
        context = info.context
        if context.answered is not None:  # the compiler has gone through the door already
            return context.answered
        payload, stale = await through(
            context, info.field_name, info.return_type, lambda: next_(source, info, **kwargs)
        )
        if stale:
            context.acting(await current(context.actor))
        return payload


async def through(
    context: Context, operation: str, type_: object, rule: Callable[[], Awaitable[Any]]
) -> tuple[Payload, bool]:
    """What a mutation answers, and whether the actor's own access may have changed with it."""
    try:
        async with change(context.actor, context.remembered) as unit:
            context.enter(unit)
            payload: Payload = await rule()
    except Problem as problem:
        await record_refusal(unit, problem, operation)
        payload_type: Any = type_.of_type if isinstance(type_, StrawberryOptional) else type_
        return payload_type(user_errors=[user_error(problem)]), False
    finally:
        context.enter(None)
    payload.revision = unit.revision
    context.acting(unit.actor)
    return payload, unit.may_change_the_actor


def behind_the_door(mutation: type[T]) -> type[T]:
    """Put every field of the Mutation type behind the door; none can be forgotten."""
    for field in get_object_definition(mutation, strict=True).fields:
        field.extensions = [Door(), *field.extensions]
    return mutation
