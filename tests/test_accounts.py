"""Accounts: sign-up, sign-in and out, proof of addresses, passwords, profile, sessions, the end."""

import asyncio
import hashlib
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.factories import PASSWORD, Answer, Client, Person, join, owner, sign_in, sign_up, unique, verify
from tests.servers import Mailbox, Postgres, Server, link_token, start_server, text_of

OTHER_PASSWORD = "staple, tightly"
UNKNOWN_TOKEN = "A" * 43
INSTALLATION = "00000000-0000-0000-0000-000000000000"
VIEWER = "{ viewer { user { id email emailVerified name } session { id } organization { id name } } }"
SIGN_UP = """mutation ($input: SignUpInput!) { signUp(input: $input) {
    token viewer { user { email } } userErrors { code message field } } }"""
SIGN_IN = """mutation ($input: SignInInput!) { signIn(input: $input) {
    token viewer { user { email } } userErrors { code message field details } } }"""
REQUEST_RESET = """mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
    userErrors { code message field details } } }"""


@pytest.fixture
async def database_of_server(server: Server) -> AsyncIterator[asyncpg.Connection]:
    connection = await Postgres(server.database_url).connect()
    yield connection
    await connection.close()


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


async def a_minute_passes(database: asyncpg.Connection, email: str) -> None:
    """As far as the letters to an address can tell."""
    await database.execute("UPDATE letter SET created_at = created_at - interval '61 s' WHERE recipient = $1", email)


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


# Sign-up


async def test_sign_up_with_an_organization(server: Server) -> None:
    email, name = new_email(), unique("Organization ")
    answer = await Client(server).execute(SIGN_UP, new_account(email, organizationName=name))
    payload = answer.data["signUp"]
    assert payload["userErrors"] == []
    assert payload["viewer"]["user"]["email"] == email

    cookie = cookie_of(answer)
    assert cookie["value"] == payload["token"]
    assert "httponly" in cookie
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert "domain" not in cookie
    assert int(cookie["max-age"]) > 0

    by_token = await Client(server, payload["token"]).query(
        "{ viewer { user { name emailVerified } organization { name slug } "
        "memberships { nodes { organization { name } roles { key } status } } } }"
    )
    by_cookie = await viewer(Client(server), Cookie=f"{cookie['name']}={cookie['value']}")
    assert by_cookie["user"]["email"] == email
    assert by_cookie["organization"]["name"] == name
    assert by_token["viewer"] == {
        "user": {"name": "Some Body", "emailVerified": False},
        "organization": {"name": name, "slug": name.lower().replace(" ", "-")},
        "memberships": {"nodes": [{"organization": {"name": name}, "roles": [{"key": "owner"}], "status": "ACTIVE"}]},
    }


async def test_sign_up_without_an_organization(server: Server) -> None:
    person = await someone(server)
    found = await person.query(
        "{ viewer { organization { id } workspace { id } permissions memberships { totalCount } } }"
    )
    assert found["viewer"] == {
        "organization": None,
        "workspace": None,
        "permissions": [],
        "memberships": {"totalCount": 0},
    }


@pytest.mark.parametrize("spelling", ["{}", " {} ", "{upper}", "{full_width}", "{kelvin}"])
async def test_sign_up_with_an_address_that_has_an_account(server: Server, spelling: str) -> None:
    person = await sign_up(server, f"k{new_email()}")
    full_width = person.email.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    kelvin = "\N{KELVIN SIGN}" + person.email[1:]
    typed = spelling.format(person.email, upper=person.email.upper(), full_width=full_width, kelvin=kelvin)
    answer = await Client(server).execute(SIGN_UP, new_account(typed))
    [error] = answer.data["signUp"]["userErrors"]
    assert (error["code"], error["field"]) == ("TAKEN", "email")
    assert answer.data["signUp"]["token"] is None
    assert "set-cookie" not in answer.headers


async def test_refused_sign_up_leaves_nothing(server: Server, database_of_server: asyncpg.Connection) -> None:
    email = new_email()
    error = await Client(server).refused("signUp", new_account(email, organizationName="x" * 101)["input"])
    assert (error["code"], error["field"]) == ("TOO_LONG", "organizationName")
    assert await database_of_server.fetchval('SELECT count(*) FROM "user" WHERE email = $1', email) == 0
    assert await letters(database_of_server, email) == []


