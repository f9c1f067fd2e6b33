"""Members on the graph."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema import sources
from schema.abilities import OWNERS_OF_ITS_ORGANIZATION, ROLES_OF_MEMBER, MemberAbilities, on_member
from schema.context import Info
from schema.declare import WHOLE_ROW, argument, column, connection, derived, many, refetchable, relation
from schema.door import Payload
from schema.node import Node
from schema.organizations import Organization
from schema.pagination import Connection, OrderDirection
from schema.permissions import takes
from schema.scalars import describe_enum, optional_id, parse_id, required_id, role_reference
from schema.sql import Condition, Requirement
from schema.users import User
from schema.viewer import ViewerPayload
from schema.workspaces import Workspace, WorkspaceOrder
from server import members as rules
from server import models
from server.access import ENTER_ALL
from server.errors import BadRequest
from server.visibility import VISIBLE, in_force

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


@strawberry.enum(description="What members can be ordered by.")
class MemberOrderField(Enum):
    JOINED_AT = strawberry.enum_value("JOINED_AT", description="When they joined.")
    NAME = strawberry.enum_value("NAME", description="Their names.")
    EMAIL = strawberry.enum_value("EMAIL", description="Their addresses.")


@strawberry.input(description="How to order members.")
class MemberOrder:
    field: MemberOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


_HAS_ROLE = f"""EXISTS (SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id
    LEFT JOIN workspace w ON w.id = g.workspace_id
    WHERE g.member_id = x.id AND {in_force("g")} AND w.deleted_at IS NULL AND COLUMN = {{}})"""  # noqa: S608
_HAS_PERMISSION = f"""x.status = 'active' AND EXISTS (SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id
    WHERE g.member_id = x.id AND g.workspace_id IS NULL AND {in_force("g")} AND {{}} = ANY (r.permissions))"""  # noqa: S608
_WORKSPACE_SEEN = f"EXISTS (SELECT 1 FROM workspace x WHERE x.id = {{}} AND {VISIBLE[models.Workspace]})"  # noqa: S608


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

    def conditions(self) -> list[Condition]:
        """Raises BadRequest."""
        found: list[Condition] = []
        if self.role is not None:
            if "\0" in self.role:
                raise BadRequest("filter.role: The text has a NUL character. Remove it.")
            reference = role_reference(self.role)
            column = "r.key" if isinstance(reference, str) else "r.id"
            found.append(Condition(_HAS_ROLE.replace("COLUMN", column), (reference,)))
        if self.status is not None:
            found.append(Condition("x.status = {}", (self.status.value,)))
        if self.workspace_id is not None:
            workspace_id = parse_id(models.Workspace, self.workspace_id)
            unknown = "filter.workspaceId: There is no such workspace. Check the id."
            if workspace_id is None:
                raise BadRequest(unknown)
            found.append(Requirement(_WORKSPACE_SEEN, (workspace_id,), unknown))
            found.append(Condition(f"x.status = 'active' AND {sources.can_enter('x.id', '{}::uuid')}", (workspace_id,)))
            of_same = "x.organization_id = (SELECT w.organization_id FROM workspace w WHERE w.id = {})"
            found.append(Condition(of_same, (workspace_id,)))
        if self.availability is not None:
            found.append(Condition("x.availability = {}", (self.availability.value,)))
        if self.permission is not None:
            found.append(Condition(_HAS_PERMISSION, (self.permission.replace("\0", ""),)))
        if self.search is not None and (text := self.search.strip()):
            if "\0" in text:
                raise BadRequest("filter.search: The text has a NUL character. Remove it.")
            pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            found.append(Condition("(u.name ILIKE {} OR u.email ILIKE {})", (pattern, pattern)))
        return found


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

    user: User | None = relation("user_id", "The person.")
    organization: Organization | None = relation("organization_id", "What the person is a member of.")
    status: models.MemberStatus = column("status", "Whether the member has access.")
    availability: models.Availability = column(
        "availability", "What the member has said last; the product decides whether to ask."
    )
    joined_at: datetime = column("created_at", "When the person joined.")
    last_seen_at: datetime | None = column("last_seen_at", "When the member last asked anything here, to the minute.")
    grants: list[Annotated["Grant", strawberry.lazy("schema.grants")]] = many(
        sources.GRANTS, "The grants in force, the oldest first."
    )
    roles: list[Annotated["Role", strawberry.lazy("schema.roles")]] = many(
        sources.ROLES_OF_MEMBER,
        "The roles that the grants in force give, organization-wide or in a workspace.",
        within="organization_id",
    )
    workspaces: Connection[Workspace] | None = connection(
        sources.WORKSPACES_OF_MEMBER,
        "The workspaces that the member and the viewer can enter.",
        order_by=argument(WorkspaceOrder, "By default, the order of creation."),
    )
    viewer_can: MemberAbilities = derived(
        on_member, "What the viewer can do with the member.", WHOLE_ROW, ROLES_OF_MEMBER, OWNERS_OF_ITS_ORGANIZATION
    )

    async def _visible_grants(self, info: Info) -> list[models.Grant]:
        """Without those in workspaces that are deleted or that the viewer cannot enter."""
        actor = info.context.actor
        return [
            grant
            for grant in await info.context.loaders.grants.load(self.row.id)
            if grant.workspace is None
            or (grant.workspace.deleted_at is None and actor.enters(grant.organization_id, grant.workspace.id))
        ]

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
