"""Roles on the graph."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from schema.abilities import ROLES_OF_ITS_HOLDERS, RoleAbilities, on_role
from schema.context import Info
from schema.declare import WHOLE_ROW, Expression, column, derived, refetchable
from schema.door import Payload
from schema.node import Node
from schema.permissions import takes
from schema.scalars import optional_id, required_id
from server import models
from server import roles as rules
from server.access import Actor
from server.catalogue import catalogue
from server.visibility import in_force


@strawberry.type(description="A permission of the product.")
class Permission:
    key: str = strawberry.field(description="Such as `members:invite`.")
    description: str = strawberry.field(description="What it allows.")


def _described(permissions: Sequence[str]) -> list[Permission]:
    return [Permission(key=key, description=catalogue.permissions.get(key, "")) for key in permissions]


MEMBER_COUNT = Expression(
    f"""(SELECT count(DISTINCT g.member_id) FROM "grant" g WHERE g.role_id = x.id AND {in_force("g")}
    AND g.organization_id = coalesce(within, x.organization_id, {{organization_id}}::uuid))"""  # noqa: S608
)


@refetchable(models.Role)
@strawberry.type(description="A set of permissions that a grant gives.")
class Role(Node):
    row: strawberry.Private[models.Role]

    def place(self, actor: Actor) -> tuple[UUID | None, UUID | None]:
        return self.within or self.row.organization_id or actor.organization_id, None

    key: str = column("key", "Its name for machines, unique in the organization.")
    name: str = column("name", "What people call it.")
    description: str = column("description", "What it is for.")
    built_in: bool = column(
        "organization_id",
        "Whether it comes from the product's catalogue, and cannot be changed.",
        lambda organization_id: organization_id is None,
    )
    permissions: list[Permission] = column("permissions", "What it allows.", _described)
    member_count: int | None = derived(
        lambda actor, count: count,
        "How many members of the organization have it; of the active one for a built-in role by its id.",
        MEMBER_COUNT,
        requires="members:read",
    )
    viewer_can: RoleAbilities = derived(on_role, "What the viewer can do with it.", WHOLE_ROW, ROLES_OF_ITS_HOLDERS)


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
