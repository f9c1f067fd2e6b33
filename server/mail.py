"""Letters, and their delivery.

A letter is queued in the transaction of the change that it tells of, so that it is sent if and only
if that change happened. Its text, and the secret in its link, are made when it is sent.
"""

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import aiosmtplib
import structlog

from server import events
from server.audit import Change
from server.authentication import new_token, token_hash
from server.catalogue import catalogue
from server.database import fetch, transaction
from server.errors import SettingsError
from server.models import (
    AccountToken,
    Invitation,
    InvitationStatus,
    InvitationWorkspace,
    Letter,
    LetterStatus,
    TokenPurpose,
    User,
)
from server.rows import uuid7
from server.settings import settings

if TYPE_CHECKING:
    from jinja2 import Environment

CONCURRENCY = 4
"""Letters that one process sends at a time, so that a slow answer does not hold up the others."""

SMTP_SECONDS = 60.0
"""How long an SMTP server may take for each of its answers."""

CONVERSATION_SECONDS = 240.0
LEASE = timedelta(minutes=5)
"""A claimed letter is nobody else's for this long, which is longer than a conversation can last."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(days=3)
STOP_SECONDS = 10.0
ERROR_LENGTH = 500
LINE_LENGTH = 998
KEPT = timedelta(days=30)

QUEUE = UUID(int=1)
"""The key under which `events` wakes the delivery of this process."""

log = structlog.get_logger()


@cache
def templates() -> "Environment":
    """Of letters, and of the pages for people."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # which takes long

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "letters"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class LetterKind(StrEnum):
    """Each has a template of its name for text, whose first line is the subject, and one for HTML."""

    INVITATION = "invitation"
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105


async def enqueue(change: Change, kind: LetterKind, *recipients: str | Invitation) -> None:
    """Send letters to addresses, or of invitations, once the change is committed.

    Each takes the place of one like it that still waits.
    """
    await change.begin()
    invited = [recipient if isinstance(recipient, Invitation) else None for recipient in recipients]
    await fetch(
        """
        WITH superseded AS (
            UPDATE letter SET status = 'dropped'
            FROM unnest($3::text[], $4::uuid[]) AS n(recipient, invitation_id)
            WHERE letter.status = 'queued' AND kind = $2 AND letter.recipient = n.recipient
            AND letter.invitation_id IS NOT DISTINCT FROM n.invitation_id
        )
        INSERT INTO letter (id, created_at, kind, recipient, invitation_id, status, next_attempt_at)
        SELECT n.id, now(), $2, n.recipient, n.invitation_id, 'queued', now()
        FROM unnest($1::uuid[], $3::text[], $4::uuid[]) AS n(id, recipient, invitation_id)
        """,
        [uuid7() for _ in recipients],
        kind.value,
        [recipient.email if isinstance(recipient, Invitation) else recipient for recipient in recipients],
        [invitation and invitation.id for invitation in invited],
    )
    change.after_commit(partial(events.wake, [QUEUE]))


@dataclass(frozen=True)
class Content:
    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Link:
    """The secret of a letter's link, which is in the database only as a hash."""

    path: str
    until: datetime
    token: str = field(default_factory=new_token, repr=False)

    def __str__(self) -> str:
        return f"{settings.url}/{self.path}?token={self.token}"


async def _write(letter: Letter) -> tuple[Content, Link] | None:
    """The letter as it is to be sent now; an earlier one's link ends. None: its occasion has passed."""
    async with transaction():
        if letter.kind == LetterKind.INVITATION:
            return await _write_invitation(letter)
        return await _write_to_account(letter, TokenPurpose(letter.kind))


async def _write_invitation(letter: Letter) -> tuple[Content, Link] | None:
    invitation = await Invitation.select_for_update().get_or_none(id=letter.invitation_id)
    if invitation is None or invitation.status != InvitationStatus.PENDING:
        return None
    await invitation.fetch_related("organization", "role", "invited_by")
    if invitation.expires_at <= datetime.now(UTC) or invitation.organization.deleted_at is not None:
        return None
    limits = InvitationWorkspace.filter(invitation_id=invitation.id, workspace__deleted_at__isnull=True)
    workspaces = await limits.order_by("workspace__name").values_list("workspace__name", flat=True)
    if not workspaces and not invitation.organization_wide:
        return None
    link = Link("accept-invitation", invitation.expires_at)
    invitation.token_hash = token_hash(link.token)
    await invitation.save(update_fields=["token_hash"])
    content = _render(
        letter,
        link,
        organization=invitation.organization.name,
        inviter=invitation.invited_by and invitation.invited_by.name,
        role=invitation.role.name if invitation.role else "",
        workspaces=workspaces,
        message=re.sub(r"\r\n?", "\n", invitation.message),
    )
    return content, link


