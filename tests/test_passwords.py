"""Passwords: forgotten, reset and changed."""

import asyncio

import asyncpg

from tests.accounts import (
    OTHER_PASSWORD,
    UNKNOWN_TOKEN,
    events,
    letters,
    new_email,
    reset_token,
    signs_in,
    someone,
    viewer,
)
from tests.factories import PASSWORD, Client, sign_in
from tests.servers import Mailbox, Server

REQUEST_RESET = """mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
    userErrors { code message field details } } }"""


async def test_reset_request_tells_nothing(
    server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection
) -> None:
    known, odd, unknown = (await someone(server)).email, (await someone(server)).email, new_email()
    for email in (known, odd):  # with the first letter out of the way, only the resets' are counted
        await mailbox.wait(email)
    answers = [
        await Client(server).execute(REQUEST_RESET, {"input": {"email": email}})
        for email in (known, f" {odd.upper()} ", unknown)
    ]
    for answer in answers:
        assert answer.body == {"data": {"requestPasswordReset": {"userErrors": []}}}
        assert answer.headers.keys() == answers[0].headers.keys()
        assert answer.statements == answers[0].statements
    await reset_token(mailbox, known)
    await reset_token(mailbox, odd)
    async with asyncio.timeout(15):
        waiting = "SELECT count(*) FROM letter WHERE recipient = $1 AND status = 'queued'"
        while await database_of_server.fetchval(waiting, unknown):
            await asyncio.sleep(0.05)
    assert mailbox.to(unknown) == []

    for spelling in (known, known.upper()):
        await Client(server).do("requestPasswordReset", {"email": spelling})
    assert await letters(database_of_server, known) == ["verify_email", "reset_password"], "one letter a minute"


async def test_simultaneous_reset_requests_send_one_letter(
    server: Server, database_of_server: asyncpg.Connection
) -> None:
    person = await someone(server)
    for _ in range(5):
        await database_of_server.execute("DELETE FROM letter WHERE recipient = $1", person.email)
        asked = (Client(server).do("requestPasswordReset", {"email": person.email}) for _ in range(4))
        await asyncio.gather(*asked)
        assert await letters(database_of_server, person.email) == ["reset_password"]


async def test_reset_of_no_address(server: Server) -> None:
    error = await Client(server).refused("requestPasswordReset", {"email": "junk"})
    assert (error["code"], error["field"]) == ("INVALID", "email")


async def test_reset_password(server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    other = await sign_in(server, person.email)
    await Client(server).do("requestPasswordReset", {"email": person.email})
    token = await reset_token(mailbox, person.email)

    for weak in ["1234567", "x" * 129, person.email]:
        error = await Client(server).refused("resetPassword", {"token": token, "password": weak})
        assert (error["code"], error["field"]) == ("WEAK_PASSWORD", "password")
    assert (await Client(server).refused("verifyEmail", {"token": token}))["code"] == "EXPIRED"
    assert await viewer(person)

    input = {"token": token, "password": OTHER_PASSWORD}
    payload = await Client(server).do("resetPassword", input, "user { id emailVerified } viewer { user { id } }")
    assert payload == {"user": {"id": person.user_id, "emailVerified": True}, "viewer": None, "userErrors": []}
    assert await viewer(person) is None
    assert await viewer(other) is None
    assert not await signs_in(server, person.email)
    assert await signs_in(server, person.email, OTHER_PASSWORD)
    used = await Client(server).refused("resetPassword", input)
    assert used == await Client(server).refused("resetPassword", input | {"token": UNKNOWN_TOKEN})
    assert (used["code"], used["field"]) == ("EXPIRED", "token")
    assert "account.password_reset" in await events(database_of_server, person)


async def test_one_reset_link_used_twice_at_once(server: Server, mailbox: Mailbox) -> None:
    person = await someone(server)
    await Client(server).do("requestPasswordReset", {"email": person.email})
    token = await reset_token(mailbox, person.email)
    passwords = [f"{OTHER_PASSWORD} {number}" for number in range(3)]
    payloads = await asyncio.gather(
        *(Client(server).mutate("resetPassword", {"token": token, "password": password}) for password in passwords)
    )
    assert sorted(len(payload["userErrors"]) for payload in payloads) == [0, 1, 1]
    for payload, password in zip(payloads, passwords, strict=True):
        assert await signs_in(server, person.email, password) is (payload["userErrors"] == [])


async def test_change_password(server: Server) -> None:
    person = await someone(server)
    other = await sign_in(server, person.email)
    good = {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD}

    wrong = await person.refused("changePassword", good | {"currentPassword": OTHER_PASSWORD})
    assert (wrong["code"], wrong["field"]) == ("WRONG_CREDENTIALS", "currentPassword")
    for weak in ["1234567", "x" * 129, person.email]:
        error = await person.refused("changePassword", good | {"newPassword": weak})
        assert (error["code"], error["field"]) == ("WEAK_PASSWORD", "newPassword")
    assert await viewer(other)

    await person.do("changePassword", good, "user { id }")
    assert (await viewer(person))["user"]["id"] == person.user_id
    assert await viewer(other) is None
    assert not await signs_in(server, person.email)
    assert await signs_in(server, person.email, OTHER_PASSWORD)
