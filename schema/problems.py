"""Errors: in payloads what people can mend, at the top level what clients must."""

import strawberry
import structlog
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types import ExecutionContext

from server.errors import BadRequest, Problem, ProblemCode, Unauthenticated

log = structlog.get_logger()

UserErrorCode = strawberry.enum(
    ProblemCode,
    name="UserErrorCode",
    description="Why a mutation was refused. Branch on this, never on the message.",
)


@strawberry.type(description="Why a mutation was refused, in words for the person who tried.")
class UserError:
    code: UserErrorCode = strawberry.field(description="The reason, stable.")
    message: str = strawberry.field(description="What was wrong and what to do.")
    field: str | None = strawberry.field(
        description="Path of the input field at fault, such as `invitations.3.email`; null: the whole."
    )
    details: JSON | None = strawberry.field(  # type: ignore[valid-type]
        description="Facts for a frontend, such as the missing permission or the limit."
    )


def user_error(problem: Problem) -> UserError:
    return UserError(code=problem.code, message=problem.message, field=problem.field, details=problem.details or None)


def classify(errors: list[GraphQLError], context: ExecutionContext | None) -> None:
    """Give every error its `extensions.code`; whatever nobody foresaw is logged, and masked as INTERNAL."""
    for error in errors:
        extensions = error.extensions if error.extensions is not None else {}
        if "code" in extensions:
            continue
        cause = error.original_error
        if isinstance(cause, Unauthenticated):
            extensions["code"] = "UNAUTHENTICATED"
        elif isinstance(cause, Problem):
            extensions["code"] = cause.code.value if cause.code is ProblemCode.FORBIDDEN else "BAD_REQUEST"
            extensions |= cause.details
        elif cause is None or isinstance(cause, BadRequest | GraphQLError):
            extensions["code"] = "BAD_REQUEST"
        else:
            request_id = structlog.contextvars.get_contextvars().get("request_id")
            log.error("graphql.internal", path=error.path, exc_info=cause)
            extensions |= {"code": "INTERNAL", "requestId": request_id}
            error.message = "Something went wrong on the server. If it lasts, report this request id."
        error.extensions = extensions
