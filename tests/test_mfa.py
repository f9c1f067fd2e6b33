"""Two-factor authentication of an account: turned on, asked for, guessed at, and turned off."""

import asyncio
import hashlib
import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import pytest

from server.catalogue import catalogue
from tests.accounts import OTHER_PASSWORD, events, reset_token, someone, viewer
from tests.factories import PASSWORD, Client, Person, invite, join, owner, refusal, sign_in, sql, verify
from tests.mfa import LIMITED, MISSING, WRONG, Device, at_once, enrol, enter, outcome, set_totp, tries, turn_on
from tests.servers import Mailbox, Server

IN = "signed in"
ENABLED = "{ viewer { user { mfaEnabled } } }"


async def enabled(person: Person) -> bool:
    return bool((await person.query(ENABLED))["viewer"]["user"]["mfaEnabled"])


async def failures(person: Person) -> int:
    found = 'SELECT t.failures FROM totp t JOIN "user" u ON u.id = t.user_id WHERE u.email = $1'
    return int((await sql(person.server, found, person.email))[0]["failures"])


async def count(database: asyncpg.Connection, person: Person, action: str) -> int:
    return (await events(database, person)).count(action)


async def early_in_a_step() -> None:
    """So that the steps' codes are still what they were when they arrive."""
    if 30 - time.time() % 30 < 2:
        await asyncio.sleep(30 - time.time() % 30)


# Turned on