async def _write_to_account(letter: Letter, purpose: TokenPurpose) -> tuple[Content, Link] | None:
    user = await User.get_or_none(email=letter.recipient)
    verifies = purpose is TokenPurpose.VERIFY_EMAIL
    if user is None or (verifies and user.email_verified_at is not None):
        return None
    lifetime = settings.email_verification_ttl if verifies else settings.password_reset_ttl
    link = Link("verify-email" if verifies else "reset-password", datetime.now(UTC) + lifetime)
    token = AccountToken(user_id=user.id, purpose=purpose, token_hash=token_hash(link.token), expires_at=link.until)
    await AccountToken.bulk_create(
        [token], on_conflict=["user_id", "purpose"], update_fields=["token_hash", "expires_at"]
    )
    return _render(letter, link, name=user.name), link


def _render(letter: Letter, link: Link, **facts: Any) -> Content:
    until = link.until.astimezone(UTC)
    facts |= {
        "link": str(link),
        "product": catalogue.product.name,
        "recipient": letter.recipient,
        "until": f"{until.day} {until:%B %Y, %H:%M} UTC",
    }
    subject, _, text = templates().get_template(f"{letter.kind}.txt").render(facts).partition("\n")
    html = templates().get_template(f"{letter.kind}.html").render(facts)
    # Names have no control characters; should one get past the checks, it must still not end a header
    subject = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", subject).strip()
    return Content(letter.recipient, subject, text.strip() + "\n", html)


def _sender() -> Address:
    message = EmailMessage()
    try:
        message["From"] = settings.mail_from
        [sender] = message["From"].addresses
        if not sender.username or not sender.domain:
            raise ValueError
    except ValueError:
        raise MailSettingsError(
            f"ORGRAPH_MAIL_FROM is {settings.mail_from!r}, which is not one address. "
            'Set it to something like: Orgraph <no-reply@example.com> (or "Orgraph, Inc." in quotes).'
        ) from None
    return sender


def _message(letter: Letter, content: Content) -> EmailMessage:
    longest = max(len(line.encode()) for line in (content.text + content.html).splitlines())
    # Lines that SMTP can carry go as they are, so that the link stays in one piece; 76 is MIME's limit
    policy = SMTP_POLICY.clone(max_line_length=LINE_LENGTH if longest <= LINE_LENGTH else 76)
    sender = _sender()
    local, _, domain = content.to.rpartition("@")
    message = EmailMessage(policy)
    message["From"] = sender
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = content.subject
    message["Date"] = datetime.now(UTC)
    # The same at every attempt, so that a receiver can drop doubles
    message["Message-ID"] = f"<{letter.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(content.text)
    message.add_alternative(content.html, subtype="html")
    return message


class MailSettingsError(SettingsError):
    """Mail cannot be sent with these settings; the message says which and why."""


@dataclass(frozen=True)
class SmtpServer:
    hostname: str
    port: int | None
    username: str | None
    password: str | None = field(repr=False)
    use_tls: bool
    start_tls: bool | None
    """None: when the server offers it."""

    def client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(**vars(self), timeout=SMTP_SECONDS)


def smtp_server(url: str) -> SmtpServer | None:
    """What an ORGRAPH_SMTP_URL names; None without one. Raises MailSettingsError."""
    if not url:
        return None
    flags = {"1": True, "true": True, "0": False, "false": False}
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        start_tls = flags[options.pop("starttls")] if "starttls" in options else None
        tls = {"smtp": False, "smtps": True}[parts.scheme]
        if not parts.hostname or parts.path not in ("", "/") or parts.fragment or options or (tls and start_tls):
            raise ValueError
        user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
        return SmtpServer(parts.hostname, parts.port, user, password, tls, start_tls)
    except (ValueError, KeyError):
        # Without the URL and the cause, since either may show the password
        raise MailSettingsError(
            "ORGRAPH_SMTP_URL is not understood. It looks like smtp://user:password@host:587, with ?starttls=1 "
            "to insist on TLS or ?starttls=0 to go without, or like smtps://user:password@host:465. Special "
            "characters in the user and password are percent-encoded (@ is %40, / is %2F, # is %23)."
        ) from None


def _refused_for_good(error: Exception) -> bool:
    """Whether the server will never take this recipient or content, rather than not now."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= 500 for refused in error.recipients)
    if isinstance(error, aiosmtplib.SMTPDataError):
        return error.code >= 500
    return isinstance(error, aiosmtplib.SMTPNotSupported)


def _reason(error: Exception, link: Link | None) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    text = f"{type(error).__name__}: {error}"
    if link is not None:
        text = text.replace(link.token, "…")
    return "".join(c if c.isprintable() else " " for c in text)[:ERROR_LENGTH]


def _print(content: Content) -> None:
    # A closed or narrow terminal loses nothing: the letter is in the mailbox
    with contextlib.suppress(OSError, ValueError):
        title = f"--- A letter, not sent: no SMTP server is configured (see {settings.url}/mailbox) ---"
        end = "-" * len(title)
        print(f"\n{title}\nTo: {content.to}\nSubject: {content.subject}\n\n{content.text}{end}\n", flush=True)


async def _claim() -> Letter | None:
    """The letter that is due for longest, for LEASE this delivery's alone."""
    # Begins with WITH, as Tortoise returns no rows of what begins with UPDATE
    rows = await fetch(
        """
        WITH due AS (
            SELECT id FROM letter WHERE status = 'queued' AND next_attempt_at <= now()
            ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        UPDATE letter SET attempts = attempts + 1, next_attempt_at = now() + $1
        FROM due WHERE letter.id = due.id RETURNING letter.id
        """,
        LEASE,
    )
    return await Letter.get(id=rows[0]["id"]) if rows else None


