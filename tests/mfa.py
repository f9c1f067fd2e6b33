"""A device that makes one-time codes, and people who have one."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pyotp

from schema.scalars import parse_any_id
from tests.factories import PASSWORD, Answer, Client, Person, sql
from tests.servers import Server

SIGN_IN = """mutation ($input: SignInInput!) { signIn(input: $input) {
    token userErrors { code message field details } } }"""
WRONG, LIMITED, MISSING = ("WRONG_CREDENTIALS", "code"), ("RATE_LIMITED", "code"), ("MFA_REQUIRED", "code")


@dataclass
class Device:
    secret: str
    recovery_codes: list[str]

    def code(self, steps: int = 0) -> str:
        """The code of now, or of so many steps of 30 s later. Each works once."""
        return str(pyotp.TOTP(self.secret).at(datetime.now(UTC), counter_offset=steps))

    @property
    def wrong(self) -> str:
        """None that it shows anywhere near now."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in ("111111", "222222", *(f"{n:06}" for n in range(9))) if code not in near)


async def enrol(person: Person) -> Device:
    """A secret that is not confirmed."""
    return Device((await person.do("enrolTotp", None, "secret"))["secret"], [])


async def turn_on(person: Person) -> Device:
    """As though its first code had been used long ago, so that those of now are still to be used."""
    device = await enrol(person)
    payload = await person.do("confirmTotp", {"code": device.code()}, "recoveryCodes")
    await set_totp(person, "last_step = 0")
    return Device(device.secret, payload["recoveryCodes"])


async def enter(person: Person, code: str | None = None, password: str = PASSWORD) -> Answer:
    """Try to sign in."""
    given = {"email": person.email, "password": password, "code": code}
    return await Client(person.server).execute(SIGN_IN, {"input": given})


def outcome(answer: Answer) -> Any:
    """`signed in`, or code and field of the error."""
    payload = answer.data["signIn"]
    if payload["token"]:
        assert payload["userErrors"] == []
        return "signed in"
    [error] = payload["userErrors"]
    assert "set-cookie" not in answer.headers
    return error["code"], error["field"]


async def tries(person: Person, *codes: str | None) -> list[Any]:
    """What comes of signing in with one code after the other."""
    return [outcome(await enter(person, code)) for code in codes]


async def at_once(database: asyncpg.Connection, person: Person, requests: Sequence[Awaitable[Answer]]) -> list[Any]:
    """What comes of sign-ins that all wait for the account's lock before the first of them gets it."""
    async with asyncio.timeout(30), database.transaction():
        await database.execute("SELECT 1 FROM audit_chain WHERE id = $1 FOR UPDATE", parse_any_id(person.user_id))
        sent = [asyncio.ensure_future(request) for request in requests]
        while await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < len(sent):
            await asyncio.sleep(0.02)
    return [outcome(answer) for answer in await asyncio.gather(*sent)]


async def require_mfa(server: Server, organization_id: str) -> None:
    """What updateOrganizationSettings does, but for the event."""
    settings = """UPDATE organization SET settings = '{"mfa_required": true}' WHERE id = $1"""
    await sql(server, settings, parse_any_id(organization_id))


async def set_totp(person: Person, assignment: str) -> None:
    await sql(person.server, f"UPDATE totp SET {assignment} WHERE user_id = $1", parse_any_id(person.user_id))
