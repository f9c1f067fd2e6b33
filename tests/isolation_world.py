"""The server beside the model: its people, one request at a time, and what its tables hold."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from schema.scalars import parse_any_id
from server.rows import type_id, uuid7
from tests.factories import Answer, sign_up, unique, verify
from tests.isolation_model import (
    Grant,
    Invitation,
    Key,
    Member,
    Organization,
    Role,
    Rows,
    User,
    Workspace,
)
from tests.servers import Mailbox, Server

PEOPLE = 7
"""The last of them with an address that is not verified."""

SELECTED = {
    "organizations": """SELECT id, name, deleted_at IS NOT NULL AS deleted FROM organization
        WHERE id = ANY ($1) ORDER BY id""",
    "workspaces": """SELECT id, organization_id, name, deleted_at IS NOT NULL AS deleted FROM workspace
        WHERE organization_id = ANY ($1) ORDER BY id""",
    "roles": """SELECT id, organization_id, key, name, permissions FROM role
        WHERE organization_id IS NULL OR organization_id = ANY ($1) ORDER BY organization_id IS NOT NULL, id""",
    "members": "SELECT id, organization_id, user_id, status FROM member WHERE organization_id = ANY ($1) ORDER BY id",
    "grants": """SELECT id, member_id, role_id, workspace_id, expires_at FROM "grant"
        WHERE organization_id = ANY ($1) ORDER BY id""",
    "keys": """SELECT id, organization_id, workspace_id, role_id, created_by_id, expires_at FROM api_key
        WHERE organization_id = ANY ($1) ORDER BY id""",
    "invitations": """SELECT i.id, organization_id, email, role_id, invited_by_id, status, expires_at <= now() AS over,
        (SELECT coalesce(json_agg(w.workspace_id), '[]') FROM invitation_workspace w WHERE w.invitation_id = i.id)
            AS workspaces
        FROM invitation i WHERE organization_id = ANY ($1) ORDER BY id""",
    "chains": """SELECT c.id, c.sequence, count(e.id) AS events, min(e.sequence) AS first, max(e.sequence) AS last,
        (array_agg(e.id ORDER BY e.sequence DESC))[1] AS event
        FROM audit_chain c JOIN audit_event e ON e.chain_id = c.id WHERE c.id = ANY ($1) GROUP BY c.id""",
    "strays": """
        SELECT 'grant' AS what FROM "grant" x JOIN member m ON m.id = x.member_id JOIN role r ON r.id = x.role_id
            LEFT JOIN workspace w ON w.id = x.workspace_id WHERE x.organization_id = ANY ($1)
            AND (x.organization_id <> m.organization_id OR x.organization_id <> r.organization_id
                OR x.organization_id <> w.organization_id)
        UNION ALL SELECT 'key' FROM api_key x JOIN role r ON r.id = x.role_id
            LEFT JOIN workspace w ON w.id = x.workspace_id WHERE x.organization_id = ANY ($1)
            AND (x.organization_id <> r.organization_id OR x.organization_id <> w.organization_id)
        UNION ALL SELECT 'invitation' FROM invitation x LEFT JOIN role r ON r.id = x.role_id
            LEFT JOIN invitation_workspace i ON i.invitation_id = x.id LEFT JOIN workspace w ON w.id = i.workspace_id
            WHERE x.organization_id = ANY ($1)
            AND (x.organization_id <> r.organization_id OR x.organization_id <> w.organization_id)
        UNION ALL SELECT 'session' FROM session x JOIN workspace w ON w.id = x.workspace_id
            WHERE x.organization_id = ANY ($1) AND x.organization_id <> w.organization_id""",
}
"""`strays`: rows that name what is of another organization, which must not be."""

STATE = f"""SELECT json_build_object({
    ", ".join(
        f"'{name}', (SELECT coalesce(json_agg(row), '[]') FROM ({select}) row)" for name, select in SELECTED.items()
    )
})"""


@cache
def of(prefix: str, id: str | None) -> Any:
    """The API's id for one of the database."""
    return None if id is None else type_id(prefix, UUID(id))


def never(prefix: str) -> str:
    """An id of what never was."""
    return type_id(prefix, uuid7())


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@dataclass
class State:
    """What the database holds of some organizations; `sequences` and the last `events` of their chains."""

    rows: Rows
    sequences: dict[str, int]
    events: dict[str, str]
    strays: list[Any]


