"""Letters are sent if and only if their change happened, and once, whatever servers do meanwhile."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest

from server import events, mail
from server.access import Actor
from server.audit import change
from server.authentication import token_hash
from server.mail import LetterKind
from server.models import Invitation, Letter, LetterStatus
from tests.letters import (
    URL,
    Receiver,
    deliver_all,
    invite,
    none_queued,
    queue_invitation,
    status_of,
    token_in,
    unique,
    until,
)

pytestmark = pytest.mark.usefixtures("forget_url")


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
