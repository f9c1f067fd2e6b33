"""Letters are sent if and only if their change happened, and once, whatever servers do meanwhile."""

import asyncio
import contextlib
import email
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTPUTF8
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from starlette.applications import Starlette
from starlette.routing import Route

from server import events, mail
from server.access import Actor
from server.audit import change
from server.authentication import token_hash
from server.database import fetch
from server.mail import LetterKind
from server.models import (
    AccountToken,
    Invitation,
    InvitationStatus,
    InvitationWorkspace,
    Letter,
    LetterStatus,
    Organization,
    Role,
    User,
    Workspace,
    uuid7,
)
from server.settings import settings

URL = "https://team.example.com"


def unique() -> str:
    return uuid7().hex[-12:]


class Receiver:
    """A mail server that does what `on_rcpt` and `on_data` say, and keeps what it has accepted."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.accepted: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.seen: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.on_rcpt: Callable[[str], str] = lambda address: "250 OK"
        self.on_data: Callable[[EmailMessage], Awaitable[str]] | None = None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.on_rcpt(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=SMTPUTF8)
        self.seen.append(message)
        self.raw.append(envelope.content)
        answer = await self.on_data(message) if self.on_data else "250 OK"
        if answer.startswith("250"):
            self.accepted.append(message)
            self.recipients.extend(envelope.rcpt_tos)
        return answer

    @contextlib.contextmanager
    def running(self, **options: Any) -> Iterator[None]:
        controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        controller.start()
        try:
            yield
        finally:
            controller.stop()


@pytest.fixture
async def queue(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty queue, links to URL, and pauses that a test can wait for."""
    await Letter.all().delete()
    monkeypatch.setattr(settings, "public_url", URL)
    monkeypatch.setattr(settings, "mail_from", "Orgraph <no-reply@example.com>")
    monkeypatch.setattr(settings, "smtp_url", "")
    settings.__dict__.pop("url", None)
    monkeypatch.setattr(events, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(mail, "FIRST_PAUSE", timedelta(seconds=0.1))
    monkeypatch.setattr(mail, "LONGEST_PAUSE", timedelta(seconds=0.2))


@pytest.fixture(autouse=True)
def forget_url() -> Iterator[None]:
    yield
    settings.__dict__.pop("url", None)


@pytest.fixture
def smtp(queue: None, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    receiver = Receiver()
    monkeypatch.setattr(settings, "smtp_url", f"smtp://127.0.0.1:{receiver.port}")
    return receiver


async def invite(address: str = "", organization: str = "Acme", inviter: str = "Ada", **fields: Any) -> Invitation:
    owner = await User.create(email=f"{unique()}@example.com", name=inviter, password_hash="-")
    acme = await Organization.create(name=organization, slug=unique())
    role = await Role.create(organization_id=acme.id, key="editor", name="Editor", permissions=[])
    fields = {"expires_at": datetime.now(UTC) + timedelta(days=7), "organization_wide": True} | fields
    return await Invitation.create(
        organization_id=acme.id,
        email=address or f"{unique()}@example.com",
        role_id=role.id,
        invited_by_id=owner.id,
        **fields,
    )


async def register(**fields: Any) -> User:
    return await User.create(email=f"{unique()}@example.com", name="Grace", password_hash="-", **fields)


async def queue_letter(kind: LetterKind, recipient: str | Invitation) -> Letter:
    async with change(Actor()) as unit:
        await mail.enqueue(unit, kind, recipient)
        unit.unchanged()
    address = recipient.email if isinstance(recipient, Invitation) else recipient
    return (await Letter.filter(recipient=address).order_by("-id").limit(1))[0]


async def queue_invitation(**fields: Any) -> tuple[Invitation, Letter]:
    invitation = await invite(**fields)
    return invitation, await queue_letter(LetterKind.INVITATION, invitation)


async def until(happened: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not await happened():
        assert time.monotonic() < deadline, "It did not happen in time"
        await asyncio.sleep(0.02)


async def none_queued() -> bool:
    return not await Letter.filter(status=LetterStatus.QUEUED).exists()


async def deliver_all() -> None:
    async with mail.delivery():
        await until(none_queued)


async def status_of(letter: Letter) -> LetterStatus:
    return (await Letter.get(id=letter.id)).status


def text_of(message: EmailMessage, subtype: str = "plain") -> str:
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content())


def token_in(message: EmailMessage) -> str:
    found = re.search(r"\?token=([\w-]+)", text_of(message))
    assert found is not None
    return found[1]


async def test_an_invitation_is_sent_once_with_all_that_it_should_say(smtp: Receiver) -> None:
    invitation, letter = await queue_invitation(message="Join us,\nplease.", organization_wide=False)
    for name in ("Staging", "Production"):
        workspace = await Workspace.create(organization_id=invitation.organization_id, name=name, slug=name.lower())
        await InvitationWorkspace.create(invitation_id=invitation.id, workspace_id=workspace.id)
    with smtp.running():
        await deliver_all()
        await deliver_all()
    [message] = smtp.accepted
    assert message["To"] == invitation.email
    assert message["From"] == "Orgraph <no-reply@example.com>"
    assert message["Subject"] == "Ada invites you to Acme"
    assert message["Message-ID"] == f"<{letter.id}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert abs(message["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)
    assert message.get_content_type() == "multipart/alternative"
    link = f"{URL}/accept-invitation?token={token_in(message)}"
    expiry = f"{invitation.expires_at.day} {invitation.expires_at:%B %Y, %H:%M} UTC"
    for subtype in ("plain", "html"):
        text = text_of(message, subtype)
        for fact in (link, "Ada", "Acme", "Editor", "Staging", "Production", "Join us,", "please.", expiry):
            assert fact in text
    assert link.encode() in smtp.raw[0], "A link in one piece is one that every program recognizes"
    sent = await Letter.get(id=letter.id)
    assert (sent.status, sent.attempts, sent.content) == (LetterStatus.SENT, 1, None)
    assert sent.sent_at is not None
    await invitation.refresh_from_db()
    assert invitation.token_hash == token_hash(token_in(message))


async def test_names_can_neither_break_out_of_html_nor_into_headers(smtp: Receiver) -> None:
    organization = 'Zoë\'s "A&B" <script>alert(1)</script> Ünïcode ' + "長" * 40
    await queue_invitation(organization=organization, inviter="Eve <eve@evil.example>, Bcc: x@y.example")
    with smtp.running():
        await deliver_all()
    [message] = smtp.accepted
    assert message["Subject"] == f"Eve <eve@evil.example>, Bcc: x@y.example invites you to {organization}"
    assert message["Bcc"] is None
    assert organization in text_of(message)
    assert "<script" not in text_of(message, "html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text_of(message, "html")


async def test_a_line_break_in_a_subject_ends_no_header(queue: None) -> None:
    letter = Letter(id=uuid7(), kind="verify_email", recipient="a@example.com")
    link = mail.Link("verify-email", datetime.now(UTC))
    content = mail._render(letter, link, name="Ada\r\nBcc: x@y.example")
    assert "\n" not in content.subject
    hostile = mail.Content("a@example.com\r\nBcc: x@y.example", "Hi", "text", "html")
    with pytest.raises(ValueError, match="CR or LF"):
        mail._message(letter, hostile)


@pytest.mark.parametrize("message", ["x" * 1000, '"' * 1000, "é" * 1000, "word " * 190, "a\r\nb\rc\nd"])
async def test_long_messages_arrive_whole_in_lines_that_smtp_allows(smtp: Receiver, message: str) -> None:
    await queue_invitation(message=message.strip())
    with smtp.running():
        await deliver_all()
    [raw] = smtp.raw
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    [received] = smtp.accepted
    for part in received.iter_parts():
        if part["Content-Transfer-Encoding"] in ("quoted-printable", "base64"):
            assert max(len(line) for line in str(part.get_payload()).splitlines()) <= 76
    condensed = "".join(text_of(received).split())
    assert "".join(message.split()) in condensed
    token_in(received)


async def test_what_is_rolled_back_sends_nothing(smtp: Receiver) -> None:
    invitation = await invite()
    with contextlib.suppress(LookupError):
        async with change(Actor()) as unit:
            await mail.enqueue(unit, LetterKind.INVITATION, invitation)
            assert await Letter.exists()
            raise LookupError
    assert not await Letter.exists()


async def test_a_commit_wakes_the_delivery(smtp: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "POLL_SECONDS", 30.0)
    with smtp.running():
        async with mail.delivery():
            await asyncio.sleep(0.1)
            await queue_invitation()
            await until(none_queued, 5)
    assert len(smtp.accepted) == 1


async def test_a_server_that_is_down_loses_nothing_and_doubles_nothing(smtp: Receiver) -> None:
    letters = [(await queue_invitation())[1] for _ in range(5)]

    async def all_tried_twice() -> bool:
        return await Letter.filter(attempts__gte=2, status=LetterStatus.QUEUED).count() == 5

    async with mail.delivery():
        await until(all_tried_twice)
        assert "SMTPConnectError" in ((await Letter.get(id=letters[0].id)).last_error or "")
        with smtp.running():
            await until(none_queued)
    assert sorted(smtp.recipients) == sorted(letter.recipient for letter in letters)
    assert {letter.status for letter in await Letter.all()} == {LetterStatus.SENT}
    assert {letter.last_error for letter in await Letter.all()} == {None}


async def test_a_temporary_refusal_is_retried_with_a_new_link_and_the_same_id(smtp: Receiver) -> None:
    invitation, letter = await queue_invitation()

    async def later(message: EmailMessage) -> str:
        return "250 OK" if len(smtp.seen) > 2 else "451 Try later"

    smtp.on_data = later
    with smtp.running():
        await deliver_all()
    assert len(smtp.accepted) == 1
    assert {message["Message-ID"] for message in smtp.seen} == {f"<{letter.id}@example.com>"}
    assert len({token_in(message) for message in smtp.seen}) == 3
    await invitation.refresh_from_db()
    assert invitation.token_hash == token_hash(token_in(smtp.accepted[0]))


async def test_an_unknown_recipient_fails_at_once(smtp: Receiver) -> None:
    smtp.on_rcpt = lambda address: "550 No such user"
    _, letter = await queue_invitation()
    with smtp.running():
        await deliver_all()
    failed = await Letter.get(id=letter.id)
    assert (failed.status, failed.attempts) == (LetterStatus.FAILED, 1)
    assert failed.last_error is not None
    assert "No such user" in failed.last_error


async def test_refused_content_fails_at_once_and_its_error_hides_the_token(smtp: Receiver) -> None:
    async def spam(message: EmailMessage) -> str:
        return f"554 Spam: {URL}/accept-invitation?token={token_in(message)} is listed"

    smtp.on_data = spam
    _, letter = await queue_invitation()
    with smtp.running():
        await deliver_all()
    failed = await Letter.get(id=letter.id)
    assert (failed.status, failed.attempts) == (LetterStatus.FAILED, 1)
    assert "Spam" in (failed.last_error or "")
    assert token_in(smtp.seen[0]) not in (failed.last_error or "")


async def test_a_greylisted_recipient_is_retried(smtp: Receiver) -> None:
    answers = iter(["450 Greylisted", "450 Greylisted"])
    smtp.on_rcpt = lambda address: next(answers, "250 OK")
    _, letter = await queue_invitation()
    with smtp.running():
        await deliver_all()
    sent = await Letter.get(id=letter.id)
    assert (sent.status, sent.attempts) == (LetterStatus.SENT, 3)


async def test_it_gives_up_after_three_days(smtp: Receiver) -> None:
    _, fresh = await queue_invitation()
    _, old = await queue_invitation()
    await Letter.filter(id=old.id).update(created_at=datetime.now(UTC) - timedelta(days=3, minutes=1))

    async def tried() -> bool:
        return await Letter.filter(id=fresh.id, attempts__gte=2).exists()

    async with mail.delivery():
        await until(tried)
    assert await status_of(old) == LetterStatus.FAILED
    assert await status_of(fresh) == LetterStatus.QUEUED


async def test_what_a_killed_server_had_claimed_is_sent_when_its_lease_is_over(smtp: Receiver) -> None:
    _, over = await queue_invitation()
    _, leased = await queue_invitation()
    now = datetime.now(UTC)
    await Letter.filter(id=over.id).update(attempts=1, next_attempt_at=now - timedelta(seconds=1))
    await Letter.filter(id=leased.id).update(attempts=1, next_attempt_at=now + timedelta(minutes=4))
    with smtp.running():
        async with mail.delivery():
            await asyncio.sleep(0.5)
    assert smtp.recipients == [over.recipient]


async def test_who_has_lost_the_lease_leaves_the_letter_alone(smtp: Receiver) -> None:
    _, letter = await queue_invitation()
    others = datetime.now(UTC) + timedelta(minutes=4)
    loop, taken = asyncio.get_running_loop(), asyncio.Event()
    overtaken = asyncio.Event()

    async def late(message: EmailMessage) -> str:
        loop.call_soon_threadsafe(taken.set)
        while not overtaken.is_set():
            await asyncio.sleep(0.02)
        return "554 No"

    smtp.on_data = late
    with smtp.running():
        async with mail.delivery():
            await taken.wait()
            await Letter.filter(id=letter.id).update(attempts=2, next_attempt_at=others)
            overtaken.set()
    await letter.refresh_from_db()
    assert (letter.status, letter.next_attempt_at) == (LetterStatus.QUEUED, others)


async def test_two_deliveries_share_a_queue(smtp: Receiver) -> None:
    invitation = await invite()
    fields: dict[str, Any] = {"role_id": invitation.role_id, "organization_id": invitation.organization_id}
    fields |= {"expires_at": invitation.expires_at, "organization_wide": True}
    invitations = [Invitation(email=f"{unique()}@example.com", **fields) for _ in range(200)]
    async with change(Actor()) as unit:
        await unit.begin()
        await Invitation.bulk_create(invitations)
        await mail.enqueue(unit, LetterKind.INVITATION, *invitations)
        unit.unchanged()
    with smtp.running():
        async with mail.delivery(), mail.delivery():
            await until(none_queued, 60)
    assert sorted(smtp.recipients) == sorted(invitation.email for invitation in invitations)
    assert await Letter.filter(status=LetterStatus.SENT, attempts=1).count() == 200


async def test_a_slow_answer_holds_up_nobody_else(smtp: Receiver) -> None:
    finished = asyncio.Event()
    _, slow = await queue_invitation()

    async def maybe_slow(message: EmailMessage) -> str:
        while message["To"] == slow.recipient and not finished.is_set():
            await asyncio.sleep(0.02)
        return "250 OK"

    smtp.on_data = maybe_slow
    others = [(await queue_invitation())[1] for _ in range(10)]

    async def others_sent() -> bool:
        return len(smtp.accepted) == len(others)

    with smtp.running():
        async with mail.delivery():
            await until(others_sent)
            assert await status_of(slow) == LetterStatus.QUEUED
            finished.set()
            await until(none_queued)
    assert len(smtp.accepted) == 11


async def test_a_letter_that_is_being_sent_is_finished_at_the_end(smtp: Receiver) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slow(message: EmailMessage) -> str:
        loop.call_soon_threadsafe(begun.set)
        await asyncio.sleep(0.5)
        return "250 OK"

    smtp.on_data = slow
    _, letter = await queue_invitation()
    with smtp.running():
        async with mail.delivery():
            await begun.wait()
    assert await status_of(letter) == LetterStatus.SENT


async def test_a_server_that_never_answers_does_not_hold_up_the_end(
    smtp: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "STOP_SECONDS", 0.2)
    _, letter = await queue_invitation()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", smtp.port):
        async with mail.delivery():
            await asyncio.sleep(0.2)
        assert await status_of(letter) == LetterStatus.QUEUED


async def test_a_silent_server_is_a_failure_that_is_retried(smtp: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "SMTP_SECONDS", 0.2)
    _, letter = await queue_invitation()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def retried() -> bool:
        return (await Letter.get(id=letter.id)).attempts >= 2

    async with mail.delivery():
        async with await asyncio.start_server(silent, "127.0.0.1", smtp.port):
            await until(retried)
        with smtp.running():
            await until(none_queued)
    assert len(smtp.accepted) == 1


async def test_a_database_that_fails_once_makes_no_double(smtp: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    _, letter = await queue_invitation()
    filters = []

    def failing(*args: Any, **kwargs: Any) -> Any:
        filters.append(kwargs)
        known = Letter.filter(*args, **kwargs)
        if len(filters) > 1:
            return known

        tries = []

        async def update(**fields: Any) -> int:
            tries.append(fields)
            if len(tries) < 3:
                raise ConnectionError("away")
            return int(await known.update(**fields))

        return SimpleNamespace(update=update)

    monkeypatch.setattr(mail, "Letter", SimpleNamespace(filter=failing, get=Letter.get))
    with smtp.running():
        await deliver_all()
    assert len(smtp.accepted) == 1
    assert await status_of(letter) == LetterStatus.SENT


async def test_a_letter_whose_occasion_has_passed_is_dropped(smtp: Receiver) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    for fields in ({"status": InvitationStatus.REVOKED}, {"expires_at": past}):
        await queue_invitation(**fields)
    orphan, _ = await queue_invitation()
    await Organization.filter(id=orphan.organization_id).update(deleted_at=past, purge_at=past)
    verified = await register(email_verified_at=past)
    await queue_letter(LetterKind.VERIFY_EMAIL, verified.email)
    await queue_letter(LetterKind.VERIFY_EMAIL, "nobody@example.com")
    await queue_letter(LetterKind.RESET_PASSWORD, "nobody@example.com")
    with smtp.running():
        await deliver_all()
    assert smtp.seen == []
    assert [letter.status for letter in await Letter.all()] == [LetterStatus.DROPPED] * 6
    assert {letter.last_error for letter in await Letter.all()} == {None}
    assert not await AccountToken.filter(user_id=verified.id).exists()


async def test_a_letter_takes_the_place_of_one_like_it_that_waits(smtp: Receiver) -> None:
    invitation, first = await queue_invitation()
    second = await queue_letter(LetterKind.INVITATION, invitation)
    user = await register()
    await queue_letter(LetterKind.RESET_PASSWORD, user.email)
    await queue_letter(LetterKind.VERIFY_EMAIL, user.email)
    with smtp.running():
        await deliver_all()
    assert (await status_of(first), await status_of(second)) == (LetterStatus.DROPPED, LetterStatus.SENT)
    assert sorted(smtp.recipients) == sorted([invitation.email, user.email, user.email])


@pytest.mark.parametrize(
    ("kind", "path", "lifetime"),
    [
        (LetterKind.VERIFY_EMAIL, "verify-email", settings.email_verification_ttl),
        (LetterKind.RESET_PASSWORD, "reset-password", settings.password_reset_ttl),
    ],
)
async def test_an_account_has_one_link_of_a_kind(
    smtp: Receiver, kind: LetterKind, path: str, lifetime: timedelta
) -> None:
    user = await register()
    with smtp.running():
        for _ in range(2):
            await queue_letter(kind, user.email)
            await deliver_all()
    first, second = smtp.accepted
    assert f"{URL}/{path}?token={token_in(second)}" in text_of(second, "html")
    assert "Grace" in text_of(second)
    assert token_in(first) != token_in(second)
    [token] = await AccountToken.filter(user_id=user.id)
    assert (token.purpose, token.token_hash) == (kind.value, token_hash(token_in(second)))
    assert abs(token.expires_at - datetime.now(UTC) - lifetime) < timedelta(minutes=1)


async def test_no_token_rests_in_the_database(smtp: Receiver) -> None:
    await queue_invitation()
    user = await register()
    await queue_letter(LetterKind.VERIFY_EMAIL, user.email)
    await queue_letter(LetterKind.RESET_PASSWORD, user.email)
    with smtp.running():
        await deliver_all()
    tokens = [token_in(message) for message in smtp.accepted]
    assert len(set(tokens)) == 3
    tables = await fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    dump = ""
    for (table,) in tables:
        dump += str(await fetch(f'SELECT to_jsonb(t)::text FROM "{table}" t'))
    for token in tokens:
        assert token_hash(token) in dump
        assert token not in dump


async def test_credentials_may_have_any_character(smtp: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "smtp_url", f"smtp://us%40er:p%2Fa%23%3Ass@127.0.0.1:{smtp.port}")

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"us@er", b"p/a#:ss"))

    await queue_invitation()
    options = {"authenticator": authenticate, "auth_require_tls": False}
    with smtp.running(**options):
        await deliver_all()
    assert len(smtp.accepted) == 1


async def test_an_address_beyond_ascii_takes_a_server_that_knows_them(smtp: Receiver) -> None:
    address = f"jörg.{unique()}@example.com"
    _, letter = await queue_invitation(address=address)
    with smtp.running(enable_SMTPUTF8=True):
        await deliver_all()
    assert smtp.recipients == [address]
    assert f"To: {address}\r\n".encode() in smtp.raw[0]

    _, letter = await queue_invitation(address=f"jürgen.{unique()}@example.com")
    with smtp.running(enable_SMTPUTF8=False):
        await deliver_all()
    assert await status_of(letter) == LetterStatus.FAILED


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", None),
        ("smtp://mail.example.com", ("mail.example.com", None, None, None, False, None)),
        ("smtp://u:p%40@[::1]:2525?starttls=1", ("::1", 2525, "u", "p@", False, True)),
        ("smtp://localhost:25/?starttls=0", ("localhost", 25, None, None, False, False)),
        ("smtps://u:p@h:465", ("h", 465, "u", "p", True, None)),
    ],
)
def test_smtp_urls(url: str, expected: tuple[Any, ...] | None) -> None:
    server = mail.smtp_server(url)
    assert (server and tuple(vars(server).values())) == expected
    assert server is None or server.client() is not None


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com:25",
        "http://h",
        "smtp://",
        "smtp://u:secret/word@h:25",
        "smtp://u:secret#word@h:25",
        "smtp://u:secret@h:port",
        "smtp://u:secret@h:99999",
        "smtp://u:secret@h?starttls=maybe",
        "smtp://u:secret@h?tls=1",
        "smtps://u:secret@h?starttls=1",
    ],
)
async def test_a_bad_smtp_url_is_told_at_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "smtp_url", url)
    with pytest.raises(mail.MailSettingsError, match="ORGRAPH_SMTP_URL") as raised:
        async with mail.delivery():
            pass
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("sender", ["", "Orgraph", "Orgraph, Inc. <a@example.com>", "a@example.com\nBcc: b@c.d"])
async def test_a_bad_sender_is_told_at_start(sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "mail_from", sender)
    with pytest.raises(mail.MailSettingsError, match="ORGRAPH_MAIL_FROM"):
        async with mail.delivery():
            pass


