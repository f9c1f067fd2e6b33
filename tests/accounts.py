"""What tests of accounts, sessions and passwords share."""

import asyncio
from typing import Any

import asyncpg

from tests.factories import PASSWORD, Answer, Client, Person, sign_up, unique
from tests.servers import Mailbox, Server, link_token, text_of

OTHER_PASSWORD = "staple, tightly"
UNKNOWN_TOKEN = "A" * 43
VIEWER = "{ viewer { user { id email emailVerified name } session { id } organization { id name } } }"
SIGN_UP = """mutation ($input: SignUpInput!) { signUp(input: $input) {
    token viewer { user { email } } userErrors { code message field } } }"""


def new_email() -> str:
    return f"{unique('person')}@example.com"


def new_account(email: str, **input: Any) -> dict[str, Any]:
    return {"input": {"email": email, "password": PASSWORD, "name": "Some Body"} | input}


async def viewer(client: Client, **headers: str) -> Any:
    """Null for somebody who is not signed in."""
    answer = await client.execute(VIEWER, **headers)
    if answer.codes:
        assert answer.codes == ["UNAUTHENTICATED"]
    return answer.body["data"]["viewer"]


async def someone(server: Server) -> Person:
    return await sign_up(server)


async def signs_in(server: Server, email: str, password: str = PASSWORD) -> bool:
    payload = await Client(server).mutate("signIn", {"email": email, "password": password}, "token")
    if payload["token"]:
        return True
    assert [error["code"] for error in payload["userErrors"]] == ["WRONG_CREDENTIALS"]
    return False


def cookie_of(answer: Answer) -> dict[str, str]:
    """The one cookie that an answer sets: its name, value and attributes, attributes' names in lower case."""
    [header] = answer.headers.get_list("set-cookie")
    (name, value), *attributes = (part.strip().partition("=")[::2] for part in header.split(";"))
    return {"name": name, "value": value} | {key.lower(): text for key, text in attributes}


async def reset_token(mailbox: Mailbox, email: str, count: int = 1) -> str:
    """The token of the `count`th letter that resets a password."""
    async with asyncio.timeout(15):
        while (
            len(found := [letter for letter in mailbox.to(email) if "/reset-password?" in letter.as_string()]) < count
        ):
            await asyncio.sleep(0.02)
    return link_token(text_of(found[count - 1]), "/reset-password")


async def letters(database: asyncpg.Connection, email: str) -> list[str]:
    """The kinds of the letters to an address, sent or to be sent."""
    found = "SELECT kind FROM letter WHERE recipient = $1 AND status <> 'dropped' ORDER BY id"
    return [row["kind"] for row in await database.fetch(found, email)]


async def events(database: asyncpg.Connection, person: Person) -> list[str]:
    """The actions in the account's own chain."""
    rows = await database.fetch(
        'SELECT e.action FROM audit_event e JOIN "user" u ON u.id = e.chain_id WHERE u.email = $1 ORDER BY e.sequence',
        person.email,
    )
    return [row["action"] for row in rows]
