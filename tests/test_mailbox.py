"""Without a mail server: letters are printed and shown in the mailbox."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from server import pages
from server.authentication import token_hash
from server.mail import LetterKind
from server.models import Letter, LetterStatus
from tests.letters import URL, deliver_all, queue_invitation, queue_letter, register

pytestmark = pytest.mark.usefixtures("forget_url")


@pytest.fixture
async def browser(queue: None) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/mailbox", pages.mailbox)])
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


async def test_letters_are_shown_on_this_machine_only() -> None:
    """Their links are live: whoever reads them can take an account over."""
    app = Starlette(routes=[Route("/mailbox", pages.mailbox)])
    for host in ("192.0.2.7", "172.17.0.1", "2001:db8::1"):
        transport = httpx.ASGITransport(app, client=(host, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as stranger:
            answer = await stranger.get("/mailbox")
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
