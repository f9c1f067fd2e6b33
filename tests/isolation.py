"""Two organizations with everything in them, and whatever one of them could try to reach the other by."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from graphql import GraphQLInputObjectType, GraphQLObjectType, Undefined, get_named_type, is_non_null_type

from schema import schema
from schema.scalars import parse_any_id
from server.audit import Revision
from server.models import Role, Workspace
from server.rows import type_id, uuid7
from tests.acceptance import CREATED_KEY
from tests.factories import ACTIVE, Answer, Client, Person, cast, closed, invite, owner, sql, unique
from tests.servers import Mailbox, Server
from tests.streams import by_websocket, rest, since, take

Ids = dict[str, str]
Case = tuple[str, dict[str, Any]]
ERRORS = "userErrors { code message field details }"

GIVEN: dict[str, Any] = {
    "name": "Acme",
    "confirmName": "Acme",
    "permissions": ["calls:read"],
    "settings": [{"key": "mfa_required", "value": False}],
    "invitations": [{"email": "somebody@example.com", "role": "member"}],
    "availability": "BUSY",
    "role": "member",
}
"""Of inputs, what is not an id."""


@dataclass
class Tenant:
    """An organization of one owner, members, a pending invitation, an API key, a workspace and a custom role.

    `ids`: of each kind one, by the name of the inputs' fields. `texts`: what lists are searched by.
    """

    boss: Person
    member: Person
    key: Client
    ids: Ids
    texts: Ids = field(default_factory=dict)
    revision: str = ""

    @property
    def askers(self) -> list[Client]:
        return [self.boss, self.member, self.key]


async def tenant(server: Server, mailbox: Mailbox) -> Tenant:
    boss = await owner(server, mailbox)
    [member] = await cast(boss, mailbox, "viewer")
    invited = await invite(boss)
    created = await boss.do("createApiKey", {"name": "Key", "role": "owner"}, CREATED_KEY)
    changed = await boss.do("updateOrganization", {"description": unique("Of ")}, "revision organization { slug }")
    # The product lets nobody make these two
    new = (uuid7(), parse_any_id(boss.organization_id), unique("other"))
    place = "INSERT INTO workspace (id, created_at, organization_id, name, slug) VALUES ($1, now(), $2, 'Place', $3)"
    await sql(server, place, *new)
    custom = """INSERT INTO role (id, created_at, organization_id, key, name, normalized_name, permissions)
        VALUES ($1, now(), $2, $3, 'Other', $3, '{calls:read}')"""
    await sql(server, custom, *new)
    selection = "auditEvents(first: 1) { nodes { id } } members { nodes { id grants { id } } }"
    found = await boss.organization(selection)
    session = (await boss.query("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
    ids = {
        "organizationId": boss.organization_id,
        "workspaceId": type_id(Workspace.prefix, new[0]),
        "roleId": type_id(Role.prefix, new[0]),
        "memberId": member.member_id,
        "grantId": next(
            node["grants"][0]["id"] for node in found["members"]["nodes"] if node["id"] == member.member_id
        ),
        "invitationId": invited["id"],
        "apiKeyId": created["apiKey"]["id"],
        "sessionId": session,
        "userId": member.user_id,
        "eventId": found["auditEvents"]["nodes"][0]["id"],
    }
    ids["replacementRoleId"] = ids["roleId"]
    texts = {"slug": changed["organization"]["slug"], "email": member.email, "invited": invited["email"]}
    return Tenant(boss, member, Client(server, created["secret"]), ids, texts, changed["revision"])


def nowhere(tenant: Tenant) -> Tenant:
    """A tenant's ids and texts as of one that never was."""
    ids = {name: type_id(id.rpartition("_")[0], uuid7()) for name, id in tenant.ids.items()}
    ids["replacementRoleId"] = ids["roleId"]
    texts = {"slug": unique("never-"), "email": f"{unique('never')}@example.com", "invited": f"{unique('never')}@x.org"}
    return Tenant(tenant.boss, tenant.member, tenant.key, ids, texts, Revision(uuid7(), 1).encode())


# Mutations


def _inputs() -> Iterator[tuple[str, GraphQLInputObjectType]]:
    mutation = schema._schema.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    for name, each in mutation.fields.items():
        if "input" in each.args:
            input = get_named_type(each.args["input"].type)
            assert isinstance(input, GraphQLInputObjectType)
            yield name, input