async def test_enrolment(server: Server) -> None:
    person = await someone(server)
    assert await refusal(person, "confirmTotp", {"code": "123456"}) == ("REQUIRED", None)
    replaced = await enrol(person)
    payload = await person.do("enrolTotp", None, "secret uri")
    device = Device(payload["secret"], [])
    assert re.fullmatch("[A-Z2-7]{32}", device.secret)
    assert device.secret != replaced.secret
    uri = urlsplit(payload["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == f"/{catalogue.product.name}:{person.email}"
    assert parse_qs(uri.query) == {"secret": [device.secret], "issuer": [catalogue.product.name]}
    for code in (replaced.code(), device.wrong, "", "junk", "١٢٣٤٥٦", device.code(-4)):
        assert await refusal(person, "confirmTotp", {"code": code}) == WRONG, code
    assert not await enabled(person)
    assert await tries(person, None, "000000") == [IN, IN], "nothing is in force yet"


async def test_confirmation(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    other, stranger = await sign_in(server, person.email), await someone(server)
    device = await enrol(person)
    answer = "viewer { user { mfaEnabled } } recoveryCodes"
    code = device.code()
    payload = await person.do("confirmTotp", {"code": f" {code[:3]} {code[3:]} "}, answer)
    assert payload["viewer"] == {"user": {"mfaEnabled": True}}
    assert len(set(payload["recoveryCodes"])) == 10
    assert all(re.fullmatch("[A-Z2-7]{4}(-[A-Z2-7]{4}){2}", code) for code in payload["recoveryCodes"])
    assert await viewer(other) is None, "it was opened without a code"
    assert await viewer(person)
    assert await viewer(stranger)
    assert await refusal(person, "confirmTotp", {"code": device.code(1)}) == ("ALREADY_DONE", None)
    assert (await person.refused("enrolTotp"))["code"] == "ALREADY_DONE"
    assert await tries(person, code) == [WRONG], "it has been used"
    assert await failures(person) == 0, "and was no guess"
    assert (await events(database_of_server, person)).count("account.mfa_enabled") == 1
    assert not await enabled(stranger)


async def test_nobody_and_keys_have_none(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    key = Client(server, (await boss.do("createApiKey", {"name": "Key", "role": "owner"}, "secret"))["secret"])
    proof = {"code": "123456"}
    inputs = {"enrolTotp": None, "confirmTotp": proof, "disableTotp": proof | {"password": PASSWORD}}
    for name, input in inputs.items():
        assert (await key.refused(name, input))["code"] == "FORBIDDEN"
    anonymous = """mutation { enrolTotp { secret } confirmTotp(input: {code: "123456"}) { recoveryCodes }
        disableTotp(input: {code: "123456", password: ""}) { userErrors { code } } }"""
    answer = await Client(server).execute(anonymous)
    assert (answer.body["data"], answer.codes) == (dict.fromkeys(inputs), ["UNAUTHENTICATED"] * 3)


# Asked for


async def test_sign_in_takes_a_code(server: Server, database_of_server: asyncpg.Connection) -> None:
    person, other = await someone(server), await someone(server)
    device = await turn_on(person)
    assert await tries(person, None, "", " - ") == [MISSING] * 3
    assert await failures(person) == 0
    assert await count(database_of_server, person, "session.refused") == 0
    code = device.code()
    assert await tries(person, device.wrong, f"{code[:3]} {code[3:]}", code) == [WRONG, IN, WRONG]
    assert await count(database_of_server, person, "session.refused") == 2
    assert (await events(database_of_server, person))[-2:] == ["session.opened", "session.refused"]
    assert await failures(person) == 0
    assert await tries(other, code) == [IN], "a code that nobody asks for"


async def test_only_who_has_the_password_learns_of_it(server: Server) -> None:
    person, other = await someone(server), await someone(server)
    device = await turn_on(person)
    plain = await enter(other, None, OTHER_PASSWORD)
    assert outcome(plain) == ("WRONG_CREDENTIALS", None)
    for code in (None, device.wrong, device.code(), device.recovery_codes[0]):
        answer = await enter(person, code, OTHER_PASSWORD)
        assert (answer.body, answer.statements) == (plain.body, plain.statements)
    assert await failures(person) == 0


async def test_clocks_may_drift_by_a_step(server: Server) -> None:
    person = await someone(server)
    device = await turn_on(person)
    await early_in_a_step()
    codes = [device.code(steps) for steps in (-2, 2, -1, 0, 1, 0, -1)]
    assert await tries(person, *codes) == [WRONG, WRONG, IN, IN, IN, WRONG, WRONG], "none is older than the last"


async def test_recovery_codes(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    device = await turn_on(person)
    first, second, *_ = device.recovery_codes
    typed = second.lower().replace("-", " ")
    assert await tries(person, first, first, typed, second) == [IN, WRONG, IN, WRONG]
    assert await count(database_of_server, person, "account.recovery_code_used") == 2
    [row] = await sql(server, "SELECT recovery_hashes FROM totp WHERE secret = $1", device.secret)
    kept = [hashlib.sha256(code.replace("-", "").encode()).hexdigest() for code in device.recovery_codes[2:]]
    assert row["recovery_hashes"] == kept


async def test_who_never_proved_the_address_locks_nobody_out_of_it(server: Server, mailbox: Mailbox) -> None:
    """Somebody signs up with another's address and turns it on; whoever has the mailbox gets the account back."""
    squatter = await someone(server)
    await turn_on(squatter)
    await Client(server).do("requestPasswordReset", {"email": squatter.email})
    token = await reset_token(mailbox, squatter.email)
    await Client(server).do("resetPassword", {"token": token, "password": OTHER_PASSWORD})
    assert outcome(await enter(squatter, None, OTHER_PASSWORD)) == IN


async def test_reset_of_the_password_takes_no_code(server: Server, mailbox: Mailbox) -> None:
    person = await verify(await someone(server), mailbox)
    device = await turn_on(person)
    await Client(server).do("requestPasswordReset", {"email": person.email})
    token = await reset_token(mailbox, person.email)
    await Client(server).do("resetPassword", {"token": token, "password": OTHER_PASSWORD})
    assert outcome(await enter(person, None, OTHER_PASSWORD)) == MISSING
    assert outcome(await enter(person, device.code(), OTHER_PASSWORD)) == IN


# Guessed at


async def test_wrong_codes_in_a_row(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    device = await turn_on(person)
    assert await tries(person, *[device.wrong] * 4, device.code()) == [WRONG] * 4 + [IN]
    assert await tries(person, *[device.wrong] * 3, "AAAA-BBBB-CCCC") == [WRONG] * 4, "counted anew"
    refused = await count(database_of_server, person, "session.refused")
    assert refused == 8
    await set_totp(person, "last_step = 0")
    recovery = device.recovery_codes[0]
    assert await tries(person, device.wrong, device.code(), recovery, None) == [WRONG, LIMITED, LIMITED, MISSING]
    assert await count(database_of_server, person, "session.refused") == refused + 3

    [error] = (await enter(person, device.code())).data["signIn"]["userErrors"]
    until = datetime.fromisoformat(error["details"]["until"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < until <= timedelta(minutes=15)
    disabling = {"password": PASSWORD, "code": device.code()}
    assert await refusal(person, "disableTotp", disabling) == LIMITED
    assert outcome(await enter(person, device.code(), OTHER_PASSWORD)) == ("WRONG_CREDENTIALS", None)

    await set_totp(person, "locked_until = now() - interval '1 s'")
    assert await tries(person, device.wrong, device.code(), None) == [WRONG, IN, MISSING]
    assert await failures(person) == 0


async def test_the_lock_comes_again_after_as_many(server: Server) -> None:
    person = await someone(server)
    device = await turn_on(person)
    await set_totp(person, "failures = 9, locked_until = now() - interval '1 s'")
    assert await tries(person, device.wrong, device.code()) == [WRONG, LIMITED]


async def test_a_code_opens_one_session_of_many_at_once(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    device = await turn_on(person)
    opened = await count(database_of_server, person, "session.opened")
    code = device.code()
    outcomes = await at_once(database_of_server, person, [enter(person, code) for _ in range(10)])
    assert (outcomes.count(IN), outcomes.count(WRONG)) == (1, 9)
    assert await failures(person) == 0, "a device that sends twice locks nobody out"
    assert await count(database_of_server, person, "session.opened") == opened + 1
    assert await count(database_of_server, person, "session.refused") == 9

    recovery = device.recovery_codes[0]
    outcomes = await at_once(database_of_server, person, [enter(person, recovery) for _ in range(4)])
    assert (outcomes.count(IN), outcomes.count(WRONG)) == (1, 3)
    assert await count(database_of_server, person, "account.recovery_code_used") == 1


async def test_guesses_at_once_are_no_more(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    device = await turn_on(person)
    outcomes = await at_once(database_of_server, person, [enter(person, device.wrong) for _ in range(20)])
    assert (outcomes.count(WRONG), outcomes.count(LIMITED)) == (5, 15)
    assert await tries(person, device.code()) == [LIMITED]
    assert await count(database_of_server, person, "session.refused") == 21


async def test_two_sessions_confirm_at_once(server: Server) -> None:
    person = await someone(server)
    other = await sign_in(server, person.email)
    code = {"code": (await enrol(person)).code()}
    query = "mutation ($input: ConfirmTotpInput!) { confirmTotp(input: $input) { recoveryCodes } }"
    answers = await asyncio.gather(*(each.execute(query, {"input": code}) for each in (person, other)))
    confirmed = [(answer.body["data"]["confirmTotp"] or {}).get("recoveryCodes") for answer in answers]
    assert [codes is None for codes in confirmed].count(False) == 1
    assert [await viewer(each) is None for each in (person, other)] == [codes is None for codes in confirmed]


# Turned off


@pytest.mark.parametrize("by", ["one-time code", "recovery code"])
async def test_disabling(server: Server, database_of_server: asyncpg.Connection, by: str) -> None:
    person = await someone(server)
    proof = {"password": PASSWORD, "code": "123456"}
    assert await refusal(person, "disableTotp", proof) == ("ALREADY_DONE", None)
    await enrol(person)
    assert await refusal(person, "disableTotp", proof) == ("ALREADY_DONE", None), "not confirmed"
    device = await turn_on(person)
    right = proof | {"code": device.code() if by == "one-time code" else device.recovery_codes[4]}
    assert await refusal(person, "disableTotp", right | {"password": OTHER_PASSWORD}) == (WRONG[0], "password")
    assert await refusal(person, "disableTotp", right | {"code": device.wrong}) == WRONG
    assert await refusal(person, "disableTotp", right | {"code": ""}) == MISSING
    assert await failures(person) == 1
    assert await enabled(person)
    payload = await person.do("disableTotp", right, "viewer { user { mfaEnabled } }")
    assert payload["viewer"]["user"]["mfaEnabled"] is False
    assert await refusal(person, "disableTotp", right) == ("ALREADY_DONE", None)
    assert await tries(person, None) == [IN]
    seen = await events(database_of_server, person)
    assert seen.count("account.mfa_disabled") == seen.count("access.refused") == 1
    again = await turn_on(person)
    assert again.secret != device.secret
    assert await tries(person, device.recovery_codes[5], again.recovery_codes[5]) == [WRONG, IN]


# Seen


async def test_no_event_tells_a_secret(server: Server, database_of_server: asyncpg.Connection) -> None:
    person = await someone(server)
    device = await turn_on(person)
    code, recovery = device.code(), device.recovery_codes[0]
    assert await tries(person, device.wrong, code, recovery) == [WRONG, IN, IN]
    await person.do("disableTotp", {"password": PASSWORD, "code": device.recovery_codes[1]})
    rows = await database_of_server.fetch("SELECT to_jsonb(e) - 'hash' - 'previous_hash' AS e FROM audit_event e")
    told = "\n".join(row["e"] for row in rows)
    assert "account.mfa_enabled" in told
    bare = [each.replace("-", "") for each in device.recovery_codes]
    secrets = [device.secret, *device.recovery_codes, *bare, f'"{code}"', f'"{device.wrong}"']
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in (device.secret, code, *bare)]
    assert [text for text in secrets + hashes if text in told] == []
    log = server.output()
    assert [text for text in (device.secret, *device.recovery_codes, *bare) if text in log] == []


async def test_colleagues_see_who_has_it(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox, "viewer")
    await turn_on(boss)
    members = "members(first: 9) { nodes { user { email mfaEnabled } } }"
    query = f"query ($id: ID!) {{ organization(id: $id) {{ {members} }} }}"
    taken = []
    for each in (boss, member):
        answer = await each.execute(query, {"id": boss.organization_id})
        users = [node["user"] for node in answer.data["organization"]["members"]["nodes"]]
        assert {user["email"]: user["mfaEnabled"] for user in users} == {boss.email: True, member.email: False}
        taken.append(answer.statements)
    await join(boss, mailbox)
    assert (await member.execute(query, {"id": boss.organization_id})).statements <= taken[1]

    invitation = await invite(boss)
    token = await mailbox.token(invitation["email"], path="/accept-invitation")
    seen = "query ($token: String!) { invitation(token: $token) { invitedBy { email mfaEnabled } } }"
    for stranger in (Client(server), await someone(server)):
        inviter = (await stranger.query(seen, {"token": token}))["invitation"]["invitedBy"]
        assert inviter == {"email": boss.email, "mfaEnabled": None}
