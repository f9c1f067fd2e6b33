"""What a frontend draws its buttons by: whether the viewer could do something, and else why not."""

from collections.abc import Callable

import strawberry

from server.errors import Problem, ProblemCode


@strawberry.type(description="Whether the viewer can do something here.")
class Ability:
    allowed: bool = strawberry.field(description="Whether it would work, unless the input is at fault.")
    reason: ProblemCode | None = strawberry.field(
        default=None, description="The code with which it would be refused; null where it is allowed."
    )
    permission: str | None = strawberry.field(
        default=None, description="The permission that is lacking, where the reason is FORBIDDEN."
    )


def ability(*rules: Callable[[], object]) -> Ability:
    """Allowed unless one of the rules raises a Problem; they are those that the mutation itself obeys."""
    try:
        for rule in rules:
            rule()
    except Problem as problem:
        permission = problem.details.get("permission") if problem.code is ProblemCode.FORBIDDEN else None
        return Ability(allowed=False, reason=problem.code, permission=str(permission) if permission else None)
    return Ability(allowed=True)
