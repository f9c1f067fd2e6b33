"""What letters say, and where they are sent by which settings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from server import mail
from server.authentication import token_hash
from server.database import fetch
from server.mail import LetterKind
from server.models import (
    AccountToken,
    InvitationStatus,
    InvitationWorkspace,
    Letter,
    LetterStatus,
    Organization,
    Workspace,
)
from server.rows import uuid7
from server.settings import settings
from tests.letters import (
    URL,
    Receiver,
    deliver_all,
    queue_invitation,
    queue_letter,
    register,
    status_of,
    text_of,
    token_in,
    unique,
)

pytestmark = pytest.mark.usefixtures("forget_url")


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