def _rows(found: dict[str, list[dict[str, Any]]]) -> Rows:
    rows = Rows()
    for row in found["organizations"]:
        rows.organizations[of("org", row["id"])] = Organization(row["name"], row["deleted"])
    for row in found["workspaces"]:
        organization = of("org", row["organization_id"])
        rows.workspaces[of("ws", row["id"])] = Workspace(organization, row["name"], row["deleted"])
    for row in found["roles"]:
        organization = of("org", row["organization_id"])
        given = frozenset(row["permissions"])
        rows.roles[of("role", row["id"])] = Role(organization, row["name"], given, row["key"])
    for row in found["members"]:
        user, active = of("user", row["user_id"]), row["status"] == "active"
        rows.members[of("mem", row["id"])] = Member(of("org", row["organization_id"]), user, active)
    for row in found["grants"]:
        key = (of("mem", row["member_id"]), of("role", row["role_id"]), of("ws", row["workspace_id"]))
        rows.grants[key] = Grant(moment(row["expires_at"]), of("grant", row["id"]))
    for row in found["keys"]:
        rows.keys[of("key", row["id"])] = Key(
            of("org", row["organization_id"]),
            of("ws", row["workspace_id"]),
            of("role", row["role_id"]),
            of("user", row["created_by_id"]),
            moment(row["expires_at"]),
        )
    for row in found["invitations"]:
        rows.invitations[of("inv", row["id"])] = Invitation(
            of("org", row["organization_id"]),
            row["email"],
            of("role", row["role_id"]),
            frozenset(of("ws", id) for id in row["workspaces"]),
            of("user", row["invited_by_id"]),
            row["status"],
            row["over"],
        )
    return rows


@dataclass
class World:
    server: Server
    http: httpx.Client
    runner: asyncio.Runner
    database: asyncpg.Connection
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    """Of people's sessions, by the users' ids."""

    def execute(self, token: str | None, query: str, variables: dict[str, Any], **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        response = self.http.post("/graphql", json={"query": query, "variables": variables}, headers=sent)
        return Answer(response.status_code, response.json(), response.headers)

    def mutate(self, token: str | None, operation: str, given: dict[str, Any], selection: str) -> Answer:
        type_name = operation[0].upper() + operation[1:] + "Input"
        errors = "userErrors { code message field details }"
        query = f"mutation ($input: {type_name}!) {{ {operation}(input: $input) {{ {selection} {errors} }} }}"
        return self.execute(token, query, {"input": given})

    def forget(self, organizations: list[str]) -> None:
        gone = [parse_any_id(id) for id in organizations]
        self.sql("DELETE FROM organization WHERE id = ANY ($1)", gone)

    def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        return list(self.runner.run(self.database.fetch(statement, *values)))

    def state(self, organizations: list[str]) -> State:
        [row] = self.sql(STATE, [parse_any_id(id) for id in organizations])
        found = json.loads(row[0])
        for chain in found["chains"]:
            assert chain["first"] == 1, "the chain begins with 1"
            assert chain["sequence"] == chain["events"] == chain["last"], "the chain has no gap"
        return State(
            _rows(found),
            {of("org", chain["id"]): chain["sequence"] for chain in found["chains"]},
            {of("evt", chain["event"]): of("org", chain["id"]) for chain in found["chains"]},
            found["strays"],
        )

    async def populate(self, mailbox: Mailbox) -> None:
        people = await asyncio.gather(*(sign_up(self.server) for _ in range(PEOPLE)))
        await asyncio.gather(*(verify(person, mailbox) for person in people[:-1]))
        for person in people:
            session = (await person.query("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
            self.users[person.user_id] = User(person.email, person is not people[-1], session)
            self.tokens[person.user_id] = person.token or ""


def tenant(world: World, owner: str, member: str, invited: str) -> dict[str, str]:
    """Of everything in a new organization one, by the fields of inputs."""

    def done(who: str, operation: str, selection: str, **given: Any) -> Any:
        payload = world.mutate(world.tokens[who], operation, given, selection).data[operation]
        assert not payload["userErrors"]
        return payload

    made = done(owner, "createOrganization", "organization { id }", name=unique("Organization "))
    workspace = done(owner, "createWorkspace", "workspace { id }", name="Place")["workspace"]["id"]
    role = done(owner, "createRole", "role { id }", name="Alpha", permissions=[])["role"]["id"]
    key = done(owner, "createApiKey", "apiKey { id }", name="Key", role="viewer")["apiKey"]["id"]
    rows = [{"email": world.users[who].email, "role": "viewer"} for who in (member, invited)]
    results = done(owner, "inviteMembers", "results { invitation { id } }", invitations=rows)["results"]
    accepted, pending = (row["invitation"]["id"] for row in results)
    joined = done(member, "acceptInvitation", "member { id grants { id } }", invitationId=accepted)["member"]
    return {
        "organizationId": made["organization"]["id"],
        "workspaceId": workspace,
        "memberId": joined["id"],
        "grantId": joined["grants"][0]["id"],
        "roleId": role,
        "invitationId": pending,
        "apiKeyId": key,
    }
