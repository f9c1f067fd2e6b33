"""Invitations: sent by mail, accepted once, by whoever the address belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from server import mail, members, plans, roles
from server.access import Actor, membership_of
from server.audit import Change, difference
from server.authentication import token_hash
from server.catalogue import catalogue
from server.ceiling import conferable, require_conferable
from server.errors import Problem, ProblemCode, forbidden, not_found
from server.mail import LetterKind
from server.models import (
    Invitation,
    InvitationStatus,
    InvitationWorkspace,
    Member,
    Organization,
    Role,
    Session,
    User,
    Workspace,
)
from server.settings import settings
from server.text import clean_paragraph, mask_email, normalize_email

PERMISSION = "members:invite"
BATCH = 100
"""Addresses in one call, and workspaces of one address."""


@dataclass(frozen=True)
class Invitee:
    """A row of `inviteMembers`. Without workspaces the role is organization-wide."""

    email: str
    role: str | UUID
    workspace_ids: Sequence[UUID | None] = ()
    """None stands for what is no id of a workspace at all."""


@dataclass
class Outcome:
    """What became of a row; exactly one of `invitation` and `problem` is set."""

    email: str
    invitation: Invitation | None = None
    problem: Problem | None = None


@dataclass
class _Known:
    """What the rows of one call are checked against, read once for all of them."""

    roles: list[Role]
    workspaces: dict[UUID, Workspace]
    member_emails: set[str]
    pending: dict[str, Invitation]
    free_seats: int | None
    seen: set[str] = field(default_factory=set)

    def role(self, reference: str | UUID, field: str) -> Role:
        """Raises NOT_FOUND, or INVALID for one that the catalogue invites nobody to."""
        for role in self.roles:
            if reference in (role.id, role.key):
                break
        else:
            raise not_found(Role.noun, field)
        if role.organization_id is None and not catalogue.roles[role.key].invitable:
            raise Problem(
                ProblemCode.INVALID,
                f"Nobody can be invited as {role.name}: invite with another role, and grant this one afterwards.",
                field,
            )
        return role

    def take_seat(self, organization: Organization, field: str) -> None:
        """Raises SEAT_LIMIT_REACHED."""
        if self.free_seats is not None:
            if self.free_seats <= 0:
                raise plans.no_seat(plans.total_seats(organization) or 0, field)
            self.free_seats -= 1


def expired_link(field: str = "token") -> Problem:
    """The one answer for unknown, expired, used and revoked tokens."""
    return Problem(
        ProblemCode.EXPIRED,
        "This link is not valid any more: it has expired, been used or been withdrawn. Ask for a new one.",
        field,
    )


async def invite(
    change: Change, organization_id: UUID | None, invitees: Sequence[Invitee], message: str
) -> list[Outcome]:
    """Invite up to BATCH addresses; a bad row spoils none of the others.

    Raises FORBIDDEN, EMAIL_NOT_VERIFIED, REQUIRED, TOO_LONG for the call as a whole.
    """
    organization = await change.enter(change.actor.in_organization(organization_id), field="organizationId")
    own = change.actor.memberships[organization.id]
    if not any(PERMISSION in held.permissions for held in own.held):
        raise forbidden(PERMISSION, "organizationId")
    require_verified(change.actor)
    if not invitees:
        raise Problem(ProblemCode.REQUIRED, "Enter at least one address.", "invitations")
    if len(invitees) > BATCH:
        raise Problem(ProblemCode.TOO_LONG, f"At most {BATCH} addresses at once.", "invitations", {"limit": BATCH})
    message = clean_paragraph(message, "message", "The message")
    known = await _known(change, organization, invitees)
    outcomes = []
    accepted: list[tuple[Invitation, list[Workspace]]] = []
    for index, invitee in enumerate(invitees):
        try:
            invitation, workspaces = _prepare(change, organization, invitee, known, f"invitations.{index}")
        except Problem as problem:
            outcomes.append(Outcome(invitee.email, problem=problem))
        else:
            invitation.message = message
            accepted.append((invitation, workspaces))
            outcomes.append(Outcome(invitation.email, invitation=invitation))
    await _send(change, accepted)
    refusals = {outcome.problem.code: outcome.problem for outcome in outcomes if outcome.problem}
    for refusal in refusals.values():
        change.refused(organization, refusal, "inviteMembers")  # one event a code, however many rows
    return outcomes


def require_verified(actor: Actor) -> None:
    """Raises EMAIL_NOT_VERIFIED."""
    if not actor.email_verified:
        raise Problem(
            ProblemCode.EMAIL_NOT_VERIFIED,
            "Verify your own e-mail address before you invite others: follow the link in the letter you got.",
        )


async def _known(change: Change, organization: Organization, invitees: Sequence[Invitee]) -> _Known:
    emails = []
    for invitee in invitees:
        try:
            emails.append(normalize_email(invitee.email))
        except Problem:
            continue  # the row's own check says what is wrong with it
    named = {id for invitee in invitees for id in invitee.workspace_ids[:BATCH] if id is not None}
    own = change.actor.memberships[organization.id]
    workspaces = await Workspace.filter(id__in=named, organization_id=organization.id, deleted_at__isnull=True)
    existing = await Member.filter(organization_id=organization.id, user__email__in=emails).values_list(
        "user__email", flat=True
    )
    pending = await Invitation.filter(
        organization_id=organization.id, email__in=emails, status=InvitationStatus.PENDING
    )
    return _Known(
        roles=sorted(await roles.available(organization.id), key=roles.is_custom),
        workspaces={workspace.id: workspace for workspace in workspaces if own.enters(workspace.id)},
        member_emails={str(email) for email in existing},
        pending={invitation.email: invitation for invitation in pending},
        free_seats=await plans.free_seats(organization),
    )


def _prepare(
    change: Change, organization: Organization, invitee: Invitee, known: _Known, path: str
) -> tuple[Invitation, list[Workspace]]:
    email = normalize_email(invitee.email, f"{path}.email")
    if email in known.seen:
        raise Problem(ProblemCode.INVALID, "This address stands in the list twice.", f"{path}.email")
    known.seen.add(email)
    role = known.role(invitee.role, f"{path}.role")
    if len(invitee.workspace_ids) > BATCH:
        raise Problem(
            ProblemCode.TOO_LONG, f"At most {BATCH} workspaces at once.", f"{path}.workspaceIds", {"limit": BATCH}
        )
    if not known.workspaces.keys() >= set(invitee.workspace_ids):
        raise not_found(Workspace.noun, f"{path}.workspaceIds")
    workspaces = [known.workspaces[id] for id in dict.fromkeys(invitee.workspace_ids) if id is not None]
    places: list[UUID | None] = [workspace.id for workspace in workspaces] or [None]
    for workspace_id in places:
        change.require(PERMISSION, workspace_id, path)
        require_conferable(change.actor, role, organization.id, workspace_id, f"{path}.role")
    if email in known.member_emails:
        raise Problem(ProblemCode.ALREADY_DONE, "This address is a member's already.", f"{path}.email")
    pending = known.pending.get(email)
    if pending is not None and pending.expires_at > datetime.now(UTC):
        raise Problem(
            ProblemCode.ALREADY_DONE,
            "This address is invited already. Resend that invitation, or revoke it first.",
            f"{path}.email",
        )
    known.take_seat(organization, f"{path}.email")
    invitation = Invitation(
        organization_id=organization.id,
        email=email,
        role=role,
        organization_wide=not workspaces,
        invited_by_id=change.actor.answerable_id,
        created_at=datetime.now(UTC),
        expires_at=datetime.now(UTC) + settings.invitation_ttl,
    )
    return invitation, workspaces


async def _send(change: Change, accepted: Sequence[tuple[Invitation, list[Workspace]]]) -> None:
    if not accepted:
        change.unchanged()
        return
    invitations = [invitation for invitation, _ in accepted]
    await Invitation.filter(
        organization_id=change.organization_id,
        email__in=[invitation.email for invitation in invitations],
        status=InvitationStatus.PENDING,
    ).update(status=InvitationStatus.EXPIRED, token_hash=None)
    await Invitation.bulk_create(invitations)
    limits = [
        InvitationWorkspace(invitation_id=invitation.id, workspace_id=workspace.id)
        for invitation, workspaces in accepted
        for workspace in workspaces
    ]
    await InvitationWorkspace.bulk_create(limits)
    for invitation in invitations:
        _record(change, "invitation.sent", invitation)
    await mail.enqueue(change, LetterKind.INVITATION, *invitations)


async def _still_pending(change: Change, invitation_id: UUID) -> Invitation:
    """For those who could have sent it: the ceiling holds for taking back as for giving."""
    invitation = await change.load(Invitation, invitation_id, field="invitationId")
    require_still_pending(change.actor, invitation, invitation.role, await _places(invitation))
    return invitation


def require_still_pending(
    actor: Actor, invitation: Invitation, role: Role | None, places: Sequence[UUID | None]
) -> None:
    """Raises FORBIDDEN, ABOVE_YOUR_ROLE, ALREADY_DONE."""
    for workspace_id in places or [None]:
        if not actor.may(PERMISSION, invitation.organization_id, workspace_id):
            raise forbidden(PERMISSION, "invitationId")
        if role is not None:
            require_conferable(actor, role, invitation.organization_id, workspace_id, "invitationId")
    if invitation.status is not InvitationStatus.PENDING:
        raise Problem(
            ProblemCode.ALREADY_DONE,
            f"This invitation is {invitation.status.value}. Invite the address anew.",
            "invitationId",
        )


async def resend(change: Change, invitation_id: UUID) -> Invitation:
    """Send a new link, for the full time; the old one dies. The sender answers for it from now on."""
    invitation = await _still_pending(change, invitation_id)
    if invitation.expires_at <= datetime.now(UTC):
        await plans.require_seat(await Organization.get(id=invitation.organization_id), "invitationId")
    invitation.token_hash = None
    invitation.expires_at = datetime.now(UTC) + settings.invitation_ttl
    invitation.invited_by_id = change.actor.answerable_id
    await invitation.save()
    _record(change, "invitation.resent", invitation)
    await mail.enqueue(change, LetterKind.INVITATION, invitation)
    return invitation


async def revoke(change: Change, invitation_id: UUID) -> Invitation:
    invitation = await _still_pending(change, invitation_id)
    await _end(invitation, InvitationStatus.REVOKED)
    _record(change, "invitation.revoked", invitation)
    return invitation


async def _end(invitation: Invitation, status: InvitationStatus) -> None:
    invitation.status = status
    invitation.token_hash = None
    await invitation.save()


def _record(change: Change, action: str, invitation: Invitation) -> None:
    role: Role = invitation.role  # type: ignore[assignment]  # a pending one has a role
    change.record(action, invitation, changes=difference(role=(None, role.key)))


async def _places(invitation: Invitation) -> list[UUID | None]:
    """The living workspaces that it is limited to; None stands for the whole organization."""
    if invitation.organization_wide:
        return [None]
    limits = InvitationWorkspace.filter(invitation_id=invitation.id, workspace__deleted_at__isnull=True)
    return [limit.workspace_id for limit in await limits.order_by("id")]


async def preview(token: str) -> Invitation | None:
    """The pending invitation of a mailed token."""
    return await Invitation.get_or_none(
        token_hash=token_hash(token),
        status=InvitationStatus.PENDING,
        expires_at__gt=datetime.now(UTC),
        organization__deleted_at__isnull=True,
    ).select_related("role")


async def lock_pending(
    change: Change, token: str | None, invitation_id: UUID | None = None, field: str = "token"
) -> Invitation:
    """The invitation of a mailed token or an id, pending still under its organization's lock.

    Raises EXPIRED, the same for every reason; REQUIRED unless exactly one of the two is given.
    """
    if (token is None) == (invitation_id is None):
        raise Problem(ProblemCode.REQUIRED, "Give either the link's token or the invitation's id.", field)
    found = await (preview(token) if token is not None else Invitation.get_or_none(id=invitation_id))
    if token is None:
        found = _for_verified_addressee(change, found)
    if found is None:
        raise expired_link(field)
    await change.lock_organization(found.organization_id)
    invitation = await Invitation.get_or_none(id=found.id, organization__deleted_at__isnull=True).select_related(
        "role", "organization"
    )
    if (
        invitation is None
        or (token is not None and invitation.token_hash != found.token_hash)
        or invitation.status is not InvitationStatus.PENDING
        or invitation.expires_at <= datetime.now(UTC)
    ):
        raise expired_link(field)
    return invitation


def _for_verified_addressee(change: Change, invitation: Invitation | None) -> Invitation:
    change.actor.signed_in()
    if invitation is None or change.actor.email != invitation.email:
        raise not_found(Invitation.noun, "invitationId")
    if not change.actor.email_verified:
        raise Problem(
            ProblemCode.EMAIL_NOT_VERIFIED,
            "Verify your e-mail address first, or follow the link in the invitation's letter.",
        )
    return invitation


async def accept(change: Change, token: str | None, invitation_id: UUID | None = None) -> Member:
    """Become a member. A mailed token proves the address; by id it must have been verified before.

    Raises EXPIRED, FORBIDDEN (another's invitation), EMAIL_NOT_VERIFIED, ALREADY_DONE.
    """
    user_id = change.actor.signed_in()
    field = "token" if invitation_id is None else "invitationId"
    invitation = await lock_pending(change, token, invitation_id, field)
    user = await User.get(id=user_id)
    _require_addressee(invitation, user)
    await change.account(user)
    member = await join(change, invitation, user, field)
    await Session.filter(id=change.actor.session_id).update(
        organization_id=invitation.organization_id, workspace_id=None
    )
    return member


def _require_addressee(invitation: Invitation, user: User) -> None:
    """Raises FORBIDDEN, saying whose invitation it is in masked form."""
    if invitation.email != user.email:
        masked = mask_email(invitation.email)
        raise Problem(
            ProblemCode.FORBIDDEN,
            f"This invitation is for {masked}. Sign in with that address, or sign up with it.",
            "token",
            {"email": masked},
        )


async def join(change: Change, invitation: Invitation, user: User, field: str) -> Member:
    """Make the invited a member, if role and workspaces are still there and the inviter could still confer them.

    The user's account must be locked.
    """
    places = await _places(invitation)
    workspaces = await Workspace.filter(id__in=[place for place in places if place is not None])
    inviter = await membership_of(invitation.organization_id, invitation.invited_by_id)
    role = invitation.role
    if not places or inviter is None or role is None:
        raise expired_link(field)
    for place in places:
        if PERMISSION not in inviter.permissions(place) or not conferable(inviter, role, place):
            raise expired_link(field)
    member = await members.join(change, invitation.organization_id, user, role, workspaces, invitation.invited_by_id)
    await _end(invitation, InvitationStatus.ACCEPTED)
    _record(change, "invitation.accepted", invitation)
    if user.email_verified_at is None:
        user.email_verified_at = datetime.now(UTC)
        await user.save(update_fields=["email_verified_at"])
        change.record("account.email_verified", user, chain_id=user.id)
    return member


async def decline(change: Change, token: str | None, invitation_id: UUID | None = None) -> Invitation:
    """By whoever holds the token, or is the signed-in addressee."""
    field = "token" if invitation_id is None else "invitationId"
    invitation = await lock_pending(change, token, invitation_id, field)
    await _end(invitation, InvitationStatus.DECLINED)
    _record(change, "invitation.declined", invitation)
    return invitation