async def test_simultaneous_sign_ups_with_one_address(server: Server, database_of_server: asyncpg.Connection) -> None:
    for _ in range(20):
        email, name = new_email(), unique("Racers ")
        input = new_account(email, organizationName=name)["input"]
        payloads = await asyncio.gather(*(Client(server).mutate("signUp", input, "token") for _ in range(3)))
        won = [payload for payload in payloads if payload["token"]]
        lost = [payload["userErrors"][0] for payload in payloads if not payload["token"]]
        assert len(won) == 1
        assert [(error["code"], error["field"]) for error in lost] == [("TAKEN", "email")] * 2
        assert (await viewer(Client(server, won[0]["token"])))["user"]["email"] == email
        assert await database_of_server.fetchval('SELECT count(*) FROM "user" WHERE email = $1', email) == 1
        assert await database_of_server.fetchval("SELECT count(*) FROM organization WHERE name = $1", name) == 1


async def test_weak_passwords(server: Server) -> None:
    email = new_email()
    for password in ["", "1234567", "x" * 129, email, f" {email.upper()} "]:
        error = await Client(server).refused("signUp", new_account(email, password=password)["input"])
        assert (error["code"], error["field"]) == ("WEAK_PASSWORD", "password"), password
    assert not await signs_in(server, email, "1234567")


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "пароль-пароль", "        8"])
async def test_good_passwords(server: Server, password: str) -> None:
    email = (await sign_up(server, password=password)).email
    assert await signs_in(server, email, password)
    assert not await signs_in(server, email, f"{password}x")
    assert not await signs_in(server, email, password[:-1])


NAMES = [
    ("", "REQUIRED"),
    (" \t ", "REQUIRED"),
    ("\u200b\u200d", "REQUIRED"),
    ("x" * 101, "TOO_LONG"),
    ("a\nb", "INVALID"),
    ("a\0b", "INVALID"),
    ("a\x1bb", "INVALID"),
    ("a\u2029b", "INVALID"),
]


@pytest.mark.parametrize(("name", "code"), NAMES)
async def test_bad_names(server: Server, name: str, code: str) -> None:
    error = await Client(server).refused("signUp", new_account(new_email(), name=name)["input"])
    assert (error["code"], error["field"]) == (code, "name")
    input = new_account(new_email(), organizationName=name)["input"]
    error = await Client(server).refused("signUp", input)
    assert (error["code"], error["field"]) == (code, "organizationName")


async def test_names_are_stored_trimmed_and_composed(server: Server) -> None:
    person = await sign_up(server, name="  Jose\u0301 \n")
    assert (await viewer(person))["user"]["name"] == "José"
    changed = await person.do("updateProfile", {"name": "e\u0301" * 100}, "user { name }")
    assert changed["user"]["name"] == "é" * 100


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "REQUIRED"),
        (" \u3000 ", "REQUIRED"),
        ("plain", "INVALID"),
        ("@example.com", "INVALID"),
        ("ann@", "INVALID"),
        ("ann@example", "INVALID"),
        ("ann@@example.com", "INVALID"),
        ("ann lee@example.com", "INVALID"),
        ("ann@exam ple.com", "INVALID"),
        ("ann..lee@example.com", "INVALID"),
        (".ann@example.com", "INVALID"),
        ("ann@example..com", "INVALID"),
        ("ann@-example.com", "INVALID"),
        ("ann@[127.0.0.1]", "INVALID"),
        ('"ann lee"@example.com', "INVALID"),
        ("Ann <ann@example.com>", "INVALID"),
        ("ann@example.com,bob@example.com", "INVALID"),
        ("ann@example.com\nBcc: bob@example.com", "INVALID"),
        ("ann@example.com\0", "INVALID"),
        ("ann\u200b@example.com", "INVALID"),
        ("a" * 65 + "@example.com", "INVALID"),
        ("ann@" + "x" * 64 + ".com", "INVALID"),
        ("ann@" + "x." * 125 + "com", "TOO_LONG"),
    ],
)
async def test_bad_addresses(server: Server, email: str, code: str) -> None:
    error = await Client(server).refused("signUp", new_account(email)["input"])
    assert (error["code"], error["field"]) == (code, "email")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  {}@Example.COM ", "{}@example.com"),
        ("A.{}+Shop@example.com", "a.{}+shop@example.com"),
        ("ＡＮＮ{}＠ｅｘａｍｐｌｅ．ｃｏｍ", "ann{}@example.com"),
        ("{}@Bücher.example", "{}@xn--bcher-kva.example"),
    ],
)
async def test_addresses_are_normalized(server: Server, typed: str, stored: str) -> None:
    number = unique("x")
    person = await sign_up(server, typed.format(number))
    assert person.email == stored.format(number)
    assert await signs_in(server, typed.format(number))
    assert await signs_in(server, stored.format(number))