def mutations(own: Ids, other: Ids) -> Iterator[Case]:
    """Every mutation that takes an id, with each of its ids in turn the other tenant's; and so with roles."""
    for name, input in _inputs():
        ids = [key for key, each in input.fields.items() if str(get_named_type(each.type)) == "ID"]
        needed = {
            key: own[key] if key in ids else GIVEN[key]
            for key, each in input.fields.items()
            if is_non_null_type(each.type) and each.default_value is Undefined and (key in ids or key in GIVEN)
        }
        for key in ids:
            yield name, needed | {key: other[key]}
        for key in {"role", "ownRole"} & input.fields.keys():
            yield name, needed | {key: other["roleId"]}
    row = GIVEN["invitations"][0]
    for foreign in ({"workspaceIds": [other["workspaceId"]]}, {"role": other["roleId"]}):
        yield "inviteMembers", {"invitations": [row | foreign]}


async def told(client: Client, case: Case) -> tuple[list[str], str]:
    """The codes with which a mutation is refused, and all that it answers."""
    name, input = case
    rows = f"results {{ email {ERRORS} }}" if name == "inviteMembers" else ""
    type_name = name[0].upper() + name[1:] + "Input"
    query = f"mutation ($input: {type_name}!) {{ {name}(input: $input) {{ {rows} {ERRORS} }} }}"
    answer = await client.execute(query, {"input": input})
    payload = answer.data[name]
    errors = payload["userErrors"] + [error for row in payload.get("results") or [] for error in row["userErrors"]]
    return [error["code"] for error in errors], json.dumps(answer.body)


# Queries

BY_ID = """query ($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id, $id]) { id }
    organization(id: $id) { id name } workspace(id: $id) { id name }
    viewer { can(permission: "calls:read", on: $id) } }"""

FILTERS = {
    "members": ["{role: $id}", "{workspaceId: $id}", "{search: $id}"],
    "auditEvents": ["{actorId: $id}", "{targetId: $id}"],
}
SEARCHES = {"members": "{search: $text}", "invitations": "{email: $text}"}
CHECKS = (("organizationId",), ("workspaceId",), ("userId",), ("apiKeyId",), ("organizationId", "userId"))
CHECK = """query ($checks: [PermissionCheckInput!]!, $atLeast: String) {
    checkPermissions(checks: $checks, atLeast: $atLeast) { allowed reason } }"""


def queries(own: Ids, other: Tenant) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every way of naming something of the other tenant in a query."""
    inside = "organization(id: $own) {{ page: {}(filter: {}) {{ totalCount nodes {{ id }} }} }}"
    for id in other.ids.values():
        yield BY_ID, {"id": id}
        for name, filters in FILTERS.items():
            for filter in filters:
                type = "String!" if "search" in filter else "ID!" if "role" not in filter else "String!"
                given = {"own": own["organizationId"], "id": id}
                yield f"query ($own: ID!, $id: {type}) {{ {inside.format(name, filter)} }}", given
    for text in other.texts.values():
        yield "query ($text: String!) { organization(slug: $text) { id } }", {"text": text}
        for name, filter in SEARCHES.items():
            given = {"own": own["organizationId"], "text": text}
            yield f"query ($own: ID!, $text: String!) {{ {inside.format(name, filter)} }}", given
    for names in CHECKS:
        about = {"permission": "calls:read"} | {name: other.ids[name] for name in names}
        yield CHECK, {"checks": [about, about | {"organizationId": own["organizationId"]}]}
    yield CHECK, {"checks": [{"permission": "calls:read"}], "atLeast": other.revision}


def unnamed(answer: Answer, tenant: Tenant) -> tuple[int, str]:
    """Status and body without the ids and texts that were asked about."""
    body = json.dumps(answer.body)
    for name, value in (tenant.ids | tenant.texts).items():
        body = body.replace(value, name)
    return answer.status, body


async def logo(client: Client, organization_id: str, method: str) -> tuple[int, Any]:
    """What is answered to whoever uploads or removes an organization's logo."""
    address = f"{client.server.url}/organizations/{organization_id}/logo"
    headers = {"Authorization": f"Bearer {client.token}"}
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501
        response = await http.request(method, address, content=b"GIF", headers=headers)
    return response.status_code, response.json()


ALL = """name slug description deletedAt logoUrl settings { key value } seats { used pending }
    members { nodes { id status availability grants { id role { key } } } } invitations { nodes { id status } }
    apiKeys { nodes { id prefix role { key } } } roles { nodes { id key permissions { key } } }
    auditEvents(first: 1) { nodes { sequence } }"""
CONNECTIONS = ("members", "invitations", "apiKeys", "roles", "auditEvents")


# Ways across, each refused

Way = Callable[[Tenant, Tenant], Awaitable[None]]


