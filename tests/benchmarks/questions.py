"""What is asked: for each question the GraphQL document, and some hundred ways in which it is asked."""

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from server.rows import type_id
from tests.benchmarks.arena import Arena, Contestant
from tests.benchmarks.load import answers, post

VARIETY = 400
DEPTH = 500_000

DOCUMENTS = {
    "viewer": """{ viewer { memberships(first: 100) { nodes { id status joinedAt
        organization { id name slug workspaces(first: 50) { nodes { id name slug environment } } }
        roles { id key name permissions { key } } } } } }""",
    "members": """query ($organization: ID!, $after: String) { organization(id: $organization) {
        members(first: 50, after: $after) { nodes { id status user { id name email } roles { key name }
        workspaces(first: 10) { nodes { id name } } } } } }""",
    "events": """query ($organization: ID!, $action: String!, $after: String) { organization(id: $organization) {
        auditEvents(first: 50, after: $after, filter: { action: $action }) { nodes { id sequence action createdAt
        actor { type id label } target { type id label } changes { field before after } } } } }""",
    "checks": "query ($checks: [PermissionCheckInput!]!) { checkPermissions(checks: $checks) { allowed reason } }",
    "grant": """mutation ($input: GrantRoleInput!) { grantRole(input: $input) {
        grant { id expiresAt role { key } workspace { id name } } member { id } userErrors { code message } } }""",
}


@dataclass(frozen=True)
class Ask:
    """Somebody asks, by GraphQL's variables or, where it is another, by what the hand-written route is given."""

    token: str
    variables: dict[str, Any]
    by_hand: dict[str, Any] | None = None


@dataclass(frozen=True)
class Question:
    name: str
    """The first word is that of the document and the hand-written route."""
    asks: Callable[[Arena], Awaitable[list[Ask]]] = field(repr=False)
    gate: float
    aim: float
    once: bool = False
    """Each ask is asked once, since it changes something."""

    def request(self, ask: Ask, contestant: Contestant) -> bytes:
        document = self.name.partition(" ")[0]
        if contestant.name == "limit":
            given = ask.variables if ask.by_hand is None else ask.by_hand
            return post(contestant.url, f"/{document}", ask.token, given)
        body = {"query": DOCUMENTS[document], "variables": ask.variables}
        return post(contestant.url, "/graphql", ask.token, body)


async def _column(arena: Arena, sql: str, *values: Any) -> list[Any]:
    return [row[0] for row in await arena.connection.fetch(sql, *values)]


async def _administrators(arena: Arena) -> list[str]:
    """Session tokens of those who see everything in the large organization."""
    users = await _column(
        arena,
        """SELECT DISTINCT m.user_id FROM member m JOIN "grant" g ON g.member_id = m.id AND g.workspace_id IS NULL
        JOIN role r ON r.id = g.role_id AND r.key IN ('owner', 'admin')
        WHERE m.organization_id = $1 AND m.status = 'active' AND g.expires_at IS NULL ORDER BY 1 LIMIT $2""",
        arena.organization,
        VARIETY,
    )
    return await arena.sign_in(users)


def _various(asks: Iterator[Ask]) -> list[Ask]:
    found = list(itertools.islice(asks, VARIETY))
    random.Random(1).shuffle(found)
    return found


async def viewer(arena: Arena) -> list[Ask]:
    """People in one organization, in two, and in more."""
    counted = "SELECT user_id, count(*) AS count FROM member WHERE status = 'active' GROUP BY user_id"
    users: list[Any] = []
    for least, most, share in ((1, 1, 150), (2, 2, 150), (3, 9, 100)):
        between = (
            f"SELECT user_id FROM ({counted}) m WHERE count BETWEEN $1 AND $2 ORDER BY md5(user_id::text) LIMIT $3"
        )
        users += await _column(arena, between, least, most, share)
    return _various(Ask(token, {}) for token in await arena.sign_in(users))


async def members(arena: Arena) -> list[Ask]:
    tokens = await _administrators(arena)
    rows = await arena.connection.fetch(
        "SELECT created_at, id FROM member WHERE organization_id = $1 ORDER BY created_at, id", arena.organization
    )
    organization, after = type_id("org", arena.organization), None
    places: list[tuple[str | None, list[str] | None]] = [(None, None)]
    walk = """query ($organization: ID!, $after: String) { organization(id: $organization) {
        members(first: 100, after: $after) { pageInfo { endCursor } } } }"""
    for last in rows[99:-50:100]:
        body = {"query": walk, "variables": {"organization": organization, "after": after}}
        [(_, answer)] = await answers(arena["compiled"].url, [post(arena["compiled"].url, "/graphql", tokens[0], body)])
        after = answer["data"]["organization"]["members"]["pageInfo"]["endCursor"]
        places.append((after, [last["created_at"].isoformat(), str(last["id"])]))
    return _various(
        Ask(token, {"organization": organization, "after": after}, {"organization": organization, "after": by_hand})
        for token, (after, by_hand) in zip(itertools.cycle(tokens), itertools.cycle(places), strict=False)
    )


async def _frequent_actions(arena: Arena) -> list[str]:
    return await _column(
        arena,
        "SELECT action FROM audit_event WHERE chain_id = $1 GROUP BY action ORDER BY count(*) DESC LIMIT 5",
        arena.organization,
    )


