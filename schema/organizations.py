"""Organizations on the graph."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from schema.accounts import ViewerPayload
from schema.context import Info
from schema.node import Node, fetch_node, refetchable
from schema.pagination import After, Before, Connection, First, Last
from schema.permissions import requires
from schema.scalars import optional_id, required_id
from server import models
from server import organizations as rules
from server.access import visible
from server.text import is_slug

if TYPE_CHECKING:
    from schema.audit import AuditEvent, AuditEventFilter, AuditEventOrder
    from schema.invitations import Invitation, InvitationFilter
    from schema.members import Member, MemberFilter, MemberOrder
    from schema.roles import Role
    from schema.workspaces import Workspace, WorkspaceOrder


@refetchable(models.Organization)
@strawberry.type(description="A customer's account of the product: its members, workspaces, roles and history.")
class Organization(Node):
    row: strawberry.Private[models.Organization]

    @strawberry.field(description="What people call it.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="Its name in addresses, unique among all.")
    def slug(self) -> str:
        return self.row.slug

    @strawberry.field(description="What it says of itself; may be empty.")
    def description(self) -> str:
        return self.row.description

    @strawberry.field(description="When it was founded.")
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="When it was deleted; null while it lives.")
    def deleted_at(self) -> datetime | None:
        return self.row.deleted_at

    @strawberry.field(description="Until when a deleted one can be restored.")
    def purge_at(self) -> datetime | None:
        return self.row.purge_at

    @strawberry.field(description="Its members, suspended ones included.", extensions=[requires("members:read")])
    async def members(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            Annotated["MemberFilter", strawberry.lazy("schema.members")] | None,
            strawberry.argument(description="Only members that match all of this."),
        ] = None,
        order_by: Annotated[
            Annotated["MemberOrder", strawberry.lazy("schema.members")] | None,
            strawberry.argument(description="By default, the order of joining."),
        ] = None,
    ) -> Connection[Annotated["Member", strawberry.lazy("schema.members")]] | None:
        from schema.members import OF_ORGANIZATION, members_of

        return await members_of(info, OF_ORGANIZATION, self.row.id, first, after, last, before, filter, order_by)

    @strawberry.field(description="Its workspaces that the viewer can enter.")
    async def workspaces(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        order_by: Annotated[
            Annotated["WorkspaceOrder", strawberry.lazy("schema.workspaces")] | None,
            strawberry.argument(description="By default, the order of creation."),
        ] = None,
    ) -> Connection[Annotated["Workspace", strawberry.lazy("schema.workspaces")]] | None:
        from schema.workspaces import OF_ORGANIZATION, workspaces_of

        return await workspaces_of(info, OF_ORGANIZATION, self.row.id, first, after, last, before, order_by)

    @strawberry.field(
        description="Deleted workspaces that can still be restored.", extensions=[requires("workspaces:delete")]
    )
    async def restorable_workspaces(
        self, info: Info
    ) -> list[Annotated["Workspace", strawberry.lazy("schema.workspaces")]] | None:
        from schema.workspaces import Workspace

        actor = info.context.actor

        async def load(organization_ids: list[UUID]) -> list[list[models.Workspace]]:
            deleted = models.Workspace.filter(organization_id__in=organization_ids, deleted_at__isnull=False)
            rows = [row for row in await deleted.order_by("id") if actor.enters(row.organization_id, row.id)]
            return [[row for row in rows if row.organization_id == id] for id in organization_ids]

        rows = await info.context.loaders.named("restorable_workspaces", load).load(self.row.id)
        return [Workspace(row=row) for row in rows]

    @strawberry.field(description="The roles that its members can have, built-in ones first; null to others.")
    async def roles(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated["Role", strawberry.lazy("schema.roles")]] | None:
        from schema.roles import roles_of_organization

        if self.row.id not in info.context.actor.memberships:
            return None
        return await roles_of_organization(info, self.row.id, first, after, last, before)

    @strawberry.field(description="Its invitations, the newest first.", extensions=[requires("members:invite")])
    async def invitations(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            Annotated["InvitationFilter", strawberry.lazy("schema.invitations")] | None,
            strawberry.argument(description="Only invitations that match all of this."),
        ] = None,
    ) -> Connection[Annotated["Invitation", strawberry.lazy("schema.invitations")]] | None:
        from schema.invitations import invitations_of_organization

        return await invitations_of_organization(info, self.row.id, first, after, last, before, filter)

    @strawberry.field(description="What has happened in it, the newest first.", extensions=[requires("audit:read")])
    async def audit_events(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            Annotated["AuditEventFilter", strawberry.lazy("schema.audit")] | None,
            strawberry.argument(description="Only events that match all of this."),
        ] = None,
        order_by: Annotated[
            Annotated["AuditEventOrder", strawberry.lazy("schema.audit")] | None,
            strawberry.argument(description="By default, the newest first."),
        ] = None,
    ) -> Connection[Annotated["AuditEvent", strawberry.lazy("schema.audit")]] | None:
        from schema.audit import events_of_chain

        return await events_of_chain(info, self.row.id, first, after, last, before, filter, order_by)


@strawberry.type
class OrganizationQuery:
    @strawberry.field(description="An organization by its id or slug; null where there is none that the viewer is in.")
    async def organization(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="Its id.")] = None,
        slug: Annotated[str | None, strawberry.argument(description="Its slug.")] = None,
    ) -> Organization | None:
        actor = info.context.actor
        actor.signed_in()
        if id is not None:
            found = await fetch_node(info, id)
            return found if isinstance(found, Organization) and slug in (None, found.row.slug) else None
        known = visible(actor, models.Organization).filter(slug=slug) if slug and is_slug(slug) else None
        row = await known.first() if known else None
        return Organization(row=row) if row else None


@strawberry.interface(description="What a mutation answers that is about an organization.")
class OrganizationPayload(ViewerPayload):
    organization: Organization | None = strawberry.field(default=None, description="The organization.")


@strawberry.input(description="A new organization.")
class CreateOrganizationInput:
    name: str = strawberry.field(description="1 to 100 characters.")
    slug: str | None = strawberry.field(default=None, description="Made of the name if left out.")
    switch: bool = strawberry.field(default=True, description="Whether it becomes the session's active one.")


@strawberry.type(description="What createOrganization answers.")
class CreateOrganizationPayload(OrganizationPayload):
    pass


@strawberry.input(description="What to change in an organization; what is left out stays.")
class UpdateOrganizationInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")
    name: str | None = strawberry.field(default=None, description="1 to 100 characters.")
    slug: str | None = strawberry.field(default=None, description="a–z, 0–9 and hyphens, at most 63.")
    description: str | None = strawberry.field(default=None, description="At most 1000 characters.")


@strawberry.type(description="What updateOrganization answers.")
class UpdateOrganizationPayload(OrganizationPayload):
    pass


@strawberry.input(description="Where to go.")
class SwitchOrganizationInput:
    organization_id: strawberry.ID = strawberry.field(description="One that the viewer is a member of.")


@strawberry.type(description="What switchOrganization answers.")
class SwitchOrganizationPayload(ViewerPayload):
    pass


@strawberry.input(description="Which organization to delete.")
class DeleteOrganizationInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")
    confirm_name: str = strawberry.field(description="Its name, typed as confirmation.")


@strawberry.type(description="What deleteOrganization answers.")
class DeleteOrganizationPayload(OrganizationPayload):
    pass


@strawberry.input(description="Which organization to restore.")
class RestoreOrganizationInput:
    organization_id: strawberry.ID = strawberry.field(description="A deleted one within its restore window.")


@strawberry.type(description="What restoreOrganization answers.")
class RestoreOrganizationPayload(OrganizationPayload):
    pass


@strawberry.type
class OrganizationMutation:
    @strawberry.mutation(description="Found an organization, and own it.")
    async def create_organization(self, info: Info, input: CreateOrganizationInput) -> CreateOrganizationPayload | None:
        row = await rules.found(info.context.change, input.name, input.slug, input.switch)
        return CreateOrganizationPayload(organization=Organization(row=row))

    @strawberry.mutation(description="Change an organization's name, slug or description.")
    async def update_organization(self, info: Info, input: UpdateOrganizationInput) -> UpdateOrganizationPayload | None:
        row = await rules.update(
            info.context.change,
            optional_id(models.Organization, input.organization_id, "organizationId"),
            input.name,
            input.slug,
            input.description,
        )
        return UpdateOrganizationPayload(organization=Organization(row=row))

    @strawberry.mutation(description="Make another organization the session's active one.")
    async def switch_organization(self, info: Info, input: SwitchOrganizationInput) -> SwitchOrganizationPayload | None:
        organization_id = required_id(models.Organization, input.organization_id, "organizationId")
        await rules.switch(info.context.change, organization_id)
        return SwitchOrganizationPayload()

    @strawberry.mutation(description="Delete an organization. It can be restored for some time.")
    async def delete_organization(self, info: Info, input: DeleteOrganizationInput) -> DeleteOrganizationPayload | None:
        organization_id = optional_id(models.Organization, input.organization_id, "organizationId")
        row = await rules.delete(info.context.change, organization_id, input.confirm_name)
        return DeleteOrganizationPayload(organization=Organization(row=row))

    @strawberry.mutation(description="Bring a deleted organization back.")
    async def restore_organization(
        self, info: Info, input: RestoreOrganizationInput
    ) -> RestoreOrganizationPayload | None:
        organization_id = required_id(models.Organization, input.organization_id, "organizationId")
        row = await rules.restore(info.context.change, organization_id)
        return RestoreOrganizationPayload(organization=Organization(row=row))