async def _settle(letter: Letter, **outcome: Any) -> None:
    """Write the outcome down, waiting for a database that is away: what was sent must not be sent again."""
    known = Letter.filter(id=letter.id)
    if outcome.get("status") != LetterStatus.SENT:
        known = known.filter(status=LetterStatus.QUEUED, attempts=letter.attempts)
    async with asyncio.timeout(LEASE.total_seconds()):
        while True:
            try:
                await known.update(**outcome)
                return
            except Exception as error:
                log.warning("letter.unsettled", letter=str(letter.id), error=repr(error)[:ERROR_LENGTH])
                await asyncio.sleep(events.POLL_SECONDS)


async def _attempt(letter: Letter, server: SmtpServer | None) -> None:
    link = None
    smtp = server.client() if server else None
    try:
        written = await _write(letter)
        if written is None:
            await _settle(letter, status=LetterStatus.DROPPED)
            return
        content, link = written
        if smtp is not None:
            async with asyncio.timeout(CONVERSATION_SECONDS):
                await smtp.connect()
                await smtp.send_message(_message(letter, content))
    except Exception as error:
        await _settle_failure(letter, error, link)
    else:
        kept = asdict(content) if smtp is None else None
        await _settle(letter, status=LetterStatus.SENT, sent_at=datetime.now(UTC), last_error=None, content=kept)
        log.info("letter.sent", letter=str(letter.id), kind=letter.kind)
        if smtp is None:
            _print(content)
    finally:
        if smtp is not None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await smtp.quit(timeout=5)
            smtp.close()


async def _settle_failure(letter: Letter, error: Exception, link: Link | None) -> None:
    reason = _reason(error, link)
    told = {"letter": str(letter.id), "kind": letter.kind, "attempts": letter.attempts, "error": reason}
    if _refused_for_good(error) or datetime.now(UTC) - letter.created_at > GIVE_UP_AFTER:
        log.error("letter.failed", **told)
        await _settle(letter, status=LetterStatus.FAILED, last_error=reason)
        return
    pause = min(FIRST_PAUSE * 2 ** min(letter.attempts - 1, 16), LONGEST_PAUSE)
    pause *= random.uniform(0.75, 1.25)  # noqa: S311
    log.warning("letter.delayed", seconds=round(pause.total_seconds()), **told)
    await _settle(letter, last_error=reason, next_attempt_at=datetime.now(UTC) + pause)


async def _deliver(letter: Letter, server: SmtpServer | None, free: asyncio.Semaphore) -> None:
    try:
        await _attempt(letter, server)
    except Exception as error:
        # Its lease runs out, and it is tried again
        log.error("letter.abandoned", letter=str(letter.id), error=_reason(error, None))
    finally:
        free.release()


async def _work(server: SmtpServer | None, woken: asyncio.Event, stopping: asyncio.Event) -> None:
    free = asyncio.Semaphore(CONCURRENCY)
    async with asyncio.TaskGroup() as deliveries:
        while True:
            await free.acquire()
            if stopping.is_set():
                return
            letter = None
            try:
                letter = await _claim()
            except Exception as error:
                log.error("letters.unreadable", error=repr(error)[:ERROR_LENGTH])
            if letter is not None:
                deliveries.create_task(_deliver(letter, server, free))
            else:
                free.release()
                await events.changed(woken)


@contextlib.asynccontextmanager
async def delivery() -> AsyncIterator[None]:
    """Letters are delivered meanwhile; at the end, those that are being sent are finished.

    Without an SMTP server they are printed, and kept for `mailbox`. Raises MailSettingsError.
    """
    server = smtp_server(settings.smtp_url)
    _sender()
    stopping = asyncio.Event()
    with events.listening(QUEUE) as woken:
        working = asyncio.create_task(_work(server, woken, stopping))
        try:
            yield
        finally:
            stopping.set()
            woken.set()
            await asyncio.wait({working}, timeout=STOP_SECONDS)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def purge() -> None:
    """Forget letters that have long been dealt with, and what the development mailbox held once SMTP is configured."""
    done = Letter.filter(status__not=LetterStatus.QUEUED)
    await done.filter(created_at__lt=datetime.now(UTC) - KEPT).delete()
    if settings.smtp_url:
        await done.filter(content__isnull=False).update(content=None)
