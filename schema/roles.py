"""Roles on the graph."""

from uuid import UUID

import strawberry

from schema.abilities import RoleAbilities, on_role
from schema.context import Info
from schema.door import Payload
from schema.node import Node, refetchable
from schema.pagination import ROW_ID, Connection, Source, connect, text_key
from schema.permissions import requires, takes
from schema.scalars import optional_id, required_id
from server import models
from server import roles as rules
from server.access import Actor
from server.catalogue import catalogue

OF_ORGANIZATION = Source(
    name="roles",
    model=models.Role,
    tables="role x",
    of_parent="(x.organization_id IS NULL OR x.organization_id = p.id)",
    # Built-in ones first, and those of more permissions before those of fewer
    orders={
        "RANK": (
            text_key("(x.organization_id IS NOT NULL)::text"),
            text_key("lpad((10000 - cardinality(x.permissions))::text, 5, '0')"),
            ROW_ID,
        )
    },
)


@strawberry.type(description="A permission of the product.")
class Permission:
    key: str = strawberry.field(description="Such as `members:invite`.")
    description: str = strawberry.field(description="What it allows.")


@refetchable(models.Role)
@strawberry.type(description="A set of permissions that a grant gives.")
class Role(Node):
    row: strawberry.Private[models.Role]
    organization_id: strawberry.Private[UUID | None] = None
    """Whose list of roles it stands in."""

    def place(self, actor: Actor) -> tuple[UUID | None, UUID | None]:
        return self.organization_id or self.row.organization_id or actor.organization_id, None

    @strawberry.field(description="Its name for machines, unique in the organization.")
    def key(self) -> str:
        return self.row.key

    @strawberry.field(description="What people call it.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="What it is for.")
    def description(self) -> str:
        return self.row.description

    @strawberry.field(description="Whether it comes from the product's catalogue, and cannot be changed.")
    def built_in(self) -> bool:
        return self.row.organization_id is None

    @strawberry.field(description="What it allows.")
    def permissions(self) -> list[Permission]:
        return [Permission(key=key, description=catalogue.permissions.get(key, "")) for key in self.row.permissions]

    @strawberry.field(
        description="How many members of the organization have it; of the active one for a built-in role by its id.",
        extensions=[requires("members:read")],
    )
    async def member_count(self, info: Info) -> int | None:
        organization_id, _ = self.place(info.context.actor)
        return await info.context.loaders.role_members.load((organization_id, self.row.id)) if organization_id else None

    @strawberry.field(description="What the viewer can do with it.")
    async def viewer_can(self, info: Info) -> RoleAbilities:
        others = await info.context.loaders.named("roles_of_holders", rules.roles_of_holders).load(self.row.id)
        return on_role(info.context.actor, self.row, others)


async def roles_of_organization(
    info: Info, organization_id: UUID, first: int | None, after: str | None, last: int | None, before: str | None
) -> Connection[Role]:
    return await connect(
        info,
        OF_ORGANIZATION,
        organization_id,
        lambda row: Role(row=row, organization_id=organization_id),
        first=first,
        after=after,
        last=last,
        before=before,
        order="RANK",
    )


@strawberry.interface(description="What a mutation answers that is about a custom role.")
class RolePayload(Payload):
    role: Role | None = strawberry.field(default=None, description="The role.")


@strawberry.input(description="A new custom role.")
class CreateRoleInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")
    name: str = strawberry.field(description="1 to 100 characters, unlike any other role's.")
    description: str | None = strawberry.field(default=None, description="At most 1000 characters.")
    permissions: list[str] = strawberry.field(
        description="Keys such as `members:invite`, all of which the viewer must have organization-wide."
    )


@strawberry.type(description="What createRole answers.")
class CreateRolePayload(RolePayload):
    pass


@strawberry.input(description="What to change in a custom role; what is left out stays.")
class UpdateRoleInput:
    role_id: strawberry.ID = strawberry.field(description="The role.")
    name: str | None = strawberry.field(default=None, description="1 to 100 characters, unlike any other role's.")
    description: str | None = strawberry.field(default=None, description="At most 1000 characters.")
    permissions: list[str] | None = strawberry.field(
        default=None, description="All that it gives from now on, to everybody who has it."
    )


@strawberry.type(description="What updateRole answers.")
class UpdateRolePayload(RolePayload):
    pass


@strawberry.input(description="Which custom role to delete.")
class DeleteRoleInput:
    role_id: strawberry.ID = strawberry.field(description="The role.")
    replacement_role_id: strawberry.ID | None = strawberry.field(
        default=None, description="What members, invitations and API keys get in its place; needed if it is in use."
    )


@strawberry.type(description="What deleteRole answers; the role as it was.")
class DeleteRolePayload(RolePayload):
    pass


@strawberry.type
class RoleMutation:
    @strawberry.mutation(description="Create a custom role.", directives=takes("roles:manage"))
    async def create_role(self, info: Info, input: CreateRoleInput) -> CreateRolePayload | None:
        organization_id = optional_id(models.Organization, input.organization_id, "organizationId")
        row = await rules.create(
            info.context.change, organization_id, input.name, input.description or "", input.permissions
        )
        return CreateRolePayload(role=Role(row=row))

    @strawberry.mutation(
        description="Change a custom role, at once for everybody who has it.", directives=takes("roles:manage")
    )
    async def update_role(self, info: Info, input: UpdateRoleInput) -> UpdateRolePayload | None:
        role_id = required_id(models.Role, input.role_id, "roleId")
        row = await rules.update(info.context.change, role_id, input.name, input.description, input.permissions)
        return UpdateRolePayload(role=Role(row=row))

    @strawberry.mutation(
        description="Delete a custom role; where it is in use, another must take its place.",
        directives=takes("roles:manage"),
    )
    async def delete_role(self, info: Info, input: DeleteRoleInput) -> DeleteRolePayload | None:
        role_id = required_id(models.Role, input.role_id, "roleId")
        replacement_id = optional_id(models.Role, input.replacement_role_id, "replacementRoleId")
        return DeleteRolePayload(role=Role(row=await rules.delete(info.context.change, role_id, replacement_id)))
