"""Errors: in payloads what people can mend, at the top level what clients must."""

from typing import cast

import strawberry
import structlog
from asyncpg import CharacterNotInRepertoireError
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.scalars import JSON
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext

from schema.scalars import describe_enum
from server.errors import BadRequest, Problem, ProblemCode, Unauthenticated

INTERNAL = "Something went wrong on the server. If it lasts, report this request id."

log = structlog.get_logger()

describe_enum(
    ProblemCode,
    "UserErrorCode",
    "Why a mutation was refused. Branch on this, never on the message.",
    INVALID="The value cannot be used.",
    REQUIRED="Something is missing or blank.",
    TOO_LONG="The value is too long, or there are too many.",
    TAKEN="Somebody else has it, and it must be unique.",
    NOT_FOUND="There is no such object, or none that you can see.",
    FORBIDDEN="You lack a permission, or it is not meant for you.",
    WRONG_CREDENTIALS="The address, the password or the code is wrong.",
    WEAK_PASSWORD="The password is too short, too long or too easy to guess.",  # noqa: S106
    EMAIL_NOT_VERIFIED="Your own address must be verified first.",
    MFA_REQUIRED="A one-time code is needed.",
    EXPIRED="The link is not valid any more: expired, used or withdrawn.",
    ALREADY_DONE="It is so already.",
    LAST_OWNER="The organization would be left without an owner.",
    ABOVE_YOUR_ROLE="The role or the member is above what yours manages.",
    ROLE_IN_USE="Members still have the role.",
    SEAT_LIMIT_REACHED="No seat is free.",
    FEATURE_NOT_IN_PLAN="The plan does not include it.",
    CONFIRMATION_MISMATCH="What was typed as confirmation is not the name.",
    IDEMPOTENCY_CONFLICT="The key has been used with another input.",
    RATE_LIMITED="Too many tries; wait.",
    CONFLICT="Something has changed meanwhile; try again.",
)


@strawberry.type(description="Why a mutation was refused, in words for the person who tried.")
class UserError:
    code: ProblemCode = strawberry.field(description="The reason, stable.")
    message: str = strawberry.field(description="What was wrong and what to do.")
    field: str | None = strawberry.field(
        description="Path of the input field at fault, such as `invitations.3.email`; null: the whole."
    )
    details: JSON | None = strawberry.field(
        description="Facts for a frontend, such as the missing permission or the limit."
    )


def user_error(problem: Problem) -> UserError:
    return UserError(
        code=problem.code, message=problem.message, field=problem.field, details=cast(JSON, problem.details or None)
    )


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
        elif cause is not None and isinstance(cause.__cause__ or cause, CharacterNotInRepertoireError):
            extensions["code"] = "BAD_REQUEST"
            error.message = "A text has a NUL character, which none may have. Remove it."
        elif isinstance(cause, CannotGetOperationTypeError):
            extensions["code"] = "BAD_REQUEST"
            error.message = "The request does not say which of its operations to run: name one by operationName."
        elif isinstance(cause, MissingQueryError | InvalidOperationTypeError):
            extensions["code"] = "BAD_REQUEST"
            error.message = "The request has no operation that can be run in this way."
        elif cause is None or isinstance(cause, BadRequest | GraphQLError):
            extensions["code"] = "BAD_REQUEST"
        else:
            request_id = structlog.contextvars.get_contextvars().get("request_id")
            log.error("graphql.internal", path=error.path, exc_info=cause)
            extensions |= {"code": "INTERNAL", "requestId": request_id}
            error.message = INTERNAL
        error.extensions = extensions
