"""Accounts: sign-up, sign-in and out, proof of addresses, passwords, profile, sessions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.queryset import QuerySet

from server import audit, invitations, mail, members, mfa, organizations
from server.audit import INSTALLATION, Change, difference
from server.authentication import (
    UNKNOWN_USER_HASH,
    hash_password,
    open_session,
    password_matches,
    require_password,
    session_actor,
    token_hash,
)
from server.database import take_turns, violated
from server.errors import Problem, ProblemCode
from server.invitations import expired_link
from server.mail import LetterKind
from server.models import AccountToken, Letter, Member, Organization, Session, TokenPurpose, User
from server.text import PASSWORD_LENGTHS, check_password, clean_name, mask_email, normalize_email

LETTER_INTERVAL = timedelta(minutes=1)
"""How often an address can be sent the same kind of letter on anybody's request."""


def _email_taken() -> Problem:
    return Problem(ProblemCode.TAKEN, "There is an account with this address. Sign in, or reset the password.", "email")


async def sign_up(
    change: Change,
    email: str,
    password: str,
    name: str,
    organization_name: str | None = None,
    invitation_token: str | None = None,
) -> str:
    """A new account, signed in; with an organization of its own, or in the one that invited it.

    Returns the session's token.
    """
    email = normalize_email(email)
    name = clean_name(name)
    check_password(password, email)
    if organization_name is not None:
        clean_name(organization_name, "organizationName", "The organization's name")
        if invitation_token is not None:
            raise Problem(
                ProblemCode.INVALID,
                "Either found an organization or accept an invitation: leave one of the two out.",
                "organizationName",
            )
    if invitation_token is not None and (invited := await invitations.preview(invitation_token)):
        _require_same_email(invited.email, email)
    if await User.exists(email=email):
        raise _email_taken()
    password_hash = await hash_password(password)

    await change.begin()
    invitation = None
    if invitation_token is not None:
        invitation = await invitations.lock_pending(change, invitation_token, field="invitationToken")
        _require_same_email(invitation.email, email)
    try:
        user = await User.create(email=email, name=name, password_hash=password_hash)
    except IntegrityError as error:
        if violated(error) == "user_email_key":
            raise _email_taken() from error
        raise
    change.actor = replace(change.actor, user_id=user.id, email=email)
    await change.account(user)
    change.record("account.created", user, chain_id=user.id)
    organization_id = None
    if invitation is not None:
        await invitations.join(change, invitation, user, "invitationToken")
        organization_id = invitation.organization_id
    else:
        await mail.enqueue(change, LetterKind.VERIFY_EMAIL, email)
    if organization_name is not None:
        organization = await organizations.create(change, user, organization_name, field="organizationName")
        organization_id = organization.id
    return await _open_session(change, user, organization_id)


def _require_same_email(invited: str, email: str) -> None:
    if invited != email:
        raise Problem(
            ProblemCode.FORBIDDEN,
            f"This invitation is for {mask_email(invited)}. Sign up with that address.",
            "email",
            {"email": mask_email(invited)},
        )


async def _open_session(change: Change, user: User, organization_id: UUID | None) -> str:
    session, token = await open_session(user.id, organization_id, change.actor.origin)
    actor = await session_actor(session.id, change.actor.origin)
    if actor is None:
        raise RuntimeError("A session that was just opened is not there")
    change.actor = actor
    change.record("session.opened", user, chain_id=user.id)
    if change.organization_id is not None:
        change.record("session.opened", user)
    return token


