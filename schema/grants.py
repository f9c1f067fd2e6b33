"""Grants on the graph."""

from datetime import datetime

import strawberry

from schema.context import Info
from schema.declare import column, refetchable, relation
from schema.door import Payload
from schema.members import Member
from schema.node import Node
from schema.permissions import takes
from schema.roles import Role
from schema.scalars import optional_id, required_id, role_reference, utc
from schema.users import User
from schema.workspaces import Workspace
from server import grants as rules
from server import models


@refetchable(models.Grant)
@strawberry.type(description="A role given to a member, organization-wide or in one workspace.")
class Grant(Node):
    row: strawberry.Private[models.Grant]

    role: Role | None = relation("role_id", "The role.", within="organization_id")
    workspace: Workspace | None = relation("workspace_id", "The workspace in which it counts; null: organization-wide.")
    expires_at: datetime | None = column("expires_at", "When it ends by itself; null: never.")
    granted_by: User | None = relation("granted_by_id", "Who gave it; null when their account is gone.")
    created_at: datetime = column("created_at", "When it was given.")


@strawberry.input(description="Which role to give to whom, where, and until when.")
class GrantRoleInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")
    role: str = strawberry.field(description="The role's key or id.")
    workspace_id: strawberry.ID | None = strawberry.field(default=None, description="By default, organization-wide.")
    expires_at: datetime | None = strawberry.field(default=None, description="When it ends; by default, never.")


@strawberry.type(description="What grantRole answers.")
class GrantRolePayload(Payload):
    grant: Grant | None = strawberry.field(default=None, description="The grant.")
    member: Member | None = strawberry.field(default=None, description="Who has it.")


@strawberry.input(description="Which grant to take back.")
class RevokeGrantInput:
    grant_id: strawberry.ID = strawberry.field(description="The grant.")


@strawberry.type(description="What revokeGrant answers.")
class RevokeGrantPayload(Payload):
    member: Member | None = strawberry.field(default=None, description="Who had it.")


@strawberry.input(description="Which role shall be a member's only organization-wide one.")
class SetMemberRoleInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")
    role: str = strawberry.field(description="The role's key or id.")


@strawberry.type(description="What setMemberRole answers.")
class SetMemberRolePayload(Payload):
    member: Member | None = strawberry.field(default=None, description="The member.")


@strawberry.type
class GrantMutation:
    @strawberry.mutation(
        description="Give a member a role; if they have it there, set when it ends.", directives=takes("members:grant")
    )
    async def grant_role(self, info: Info, input: GrantRoleInput) -> GrantRolePayload | None:
        row = await rules.grant(
            info.context.change,
            required_id(models.Member, input.member_id, "memberId"),
            role_reference(input.role),
            optional_id(models.Workspace, input.workspace_id, "workspaceId"),
            utc(input.expires_at, "expiresAt") if input.expires_at else None,
        )
        return GrantRolePayload(grant=Grant(row=row), member=Member(row=row.member))

    @strawberry.mutation(description="Take a role from a member.", directives=takes("members:grant"))
    async def revoke_grant(self, info: Info, input: RevokeGrantInput) -> RevokeGrantPayload | None:
        row = await rules.revoke(info.context.change, required_id(models.Grant, input.grant_id, "grantId"))
        return RevokeGrantPayload(member=Member(row=row))

    @strawberry.mutation(
        description="Make a role the member's only organization-wide one.", directives=takes("members:grant")
    )
    async def set_member_role(self, info: Info, input: SetMemberRoleInput) -> SetMemberRolePayload | None:
        member_id = required_id(models.Member, input.member_id, "memberId")
        row = await rules.set_member_role(info.context.change, member_id, role_reference(input.role))
        return SetMemberRolePayload(member=Member(row=row))
