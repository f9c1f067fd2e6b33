"""Two-factor authentication: one-time codes (RFC 6238), and recovery codes for when the device that makes them is lost.

Codes are looked at twice. `check` counts the wrong ones, in a transaction of its own that no refusal rolls back;
`use` uses the right one up, in the transaction of what it lets in. Both hold the account's lock.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from uuid import UUID

import pyotp

from server import audit
from server.access import Actor
from server.audit import Change, difference, timestamp
from server.authentication import refresh, require_password, token_hash
from server.catalogue import catalogue
from server.errors import Problem, ProblemCode
from server.models import Session, Totp, User

DRIFT = 1
"""How many steps (of 30 s) a device's clock may be fast or slow."""

TRIES = 5
LOCKOUT = timedelta(minutes=15)
"""For how long no code is looked at after every TRIES wrong ones in a row."""

RECOVERY_CODES = 10
RECOVERY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
RECOVERY_GROUPS, RECOVERY_GROUP = 3, 4
"""12 characters of 5 bits each."""


@dataclass(frozen=True)
class Enrolment:
    """What a device makes codes of, in two forms: to be typed, and to be scanned."""

    secret: str
    uri: str


def _typed(code: str | None) -> str:
    """A code as people type it, without what they put in to read it by."""
    return "".join(character for character in code or "" if character.isalnum()).upper()


def _missing() -> Problem:
    return Problem(
        ProblemCode.MFA_REQUIRED,
        "This account has two-factor authentication on: enter the code that your device shows, or a recovery code.",
        "code",
    )


def _wrong() -> Problem:
    return Problem(
        ProblemCode.WRONG_CREDENTIALS,
        "This code is wrong, or has been used. Enter the one that your device shows next.",
        "code",
    )


def _is_on_already() -> Problem:
    return Problem(ProblemCode.ALREADY_DONE, "Two-factor authentication is on already. To set it up anew, disable it.")


def _is_off_already() -> Problem:
    return Problem(ProblemCode.ALREADY_DONE, "Two-factor authentication is not on.")


async def _in_force(user_id: UUID) -> Totp | None:
    return await Totp.get_or_none(user_id=user_id, confirmed_at__isnull=False)


def _require_unlocked(totp: Totp) -> None:
    """Raises RATE_LIMITED."""
    if totp.locked_until is not None and totp.locked_until > datetime.now(UTC):
        raise Problem(
            ProblemCode.RATE_LIMITED,
            f"There were too many wrong codes. Try again {LOCKOUT.seconds // 60} minutes after the last of them.",
            "code",
            {"until": timestamp(totp.locked_until)},
        )


def _step_of(totp: Totp, code: str) -> int | None:
    """The newest time step whose code it is, whether or not that has been used."""
    generator = pyotp.TOTP(totp.secret)
    now = generator.timecode(datetime.now(UTC))
    for step in range(now + DRIFT, now - DRIFT - 1, -1):
        if compare_digest(generator.generate_otp(step).encode(), code.encode()):
            return step
    return None


def _is_right(totp: Totp, code: str) -> bool:
    step = _step_of(totp, code)
    return (step is not None and step > totp.last_step) or token_hash(code) in totp.recovery_hashes


async def check(actor: Actor, user: User, code: str | None, operation: str | None = None) -> None:
    """Before a change begins that takes a code, where two-factor authentication is on.

    Many at the same moment wait for each other here, so that no more than TRIES of them are looked at.
    `operation`: what is tried, other than signing in. Raises MFA_REQUIRED, WRONG_CREDENTIALS, RATE_LIMITED.
    """
    typed = _typed(code)
    if await _in_force(user.id) is None:
        return
    if not typed:
        raise _missing()
    refused = None
    async with audit.change(actor) as attempt:
        await attempt.account(user)
        attempt.unchanged()
        totp = await _in_force(user.id)
        try:
            if totp is not None:
                await _count(totp, typed)
        except Problem as problem:
            refused = problem
            action = "access.refused" if operation else "session.refused"
            changes = difference(operation=(None, operation))
            attempt.record(action, user, chain_id=user.id, changes=changes)
    if refused is not None:
        raise refused


