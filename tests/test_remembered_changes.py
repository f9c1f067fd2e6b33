"""A change by somebody who has asked a moment ago: nothing comes of access that they do not have any more."""

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from schema.scalars import parse_any_id
from tests.api_keys import mint
from tests.factories import Client, Person, cast, grants_of, join, owner, sign_in, sql, unique
from tests.roles import create
from tests.servers import Mailbox, Server, start_server

GIVEN = itertools.cycle(["viewer", "member"])


@pytest.fixture(scope="module")
async def other(server: Server, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Another process on the server's database, which knows nothing of what this one remembers."""
    smtp_url = f"smtp://127.0.0.1:{mailbox.port}"
    other = start_server(tmp_path_factory.mktemp("other"), server.database_url, smtp_url=smtp_url)
    yield other
    other.stop()


async def asked(client: Client, member: Person) -> str:
    """What has become of a grant in a place of its own: the error's code, or that it is done."""
    text = "mutation ($input: GrantRoleInput!) { grantRole(input: $input) { userErrors { code } } }"
    answer = await client.execute(text, {"input": {"memberId": member.member_id, "role": next(GIVEN)}})
    if answer.codes:
        return answer.codes[0]
    return "".join(error["code"] for error in answer.data["grantRole"]["userErrors"]) or "done"


async def events(founder: Person) -> list[tuple[str, str | None, str]]:
    """Of the organization: who did what, from where."""
    rows = await sql(
        founder.server,
        "SELECT action, actor_id, changes::text FROM audit_event WHERE chain_id = $1 ORDER BY sequence",
        parse_any_id(founder.organization_id),
    )
    return [tuple(row) for row in rows]


async def held(founder: Person, member: Person) -> int:
    return len(await grants_of(founder, member.member_id))


Loss = Callable[[Person, Person], Awaitable[object]]


async def signed_out(founder: Person, admin: Person) -> None:
    await admin.do("signOut")


async def revoked(founder: Person, admin: Person) -> None:
    await (await sign_in(admin.server, admin.email)).do("revokeOtherSessions")


async def removed(founder: Person, admin: Person) -> None:
    await founder.do("removeMember", {"memberId": admin.member_id})


async def suspended(founder: Person, admin: Person) -> None:
    await founder.do("suspendMember", {"memberId": admin.member_id})


async def demoted(founder: Person, admin: Person) -> None:
    await founder.do("setMemberRole", {"memberId": admin.member_id, "role": "viewer"})


async def expired(founder: Person, admin: Person) -> None:
    await sql(
        founder.server, 'UPDATE "grant" SET expires_at = now() WHERE member_id = $1', parse_any_id(admin.member_id)
    )


async def expired_session(founder: Person, admin: Person) -> None:
    await sql(founder.server, "UPDATE session SET expires_at = now() WHERE user_id = $1", parse_any_id(admin.user_id))


@pytest.mark.parametrize(
    ("loss", "expected", "traces"),
    [
        (signed_out, "UNAUTHENTICATED", 0),
        (revoked, "UNAUTHENTICATED", 0),
        (expired_session, "UNAUTHENTICATED", 0),
        (removed, "NOT_FOUND", 0),
        (suspended, "NOT_FOUND", 0),
        (expired, "NOT_FOUND", 0),
        (demoted, "FORBIDDEN", 1),
    ],
)
async def test_lost_access_changes_nothing(
    loss: Loss, expected: str, traces: int, server: Server, other: Server, mailbox: Mailbox
) -> None:
    """Whatever takes it away, in whatever process; a refusal is written down once."""
    founder = await owner(server, mailbox)
    admin, member = await cast(founder, mailbox, "admin", "viewer")
    assert await asked(admin, member) == "done"
    assert await asked(admin, member) == "done"
    await loss(replace(founder, server=other), replace(admin, server=other))
    before, roles = await events(founder), await held(founder, member)
    assert await asked(admin, member) == expected
    new = (await events(founder))[len(before) :]
    assert [action for action, _, _ in new] == ["access.refused"] * traces
    for _, actor, _ in new:
        assert actor == parse_any_id(admin.user_id)
    assert await held(founder, member) == roles


async def test_new_access_counts_at_once(server: Server, other: Server, mailbox: Mailbox) -> None:
    """A refusal of a moment ago is none any more, and is not written down either."""
    founder = await owner(server, mailbox)
    promoted, member = await cast(founder, mailbox, "viewer", "viewer")
    assert await asked(promoted, member) == "FORBIDDEN"
    given = {"memberId": promoted.member_id, "role": "admin"}
    await replace(founder, server=other).do("grantRole", given)
    before = await events(founder)
    assert await asked(promoted, member) == "done"
    assert "access.refused" not in [action for action, _, _ in (await events(founder))[len(before) :]]


async def test_a_role_that_is_edited_counts_at_once(server: Server, other: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    role = await create(founder, "members:read", "members:grant", "content:read")
    (actor,) = await cast(founder, mailbox, role["id"])
    member = await join(founder, mailbox, "viewer")
    assert await asked(actor, member) != "UNAUTHENTICATED"
    edited = {"roleId": role["id"], "permissions": ["members:read"]}
    await replace(founder, server=other).do("updateRole", edited)
    assert await asked(actor, member) == "FORBIDDEN"


async def test_a_key_that_is_revoked(server: Server, other: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    member = await join(founder, mailbox, "viewer")
    key = await mint(founder, "admin")
    assert await asked(key, member) == "done"
    assert await asked(key, member) == "done"
    await replace(founder, server=other).do("revokeApiKey", {"apiKeyId": key.id})
    before = await events(founder)
    assert await asked(key, member) == "UNAUTHENTICATED"
    assert await events(founder) == before


async def test_who_answers_for_it_is_who_asks_now(server: Server, mailbox: Mailbox) -> None:
    """An event has the request's own id and client, not those of the request that is remembered."""
    founder = await owner(server, mailbox)
    member = await join(founder, mailbox, "viewer")
    for number in range(3):
        text = 'mutation ($id: ID!) { setMemberRole(input: {memberId: $id, role: "%s"}) { userErrors { code } } }'
        headers = {"X_Request_Id": f"request-{number}", "User_Agent": f"client-{number}"}
        answer = await founder.execute(text % next(GIVEN), {"id": member.member_id}, **headers)
        assert answer.data["setMemberRole"]["userErrors"] == []
    rows = await sql(
        server,
        "SELECT DISTINCT request_id, user_agent FROM audit_event WHERE chain_id = $1 AND request_id LIKE 'request-%'",
        parse_any_id(founder.organization_id),
    )
    assert len(rows) >= 2
    assert {row["request_id"][-1] for row in rows} == {row["user_agent"][-1] for row in rows}


@pytest.mark.parametrize(
    ("mutation", "input"),
    [
        ("updateProfile", {"name": "Somebody Else"}),
        ("signOut", None),
        ("createOrganization", {"name": "Another One"}),
        ("revokeOtherSessions", None),
        ("createRole", {"name": "A Role", "permissions": ["members:read"]}),
        ("updateOrganization", {"name": "Renamed"}),
    ],
)
async def test_what_locks_no_organization_too(
    mutation: str, input: dict[str, str] | None, server: Server, other: Server, mailbox: Mailbox
) -> None:
    """And what does: after the session has ended nothing of all this works, nor leaves a trace."""
    founder = await owner(server, mailbox)
    if mutation == "createOrganization":
        input = {"name": unique("Another ")}
    if mutation in ("createRole", "updateOrganization"):
        input = (input or {}) | {"organizationId": founder.organization_id}
    await founder.query("{ viewer { user { name } } }")
    await sql(server, "DELETE FROM session WHERE user_id = $1", parse_any_id(founder.user_id))
    before = await sql(server, "SELECT count(*) FROM audit_event")
    type_name = f"{mutation[0].upper()}{mutation[1:]}Input"
    declared, passed = (f"($input: {type_name}!)", "(input: $input)") if input is not None else ("", "")
    text = f"mutation {declared} {{ {mutation}{passed} {{ userErrors {{ code }} }} }}"
    answer = await founder.execute(text, {"input": input} if input is not None else {})
    assert answer.codes == ["UNAUTHENTICATED"], json.dumps(answer.body)
    assert await sql(server, "SELECT count(*) FROM audit_event") == before
