"""What can go wrong, said to people: every message tells what was wrong and what to do."""

from collections.abc import Mapping
from enum import StrEnum


class ProblemCode(StrEnum):
    """Closed: frontends branch on these."""

    INVALID = "INVALID"
    REQUIRED = "REQUIRED"
    TOO_LONG = "TOO_LONG"
    TAKEN = "TAKEN"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS"
    WEAK_PASSWORD = "WEAK_PASSWORD"  # noqa: S105
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    MFA_REQUIRED = "MFA_REQUIRED"
    EXPIRED = "EXPIRED"
    ALREADY_DONE = "ALREADY_DONE"
    LAST_OWNER = "LAST_OWNER"
    ABOVE_YOUR_ROLE = "ABOVE_YOUR_ROLE"
    ROLE_IN_USE = "ROLE_IN_USE"
    SEAT_LIMIT_REACHED = "SEAT_LIMIT_REACHED"
    FEATURE_NOT_IN_PLAN = "FEATURE_NOT_IN_PLAN"
    CONFIRMATION_MISMATCH = "CONFIRMATION_MISMATCH"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    CONFLICT = "CONFLICT"


class Problem(Exception):
    """A refusal that a user can understand and act upon; rolls the change back.

    `field` is the path within the mutation's input (`invitations.3.email`); `details` are
    facts for a frontend, such as the missing permission.
    """

    def __init__(
        self,
        code: ProblemCode,
        message: str,
        field: str | None = None,
        details: Mapping[str, str | int | None] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.details = dict(details or {})


def not_found(noun: str, field: str | None = None) -> Problem:
    """The one answer for what does not exist, is of another type, or belongs to somebody else."""
    return Problem(ProblemCode.NOT_FOUND, f"There is no such {noun}. Check the id.", field)


def forbidden(permission: str, field: str | None = None) -> Problem:
    return Problem(
        ProblemCode.FORBIDDEN,
        f"This takes the permission {permission}, which you do not have here. Ask an owner or admin for it.",
        field,
        {"permission": permission},
    )


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what it should be."""


class Unauthenticated(Exception):
    """Nobody is signed in, and this takes somebody."""

    message = "Sign in first: send a session token as `Authorization: Bearer …` or the session cookie."

    def __init__(self) -> None:
        super().__init__(self.message)


class BadRequest(Exception):
    """An argument that no correct client sends, such as a page size of 0."""


def mfa_required(field: str | None = None) -> Problem:
    return Problem(
        ProblemCode.MFA_REQUIRED,
        "This organization requires two-factor authentication. Turn it on for your account first (enrolTotp).",
        field,
    )


class Uncertain(Exception):
    """A commit was asked for, and whether it happened is not known: nothing may be tried again."""