async def _count(totp: Totp, code: str) -> None:
    """Raises WRONG_CREDENTIALS, RATE_LIMITED. To send a right code twice is no guess, and does not count."""
    _require_unlocked(totp)
    if _is_right(totp, code):
        return
    if _step_of(totp, code) is None:
        totp.failures += 1
        if totp.failures % TRIES == 0:
            totp.locked_until = datetime.now(UTC) + LOCKOUT
        await totp.save(update_fields=["failures", "locked_until"])
    raise _wrong()


async def use(change: Change, user: User, code: str | None) -> None:
    """Use a code up that has been checked, where two-factor authentication is on. The account must be locked.

    Raises MFA_REQUIRED, RATE_LIMITED, or WRONG_CREDENTIALS if another has used it meanwhile (section 5.2).
    """
    typed = _typed(code)
    totp = await _in_force(user.id)
    if totp is None:
        return
    if not typed:
        raise _missing()
    _require_unlocked(totp)
    if not _is_right(totp, typed):
        raise _wrong()
    spent = token_hash(typed)
    if spent in totp.recovery_hashes:
        totp.recovery_hashes = [kept for kept in totp.recovery_hashes if kept != spent]
        change.record("account.recovery_code_used", user, chain_id=user.id)
    else:
        totp.last_step = _step_of(totp, typed) or totp.last_step
    totp.failures, totp.locked_until = 0, None
    await totp.save(update_fields=["last_step", "failures", "locked_until", "recovery_hashes"])


async def _lock_own_account(change: Change) -> User:
    user = await User.get(id=change.actor.signed_in())
    await change.account(user)
    change.actor = await refresh(change.actor)
    return user


async def enrol(change: Change) -> Enrolment:
    """A secret for the signed-in user, which is in force once a code of it has been given. Raises ALREADY_DONE."""
    user = await _lock_own_account(change)
    if change.actor.has_mfa:
        raise _is_on_already()
    secret = pyotp.random_base32()
    await Totp.filter(user_id=user.id).delete()
    await Totp.create(user_id=user.id, secret=secret, recovery_hashes=[])
    change.unchanged()
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=catalogue.product.name))


async def confirm(change: Change, code: str) -> list[str]:
    """Put two-factor authentication in force by a first code, and end the sessions that were opened without one.

    Returns the recovery codes, which are nowhere else to be had. Wrong codes do not count here: whoever is
    signed in can have a secret of their own. Raises ALREADY_DONE, REQUIRED, WRONG_CREDENTIALS.
    """
    user = await _lock_own_account(change)
    if change.actor.has_mfa:
        raise _is_on_already()
    totp = await Totp.get_or_none(user_id=user.id)
    if totp is None:
        raise Problem(ProblemCode.REQUIRED, "There is no secret to confirm yet. Make one first (enrolTotp).")
    step = _step_of(totp, _typed(code))
    if step is None:
        raise Problem(
            ProblemCode.WRONG_CREDENTIALS,
            "This is not the code that the secret gives now. Check your device's clock, and enter the next one.",
            "code",
        )
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    totp.confirmed_at, totp.last_step = datetime.now(UTC), step
    totp.recovery_hashes = [token_hash(_typed(recovery)) for recovery in codes]
    await totp.save()
    await Session.filter(user_id=user.id).exclude(id=change.actor.session_id).delete()
    change.record("account.mfa_enabled", user, chain_id=user.id)
    return codes


def _new_recovery_code() -> str:
    groups = ["".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_GROUP)) for _ in range(RECOVERY_GROUPS)]
    return "-".join(groups)


async def forget(change: Change, user: User) -> None:
    """Turn it off, if it is on. The account must be locked."""
    if await Totp.filter(user_id=user.id).delete():
        change.record("account.mfa_disabled", user, chain_id=user.id)


async def disable(change: Change, password: str, code: str) -> User:
    """By the current password and a one-time or recovery code.

    Raises ALREADY_DONE, WRONG_CREDENTIALS, MFA_REQUIRED, RATE_LIMITED.
    """
    user = await User.get(id=change.actor.signed_in())
    if await _in_force(user.id) is None:
        raise _is_off_already()
    await require_password(user, password, "password")
    await check(change.actor, user, code, "disableTotp")
    await _lock_own_account(change)
    if not change.actor.has_mfa:
        raise _is_off_already()
    if not await User.exists(id=user.id, password_hash=user.password_hash):
        raise Problem(ProblemCode.CONFLICT, "The password has just been changed. Try again with the new one.")
    await use(change, user, code)
    await forget(change, user)
    return user
