"""Members on the graph."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from schema.abilities import MemberAbilities, on_member
from schema.context import Info
from schema.door import Payload
from schema.node import Node, refetchable
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
from schema.permissions import takes
from schema.scalars import describe_enum, optional_id, parse_id, required_id, role_reference
from schema.users import User
from schema.viewer import ViewerPayload
from schema.workspaces import IN_FORCE, OF_MEMBER, Workspace, WorkspaceOrder, can_enter, workspaces_of
from server import members as rules
from server import models
from server.access import ENTER_ALL
from server.errors import BadRequest

if TYPE_CHECKING:
    from schema.grants import Grant
    from schema.roles import Role

describe_enum(
    models.MemberStatus,
    "MemberStatus",
    "Whether a member has access.",
    ACTIVE="Has the access that the roles give.",
    SUSPENDED="Keeps the roles, and has no access.",
)

describe_enum(
    models.Availability,
    "Availability",
    "Whether a member can be turned to.",
    AVAILABLE="Ready.",
    BUSY="There, and occupied.",
    OFFLINE="Away; so is whoever never said otherwise.",
)

TABLES = 'member x JOIN "user" u ON u.id = x.user_id'
ORDERS = {
    "JOINED_AT": (time_key("x.created_at"), ROW_ID),
    "NAME": (text_key("u.name"), ROW_ID),
    "EMAIL": (text_key("u.email"), ROW_ID),
}


OF_ORGANIZATION = Source(
    name="members", model=models.Member, tables=TABLES, of_parent="x.organization_id = p.id", orders=ORDERS
)
OF_WORKSPACE = Source(
    name="workspace.members",
    model=models.Member,
    tables=TABLES,
    of_parent=f"""x.organization_id = (SELECT w.organization_id FROM workspace w WHERE w.id = p.id)
        AND x.status = 'active' AND {can_enter("x.id", "p.id")}""",  # noqa: S608
    orders=ORDERS,
)


@strawberry.enum(description="What members can be ordered by.")
class MemberOrderField(Enum):
    JOINED_AT = strawberry.enum_value("JOINED_AT", description="When they joined.")
    NAME = strawberry.enum_value("NAME", description="Their names.")
    EMAIL = strawberry.enum_value("EMAIL", description="Their addresses.")


@strawberry.input(description="How to order members.")
class MemberOrder:
    field: MemberOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which members; all that is given must match.")
class MemberFilter:
    role: str | None = strawberry.field(
        default=None, description="A role's key or id: members who have it, organization-wide or in a workspace."
    )
    status: models.MemberStatus | None = strawberry.field(default=None, description="Active or suspended ones.")
    workspace_id: strawberry.ID | None = strawberry.field(
        default=None, description="Members who can enter the workspace."
    )
    search: str | None = strawberry.field(default=None, description="Text in the name or the address, in any case.")
    availability: models.Availability | None = strawberry.field(
        default=None, description="Available, busy or offline ones."
    )
    permission: str | None = strawberry.field(
        default=None, description="Active members who have the permission organization-wide, such as `calls:claim`."
    )


async def _conditions(info: Info, filter: MemberFilter | None) -> list[Condition]:
    conditions: list[Condition] = []
    if filter is None:
        return conditions
    if filter.role is not None:
        reference = role_reference(filter.role)
        column = "r.key" if isinstance(reference, str) else "r.id"
        conditions.append(
            Condition(
                f"""EXISTS (SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id
                LEFT JOIN workspace w ON w.id = g.workspace_id
                WHERE g.member_id = x.id AND {IN_FORCE} AND w.deleted_at IS NULL AND {column} = {{}})""",  # noqa: S608
                (reference,),
            )
        )
    if filter.status is not None:
        conditions.append(Condition("x.status = {}", (filter.status.value,)))
    if filter.workspace_id is not None:
        workspace_id = parse_id(models.Workspace, filter.workspace_id)
        if workspace_id is None or not await info.context.loaders.visible_workspace(info.context.actor).load(
            workspace_id
        ):
            raise BadRequest("filter.workspaceId: There is no such workspace. Check the id.")
        conditions.append(Condition(f"x.status = 'active' AND {can_enter('x.id', '{}')}", (workspace_id,)))
        of_same = "x.organization_id = (SELECT w.organization_id FROM workspace w WHERE w.id = {})"
        conditions.append(Condition(of_same, (workspace_id,)))
    if filter.availability is not None:
        conditions.append(Condition("x.availability = {}", (filter.availability.value,)))
    if filter.permission is not None:
        conditions.append(
            Condition(
                f"""x.status = 'active' AND EXISTS (SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id
                WHERE g.member_id = x.id AND g.workspace_id IS NULL AND {IN_FORCE}
                AND {{}} = ANY (r.permissions))""",  # noqa: S608
                (filter.permission.replace("\0", ""),),
            )
        )
    if filter.search is not None and (text := filter.search.strip()):
        if "\0" in text:
            raise BadRequest("filter.search: The text has a NUL character. Remove it.")
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.append(Condition("(u.name ILIKE {} OR u.email ILIKE {})", (pattern, pattern)))
    return conditions


async def members_of(
    info: Info,
    source: Source,
    parent_id: UUID,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    filter: MemberFilter | None,
    order_by: MemberOrder | None,
) -> Connection["Member"]:
    return await connect(
        info,
        source,
        parent_id,
        lambda row: Member(row=row),
        first=first,
        after=after,
        last=last,
        before=before,
        order=order_by.field.name if order_by else "JOINED_AT",
        descending=order_by is not None and order_by.direction is OrderDirection.DESC,
        where=await _conditions(info, filter),
    )


@strawberry.type(description="A permission that a member has, and the grants that it comes from.")
class MemberPermission:
    permission: str = strawberry.field(description="Such as `members:invite`.")
    grants: list[Annotated["Grant", strawberry.lazy("schema.grants")]] = strawberry.field(
        description="The grants that confer it."
    )


@refetchable(models.Member)
@strawberry.type(description="A user in an organization.")
class Member(Node):
    row: strawberry.Private[models.Member]

    @strawberry.field(description="The person.")
    async def user(self, info: Info) -> User | None:
        row = await info.context.loaders.by_id(models.User).load(self.row.user_id)
        return User(row=row) if row else None

    @strawberry.field(description="What the person is a member of.")
    async def organization(self, info: Info) -> Organization | None:
        row = await info.context.loaders.by_id(models.Organization).load(self.row.organization_id)
        return Organization(row=row) if row else None

    @strawberry.field(description="Whether the member has access.")
    def status(self) -> models.MemberStatus:
        return self.row.status

    @strawberry.field(description="What the member has said last; the product decides whether to ask.")
    def availability(self) -> models.Availability:
        return self.row.availability

    @strawberry.field(description="When the person joined.")
    def joined_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="When the member last asked anything here, to the minute.")
    def last_seen_at(self) -> datetime | None:
        return self.row.last_seen_at

    async def _visible_grants(self, info: Info) -> list[models.Grant]:
        """Without those in workspaces that are deleted or that the viewer cannot enter."""
        actor = info.context.actor
        return [
            grant
            for grant in await info.context.loaders.grants.load(self.row.id)
            if grant.workspace is None
            or (grant.workspace.deleted_at is None and actor.enters(grant.organization_id, grant.workspace.id))
        ]

    @strawberry.field(description="The grants in force, the oldest first.")
    async def grants(self, info: Info) -> list[Annotated["Grant", strawberry.lazy("schema.grants")]]:
        from schema.grants import Grant

        return [Grant(row=grant) for grant in await self._visible_grants(info)]

    @strawberry.field(description="The roles that the grants in force give, organization-wide or in a workspace.")
    async def roles(self, info: Info) -> list[Annotated["Role", strawberry.lazy("schema.roles")]]:
        from schema.roles import Role

        roles = {grant.role_id: grant.role for grant in await self._visible_grants(info)}
        return [Role(row=role, organization_id=self.row.organization_id) for role in roles.values()]

    @strawberry.field(description="The workspaces that the member and the viewer can enter.")
    async def workspaces(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        order_by: Annotated[
            WorkspaceOrder | None, strawberry.argument(description="By default, the order of creation.")
        ] = None,
    ) -> Connection[Workspace] | None:
        return await workspaces_of(info, OF_MEMBER, self.row.id, first, after, last, before, order_by)

    @strawberry.field(description="What the member may do organization-wide or in a workspace, and why; sorted.")
    async def permissions(
        self,
        info: Info,
        workspace_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="By default, organization-wide.")
        ] = None,
    ) -> list[MemberPermission]:
        from schema.grants import Grant

        place = parse_id(models.Workspace, workspace_id) if workspace_id is not None else None
        grants = await self._visible_grants(info)
        enters_all = any(grant.workspace_id is None and ENTER_ALL in grant.role.permissions for grant in grants)
        if self.row.status is models.MemberStatus.SUSPENDED:
            return []
        if workspace_id is not None and not (
            place
            and info.context.actor.enters(self.row.organization_id, place)
            and (enters_all or any(grant.workspace_id == place for grant in grants))
        ):
            return []
        counting = [grant for grant in grants if grant.workspace_id in (None, place)]
        names = sorted({name for grant in counting for name in grant.role.permissions})
        return [
            MemberPermission(
                permission=name,
                grants=[Grant(row=grant) for grant in counting if name in grant.role.permissions],
            )
            for name in names
        ]

    @strawberry.field(description="What the viewer can do with the member.")
    async def viewer_can(self, info: Info) -> MemberAbilities:
        roles = [grant.role for grant in await info.context.loaders.grants.load(self.row.id)]
        owners = await info.context.loaders.owners.load(self.row.organization_id)
        return on_member(info.context.actor, self.row, roles, owners)


@strawberry.interface(description="What a mutation answers that is about a member.")
class MemberPayload(Payload):
    member: Member | None = strawberry.field(default=None, description="The member.")


@strawberry.input(description="Which member to remove.")
class RemoveMemberInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What removeMember answers; the member as it was.")
class RemoveMemberPayload(MemberPayload):
    pass


@strawberry.input(description="Which member to suspend.")
class SuspendMemberInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What suspendMember answers.")
class SuspendMemberPayload(MemberPayload):
    pass


@strawberry.input(description="Which member to reactivate.")
class ReactivateMemberInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What reactivateMember answers.")
class ReactivateMemberPayload(MemberPayload):
    pass


@strawberry.input(description="Which organization to leave.")
class LeaveOrganizationInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")


@strawberry.type(description="What leaveOrganization answers.")
class LeaveOrganizationPayload(ViewerPayload):
    pass


@strawberry.input(description="Who shall own the organization in the viewer's place.")
class TransferOwnershipInput:
    member_id: strawberry.ID = strawberry.field(description="The next owner.")
    own_role: str | None = strawberry.field(
        default=None,
        description="Key or id of the role that the viewer has from then on; by default, the catalogue's next one.",
    )


@strawberry.type(description="What transferOwnership answers; the new owner.")
class TransferOwnershipPayload(MemberPayload):
    pass


@strawberry.input(description="Whether one can be turned to.")
class SetAvailabilityInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")
    availability: models.Availability = strawberry.field(description="From now on.")


@strawberry.type(description="What setAvailability answers.")
class SetAvailabilityPayload(MemberPayload):
    pass


@strawberry.type
class MemberMutation:
    @strawberry.mutation(description="Say whether one can be turned to oneself.", directives=takes("availability:set"))
    async def set_availability(self, info: Info, input: SetAvailabilityInput) -> SetAvailabilityPayload | None:
        organization_id = optional_id(models.Organization, input.organization_id, "organizationId")
        row = await rules.set_availability(info.context.change, organization_id, input.availability)
        return SetAvailabilityPayload(member=Member(row=row))

    @strawberry.mutation(
        description="Remove a member, with all their access, at once.", directives=takes("members:remove")
    )
    async def remove_member(self, info: Info, input: RemoveMemberInput) -> RemoveMemberPayload | None:
        row = await rules.remove(info.context.change, required_id(models.Member, input.member_id, "memberId"))
        return RemoveMemberPayload(member=Member(row=row))

    @strawberry.mutation(
        description="Take all access from a member, who keeps the roles for later.", directives=takes("members:suspend")
    )
    async def suspend_member(self, info: Info, input: SuspendMemberInput) -> SuspendMemberPayload | None:
        row = await rules.suspend(info.context.change, required_id(models.Member, input.member_id, "memberId"))
        return SuspendMemberPayload(member=Member(row=row))

    @strawberry.mutation(description="Give a suspended member access again.", directives=takes("members:suspend"))
    async def reactivate_member(self, info: Info, input: ReactivateMemberInput) -> ReactivateMemberPayload | None:
        row = await rules.reactivate(info.context.change, required_id(models.Member, input.member_id, "memberId"))
        return ReactivateMemberPayload(member=Member(row=row))

    @strawberry.mutation(description="Give up one's own membership.")
    async def leave_organization(self, info: Info, input: LeaveOrganizationInput) -> LeaveOrganizationPayload | None:
        organization_id = optional_id(models.Organization, input.organization_id, "organizationId")
        await rules.leave(info.context.change, organization_id)
        return LeaveOrganizationPayload()

    @strawberry.mutation(
        description="Make another member owner in one's own place.", directives=takes("organization:transfer")
    )
    async def transfer_ownership(self, info: Info, input: TransferOwnershipInput) -> TransferOwnershipPayload | None:
        member_id = required_id(models.Member, input.member_id, "memberId")
        own_role = role_reference(input.own_role) if input.own_role is not None else None
        row = await rules.transfer_ownership(info.context.change, member_id, own_role)
        return TransferOwnershipPayload(member=Member(row=row))