async def sign_in(change: Change, email: str, password: str, code: str | None = None) -> str:
    """Returns a new session's token. Raises WRONG_CREDENTIALS, the same and as slowly for an unknown address.

    Only whoever has the password learns that it takes a code too: MFA_REQUIRED, WRONG_CREDENTIALS, RATE_LIMITED.
    """
    try:
        email = normalize_email(email)
    except Problem:
        email = ""
    user = await User.get_or_none(email=email)
    stored = user.password_hash if user else UNKNOWN_USER_HASH
    matches = await password_matches(password[: PASSWORD_LENGTHS[-1] + 1], stored)
    if user is None or not matches:
        await _record_failed_sign_in(change, user, email)
        raise Problem(
            ProblemCode.WRONG_CREDENTIALS,
            "The e-mail address or the password is wrong. Try again, or reset it.",
        )
    await mfa.check(change.actor, user, code)
    organization_id = await _organization_to_enter(user)
    if organization_id is not None:
        await change.lock_organization(organization_id)
    await change.account(user)
    unchanged = await User.exists(id=user.id, password_hash=stored)
    if not unchanged:
        raise Problem(ProblemCode.CONFLICT, "The password has just been changed. Sign in with the new one.")
    try:
        await mfa.use(change, user, code)
    except Problem as problem:
        await change.roll_back(problem)  # before the other transaction, since they do not nest
        await _record_failed_sign_in(change, user, email)
        raise
    return await _open_session(change, user, organization_id)


async def _record_failed_sign_in(change: Change, user: User | None, email: str) -> None:
    async with audit.change(change.actor) as failure:
        if user is not None:
            await failure.account(user)
            failure.record("session.refused", user, chain_id=user.id)
        else:
            await failure.installation()
            failure.record("session.refused", None, label=email, chain_id=INSTALLATION)


async def _organization_to_enter(user: User) -> UUID | None:
    """The one that was active last, else the one joined first."""
    entered = Member.filter(user_id=user.id, status="active", organization__deleted_at__isnull=True)
    candidates = [member.organization_id for member in await entered.order_by("created_at")]
    last = await Session.filter(user_id=user.id, organization_id__in=candidates).order_by("-last_used_at").first()
    if last is not None:
        return last.organization_id
    return candidates[0] if candidates else None


async def sign_out(change: Change) -> None:
    user = await User.get(id=change.actor.signed_in())
    await change.account(user)
    await Session.filter(id=change.actor.session_id).delete()
    change.record("session.closed", user, chain_id=user.id)


async def revoke_session(change: Change, session_id: UUID) -> Session:
    change.actor.signed_in()
    session = await change.load(Session, session_id, field="sessionId")
    user = await User.get(id=session.user_id)
    await change.account(user)
    await session.delete()
    change.record("session.revoked", user, chain_id=user.id)
    return session


async def revoke_other_sessions(change: Change) -> int:
    """Returns how many there were."""
    user = await User.get(id=change.actor.signed_in())
    await change.account(user)
    revoked = (
        await Session.filter(user_id=user.id, expires_at__gt=datetime.now(UTC))
        .exclude(id=change.actor.session_id)
        .delete()
    )
    if revoked:
        change.record("session.others_revoked", user, chain_id=user.id)
    else:
        change.unchanged()
    return revoked


async def request_email_verification(change: Change) -> None:
    """Send the link anew."""
    user = await User.get(id=change.actor.signed_in())
    if user.email_verified_at is not None:
        raise Problem(ProblemCode.ALREADY_DONE, "Your address is verified already.")
    await _request_letter(change, LetterKind.VERIFY_EMAIL, user.email)


async def request_password_reset(change: Change, email: str) -> None:
    """Whether there is such an account is found out when the letter is written, out of anybody's sight."""
    await _request_letter(change, LetterKind.RESET_PASSWORD, normalize_email(email))


async def _request_letter(change: Change, kind: LetterKind, recipient: str) -> None:
    await change.begin()
    await take_turns(f"letter {kind} {recipient}")
    recent = datetime.now(UTC) - LETTER_INTERVAL
    if not await Letter.exists(kind=kind, recipient=recipient, created_at__gt=recent):
        await mail.enqueue(change, kind, recipient)
    change.unchanged()


def _live_tokens(token: str, purpose: TokenPurpose) -> QuerySet[AccountToken]:
    return AccountToken.filter(token_hash=token_hash(token), purpose=purpose, expires_at__gt=datetime.now(UTC))


