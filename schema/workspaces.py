"""Workspaces on the graph."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import strawberry

from schema import sources
from schema.abilities import WorkspaceAbilities, on_workspace
from schema.context import Info
from schema.declare import (
    WHOLE_ROW,
    Expression,
    argument,
    column,
    connection,
    derived,
    found,
    refetchable,
    relation,
)
from schema.node import Node
from schema.organizations import Organization
from schema.pagination import Connection, OrderDirection
from schema.permissions import takes
from schema.scalars import optional_id, parse_id, required_id
from schema.sql import Condition
from schema.viewer import ViewerPayload
from server import models
from server import workspaces as rules
from server.access import Actor

if TYPE_CHECKING:
    from schema.api_keys import ApiKey
    from schema.members import Member, MemberFilter, MemberOrder
    from schema.product_settings import SettingValue


@strawberry.enum(description="What workspaces can be ordered by.")
class WorkspaceOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When they were made.")
    NAME = strawberry.enum_value("NAME", description="Their names.")


@strawberry.input(description="How to order workspaces.")
class WorkspaceOrder:
    field: WorkspaceOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


def _settings(actor: Actor, row: models.Workspace, of_organization: Sequence[Any]) -> "list[SettingValue]":
    from schema.product_settings import settings_of

    settings, plan = of_organization
    return settings_of(models.Organization(settings=orjson.loads(settings), plan=plan), row)


@refetchable(models.Workspace)
@strawberry.type(description="A part of an organization that members have access to one by one.")
class Workspace(Node):
    row: strawberry.Private[models.Workspace]

    name: str = column("name", "What people call it.")
    slug: str = column("slug", "Its name in addresses, unique in the organization.")
    environment: str | None = column("environment", "Such as development, staging or production; free text.")
    created_at: datetime = column("created_at", "When it was made.")
    deleted_at: datetime | None = column("deleted_at", "When it was deleted; null while it lives.")
    purge_at: datetime | None = column("purge_at", "Until when a deleted one can be restored.")
    organization: Organization | None = relation("organization_id", "The organization that it is part of.")
    members: Connection[Annotated["Member", strawberry.lazy("schema.members")]] | None = connection(
        sources.MEMBERS_OF_WORKSPACE,
        "The members who can enter it.",
        filter=argument(
            Annotated["MemberFilter", strawberry.lazy("schema.members")], "Only members that match all of this."
        ),
        order_by=argument(
            Annotated["MemberOrder", strawberry.lazy("schema.members")], "By default, the order of joining."
        ),
        requires="members:read",
    )
    api_keys: Connection[Annotated["ApiKey", strawberry.lazy("schema.api_keys")]] | None = connection(
        sources.API_KEYS_OF_WORKSPACE, "Its API keys, the newest first.", requires="api_keys:read"
    )
    settings: list[Annotated["SettingValue", strawberry.lazy("schema.product_settings")]] | None = derived(
        _settings,
        "The settings that it can have of its own, as they are here.",
        WHOLE_ROW,
        Expression("(SELECT ROW (o.settings, o.plan) FROM organization o WHERE o.id = x.organization_id)"),
        requires="settings:read",
    )
    viewer_can: WorkspaceAbilities = derived(on_workspace, "What the viewer can do with it.", WHOLE_ROW)


def by_id(actor: Actor, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]) -> Condition | None:
    actor.identified()
    key = parse_id(models.Workspace, id)
    return Condition("x.id = {}", (key,)) if key else None


@strawberry.type
class WorkspaceQuery:
    workspace: Workspace | None = found(
        models.Workspace, by_id, "A workspace by its id; null where there is none that the viewer can enter."
    )


@strawberry.interface(description="What a mutation answers that is about a workspace.")
class WorkspacePayload(ViewerPayload):
    workspace: Workspace | None = strawberry.field(default=None, description="The workspace.")


@strawberry.input(description="A new workspace.")
class CreateWorkspaceInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")
    name: str = strawberry.field(description="1 to 100 characters.")
    slug: str | None = strawberry.field(default=None, description="Made of the name if left out.")
    environment: str | None = strawberry.field(
        default=None, description="Such as development, staging or production; free text."
    )
    switch: bool = strawberry.field(default=False, description="Whether it becomes the session's active one.")


@strawberry.type(description="What createWorkspace answers.")
class CreateWorkspacePayload(WorkspacePayload):
    pass


@strawberry.input(description="What to change in a workspace; what is left out stays.")
class UpdateWorkspaceInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    name: str | None = strawberry.field(default=None, description="1 to 100 characters.")
    slug: str | None = strawberry.field(default=None, description="a–z, 0–9 and hyphens, at most 63.")
    environment: str | None = strawberry.field(default=None, description="Free text; a blank one clears it.")


@strawberry.type(description="What updateWorkspace answers.")
class UpdateWorkspacePayload(WorkspacePayload):
    pass


@strawberry.input(description="Where to go.")
class SwitchWorkspaceInput:
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="One that the viewer can enter; left out: none is active."
    )


@strawberry.type(description="What switchWorkspace answers.")
class SwitchWorkspacePayload(ViewerPayload):
    pass


@strawberry.input(description="Which workspace to leave.")
class LeaveWorkspaceInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")


@strawberry.type(description="What leaveWorkspace answers.")
class LeaveWorkspacePayload(ViewerPayload):
    pass


@strawberry.input(description="Which workspace to delete.")
class DeleteWorkspaceInput:
    workspace_id: strawberry.ID = strawberry.field(description="The workspace.")
    confirm_name: str = strawberry.field(description="Its name, typed as confirmation.")


@strawberry.type(description="What deleteWorkspace answers.")
class DeleteWorkspacePayload(WorkspacePayload):
    pass


@strawberry.input(description="Which workspace to restore.")
class RestoreWorkspaceInput:
    workspace_id: strawberry.ID = strawberry.field(description="A deleted one within its restore window.")


@strawberry.type(description="What restoreWorkspace answers.")
class RestoreWorkspacePayload(WorkspacePayload):
    pass


@strawberry.type
class WorkspaceMutation:
    @strawberry.mutation(
        description="Create a workspace, and where asked switch to it.", directives=takes("workspaces:create")
    )
    async def create_workspace(self, info: Info, input: CreateWorkspaceInput) -> CreateWorkspacePayload | None:
        row = await rules.create(
            info.context.change,
            optional_id(models.Organization, input.organization_id, "organizationId"),
            input.name,
            input.slug,
            input.environment,
            input.switch,
        )
        return CreateWorkspacePayload(workspace=Workspace(row=row))

    @strawberry.mutation(
        description="Change a workspace's name, slug or environment.", directives=takes("workspaces:update")
    )
    async def update_workspace(self, info: Info, input: UpdateWorkspaceInput) -> UpdateWorkspacePayload | None:
        row = await rules.update(
            info.context.change,
            required_id(models.Workspace, input.workspace_id, "workspaceId"),
            input.name,
            input.slug,
            input.environment,
        )
        return UpdateWorkspacePayload(workspace=Workspace(row=row))

    @strawberry.mutation(description="Make another workspace the session's active one, or none.")
    async def switch_workspace(self, info: Info, input: SwitchWorkspaceInput) -> SwitchWorkspacePayload | None:
        workspace_id = optional_id(models.Workspace, input.workspace_id, "workspaceId")
        await rules.switch(info.context.change, workspace_id)
        return SwitchWorkspacePayload()

    @strawberry.mutation(description="Give up one's own roles in a workspace.")
    async def leave_workspace(self, info: Info, input: LeaveWorkspaceInput) -> LeaveWorkspacePayload | None:
        workspace_id = required_id(models.Workspace, input.workspace_id, "workspaceId")
        await rules.leave(info.context.change, workspace_id)
        return LeaveWorkspacePayload()

    @strawberry.mutation(
        description="Delete a workspace. It can be restored for some time.", directives=takes("workspaces:delete")
    )
    async def delete_workspace(self, info: Info, input: DeleteWorkspaceInput) -> DeleteWorkspacePayload | None:
        workspace_id = required_id(models.Workspace, input.workspace_id, "workspaceId")
        row = await rules.delete(info.context.change, workspace_id, input.confirm_name)
        return DeleteWorkspacePayload(workspace=Workspace(row=row))

    @strawberry.mutation(description="Bring a deleted workspace back.", directives=takes("workspaces:delete"))
    async def restore_workspace(self, info: Info, input: RestoreWorkspaceInput) -> RestoreWorkspacePayload | None:
        workspace_id = required_id(models.Workspace, input.workspace_id, "workspaceId")
        row = await rules.restore(info.context.change, workspace_id)
        return RestoreWorkspacePayload(workspace=Workspace(row=row))