async def first_events(arena: Arena) -> list[Ask]:
    given = {"organization": type_id("org", arena.organization)}
    combined = zip(
        itertools.cycle(await _administrators(arena)), itertools.cycle(await _frequent_actions(arena)), strict=False
    )
    return _various(
        Ask(token, given | {"action": action, "after": None}, given | {"action": action, "before": None})
        for token, action in combined
    )


async def deep_events(arena: Arena) -> list[Ask]:
    tokens, actions = await _administrators(arena), await _frequent_actions(arena)
    given = {"organization": type_id("org", arena.organization)}
    last = await arena.connection.fetchval("SELECT sequence FROM audit_chain WHERE id = $1", arena.organization)
    at = "SELECT created_at FROM audit_event WHERE chain_id = $1 AND sequence = $2"
    find = """query ($organization: ID!, $from: DateTime!, $to: DateTime!) { organization(id: $organization) {
        auditEvents(filter: { createdAfter: $from, createdBefore: $to }) { edges { cursor node { sequence } } } } }"""
    cursors: list[tuple[str, int]] = []
    for depth in range(DEPTH, DEPTH + 20_000, 500):
        moment = await arena.connection.fetchval(at, arena.organization, last - depth)
        times = {"from": moment.isoformat(), "to": (moment + timedelta(microseconds=1)).isoformat()}
        request = post(arena["compiled"].url, "/graphql", tokens[0], {"query": find, "variables": given | times})
        [(_, answer)] = await answers(arena["compiled"].url, [request])
        edge = answer["data"]["organization"]["auditEvents"]["edges"][0]
        cursors.append((edge["cursor"], edge["node"]["sequence"]))
    combined = zip(itertools.cycle(tokens), itertools.cycle(itertools.product(cursors, actions)), strict=False)
    return _various(
        Ask(token, given | {"action": action, "after": after}, given | {"action": action, "before": before})
        for token, ((after, before), action) in combined
    )


async def checks(arena: Arena) -> list[Ask]:
    """Each about fifty members, organization-wide and in a workspace."""
    tokens = await _administrators(arena)
    users = await _column(arena, "SELECT user_id FROM member WHERE organization_id = $1", arena.organization)
    workspaces = await _column(arena, "SELECT id FROM workspace WHERE organization_id = $1", arena.organization)
    permissions = ["members:invite", "content:read", "content:write", "audit:read", "workspaces:update"]
    organization, choice = type_id("org", arena.organization), random.Random(1)
    return [
        Ask(
            token,
            {
                "checks": [
                    {
                        "permission": choice.choice(permissions),
                        "userId": type_id("user", user),
                        "organizationId": organization,
                        "workspaceId": place,
                    }
                    for user in choice.sample(users, 50)
                    for place in (None, type_id("ws", choice.choice(workspaces)))
                ]
            },
        )
        for token in itertools.islice(itertools.cycle(tokens), VARIETY)
    ]


async def grants(arena: Arena) -> list[Ask]:
    """By the owners of a thousand organizations, whom nobody waits for, to members who do not have the role yet.

    None lets a member enter a workspace anew, so that each makes one event.
    """
    owners = await arena.connection.fetch(
        """SELECT DISTINCT ON (m.organization_id) m.organization_id, m.user_id
        FROM member m JOIN "grant" g ON g.member_id = m.id AND g.workspace_id IS NULL AND g.expires_at IS NULL
        JOIN role r ON r.id = g.role_id AND r.key = 'owner'
        WHERE m.status = 'active' AND m.organization_id <> $1 ORDER BY m.organization_id, m.user_id""",
        arena.organization,
    )
    signed_in = await arena.sign_in([row["user_id"] for row in owners])
    tokens = dict(zip([row["organization_id"] for row in owners], signed_in, strict=True))
    missing = await arena.connection.fetch(
        """SELECT m.organization_id, m.id, r.key, p.workspace_id
        FROM member m JOIN role r ON r.key IN ('member', 'viewer') OR r.organization_id = m.organization_id
        JOIN LATERAL (SELECT NULL::uuid UNION SELECT workspace_id FROM "grant" WHERE member_id = m.id)
            p (workspace_id) ON true
        WHERE m.status = 'active' AND m.organization_id = ANY ($1) AND NOT m.user_id = ANY ($2) AND NOT EXISTS (
            SELECT 1 FROM "grant" g WHERE g.member_id = m.id AND g.role_id = r.id
            AND g.workspace_id IS NOT DISTINCT FROM p.workspace_id)
        ORDER BY m.organization_id, m.id, 3, 4""",
        list(tokens),
        [row["user_id"] for row in owners],
    )
    random.Random(1).shuffle(missing)
    return [
        Ask(
            tokens[organization],
            {
                "input": {
                    "memberId": type_id("mem", member),
                    "role": role,
                    "workspaceId": workspace and type_id("ws", workspace),
                }
            },
        )
        for organization, member, role, workspace in missing
    ]


QUESTIONS = [
    Question("viewer", viewer, gate=0.60, aim=0.80),
    Question("members", members, gate=0.80, aim=0.90),
    Question("events first", first_events, gate=0.65, aim=0.85),
    Question("events deep", deep_events, gate=0.65, aim=0.85),
    Question("checks", checks, gate=0.50, aim=0.70),
    Question("grant", grants, gate=0.60, aim=0.85, once=True),
]