async def no_query_reaches_across(own: Tenant, other: Tenant) -> None:
    """Everything is invisible to every other organization: whatever is asked about it, by id, slug, search, filter
    or check, is answered as of something that never was.
    """
    never = nowhere(other)

    async def asks(asker: Client) -> None:
        pairs = zip(queries(own.ids, other), queries(own.ids, never), strict=True)
        for (query, variables), (same, unknown) in pairs:
            answer, expected = await asker.execute(query, variables), await asker.execute(same, unknown)
            assert unnamed(answer, other) == unnamed(expected, never), (query, variables)
            if answer.statements != expected.statements:  # once a minute it is written down that the asker is there
                answer, expected = await asker.execute(query, variables), await asker.execute(same, unknown)
            assert answer.statements == expected.statements, query
        for header, name in (("Orgraph_Organization", "organizationId"), ("Orgraph_Workspace", "workspaceId")):
            named = [await asker.execute(ACTIVE, **{header: each.ids[name]}) for each in (other, never)]
            assert all(closed(answer) for answer in named)
            assert named[0].body == named[1].body

    await asyncio.gather(*(asks(asker) for asker in own.askers))
    # The same questions are answered to those whose organization it is
    found = await other.boss.query(BY_ID, {"id": other.ids["organizationId"]})
    assert found["node"]["id"] == found["organization"]["id"] == other.ids["organizationId"]
    assert found["viewer"] == {"can": True}


async def no_mutation_reaches_across(own: Tenant, other: Tenant) -> None:
    """Every mutation that takes an id, with one of the other organization: refused as for what never was, and
    nothing has happened there, not even in its audit log.
    """
    never = nowhere(other)
    before = await other.boss.organization(ALL)

    async def tries(asker: Client) -> None:
        cases = zip(mutations(own.ids, other.ids), mutations(own.ids, never.ids), strict=True)
        for case, unknown in cases:
            codes, answer = await told(asker, case)
            assert len(codes) == 1, (case, codes)
            assert codes[0] in ("NOT_FOUND", "FORBIDDEN"), (case, codes)
            assert answer == (await told(asker, unknown))[1], case
        for method in ("PUT", "DELETE"):
            refused, expected = [await logo(asker, each.ids["organizationId"], method) for each in (other, never)]
            assert refused == expected
            assert refused[0] == 404

    await asyncio.gather(*(tries(asker) for asker in own.askers))
    assert await other.boss.organization(ALL) == before


async def no_cursor_reaches_across(own: Tenant, other: Tenant) -> None:
    """A cursor of the other organization leads to rows of one's own only."""
    page = "page: {}(first: 100, after: $after) {{ nodes {{ id }} pageInfo {{ startCursor }} }}"
    for name in CONNECTIONS:
        paged, heard = (page.format(name), ", $after: String"), set()
        for one, another in ((own, other), (other, own)):
            rows = {each["id"] for each in (await one.boss.organization(*paged))["page"]["nodes"]}
            cursor = (await another.boss.organization(*paged))["page"]["pageInfo"]["startCursor"]
            found = {each["id"] for each in (await one.boss.organization(*paged, after=cursor))["page"]["nodes"]}
            assert found <= rows, name
            heard |= found
        assert heard, name


async def no_subscription_reaches_across(own: Tenant, other: Tenant) -> None:
    """A subscription to the other organization ends as one to none at all; with its cursor, one hears of one's own."""
    ends = []
    for each in (other, nowhere(other)):
        async with by_websocket(own.boss, organizationId=each.ids["organizationId"]) as stream:
            ends.append(await rest(stream))
    assert ends[0] == ends[1]
    assert ends[0][0]["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "NOT_FOUND")
    async with by_websocket(other.boss) as stream:
        await invite(other.boss)
        [change] = await take(stream, 1)
    async with by_websocket(own.boss, after=since(1)) as stream, by_websocket(own.boss) as live:
        await invite(other.boss)
        mine = await invite(own.boss)
        [heard] = await take(live, 1)
        assert heard["invitation"]["id"] == mine["id"]
        replayed = []
        while not replayed or replayed[-1]["cursor"] != heard["cursor"]:
            replayed += await take(stream, 1)
    mail = {own.boss.email, own.member.email}
    assert {each["actor"]["label"] for each in replayed} <= mail
    assert change["target"]["id"] not in {each["target"]["id"] for each in replayed}


WAYS: list[Way] = [
    no_query_reaches_across,
    no_mutation_reaches_across,
    no_cursor_reaches_across,
    no_subscription_reaches_across,
]