async def _lock_token(change: Change, token: str, purpose: TokenPurpose) -> User:
    """The user of a mailed token, which is used up by this. Raises EXPIRED."""
    found = await _live_tokens(token, purpose).select_related("user").first()
    if found is None:
        raise expired_link()
    user: User = found.user
    await change.account(user)
    if not await _live_tokens(token, purpose).delete():
        raise expired_link()
    return await User.get(id=user.id)


async def verify_email(change: Change, token: str) -> User:
    user = await _lock_token(change, token, TokenPurpose.VERIFY_EMAIL)
    await _verified(change, user)
    return user


async def _verified(change: Change, user: User) -> None:
    if user.email_verified_at is None:
        user.email_verified_at = datetime.now(UTC)
        await user.save(update_fields=["email_verified_at"])
        change.record("account.email_verified", user, chain_id=user.id)
    else:
        change.unchanged()


async def reset_password(change: Change, token: str, password: str) -> User:
    """Set a new password by a mailed link, which proves the address; ends all sessions."""
    found = await _live_tokens(token, TokenPurpose.RESET_PASSWORD).select_related("user").first()
    if found is None:
        raise expired_link()
    check_password(password, found.user.email)
    password_hash = await hash_password(password)
    user = await _lock_token(change, token, TokenPurpose.RESET_PASSWORD)
    user.password_hash = password_hash
    await user.save(update_fields=["password_hash"])
    await Session.filter(user_id=user.id).delete()
    if user.email_verified_at is None:
        await mfa.forget(change, user)  # whoever turned it on has never proven that the address is theirs
    change.record("account.password_reset", user, chain_id=user.id)
    await _verified(change, user)
    return user


async def change_password(change: Change, current_password: str, new_password: str) -> User:
    """Ends all other sessions."""
    user = await User.get(id=change.actor.signed_in())
    await require_password(user, current_password, "currentPassword")
    check_password(new_password, user.email, "newPassword")
    password_hash = await hash_password(new_password)
    await change.account(user)
    replaced = await User.filter(id=user.id, password_hash=user.password_hash).update(password_hash=password_hash)
    if not replaced:
        raise Problem(ProblemCode.CONFLICT, "The password has just been changed elsewhere. Try again.")
    await Session.filter(user_id=user.id).exclude(id=change.actor.session_id).delete()
    change.record("account.password_changed", user, chain_id=user.id)
    return user


async def update_profile(change: Change, name: str | None) -> User:
    user_id = change.actor.signed_in()
    cleaned = clean_name(name) if name is not None else None
    await change.account(await User.get(id=user_id))
    user = await User.get(id=user_id)
    changes = difference(name=(user.name, user.name if cleaned is None else cleaned))
    if not changes or cleaned is None:
        change.unchanged()
        return user
    user.name = cleaned
    await user.save(update_fields=["name"])
    change.record("account.updated", user, chain_id=user.id, changes=changes)
    return user


async def delete_account(change: Change, password: str) -> User:
    """Leave every organization and be forgotten, but for the audit log. Raises LAST_OWNER."""
    user = await User.get(id=change.actor.signed_in())
    await require_password(user, password, "password")
    joined = {member.organization_id for member in await Member.filter(user_id=user.id)}
    await change.lock_organizations(joined)
    await change.account(user)
    for member in await Member.filter(user_id=user.id).select_related("user", "organization"):
        if member.organization_id not in joined:
            raise Problem(ProblemCode.CONFLICT, "You have just joined another organization. Try again.")
        await _give_up(change, member)
    if not await User.filter(id=user.id).delete():
        raise Problem(ProblemCode.ALREADY_DONE, "The account is gone already.")
    change.record("account.deleted", user, chain_id=user.id)
    return user


async def _give_up(change: Change, member: Member) -> None:
    organization: Organization = member.organization
    try:
        await members.depart(change, member, "member.left", keep_owner=organization.deleted_at is None)
    except Problem as problem:
        problem.message = (
            f"{organization.name} would be left without an owner. Make somebody else an owner first, or delete it."
        )
        raise


async def purge() -> None:
    """Remove what has expired."""
    now = datetime.now(UTC)
    await Session.filter(expires_at__lte=now).delete()
    await AccountToken.filter(expires_at__lte=now).delete()
