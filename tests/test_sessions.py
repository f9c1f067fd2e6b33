"""Sessions: sign-in and out, the list of them, cookies, and what nobody may."""

import statistics
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.accounts import (
    OTHER_PASSWORD,
    SIGN_UP,
    UNKNOWN_TOKEN,
    VIEWER,
    cookie_of,
    events,
    new_account,
    new_email,
    signs_in,
    someone,
    viewer,
)
from tests.factories import PASSWORD, Client, sign_in, sign_up, unique
from tests.servers import Mailbox, Server, start_server

INSTALLATION = "00000000-0000-0000-0000-000000000000"
SIGN_IN = """mutation ($input: SignInInput!) { signIn(input: $input) {
    token viewer { user { email } } userErrors { code message field details } } }"""


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


# The list of sessions


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
