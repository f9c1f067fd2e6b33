"""API keys on the graph."""

from datetime import datetime, timedelta

import strawberry

from schema.abilities import ITS_ROLE, ApiKeyAbilities, on_api_key
from schema.context import Info
from schema.declare import WHOLE_ROW, column, derived, refetchable, relation
from schema.door import Payload
from schema.node import Node
from schema.permissions import takes
from schema.roles import Role
from schema.scalars import optional_id, required_id, role_reference, utc
from schema.users import User
from schema.workspaces import Workspace
from server import api_keys as rules
from server import models


@refetchable(models.ApiKey)
@strawberry.type(
    description="A principal for programs. It has what its role gives, as far as whoever answers for it has that too."
)
class ApiKey(Node):
    row: strawberry.Private[models.ApiKey]

    name: str = column("name", "What people call it.")
    prefix: str = column("secret_prefix", "How its secret begins.")
    workspace: Workspace | None = relation(
        "workspace_id", "The workspace that it is limited to; null: organization-wide."
    )
    role: Role | None = relation("role_id", "Its role.", within="organization_id")
    created_by: User | None = relation(
        "created_by_id", "Who answers for it: who created or last rotated it; null when the account is gone."
    )
    created_at: datetime = column("created_at", "When it was created.")
    expires_at: datetime | None = column("expires_at", "When it ends by itself; null: never.")
    previous_secret_expires_at: datetime | None = column(
        "previous_expires_at", "Until when the secret before the last rotation works."
    )
    last_used_at: datetime | None = column("last_used_at", "When it was used last, to the minute.")
    last_used_ip: str | None = column("last_used_ip", "The address that it was used from last.")
    viewer_can: ApiKeyAbilities = derived(on_api_key, "What the viewer can do with it.", WHOLE_ROW, ITS_ROLE)


@strawberry.interface(description="What a mutation answers that is about an API key.")
class ApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(default=None, description="The key.")


@strawberry.interface(description="What a mutation answers that makes an API key's secret.")
class ApiKeySecretPayload(ApiKeyPayload):
    secret: str | None = strawberry.field(
        default=None, description="Send it as `Authorization: Bearer …`. It is shown this once, and kept nowhere."
    )


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="By default the workspace's, else the active one."
    )
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="Limits it to the workspace; left out: organization-wide."
    )
    name: str = strawberry.field(description="1 to 100 characters.")
    role: str = strawberry.field(description="A role's key or id, all of whose permissions the viewer has there.")
    expires_at: datetime | None = strawberry.field(default=None, description="When it ends; by default, never.")


@strawberry.type(description="What createApiKey answers.")
class CreateApiKeyPayload(ApiKeySecretPayload):
    pass


@strawberry.input(description="Which API key gets a new secret.")
class RotateApiKeyInput:
    api_key_id: strawberry.ID = strawberry.field(description="The key.")
    overlap_minutes: int = strawberry.field(
        default=int(rules.OVERLAP.total_seconds()) // 60,
        description="For how long the old secret works besides the new one, up to 43200; 0: not at all.",
    )


@strawberry.type(description="What rotateApiKey answers.")
class RotateApiKeyPayload(ApiKeySecretPayload):
    pass


@strawberry.input(description="Which API key to revoke.")
class RevokeApiKeyInput:
    api_key_id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="What revokeApiKey answers; the key as it was.")
class RevokeApiKeyPayload(ApiKeyPayload):
    pass


@strawberry.type
class ApiKeyMutation:
    @strawberry.mutation(
        description="Create an API key, which can do no more than the viewer.", directives=takes(rules.PERMISSION)
    )
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload | None:
        row, secret = await rules.create(
            info.context.change,
            optional_id(models.Organization, input.organization_id, "organizationId"),
            optional_id(models.Workspace, input.workspace_id, "workspaceId"),
            input.name,
            role_reference(input.role),
            utc(input.expires_at, "expiresAt") if input.expires_at else None,
        )
        return CreateApiKeyPayload(api_key=ApiKey(row=row), secret=secret)

    @strawberry.mutation(
        description="Give an API key a new secret, for which the viewer answers from now on.",
        directives=takes(rules.PERMISSION),
    )
    async def rotate_api_key(self, info: Info, input: RotateApiKeyInput) -> RotateApiKeyPayload | None:
        api_key_id = required_id(models.ApiKey, input.api_key_id, "apiKeyId")
        row, secret = await rules.rotate(info.context.change, api_key_id, timedelta(minutes=input.overlap_minutes))
        return RotateApiKeyPayload(api_key=ApiKey(row=row), secret=secret)

    @strawberry.mutation(description="Revoke an API key, at once.", directives=takes(rules.PERMISSION))
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload | None:
        api_key_id = required_id(models.ApiKey, input.api_key_id, "apiKeyId")
        return RevokeApiKeyPayload(api_key=ApiKey(row=await rules.revoke(info.context.change, api_key_id)))