async def test_dots_and_plus_tell_two_accounts_apart(server: Server) -> None:
    number = unique("x")
    spellings = [f"a.b.{number}@example.com", f"ab{number}@example.com", f"ab{number}+shop@example.com"]
    people = [await sign_up(server, spelling) for spelling in spellings]
    assert len({person.user_id for person in people}) == 3


# Proof of the address


async def test_link_verifies_once(server: Server, mailbox: Mailbox) -> None:
    person = await someone(server)
    assert (await viewer(person))["user"]["emailVerified"] is False
    token = await mailbox.token(person.email, path="/verify-email")

    unknown = await Client(server).refused("verifyEmail", {"token": UNKNOWN_TOKEN})
    assert (unknown["code"], unknown["field"]) == ("EXPIRED", "token")
    for junk in ["", "\0", "ü", token[:-1], token.swapcase(), "x" * 10_000]:
        assert await Client(server).refused("verifyEmail", {"token": junk}) == unknown
    assert await Client(server).refused("resetPassword", {"token": token, "password": OTHER_PASSWORD}) == unknown

    verified = await Client(server).do(
        "verifyEmail", {"token": token}, "user { id emailVerified } viewer { user { id } }"
    )
    assert verified["user"] == {"id": person.user_id, "emailVerified": True}
    assert verified["viewer"] is None, "following a link is no sign-in"
    assert (await viewer(person))["user"]["emailVerified"] is True
    assert await Client(server).refused("verifyEmail", {"token": token}) == unknown


async def test_one_link_followed_twice_at_once(server: Server, mailbox: Mailbox) -> None:
    person = await someone(server)
    token = await mailbox.token(person.email, path="/verify-email")
    tries = (Client(server).mutate("verifyEmail", {"token": token}) for _ in range(4))
    errors = [payload["userErrors"] for payload in await asyncio.gather(*tries)]
    assert sorted(error[0]["code"] if error else "" for error in errors) == ["", "EXPIRED", "EXPIRED", "EXPIRED"]


async def test_expired_link_verifies_nothing(
    server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection
) -> None:
    person = await someone(server)
    token = await mailbox.token(person.email, path="/verify-email")
    past = "UPDATE account_token SET expires_at = now() - interval '1 s' WHERE token_hash = $1"
    assert await database_of_server.execute(past, hashlib.sha256(token.encode()).hexdigest()) == "UPDATE 1"
    assert (await Client(server).refused("verifyEmail", {"token": token}))["code"] == "EXPIRED"
    assert (await viewer(person))["user"]["emailVerified"] is False


async def test_new_link_kills_the_old_one(
    server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection
) -> None:
    person = await someone(server)
    old = await mailbox.token(person.email, path="/verify-email")
    await person.do("requestEmailVerification")
    assert await letters(database_of_server, person.email) == ["verify_email"], "one letter a minute"

    await a_minute_passes(database_of_server, person.email)
    await person.do("requestEmailVerification")
    new = await mailbox.token(person.email, count=2, path="/verify-email")
    assert (await person.refused("verifyEmail", {"token": old}))["code"] == "EXPIRED"
    await person.do("verifyEmail", {"token": new})

    again = await person.refused("requestEmailVerification", None)
    assert again["code"] == "ALREADY_DONE"
    assert await letters(database_of_server, person.email) == ["verify_email"] * 2


# Sign-in and sign-out


async def test_sign_in(server: Server) -> None:
    person = await sign_up(server, organizationName=unique("Organization "))
    answer = await Client(server).execute(SIGN_IN, {"input": {"email": person.email.upper(), "password": PASSWORD}})
    token = answer.data["signIn"]["token"]
    assert token != person.token
    assert cookie_of(answer)["value"] == token
    seen = await viewer(Client(server, token))
    assert seen["user"]["id"] == person.user_id
    assert seen["organization"]["id"] == person.organization_id
    assert await viewer(person), "the first session lives on"