@pytest.fixture
async def browser(queue: None) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/mailbox", mail.mailbox)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_without_smtp_letters_are_printed_and_kept(
    browser: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    invitation, letter = await queue_invitation(organization="<b>Acme</b>")
    await deliver_all()
    user = await register()
    await queue_letter(LetterKind.RESET_PASSWORD, user.email)
    await deliver_all()
    printed = capsys.readouterr().out
    assert f"To: {invitation.email}\nSubject: Ada invites you to <b>Acme</b>\n" in printed
    answer = await browser.get("/mailbox", headers={"Accept": "application/json"})
    newest, oldest = answer.json()
    assert newest.keys() == {"to", "subject", "text", "createdAt"}
    assert (newest["to"], oldest["to"]) == (user.email, invitation.email)
    assert datetime.fromisoformat(oldest["createdAt"]) == letter.created_at
    token = re.search(r"/accept-invitation\?token=([\w-]+)", oldest["text"])
    assert token is not None
    assert token[0] in printed
    await invitation.refresh_from_db()
    assert invitation.token_hash == token_hash(token[1])


async def test_the_mailbox_runs_nothing_that_a_letter_says(browser: httpx.AsyncClient) -> None:
    assert "There is no letter yet" in (await browser.get("/mailbox")).text
    await queue_invitation(organization='"><script>alert(1)</script>')
    await deliver_all()
    answer = await browser.get("/mailbox", headers={"Accept": "text/html,*/*"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert re.search(rf'<a href="{URL}/accept-invitation\?token=[\w-]+"', answer.text)
    assert '<iframe title="' in answer.text
    assert "allow-scripts" not in answer.text
    assert "allow-same-origin" not in answer.text


async def test_the_mailbox_shows_the_newest_hundred(browser: httpx.AsyncClient) -> None:
    rows = [
        Letter(
            kind="verify_email",
            recipient="a@example.com",
            status=LetterStatus.SENT,
            next_attempt_at=datetime.now(UTC),
            content={"to": "a@example.com", "subject": f"{number}", "text": "", "html": ""},
        )
        for number in range(101)
    ]
    await Letter.bulk_create(rows)
    shown = json.loads((await browser.get("/mailbox", headers={"Accept": "application/json"})).text)
    assert [letter["subject"] for letter in shown] == [str(number) for number in range(100, 0, -1)]
