"""A queue of letters, and a mail server that does as it is told."""

import asyncio
import contextlib
import email
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any

from aiosmtpd.controller import Controller

from server import mail
from server.access import Actor
from server.audit import change
from server.mail import LetterKind
from server.models import Invitation, Letter, LetterStatus, Organization, Role, User
from server.rows import uuid7

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


async def invite(address: str = "", organization: str = "Acme", inviter: str = "Ada", **fields: Any) -> Invitation:
    owner = await User.create(email=f"{unique()}@example.com", name=inviter, password_hash="-")
    acme = await Organization.create(name=organization, slug=unique())
    role = await Role.create(
        organization_id=acme.id, key="editor", name="Editor", normalized_name="editor", permissions=[]
    )
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
