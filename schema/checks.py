"""checkPermissions: what the product's backend asks."""

from typing import Annotated

import strawberry

from schema.declare import asked
from schema.permissions import signed_in
from schema.scalars import describe_enum, parse_id
from server import checks as rules
from server import models
from server.access import Actor
from server.audit import Revision

describe_enum(
    rules.Reason,
    "PermissionCheckReason",
    "Why something is allowed or not.",
    GRANTED="It is allowed: a grant in force gives it.",
    NOT_GRANTED="No grant there gives it.",
    ABOVE_CREATOR="The API key's role gives it, but who answers for the key does not have it.",
    NOT_A_MEMBER="The user is not a member of the organization.",
    SUSPENDED="The member is suspended.",
    WORKSPACE_NOT_ENTERED="The member or API key cannot enter the workspace.",
    MFA_REQUIRED="The organization requires two-factor authentication, which the user has not turned on.",
    NOT_FOUND="There is no such organization, workspace or API key as far as the one who asks can see.",
    NO_ORGANIZATION="No organization is named, and none is active.",
    UNKNOWN_PERMISSION="The product has no such permission.",
    FORBIDDEN="To ask about others takes `access:check` there.",
)


@strawberry.input(description="A question: may somebody do something somewhere?")
class PermissionCheckInput:
    permission: str = strawberry.field(description="Such as `members:invite`.")
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="By default the workspace's, else the active one."
    )
    workspace_id: strawberry.ID | None = strawberry.field(default=None, description="By default, organization-wide.")
    user_id: strawberry.ID | None = strawberry.field(default=None, description="By default, whoever asks.")
    api_key_id: strawberry.ID | None = strawberry.field(
        default=None, description="An API key; not together with a user."
    )


@strawberry.type(description="The answer to one check.")
class PermissionCheckResult:
    allowed: bool = strawberry.field(description="Whether it is allowed.")
    reason: rules.Reason = strawberry.field(description="Why.")


def _check(input: PermissionCheckInput) -> rules.Check:
    organization_id = parse_id(models.Organization, input.organization_id) if input.organization_id else None
    workspace_id = parse_id(models.Workspace, input.workspace_id) if input.workspace_id else None
    user_id = parse_id(models.User, input.user_id) if input.user_id else None
    api_key_id = parse_id(models.ApiKey, input.api_key_id) if input.api_key_id else None
    junk = (
        (organization_id is None and input.organization_id is not None)
        or (workspace_id is None and input.workspace_id is not None)
        or (user_id is None and input.user_id is not None)
        or (api_key_id is None and input.api_key_id is not None)
    )
    return rules.Check(input.permission, organization_id, workspace_id, user_id, api_key_id, junk)


async def check_permissions(
    actor: Actor,
    checks: Annotated[list[PermissionCheckInput], strawberry.argument(description="The questions, at most 100.")],
    at_least: Annotated[
        str | None,
        strawberry.argument(description="A mutation's `revision`: no answer is from before that change."),
    ] = None,
) -> list[PermissionCheckResult]:
    """Raises Unauthenticated, BadRequest."""
    revision = Revision.decode(at_least) if at_least is not None else None
    reasons = await rules.check(actor, [_check(each) for each in checks], revision)
    return [RESULTS[reason] for reason in reasons]


RESULTS = {
    reason: PermissionCheckResult(allowed=reason is rules.Reason.GRANTED, reason=reason) for reason in rules.Reason
}


@strawberry.type
class CheckQuery:
    check_permissions: list[PermissionCheckResult] | None = asked(
        check_permissions,
        "Up to 100 questions, answered in their order and as of one moment. "
        "About others than oneself takes `access:check` there.",
        [signed_in()],
    )
