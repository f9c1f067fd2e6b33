"""Accounts: sign-up, proof of addresses, profile, the end, and secrets that stay secret."""

import asyncio
import hashlib

import asyncpg
import pytest

from tests.accounts import (
    OTHER_PASSWORD,
    SIGN_UP,
    UNKNOWN_TOKEN,
    cookie_of,
    events,
    letters,
    new_account,
    new_email,
    reset_token,
    signs_in,
    someone,
    viewer,
)
from tests.factories import PASSWORD, Client, join, owner, sign_in, sign_up, unique, verify
from tests.servers import Mailbox, Server


async def a_minute_passes(database: asyncpg.Connection, email: str) -> None:
    """As far as the letters to an address can tell."""
    await database.execute("UPDATE letter SET created_at = created_at - interval '61 s' WHERE recipient = $1", email)


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


# Profile


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
