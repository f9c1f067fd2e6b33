"""Organizations on the graph."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema import sources
from schema.abilities import OWNERS, OrganizationAbilities, on_organization
from schema.context import Info
from schema.declare import WHOLE_ROW, Expression, argument, column, connection, derived, found, many, refetchable
from schema.node import Node
from schema.pagination import Connection
from schema.permissions import takes
from schema.scalars import optional_id, parse_id, required_id
from schema.sql import Condition
from schema.viewer import ViewerPayload
from server import logos, models, plans
from server import organizations as rules
from server.access import Actor
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


_ACTIONS = ", ".join(f"'{task.done_by}'" for task in catalogue.checklist.values())

DONE = Expression(
    f"""ARRAY (SELECT a.action FROM unnest(ARRAY[{_ACTIONS}]::text[]) a (action)
    WHERE EXISTS (SELECT 1 FROM audit_event e WHERE e.chain_id = x.id AND e.action = a.action))"""  # noqa: S608
)
"""The actions that tick a task of the checklist off, as far as they have happened."""


def _checklist(actor: Actor, done: Sequence[str]) -> list[ChecklistTask]:
    return [
        ChecklistTask(key=key, name=task.name, description=task.description, done=task.done_by in done)
        for key, task in catalogue.checklist.items()
    ]


def _settings(actor: Actor, row: models.Organization) -> "list[SettingValue]":
    from schema.product_settings import settings_of

    return settings_of(row)


def _plan(actor: Actor, row: models.Organization) -> "CataloguePlan | None":
    from schema.catalogue import DESCRIBED

    key = plans.plan_of(row)
    return next((plan for plan in DESCRIBED.plans if plan.key == key), None)


def _seats(actor: Actor, row: models.Organization, used: int, pending: int) -> Seats:
    seats = plans.Seats(used, pending, plans.total_seats(row))
    return Seats(used=seats.used, pending=seats.pending, free=seats.free, total=seats.total)


@refetchable(models.Organization)
@strawberry.type(description="A customer's account of the product: its members, workspaces, roles and history.")
class Organization(Node):
    row: strawberry.Private[models.Organization]

    name: str = column("name", "What people call it.")
    slug: str = column("slug", "Its name in addresses, unique among all.")
    description: str = column("description", "What it says of itself; may be empty.")
    logo_url: str | None = derived(
        lambda actor, logo_id: None if logo_id is None else logos.url_of(logo_id),
        "Where its logo is, a WebP of at most 512 by 512 pixels; null without one.",
        Expression("(SELECT l.id FROM logo l WHERE l.organization_id = x.id)"),
    )
    created_at: datetime = column("created_at", "When it was founded.")
    deleted_at: datetime | None = column("deleted_at", "When it was deleted; null while it lives.")
    purge_at: datetime | None = column("purge_at", "Until when a deleted one can be restored.")
    members: Connection[Annotated["Member", strawberry.lazy("schema.members")]] | None = connection(
        sources.MEMBERS_OF_ORGANIZATION,
        "Its members, suspended ones included.",
        filter=argument(
            Annotated["MemberFilter", strawberry.lazy("schema.members")], "Only members that match all of this."
        ),
        order_by=argument(
            Annotated["MemberOrder", strawberry.lazy("schema.members")], "By default, the order of joining."
        ),
        requires="members:read",
    )
    workspaces: Connection[Annotated["Workspace", strawberry.lazy("schema.workspaces")]] | None = connection(
        sources.WORKSPACES_OF_ORGANIZATION,
        "Its workspaces that the viewer can enter.",
        order_by=argument(
            Annotated["WorkspaceOrder", strawberry.lazy("schema.workspaces")], "By default, the order of creation."
        ),
    )
    restorable_workspaces: list[Annotated["Workspace", strawberry.lazy("schema.workspaces")]] | None = many(
        sources.RESTORABLE_WORKSPACES,
        "Deleted workspaces that can still be restored.",
        requires="workspaces:delete",
    )
    roles: Connection[Annotated["Role", strawberry.lazy("schema.roles")]] | None = connection(
        sources.ROLES_OF_ORGANIZATION,
        "The roles that its members can have, built-in ones first; null to others.",
        within="id",
        if_="x.id = ANY ({memberships}::uuid[])",
    )
    invitations: Connection[Annotated["Invitation", strawberry.lazy("schema.invitations")]] | None = connection(
        sources.INVITATIONS_OF_ORGANIZATION,
        "Its invitations, the newest first.",
        filter=argument(
            Annotated["InvitationFilter", strawberry.lazy("schema.invitations")],
            "Only invitations that match all of this.",
        ),
        requires="members:invite",
    )
    audit_events: Connection[Annotated["AuditEvent", strawberry.lazy("schema.audit")]] | None = connection(
        sources.AUDIT_EVENTS,
        "What has happened in it, the newest first.",
        filter=argument(
            Annotated["AuditEventFilter", strawberry.lazy("schema.audit")], "Only events that match all of this."
        ),
        order_by=argument(
            Annotated["AuditEventOrder", strawberry.lazy("schema.audit")], "By default, the newest first."
        ),
        requires="audit:read",
    )
    api_keys: Connection[Annotated["ApiKey", strawberry.lazy("schema.api_keys")]] | None = connection(
        sources.API_KEYS_OF_ORGANIZATION,
        "Its API keys, and those of its workspaces that the viewer can enter, the newest first.",
        requires="api_keys:read",
    )
    settings: list[Annotated["SettingValue", strawberry.lazy("schema.product_settings")]] | None = derived(
        _settings, "Its settings, in the catalogue's order.", WHOLE_ROW, requires="settings:read"
    )
    region: str | None = column("region", "Where its data lives; null where the product does not say.")
    plan: Annotated["CataloguePlan", strawberry.lazy("schema.catalogue")] | None = derived(
        _plan, "Its plan; null where the product has none.", WHOLE_ROW
    )
    seats: Seats | None = derived(
        _seats,
        "How many members it can have, and has.",
        WHOLE_ROW,
        Expression(plans.SEATS_USED),
        Expression(plans.SEATS_PENDING),
        requires="members:read",
    )
    checklist: list[ChecklistTask] | None = derived(
        _checklist, "What is left to set up; tasks tick themselves off.", DONE, requires="organization:update"
    )
    viewer_can: OrganizationAbilities = derived(on_organization, "What the viewer can do in it.", WHOLE_ROW, OWNERS)


def by_id_or_slug(
    actor: Actor,
    id: Annotated[strawberry.ID | None, strawberry.argument(description="Its id.")] = None,
    slug: Annotated[str | None, strawberry.argument(description="Its slug.")] = None,
) -> Condition | None:
    actor.identified()
    by_slug = slug is not None and is_slug(slug)
    if id is not None:
        key = parse_id(models.Organization, id)
        if key is None or (slug is not None and not by_slug):
            return None
        return Condition("x.id = {} AND x.slug = {}", (key, slug)) if by_slug else Condition("x.id = {}", (key,))
    return Condition("x.slug = {}", (slug,)) if by_slug else None


@strawberry.type
class OrganizationQuery:
    organization: Organization | None = found(
        models.Organization,
        by_id_or_slug,
        "An organization by its id or slug; null where there is none that the viewer is in.",
    )


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
