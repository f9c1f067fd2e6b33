"""What changes through one process is seen by the next request in another, whose documents are warm."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from schema.scalars import parse_any_id
from tests.factories import Client, Person, cast, owner, sign_in, sql
from tests.products import keyed, settings_input
from tests.servers import Mailbox, Postgres, Server, start_server

WARM = 8
"""Requests after which statements are prepared and planned for good."""

DOCUMENT = """query ($org: ID!, $ws: ID!) {
    viewer { permissions organization { id } user { id } apiKey { id } }
    organization(id: $org) { name members(first: 5) { totalCount nodes { id roles { key } } }
        workspaces(first: 5) { nodes { id } } }
    workspace(id: $ws) { id members(first: 5) { nodes { id } } } }"""


@pytest.fixture(scope="module")
async def servers(
    postgres: Postgres, template: str, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Server, Server]]:
    """One that compiles and one that does not, on the same database."""
    url = await postgres.create("orgraph_access", template)
    given = {"smtp_url": f"smtp://127.0.0.1:{mailbox.port}", "pool_size": 8}
    compiling = start_server(tmp_path_factory.mktemp("compiling"), url, **given)
    ordinary = start_server(tmp_path_factory.mktemp("ordinary"), url, compile=0, **given)
    yield compiling, ordinary
    compiling.stop()
    ordinary.stop()


Change = Callable[[Person, Person], Awaitable[Any]]


def about_member(mutation: str, **input: Any) -> Change:
    return lambda boss, member: boss.do(mutation, {"memberId": member.member_id} | input)


async def revoke_grants(boss: Person, member: Person) -> None:
    query = "query ($id: ID!) { node(id: $id) { ... on Member { grants { id } } } }"
    for grant in (await boss.query(query, {"id": member.member_id}))["node"]["grants"]:
        await boss.do("revokeGrant", {"grantId": grant["id"]})


async def let_grants_end(boss: Person, member: Person) -> None:
    past = "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE member_id = $1"
    await sql(boss.server, past, parse_any_id(member.member_id))


async def delete_organization(boss: Person, member: Person) -> None:
    name = (await boss.organization("name"))["name"]
    await boss.do("deleteOrganization", {"organizationId": boss.organization_id, "confirmName": name})


async def require_mfa(boss: Person, member: Person) -> None:
    await boss.do("enrolTotp")
    on = "UPDATE organization SET settings = '{\"mfa_required\": true}' WHERE id = $1"
    await sql(boss.server, on, parse_any_id(boss.organization_id))


CHANGES: dict[str, Change] = {
    "removed": about_member("removeMember"),
    "suspended": about_member("suspendMember"),
    "demoted": about_member("setMemberRole", role="viewer"),
    "without grants": revoke_grants,
    "with grants that ended": let_grants_end,
    "of a deleted organization": delete_organization,
    "left out for want of a second factor": require_mfa,
    "gone": lambda boss, member: member.do("leaveOrganization", {"organizationId": member.organization_id}),
    "signed out": lambda boss, member: member.do("signOut"),
    "renamed organization": lambda boss, member: boss.do("updateOrganization", {"name": "Another name"}),
    "timeout": lambda boss, member: boss.do(
        "updateOrganizationSettings", settings_input(boss, session_timeout_minutes=1)
    ),
}
SAME = {"timeout"}
"""What changes nothing for somebody who has just asked."""


async def warm(client: Client, variables: dict[str, Any], **headers: str) -> dict[str, Any]:
    for _ in range(WARM):
        answer = await client.execute(DOCUMENT, variables, **headers)
    return answer.body


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_through_another_process(servers: tuple[Server, Server], mailbox: Mailbox, name: str) -> None:
    compiling, ordinary = servers
    boss = await owner(ordinary, mailbox)
    place = await boss.workspace()
    [member] = await cast(boss, mailbox, "admin")
    here, variables = replace(member, server=compiling), {"org": boss.organization_id, "ws": place}
    before = await warm(here, variables)
    assert before["data"]["workspace"], before
    await CHANGES[name](boss, member)
    after = (await here.execute(DOCUMENT, variables)).body
    assert (after == before) is (name in SAME)
    assert after == (await member.execute(DOCUMENT, variables)).body
    anew = (await replace(boss, server=compiling).execute(DOCUMENT, variables)).body
    assert anew == (await boss.execute(DOCUMENT, variables)).body


async def test_a_session_revoked_through_another_process(servers: tuple[Server, Server], mailbox: Mailbox) -> None:
    compiling, ordinary = servers
    boss = await owner(ordinary, mailbox)
    variables = {"org": boss.organization_id, "ws": await boss.workspace()}
    other = await sign_in(compiling, boss.email)
    header = {"Orgraph_Organization": boss.organization_id}
    assert (await warm(other, variables, **header))["data"]["organization"]
    await boss.do("revokeOtherSessions")
    answer = await other.execute(DOCUMENT, variables, **header)
    assert set(answer.codes) == {"UNAUTHENTICATED"}
    assert set(answer.body["data"].values()) == {None}


@pytest.mark.parametrize("change", ["revoked", "of a weaker role", "of a removed creator"])
async def test_a_key_changed_through_another_process(
    servers: tuple[Server, Server], mailbox: Mailbox, change: str
) -> None:
    compiling, ordinary = servers
    boss = await owner(ordinary, mailbox)
    variables = {"org": boss.organization_id, "ws": await boss.workspace()}
    [admin] = await cast(boss, mailbox, "admin")
    permissions = ["members:read", "workspaces:enter_all"]
    role = (await boss.do("createRole", {"name": "Reader", "permissions": permissions}, "role { id }"))["role"]["id"]
    key, id = await keyed(admin, role)
    here = replace(key, server=compiling)
    assert (await warm(here, variables))["data"]["workspace"]
    if change == "revoked":
        await boss.do("revokeApiKey", {"apiKeyId": id})
    elif change == "of a weaker role":
        await boss.do("updateRole", {"roleId": role, "permissions": ["content:read"]})
    else:
        await boss.do("removeMember", {"memberId": admin.member_id})
    after = (await here.execute(DOCUMENT, variables)).body
    assert after["errors"]
    assert not after["data"]["workspace"]
    assert after == (await key.execute(DOCUMENT, variables)).body
