"""Live changes on the graph."""

import base64
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry

from schema.audit import AuditActor, AuditTarget
from schema.context import Info
from schema.declare import column, part, relation
from schema.invitations import Invitation
from schema.members import Member
from schema.permissions import takes
from schema.roles import Role
from schema.scalars import describe_enum, optional_id, parse_id
from schema.workspaces import Workspace
from server import events as rules
from server import models
from server.errors import BadRequest

describe_enum(
    rules.MembershipChangeType,
    "MembershipChangeType",
    "What happened to a membership.",
    JOINED="A user became a member.",
    LEFT="A member left.",
    REMOVED="A member was removed.",
    SUSPENDED="A member lost all access for the time being.",
    REACTIVATED="A suspended member has access again.",
    ROLE_GRANTED="A member was given a role.",
    ROLE_CHANGED="A role that a member has was given another end, or another role took its place.",
    ROLE_REVOKED="A role was taken from a member.",
    ROLE_UPDATED="A custom role was changed, for all who have it.",
    AVAILABILITY_CHANGED="A member is available, busy or offline.",
    WORKSPACE_ENTERED="A member can enter a workspace from now on.",
    WORKSPACE_LEFT="A member cannot enter a workspace any more.",
    INVITATION_SENT="Somebody was invited, or sent the invitation again.",
    INVITATION_ACCEPTED="The invited has joined.",
    INVITATION_DECLINED="The invited does not want to join.",
    INVITATION_REVOKED="An invitation was withdrawn.",
)

CURSOR = "change:"


def _cursor(sequence: int) -> str:
    return base64.urlsafe_b64encode(f"{CURSOR}{sequence}".encode()).decode().rstrip("=")


def _sequence(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if not text.startswith(CURSOR) or len(text) > 30:
            raise ValueError(text)
        return int(text.removeprefix(CURSOR))
    except ValueError:
        raise BadRequest("after: This is not a cursor of this subscription. Use one that it has given.") from None


def _as_it_was(event: models.AuditEvent) -> models.Member | None:
    """The member that the event tells has gone."""
    before = {change["field"]: change["before"] for change in event.changes}
    user_id = parse_id(models.User, before.get("user") or "")
    if user_id is None:
        return None
    return models.Member(
        id=event.target_id,
        organization_id=event.chain_id,
        user_id=user_id,
        status=models.MemberStatus(before["status"]),
        created_at=datetime.fromisoformat(before["joinedAt"]),
    )


@strawberry.type(description="Something that has happened to a membership, a grant or an invitation.")
class MembershipChange:
    row: strawberry.Private[models.AuditEvent]

    @strawberry.field(description="What happened.")
    def type(self) -> rules.MembershipChangeType:
        return rules.MEMBERSHIP_CHANGES[self.row.action]

    @strawberry.field(description="Pass it as `after` to go on from here.")
    def cursor(self) -> str:
        return _cursor(self.row.sequence)

    occurred_at: datetime = column("created_at", "When it happened.")
    actor: AuditActor = part(AuditActor, "Who did it.")
    target: AuditTarget = part(AuditTarget, "The member or invitation that it happened to, which may be gone by now.")
    workspace: Workspace | None = relation(
        "workspace_id", "The workspace that it happened in; null: organization-wide.", models.Workspace, visible=True
    )

    @strawberry.field(
        description="The member that it happened to; as it was, when it removed the member; null if gone."
    )
    async def member(self, info: Info) -> Member | None:
        if self.row.target_type != models.Member.prefix or self.row.target_id is None:
            return None
        row = await info.context.loaders.by_id(models.Member).load(self.row.target_id)
        row = row or _as_it_was(self.row)
        return Member(row=row) if row else None

    @strawberry.field(description="The role that was granted, changed, revoked or offered.")
    async def role(self, info: Info) -> Role | None:
        if self.row.target_type == models.Role.prefix and self.row.target_id is not None:
            found = await info.context.loaders.by_id(models.Role).load(self.row.target_id)
            return Role(row=found) if found else None
        named = [change for change in self.row.changes if change["field"] == "role"]
        if not named:
            return None
        key = named[0]["after"] or named[0]["before"]
        for row in await models.Role.filter(key=key):
            if row.organization_id in (None, self.row.chain_id):
                return Role(row=row, within=self.row.chain_id)
        return None

    @strawberry.field(description="The invitation that it happened to.")
    async def invitation(self, info: Info) -> Invitation | None:
        if self.row.target_type != models.Invitation.prefix or self.row.target_id is None:
            return None
        row = await info.context.loaders.by_id(models.Invitation).load(self.row.target_id)
        return Invitation(row=row) if row else None


@strawberry.type
class EventSubscription:
    @strawberry.subscription(
        description="Who joins, leaves, and is given or denied what, as it happens. Ends when the viewer loses access. "
        "Requires `members:read`.",
        directives=takes("members:read"),
    )
    async def membership_changes(
        self,
        info: Info,
        organization_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="By default the active one.")
        ] = None,
        workspace_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only what happens in this workspace.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="A cursor: begin with what has happened since.")
        ] = None,
    ) -> AsyncGenerator[MembershipChange, None]:
        actor = info.context.actor
        organization = actor.in_organization(optional_id(models.Organization, organization_id, "organizationId"))
        workspace = optional_id(models.Workspace, workspace_id, "workspaceId")
        position = _sequence(after) if after is not None else None
        async for event, now in rules.membership_changes(actor, organization, workspace, position):
            info.context.acting(now)  # what follows from the event is read anew, with the access of now
            yield MembershipChange(row=event)