async def test_wrong_password_and_unknown_address_look_alike(server: Server) -> None:
    known, unknown = (await someone(server)).email, new_email()
    wrong = [
        (known, OTHER_PASSWORD),
        (known, ""),
        (known, "x" * 5000),
        (unknown, PASSWORD),
        ("junk", PASSWORD),
        ("", ""),
    ]
    answers = [
        await Client(server).execute(SIGN_IN, {"input": {"email": email, "password": password}})
        for email, password in wrong
    ]
    [error] = answers[0].data["signIn"]["userErrors"]
    assert (error["code"], error["field"], error["details"]) == ("WRONG_CREDENTIALS", None, None)
    for answer, case in zip(answers, wrong, strict=True):
        assert answer.body == answers[0].body, case
        assert answer.headers.keys() == answers[0].headers.keys(), case
        assert answer.statements == answers[0].statements, f"{case}: the number of statements tells them apart"
        assert "set-cookie" not in answer.headers


async def test_wrong_password_and_unknown_address_take_as_long(server: Server) -> None:
    known = (await someone(server)).email

    async def seconds(http: httpx.AsyncClient, email: str) -> float:
        variables = {"input": {"email": email, "password": OTHER_PASSWORD}}
        started = time.perf_counter()
        await http.post("/graphql", json={"query": SIGN_IN, "variables": variables})
        return time.perf_counter() - started

    differences = []
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        for _ in range(4):  # the machine may be busy with something else for a while
            pairs = [(await seconds(http, known), await seconds(http, new_email())) for _ in range(15)]
            slow, fast = sorted((statistics.median(side) for side in zip(*pairs, strict=True)), reverse=True)
            differences.append(slow / fast - 1)
            if differences[-1] < 0.25:
                return
    pytest.fail(f"One kind of answer is slower by {differences}")


async def test_failed_sign_ins_are_audited(server: Server, database_of_server: asyncpg.Connection) -> None:
    person, unknown = await someone(server), new_email()
    assert not await signs_in(server, person.email, OTHER_PASSWORD)
    assert not await signs_in(server, unknown)
    refused = await database_of_server.fetch(
        "SELECT target_label, chain_id::text, actor_type, actor_id, ip, request_id FROM audit_event "
        "WHERE action = 'session.refused' AND target_label = ANY ($1) ORDER BY id",
        [person.email, unknown],
    )
    user_id = await database_of_server.fetchval('SELECT id::text FROM "user" WHERE email = $1', person.email)
    assert [(row["target_label"], row["chain_id"]) for row in refused] == [
        (person.email, user_id),
        (unknown, INSTALLATION),
    ]
    for row in refused:
        assert (row["actor_type"], row["actor_id"], row["ip"]) == ("anonymous", None, "127.0.0.1")
        assert row["request_id"]


async def test_sign_in_is_audited_in_account_and_organization(
    server: Server, database_of_server: asyncpg.Connection
) -> None:
    person = await sign_up(server, organizationName=unique("Organization "))
    before = await database_of_server.fetchval("SELECT count(*) FROM audit_event WHERE actor_label = $1", person.email)
    await sign_in(server, person.email)
    assert (await events(database_of_server, person))[-1] == "session.opened"
    after = await database_of_server.fetchval("SELECT count(*) FROM audit_event WHERE actor_label = $1", person.email)
    assert after == before + 2
    listed = await person.organization("auditEvents(first: 1) { nodes { action actor { label } } }")
    assert listed["auditEvents"]["nodes"] == [{"action": "session.opened", "actor": {"label": person.email}}]


async def test_sign_out(server: Server) -> None:
    person = await someone(server)
    other = await sign_in(server, person.email)
    answer = await person.execute("mutation { signOut { viewer { user { id } } userErrors { code } } }")
    assert answer.data["signOut"] == {"viewer": None, "userErrors": []}
    cookie = cookie_of(answer)
    assert (cookie["value"].strip('"'), cookie["max-age"], cookie["path"]) == ("", "0", "/")
    assert await viewer(person) is None
    assert (await viewer(other))["user"]["id"] == person.user_id


