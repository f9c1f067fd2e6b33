"""Signed access tokens on the graph."""

from datetime import datetime

import strawberry

from schema.context import Info
from schema.door import Payload
from schema.scalars import optional_id
from server import access_tokens as rules
from server import models


@strawberry.input(description="What an access token is for.")
class IssueAccessTokenInput:
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="By default that of the workspace, else the active one."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="By default the active one, where it is one of the organization."
    )
    audience: str | None = strawberry.field(
        default=None, description="The service it is for, its claim `aud`; by default Orgraph's own URL."
    )


@strawberry.type(description="What issueAccessToken answers.")
class IssueAccessTokenPayload(Payload):
    access_token: str | None = strawberry.field(
        default=None, description="A JWT (RFC 9068), to be verified by the keys at /.well-known/jwks.json."
    )
    expires_at: datetime | None = strawberry.field(default=None, description="When it ends; issue another before.")


@strawberry.type
class AccessTokenMutation:
    @strawberry.mutation(
        description="A short-lived signed token that tells other services who asks, and what they may do in a place."
    )
    async def issue_access_token(self, info: Info, input: IssueAccessTokenInput) -> IssueAccessTokenPayload | None:
        issued = await rules.issue(
            info.context.change,
            optional_id(models.Organization, input.organization_id, "organizationId"),
            optional_id(models.Workspace, input.workspace_id, "workspaceId"),
            input.audience,
        )
        return IssueAccessTokenPayload(access_token=issued.token, expires_at=issued.expires_at)
