"""Invitations on the graph."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema import sources
from schema.abilities import INVITED_TO, ITS_ROLE, InvitationAbilities, on_invitation
from schema.context import Info
from schema.declare import WHOLE_ROW, column, derived, many, refetchable, relation
from schema.door import Payload
from schema.members import Member
from schema.node import Node
from schema.organizations import Organization
from schema.permissions import takes
from schema.problems import UserError, user_error
from schema.roles import Role
from schema.scalars import describe_enum, optional_id, parse_id, required_id, role_reference
from schema.sql import Condition
from schema.users import User
from schema.viewer import ViewerPayload
from schema.workspaces import Workspace
from server import invitations as rules
from server import models
from server.access import Actor
from server.text import mask_email

STATUS = "(CASE WHEN x.status = 'pending' AND x.expires_at <= now() THEN 'expired' ELSE x.status END)"


describe_enum(
    models.InvitationStatus,
    "InvitationStatus",
    "What has become of an invitation.",
    PENDING="Waits to be accepted.",
    ACCEPTED="The invited has joined.",
    DECLINED="The invited does not want to join.",
    REVOKED="It has been withdrawn.",
    EXPIRED="Nobody has accepted it in time.",
)


@strawberry.input(description="Which invitations; all that is given must match.")
class InvitationFilter:
    status: models.InvitationStatus | None = strawberry.field(default=None, description="What has become of them.")
    email: str | None = strawberry.field(default=None, description="Text in the address, in any case.")

    def conditions(self) -> list[Condition]:
        found = []
        if self.status is not None:
            found.append(Condition(f"{STATUS} = {{}}", (self.status.value,)))
        if self.email is not None:
            text = self.email.strip().replace("\0", "")
            found.append(Condition("position(lower({}) IN x.email) > 0", (text,)))
        return found


def _email(actor: Actor, email: str, organization_id: UUID) -> str:
    invited = actor.email_verified and actor.email == email
    places = [None, *actor.workspaces_where(rules.PERMISSION)]
    return (
        email
        if invited or any(actor.may(rules.PERMISSION, organization_id, place) for place in places)
        else mask_email(email)
    )


def _status(actor: Actor, status: models.InvitationStatus, expires_at: datetime) -> models.InvitationStatus:
    """A pending one is over when its time is, whether or not its row says so yet."""
    over = status is models.InvitationStatus.PENDING and expires_at <= datetime.now(UTC)
    return models.InvitationStatus.EXPIRED if over else status


@refetchable(models.Invitation, "members:invite")
@strawberry.type(description="An offer to somebody's address to join an organization with a role.")
class Invitation(Node):
    row: strawberry.Private[models.Invitation]

    email: str = derived(
        _email,
        "The invited address; masked for whoever is neither the invited nor may see invitations.",
        "email",
        "organization_id",
    )
    organization: Organization | None = relation("organization_id", "What it is an invitation to.")
    role: Role | None = relation(
        "role_id", "The role that it offers; null when that is gone.", within="organization_id"
    )
    workspaces: list[Workspace] = many(
        sources.INVITED_WORKSPACES, "The workspaces that the role is limited to; none: organization-wide."
    )
    status: models.InvitationStatus = derived(_status, "What has become of it.", "status", "expires_at")
    expires_at: datetime = column("expires_at", "Until when it can be accepted.")
    created_at: datetime = column("created_at", "When it was sent first.")
    message: str = column("message", "What the inviter wrote; may be empty.")
    invited_by: User | None = relation("invited_by_id", "Who answers for it; null when their account is gone.")
    viewer_can: InvitationAbilities = derived(
        on_invitation, "What the viewer can do with it.", WHOLE_ROW, ITS_ROLE, INVITED_TO
    )


@strawberry.type
class InvitationQuery:
    @strawberry.field(description="The pending invitation of a mailed link; null if the link is not valid any more.")
    async def invitation(
        self, info: Info, token: Annotated[str, strawberry.argument(description="From the link.")]
    ) -> Invitation | None:
        row = await rules.preview(token)
        return Invitation(row=row) if row else None


@strawberry.input(description="Whom to invite, and as what.")
class InviteeInput:
    email: str = strawberry.field(description="The address.")
    role: str = strawberry.field(description="The role's key or id.")
    workspace_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The workspaces that the role is limited to; by default, organization-wide."
    )


@strawberry.input(description="Up to 100 invitations to one organization.")
class InviteMembersInput:
    organization_id: strawberry.ID | None = strawberry.field(default=None, description="By default the active one.")
    invitations: list[InviteeInput] = strawberry.field(description="Whom to invite, 1 to 100.")
    message: str | None = strawberry.field(default=None, description="Stands in the letters; at most 1000 characters.")


@strawberry.type(description="What became of one row of inviteMembers.")
class InviteMembersResult:
    email: str = strawberry.field(description="The address, normalized if it is one.")
    invitation: Invitation | None = strawberry.field(description="The invitation; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused; empty if it was not.")


@strawberry.type(description="What inviteMembers answers.")
class InviteMembersPayload(Payload):
    results: list[InviteMembersResult] | None = strawberry.field(
        default=None, description="What became of each row, in order; null if nobody could be invited at all."
    )


@strawberry.interface(description="What a mutation answers that is about an invitation.")
class InvitationPayload(Payload):
    invitation: Invitation | None = strawberry.field(default=None, description="The invitation.")


@strawberry.input(description="Which invitation to send again.")
class ResendInvitationInput:
    invitation_id: strawberry.ID = strawberry.field(description="A pending one, expired or not.")


@strawberry.type(description="What resendInvitation answers.")
class ResendInvitationPayload(InvitationPayload):
    pass


@strawberry.input(description="Which invitation to withdraw.")
class RevokeInvitationInput:
    invitation_id: strawberry.ID = strawberry.field(description="A pending one.")


@strawberry.type(description="What revokeInvitation answers.")
class RevokeInvitationPayload(InvitationPayload):
    pass


@strawberry.input(description="Which invitation to accept: by the link's token, or by id as the verified addressee.")
class AcceptInvitationInput:
    token: str | None = strawberry.field(default=None, description="From the link.")
    invitation_id: strawberry.ID | None = strawberry.field(
        default=None, description="One of the viewer's pending invitations."
    )


@strawberry.type(description="What acceptInvitation answers.")
class AcceptInvitationPayload(ViewerPayload):
    member: Member | None = strawberry.field(default=None, description="The viewer as a member.")


@strawberry.input(description="Which invitation to decline: by the link's token, or by id as the verified addressee.")
class DeclineInvitationInput:
    token: str | None = strawberry.field(default=None, description="From the link.")
    invitation_id: strawberry.ID | None = strawberry.field(
        default=None, description="One of the viewer's pending invitations."
    )


@strawberry.type(description="What declineInvitation answers.")
class DeclineInvitationPayload(InvitationPayload):
    pass


@strawberry.type
class InvitationMutation:
    @strawberry.mutation(
        description="Invite people by e-mail; each row is answered for itself.", directives=takes("members:invite")
    )
    async def invite_members(self, info: Info, input: InviteMembersInput) -> InviteMembersPayload | None:
        invitees = [
            rules.Invitee(
                email=row.email,
                role=role_reference(row.role),
                workspace_ids=[parse_id(models.Workspace, id) for id in row.workspace_ids or []],
            )
            for row in input.invitations
        ]
        organization_id = optional_id(models.Organization, input.organization_id, "organizationId")
        outcomes = await rules.invite(info.context.change, organization_id, invitees, input.message or "")
        return InviteMembersPayload(
            results=[
                InviteMembersResult(
                    email=outcome.email,
                    invitation=Invitation(row=outcome.invitation) if outcome.invitation else None,
                    user_errors=[user_error(outcome.problem)] if outcome.problem else [],
                )
                for outcome in outcomes
            ]
        )

    @strawberry.mutation(
        description="Send an invitation's letter anew, with a new link; the old one dies.",
        directives=takes("members:invite"),
    )
    async def resend_invitation(self, info: Info, input: ResendInvitationInput) -> ResendInvitationPayload | None:
        invitation_id = required_id(models.Invitation, input.invitation_id, "invitationId")
        row = await rules.resend(info.context.change, invitation_id)
        return ResendInvitationPayload(invitation=Invitation(row=row))

    @strawberry.mutation(description="Withdraw an invitation.", directives=takes("members:invite"))
    async def revoke_invitation(self, info: Info, input: RevokeInvitationInput) -> RevokeInvitationPayload | None:
        invitation_id = required_id(models.Invitation, input.invitation_id, "invitationId")
        row = await rules.revoke(info.context.change, invitation_id)
        return RevokeInvitationPayload(invitation=Invitation(row=row))

    @strawberry.mutation(description="Join an organization that has invited the viewer, and switch to it.")
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> AcceptInvitationPayload | None:
        invitation_id = optional_id(models.Invitation, input.invitation_id, "invitationId")
        row = await rules.accept(info.context.change, input.token, invitation_id)
        return AcceptInvitationPayload(member=Member(row=row))

    @strawberry.mutation(description="Turn an invitation down. By token, nobody need be signed in.")
    async def decline_invitation(self, info: Info, input: DeclineInvitationInput) -> DeclineInvitationPayload | None:
        invitation_id = optional_id(models.Invitation, input.invitation_id, "invitationId")
        row = await rules.decline(info.context.change, input.token, invitation_id)
        return DeclineInvitationPayload(invitation=Invitation(row=row))