async def test_sign_out_by_cookie(server: Server) -> None:
    answer = await Client(server).execute(SIGN_UP, new_account(new_email()))
    cookie = f"{cookie_of(answer)['name']}={cookie_of(answer)['value']}"
    await Client(server).do("signOut", Cookie=cookie)
    assert await viewer(Client(server), Cookie=cookie) is None


# Passwords


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


# Profile and sessions


async def test_update_profile(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    changed = await person.do("updateProfile", {"name": " Ann Lee "}, "user { name } viewer { user { name } }")
    assert changed["user"] == changed["viewer"]["user"] == {"name": "Ann Lee"}
    before = await events(database_of_server, person)
    assert before[-1] == "account.updated"
    for input in [{"name": "Ann Lee"}, {"name": None}, {}]:
        assert (await person.do("updateProfile", input, "user { name }"))["user"]["name"] == "Ann Lee"
    assert await events(database_of_server, person) == before


async def test_update_profile_with_a_bad_name(server: Server) -> None:
    person = await someone(server)
    for name, code in NAMES:
        error = await person.refused("updateProfile", {"name": name})
        assert (error["code"], error["field"]) == (code, "name"), name
    assert (await viewer(person))["user"]["name"] == "Some Body"


async def test_revoke_session(server: Server) -> None:
    person, stranger = await someone(server), await someone(server)
    other = await sign_in(server, person.email)
    listed = (await person.query("{ viewer { sessions { id current userAgent ip } } }"))["viewer"]["sessions"]
    assert [session["current"] for session in listed] == [False, True]
    assert listed[0]["ip"] == "127.0.0.1"
    assert "httpx" in listed[0]["userAgent"]

    foreign = (await viewer(stranger))["session"]["id"]
    for id in [foreign, "junk", "", person.user_id, foreign.replace("ses_", "org_"), "ses_" + "z" * 26]:
        error = await person.refused("revokeSession", {"sessionId": id})
        assert (error["code"], error["field"]) == ("NOT_FOUND", "sessionId"), id
    assert await viewer(stranger)

    await person.do("revokeSession", {"sessionId": listed[0]["id"]})
    assert await viewer(other) is None
    assert await viewer(person)
    assert (await person.refused("revokeSession", {"sessionId": listed[0]["id"]}))["code"] == "NOT_FOUND"


async def test_revoke_other_sessions(server: Server) -> None:
    person, stranger = await someone(server), await someone(server)
    others = [await sign_in(server, person.email) for _ in range(2)]
    assert (await person.do("revokeOtherSessions", None, "revoked"))["revoked"] == 2
    assert [await viewer(other) for other in others] == [None, None]
    assert await viewer(person)
    assert await viewer(stranger)
    assert (await person.do("revokeOtherSessions", None, "revoked"))["revoked"] == 0


async def test_session_ends_when_it_expires(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    past = """UPDATE session s SET expires_at = now() - interval '1 s'
        FROM "user" u WHERE u.id = s.user_id AND u.email = $1"""
    await database_of_server.execute(past, person.email)
    assert await viewer(person) is None


async def test_session_that_has_expired_is_not_listed(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    other = (await viewer(await sign_in(server, person.email)))["session"]["id"]
    sessions = "{ viewer { sessions { id } } }"
    assert (await person.query(sessions))["viewer"]["sessions"][0]["id"] == other
    newest = """SELECT s.id FROM session s JOIN "user" u ON u.id = s.user_id
        WHERE u.email = $1 ORDER BY s.id DESC LIMIT 1"""
    past = f"UPDATE session SET expires_at = now() - interval '1 s' WHERE id = ({newest})"
    await database_of_server.execute(past, person.email)
    assert len((await person.query(sessions))["viewer"]["sessions"]) == 1
    assert (await person.do("revokeOtherSessions", None, "revoked"))["revoked"] == 0


# Cookies


async def test_another_site_cannot_use_the_cookie(server: Server) -> None:
    """What a form or a link of another site can send changes nothing."""
    answer = await Client(server).execute(SIGN_UP, new_account(new_email()))
    cookie = {"Cookie": f"{cookie_of(answer)['name']}={cookie_of(answer)['value']}"}
    query = "mutation { signOut { userErrors { code } } }"
    body = '{"query": "' + query + '"}'
    async with httpx.AsyncClient(base_url=server.url, headers=cookie) as http:
        sent = [
            await http.get("/graphql", params={"query": query}),
            await http.post("/graphql", params={"query": query}),
            await http.post("/graphql", data={"query": query}),
            await http.post("/graphql", files={"query": ("", query)}),
            await http.post("/graphql", content=body, headers={"Content-Type": "text/plain"}),
            await http.post("/graphql", content=body),
        ]
    assert [response.status_code // 100 for response in sent] == [4] * len(sent)
    assert await viewer(Client(server), **cookie)


async def test_cookie_over_https(server: Server, mailbox: Mailbox, tmp_path: Path) -> None:
    smtp = f"smtp://127.0.0.1:{mailbox.port}"
    secure = start_server(tmp_path, server.database_url, public_url="https://app.example.com", smtp_url=smtp)
    try:
        answer = await Client(secure).execute(SIGN_UP, new_account(new_email()))
        cookie = cookie_of(answer)
        assert cookie["name"].startswith("__Host-")
        assert "secure" in cookie
        assert "httponly" in cookie
        assert "domain" not in cookie
        assert cookie["path"] == "/"
        assert await viewer(Client(secure), Cookie=f"{cookie['name']}={cookie['value']}")
        unbound = cookie["name"].removeprefix("__Host-")
        assert await viewer(Client(secure), Cookie=f"{unbound}={cookie['value']}") is None
    finally:
        secure.stop()


# The end of an account


async def test_delete_account(server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox)
    other = await sign_in(server, bob.email)
    members = "members { nodes { user { email } } }"
    assert len((await ann.organization(members))["members"]["nodes"]) == 2

    wrong = await bob.refused("deleteAccount", {"password": OTHER_PASSWORD})
    assert (wrong["code"], wrong["field"]) == ("WRONG_CREDENTIALS", "password")
    assert await viewer(bob)

    payload = await bob.do("deleteAccount", {"password": PASSWORD}, "viewer { user { id } }")
    assert payload["viewer"] is None
    assert await viewer(bob) is None
    assert await viewer(other) is None
    assert not await signs_in(server, bob.email)
    assert (await ann.organization(members))["members"]["nodes"] == [{"user": {"email": ann.email}}]
    history = await ann.organization("auditEvents(first: 1) { nodes { action actor { label } } }")
    assert history["auditEvents"]["nodes"] == [{"action": "member.left", "actor": {"label": bob.email}}]

    again = await sign_up(server, bob.email)
    assert again.user_id != bob.user_id
    assert again.organization_id == ""


async def test_last_owner_cannot_delete_the_account(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox)
    name = unique("Bobs ")
    await bob.do("createOrganization", {"name": name})
    error = await bob.refused("deleteAccount", {"password": PASSWORD})
    assert error["code"] == "LAST_OWNER"
    assert name in error["message"]
    found = await bob.query("{ viewer { memberships { nodes { organization { name } } } } }")
    assert len(found["viewer"]["memberships"]["nodes"]) == 2, "nothing is half done"
    assert len((await ann.organization("members { nodes { id } }"))["members"]["nodes"]) == 2


async def test_one_of_two_owners_can_delete_the_account(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox, "owner")
    await ann.do("deleteAccount", {"password": PASSWORD})
    error = await bob.refused("deleteAccount", {"password": PASSWORD})
    assert error["code"] == "LAST_OWNER"


async def test_account_can_be_deleted_once_its_organization_is(server: Server) -> None:
    name = unique("Organization ")
    person = await sign_up(server, organizationName=name)
    await person.do("deleteOrganization", {"confirmName": name})
    await person.do("deleteAccount", {"password": PASSWORD})
    assert await viewer(person) is None


# Nobody


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer " + UNKNOWN_TOKEN},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "orgraph=" + UNKNOWN_TOKEN},
        {"Cookie": "orgraph="},
    ],
)
async def test_anonymous_has_no_viewer(server: Server, headers: dict[str, str]) -> None:
    answer = await Client(server).execute(VIEWER, **headers)
    assert (answer.status, answer.body["data"], answer.codes) == (200, {"viewer": None}, ["UNAUTHENTICATED"])


async def test_anonymous_queries_nothing(server: Server) -> None:
    person = await sign_up(server, organizationName=unique("Organization "))
    workspace = await person.workspace()
    id = person.organization_id
    for query in [
        f'organization(id: "{id}") {{ id }}',
        f'workspace(id: "{workspace}") {{ id }}',
        f'node(id: "{id}") {{ id }}',
    ]:
        assert await person.query(f"{{ found: {query} }}") != {"found": None}
        answer = await Client(server).execute(f"{{ found: {query} }}")
        assert (answer.body["data"], answer.codes) == ({"found": None}, ["UNAUTHENTICATED"])


async def test_anonymous_changes_nothing(server: Server) -> None:
    person = await sign_up(server, organizationName=unique("Organization "))
    session = (await viewer(person))["session"]["id"]
    organization = {"organizationId": person.organization_id}
    workspace = {"workspaceId": await person.workspace()}
    member = {"memberId": person.member_id}
    inputs: dict[str, dict[str, Any] | None] = {
        "signOut": None,
        "requestEmailVerification": None,
        "changePassword": {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD},
        "updateProfile": {"name": "Ann"},
        "revokeSession": {"sessionId": session},
        "revokeOtherSessions": None,
        "deleteAccount": {"password": PASSWORD},
        "createOrganization": {"name": "Acme"},
        "updateOrganization": organization | {"name": "Acme"},
        "switchOrganization": organization,
        "leaveOrganization": organization,
        "deleteOrganization": organization | {"confirmName": "Acme"},
        "restoreOrganization": organization,
        "createWorkspace": organization | {"name": "Acme"},
        "updateWorkspace": workspace | {"name": "Acme"},
        "switchWorkspace": workspace,
        "leaveWorkspace": workspace,
        "deleteWorkspace": workspace | {"confirmName": "Acme"},
        "restoreWorkspace": workspace,
        "inviteMembers": organization | {"invitations": [{"email": new_email(), "role": "member"}]},
        "removeMember": member,
        "suspendMember": member,
        "reactivateMember": member,
        "setMemberRole": member | {"role": "viewer"},
        "grantRole": member | {"role": "viewer"},
        "transferOwnership": member,
    }
    answers = {}
    for name, input in inputs.items():
        declared, passed = "", ""
        if input is not None:
            declared, passed = f"($input: {name[0].upper()}{name[1:]}Input!)", "(input: $input)"
        query = f"mutation {declared} {{ {name}{passed} {{ userErrors {{ code }} }} }}"
        answer = await Client(server).execute(query, {"input": input} if input is not None else {})
        answers[name] = answer.body["data"], answer.codes
    assert answers == {name: ({name: None}, ["UNAUTHENTICATED"]) for name in inputs}
    assert (await viewer(person))["organization"]["id"] == person.organization_id


# Secrets


async def test_no_secret_is_in_the_audit_log(
    server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection
) -> None:
    first, second, third = (f"secret {unique('password')}" for _ in range(3))
    person = await sign_up(server, password=first, organizationName=unique("Organization "))
    verification = await mailbox.token(person.email, path="/verify-email")
    await verify(person, mailbox)
    assert not await signs_in(server, person.email, f"{first} mistyped")
    assert not await signs_in(server, f"{first} in the wrong field", first)
    await person.do("changePassword", {"currentPassword": first, "newPassword": second})
    await Client(server).do("requestPasswordReset", {"email": person.email})
    reset = await reset_token(mailbox, person.email)
    await Client(server).do("resetPassword", {"token": reset, "password": third})
    again = await sign_in(server, person.email, third)
    stored = await database_of_server.fetchval('SELECT password_hash FROM "user" WHERE email = $1', person.email)
    await again.do("signOut")

    log = "\n".join(row[0] for row in await database_of_server.fetch("SELECT e::text FROM audit_event e"))
    assert person.email in log
    assert stored.startswith("$argon2id$")
    assert "argon2" not in log
    tokens = [verification, reset, str(person.token), str(again.token)]
    hashes = [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
    for secret in [PASSWORD, first, second, third, stored, *tokens, *hashes]:
        assert secret not in log


async def test_no_secret_is_stored_in_the_clear(
    server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection
) -> None:
    person = await someone(server)
    token = await mailbox.token(person.email, path="/verify-email")
    tables = await database_of_server.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        for secret in (PASSWORD, token, person.token):
            found = f'SELECT count(*) FROM "{table}" t WHERE position($1 IN t::text) > 0'
            assert await database_of_server.fetchval(found, secret) == 0, table
