"""Workspaces on the graph."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from schema.abilities import WorkspaceAbilities, on_workspace
from schema.context import Info
from schema.node import Node, fetch_node, refetchable
from schema.organizations import Organization
from schema.pagination import (
    ROW_ID,
    After,
    Before,
    Condition,
    Connection,
    First,
    Last,
    OrderDirection,
    Source,
    connect,
    text_key,
    time_key,
)
from schema.permissions import requires, takes
from schema.scalars import optional_id, required_id
from schema.viewer import ViewerPayload
from server import models
from server import workspaces as rules
from server.access import ENTER_ALL

if TYPE_CHECKING:
    from schema.api_keys import ApiKey
    from schema.members import Member, MemberFilter, MemberOrder
    from schema.product_settings import SettingValue

ORDERS = {"CREATED_AT": (time_key("x.created_at"), ROW_ID), "NAME": (text_key("x.name"), ROW_ID)}

OF_ORGANIZATION = Source(
    name="workspaces",
    model=models.Workspace,
    tables="workspace x",
    of_parent="x.organization_id = p.id AND x.deleted_at IS NULL",
    orders=ORDERS,
)

IN_FORCE = "(g.expires_at IS NULL OR g.expires_at > now())"


def can_enter(member: str, workspace: str) -> str:
    """SQL: whether a member can enter a workspace of its organization, by the expressions of their ids."""
    return f"""EXISTS (
        SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id
        WHERE g.member_id = {member} AND {IN_FORCE}
        AND (g.workspace_id = {workspace} OR (g.workspace_id IS NULL AND '{ENTER_ALL}' = ANY (r.permissions)))
    )"""  # noqa: S608


OF_MEMBER = Source(
    name="member.workspaces",
    model=models.Workspace,
    tables="member m JOIN workspace x ON x.organization_id = m.organization_id",
    of_parent=f"m.id = p.id AND m.status = 'active' AND x.deleted_at IS NULL AND {can_enter('m.id', 'x.id')}",
    orders=ORDERS,
)


@strawberry.enum(description="What workspaces can be ordered by.")
class WorkspaceOrderField(Enum):
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When they were made.")
    NAME = strawberry.enum_value("NAME", description="Their names.")


@strawberry.input(description="How to order workspaces.")
class WorkspaceOrder:
    field: WorkspaceOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


async def workspaces_of(
    info: Info,
    source: Source,
    parent_id: UUID,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    order_by: WorkspaceOrder | None,
) -> Connection["Workspace"]:
    """Those that the viewer can enter, whoever's they are."""
    actor = info.context.actor
    entered = Condition(
        "(x.organization_id = ANY ({}::uuid[]) OR x.id = ANY ({}::uuid[]))",
        (tuple(actor.organizations_entered_wholly), tuple(actor.workspaces_entered)),
    )
    return await connect(
        info,
        source,
        parent_id,
        lambda row: Workspace(row=row),
        first=first,
        after=after,
        last=last,
        before=before,
        order=order_by.field.name if order_by else "CREATED_AT",
        descending=order_by is not None and order_by.direction is OrderDirection.DESC,
        where=[entered],
    )


@refetchable(models.Workspace)
@strawberry.type(description="A part of an organization that members have access to one by one.")
class Workspace(Node):
    row: strawberry.Private[models.Workspace]

    @strawberry.field(description="What people call it.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="Its name in addresses, unique in the organization.")
    def slug(self) -> str:
        return self.row.slug

    @strawberry.field(description="Such as development, staging or production; free text.")
    def environment(self) -> str | None:
        return self.row.environment

    @strawberry.field(description="When it was made.")
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="When it was deleted; null while it lives.")
    def deleted_at(self) -> datetime | None:
        return self.row.deleted_at

    @strawberry.field(description="Until when a deleted one can be restored.")
    def purge_at(self) -> datetime | None:
        return self.row.purge_at

    @strawberry.field(description="The organization that it is part of.")
    async def organization(self, info: Info) -> Organization | None:
        row = await info.context.loaders.by_id(models.Organization).load(self.row.organization_id)
        return Organization(row=row) if row else None

    @strawberry.field(description="The members who can enter it.", extensions=[requires("members:read")])
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
        from schema.members import OF_WORKSPACE, members_of

        return await members_of(info, OF_WORKSPACE, self.row.id, first, after, last, before, filter, order_by)

    @strawberry.field(description="Its API keys, the newest first.", extensions=[requires("api_keys:read")])
    async def api_keys(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated["ApiKey", strawberry.lazy("schema.api_keys")]] | None:
        from schema.api_keys import OF_WORKSPACE, api_keys_of

        return await api_keys_of(info, OF_WORKSPACE, self.row.id, first, after, last, before)

    @strawberry.field(
        description="The settings that it can have of its own, as they are here.",
        extensions=[requires("settings:read")],
    )
    async def settings(
        self, info: Info
    ) -> list[Annotated["SettingValue", strawberry.lazy("schema.product_settings")]] | None:
        from schema.product_settings import settings_of

        organization = await info.context.loaders.by_id(models.Organization).load(self.row.organization_id)
        return settings_of(organization, self.row) if organization else None

    @strawberry.field(description="What the viewer can do with it.")
    def viewer_can(self, info: Info) -> WorkspaceAbilities:
        return on_workspace(info.context.actor, self.row)


@strawberry.type
class WorkspaceQuery:
    @strawberry.field(description="A workspace by its id; null where there is none that the viewer can enter.")
    async def workspace(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Workspace | None:
        found = await fetch_node(info, id)
        return found if isinstance(found, Workspace) else None


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
