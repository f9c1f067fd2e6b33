"""Organizations on the graph."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from schema.abilities import OrganizationAbilities, on_organization
from schema.context import Info
from schema.node import Node, fetch_node, refetchable
from schema.pagination import After, Before, Connection, First, Last
from schema.permissions import requires, takes
from schema.scalars import optional_id, required_id
from schema.viewer import ViewerPayload
from server import logos, models, plans
from server import organizations as rules
from server.access import visible
from server.catalogue import catalogue
from server.text import is_slug

if TYPE_CHECKING:
    from schema.api_keys import ApiKey
    from schema.audit import AuditEvent, AuditEventFilter, AuditEventOrder
    from schema.catalogue import CataloguePlan
    from schema.invitations import Invitation, InvitationFilter
    from schema.members import Member, MemberFilter, MemberOrder
    from schema.product_settings import SettingValue
    from schema.roles import Role
    from schema.workspaces import Workspace, WorkspaceOrder


@strawberry.type(description="Licences: a member who is not suspended uses one, a pending invitation holds one.")
class Seats:
    used: int = strawberry.field(description="By members.")
    pending: int = strawberry.field(description="Held by invitations that wait to be accepted.")
    free: int | None = strawberry.field(description="How many more can be invited; null: any number.")
    total: int | None = strawberry.field(description="How many there are; null: any number.")


@strawberry.type(description="A task of the set-up checklist.")
class ChecklistTask:
    key: str = strawberry.field(description="Its name for machines.")
    name: str = strawberry.field(description="What to do.")
    description: str = strawberry.field(description="Why, or how; may be empty.")
    done: bool = strawberry.field(description="Whether it was done, by whomever.")


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

    @strawberry.field(description="Where its logo is, a WebP of at most 512 by 512 pixels; null without one.")
    async def logo_url(self, info: Info) -> str | None:
        logo_id = await info.context.loaders.logo_ids.load(self.row.id)
        return None if logo_id is None else logos.url_of(logo_id)

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

    @strawberry.field(
        description="Its API keys, and those of its workspaces that the viewer can enter, the newest first.",
        extensions=[requires("api_keys:read")],
    )
    async def api_keys(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated["ApiKey", strawberry.lazy("schema.api_keys")]] | None:
        from schema.api_keys import OF_ORGANIZATION, api_keys_of

        return await api_keys_of(info, OF_ORGANIZATION, self.row.id, first, after, last, before)

    @strawberry.field(description="Its settings, in the catalogue's order.", extensions=[requires("settings:read")])
    def settings(self) -> list[Annotated["SettingValue", strawberry.lazy("schema.product_settings")]] | None:
        from schema.product_settings import settings_of

        return settings_of(self.row)

    @strawberry.field(description="Where its data lives; null where the product does not say.")
    def region(self) -> str | None:
        return self.row.region

    @strawberry.field(description="Its plan; null where the product has none.")
    def plan(self) -> Annotated["CataloguePlan", strawberry.lazy("schema.catalogue")] | None:
        from schema.catalogue import DESCRIBED

        key = plans.plan_of(self.row)
        return next((plan for plan in DESCRIBED.plans if plan.key == key), None)

    @strawberry.field(description="How many members it can have, and has.", extensions=[requires("members:read")])
    async def seats(self, info: Info) -> Seats | None:
        async def load(rows: list[models.Organization]) -> list[plans.Seats]:
            seats = await plans.seats_of(rows)
            return [seats[row.id] for row in rows]

        found: plans.Seats = await info.context.loaders.named("seats", load).load(self.row)
        return Seats(used=found.used, pending=found.pending, free=found.free, total=found.total)

    @strawberry.field(
        description="What is left to set up; tasks tick themselves off.", extensions=[requires("organization:update")]
    )
    async def checklist(self, info: Info) -> list[ChecklistTask] | None:
        done = await info.context.loaders.named("checklist", rules.done_tasks).load(self.row.id)
        return [
            ChecklistTask(key=key, name=task.name, description=task.description, done=key in done)
            for key, task in catalogue.checklist.items()
        ]

    @strawberry.field(description="What the viewer can do in it.")
    async def viewer_can(self, info: Info) -> OrganizationAbilities:
        owners = await info.context.loaders.owners.load(self.row.id)
        return on_organization(info.context.actor, self.row, owners)


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
        actor.identified()
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

    @strawberry.mutation(
        description="Change an organization's name, slug or description.", directives=takes("organization:update")
    )
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

    @strawberry.mutation(
        description="Delete an organization. It can be restored for some time.", directives=takes("organization:delete")
    )
    async def delete_organization(self, info: Info, input: DeleteOrganizationInput) -> DeleteOrganizationPayload | None:
        organization_id = optional_id(models.Organization, input.organization_id, "organizationId")
        row = await rules.delete(info.context.change, organization_id, input.confirm_name)
        return DeleteOrganizationPayload(organization=Organization(row=row))

    @strawberry.mutation(description="Bring a deleted organization back.", directives=takes("organization:delete"))
    async def restore_organization(
        self, info: Info, input: RestoreOrganizationInput
    ) -> RestoreOrganizationPayload | None:
        organization_id = required_id(models.Organization, input.organization_id, "organizationId")
        row = await rules.restore(info.context.change, organization_id)
        return RestoreOrganizationPayload(organization=Organization(row=row))
