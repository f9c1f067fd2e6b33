"""API keys on the graph."""

from datetime import datetime, timedelta
from uuid import UUID

import strawberry

from schema.abilities import ApiKeyAbilities, on_api_key
from schema.context import Info
from schema.door import Payload
from schema.node import Node, refetchable
from schema.pagination import ROW_ID, Condition, Connection, Source, connect, time_key
from schema.permissions import takes
from schema.roles import Role
from schema.scalars import optional_id, required_id, role_reference, utc
from schema.users import User
from schema.workspaces import Workspace
from server import api_keys as rules
from server import models

ORDERS = {"CREATED_AT": (time_key("x.created_at"), ROW_ID)}

OF_ORGANIZATION = Source(
    name="apiKeys",
    model=models.ApiKey,
    tables="api_key x LEFT JOIN workspace w ON w.id = x.workspace_id",
    of_parent="x.organization_id = p.id AND w.deleted_at IS NULL",
    orders=ORDERS,
)
OF_WORKSPACE = Source(
    name="workspace.apiKeys",
    model=models.ApiKey,
    tables="api_key x",
    of_parent="x.workspace_id = p.id",
    orders=ORDERS,
)


@refetchable(models.ApiKey)
@strawberry.type(
    description="A principal for programs. It has what its role gives, as far as whoever answers for it has that too."
)
class ApiKey(Node):
    row: strawberry.Private[models.ApiKey]

    @strawberry.field(description="What people call it.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="How its secret begins.")
    def prefix(self) -> str:
        return self.row.secret_prefix

    @strawberry.field(description="The workspace that it is limited to; null: organization-wide.")
    async def workspace(self, info: Info) -> Workspace | None:
        if self.row.workspace_id is None:
            return None
        row = await info.context.loaders.by_id(models.Workspace).load(self.row.workspace_id)
        return Workspace(row=row) if row else None

    @strawberry.field(description="Its role.")
    async def role(self, info: Info) -> Role | None:
        row = await info.context.loaders.by_id(models.Role).load(self.row.role_id)
        return Role(row=row, organization_id=self.row.organization_id) if row else None

    @strawberry.field(description="Who answers for it: who created or last rotated it; null when the account is gone.")
    async def created_by(self, info: Info) -> User | None:
        if self.row.created_by_id is None:
            return None
        row = await info.context.loaders.by_id(models.User).load(self.row.created_by_id)
        return User(row=row) if row else None

    @strawberry.field(description="When it was created.")
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="When it ends by itself; null: never.")
    def expires_at(self) -> datetime | None:
        return self.row.expires_at

    @strawberry.field(description="Until when the secret before the last rotation works.")
    def previous_secret_expires_at(self) -> datetime | None:
        return self.row.previous_expires_at

    @strawberry.field(description="When it was used last, to the minute.")
    def last_used_at(self) -> datetime | None:
        return self.row.last_used_at

    @strawberry.field(description="The address that it was used from last.")
    def last_used_ip(self) -> str | None:
        return self.row.last_used_ip

    @strawberry.field(description="What the viewer can do with it.")
    async def viewer_can(self, info: Info) -> ApiKeyAbilities:
        role = await info.context.loaders.by_id(models.Role).load(self.row.role_id)
        return on_api_key(info.context.actor, self.row, role)


async def api_keys_of(
    info: Info,
    source: Source,
    parent_id: UUID,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Connection[ApiKey]:
    """Organization-wide ones, and those of workspaces that the viewer can enter."""
    actor = info.context.actor
    entered = Condition(
        "(x.workspace_id IS NULL OR x.organization_id = ANY ({}::uuid[]) OR x.workspace_id = ANY ({}::uuid[]))",
        (tuple(actor.organizations_entered_wholly), tuple(actor.workspaces_entered)),
    )
    return await connect(
        info,
        source,
        parent_id,
        lambda row: ApiKey(row=row),
        first=first,
        after=after,
        last=last,
        before=before,
        order="CREATED_AT",
        descending=True,
        where=[entered],
    )


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
