"""Roles on the graph."""

from uuid import UUID

import strawberry

from schema.context import Info
from schema.node import Node, refetchable
from schema.pagination import ROW_ID, Connection, Source, connect, text_key
from server import models
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

    @strawberry.field(description="How many members of the organization have it; null where that is not known.")
    async def member_count(self, info: Info) -> int | None:
        organization_id = self.organization_id or self.row.organization_id
        if organization_id is None or not info.context.actor.may("members:read", organization_id):
            return None

        return await info.context.loaders.role_members.load((organization_id, self.row.id))


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
