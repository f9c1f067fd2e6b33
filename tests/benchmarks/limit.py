"""The least that a question can cost: SQL by hand behind a bare ASGI route, without GraphQL, permissions or limits.

`uvicorn tests.benchmarks.limit:app`, on the database of ORGRAPH_DATABASE_URL. It answers with the very
bytes' meaning of the operations in QUESTIONS, as whoever's session token comes along; a token is looked up once.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import asyncpg
import orjson

from server.database import Connection
from server.rows import type_id

PAGE = 50

QUESTIONS = {
    "memberships": """{ viewer { memberships(first: 100) { nodes { id status joinedAt
        organization { id name slug workspaces(first: 50) { nodes { id name slug environment } } }
        roles { id key name permissions { key } } } } } }""",
    "members": """query ($organization: ID!) { organization(id: $organization) { members(first: 50) { nodes { id status
        user { id name email } roles { key name } workspaces(first: 10) { nodes { id name } } } } } }""",
    "events": """query ($organization: ID!, $action: String!, $after: String) { organization(id: $organization) {
        auditEvents(first: 50, after: $after, filter: { action: $action }) { nodes { id sequence action createdAt
        actor { type id label } target { type id label } changes { field before after } } } } }""",
    "checks": "query ($checks: [PermissionCheckInput!]!) { checkPermissions(checks: $checks) { allowed reason } }",
}

ENTERED = """EXISTS (SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id WHERE g.member_id = m.id
    AND (g.expires_at IS NULL OR g.expires_at > now())
    AND (g.workspace_id = w.id OR g.workspace_id IS NULL AND 'workspaces:enter_all' = ANY (r.permissions)))"""
ROLES = """(SELECT array_agg(ROW(r.id, r.key, r.name, r.permissions) ORDER BY g.first) FROM (
    SELECT role_id, min(id::text) AS first FROM "grant" WHERE member_id = m.id
    AND (expires_at IS NULL OR expires_at > now()) GROUP BY role_id) g JOIN role r ON r.id = g.role_id)"""

MEMBERSHIPS = f"""
    SELECT m.id, m.status, m.created_at, o.id AS organization_id, o.name, o.slug, {ROLES} AS roles,
        (SELECT array_agg(ROW(w.id, w.name, w.slug, w.environment) ORDER BY w.created_at, w.id) FROM workspace w
            WHERE w.organization_id = o.id AND w.deleted_at IS NULL AND {ENTERED}) AS workspaces
    FROM member m JOIN organization o ON o.id = m.organization_id AND o.deleted_at IS NULL
    WHERE m.user_id = $1 AND m.status = 'active' ORDER BY m.created_at, m.id LIMIT 100
"""
MEMBERS = f"""
    SELECT m.id, m.status, u.id AS user_id, u.name, u.email, {ROLES} AS roles,
        (SELECT array_agg(ROW(w.id, w.name) ORDER BY w.created_at, w.id) FROM workspace w
            WHERE w.organization_id = m.organization_id AND w.deleted_at IS NULL AND m.status = 'active' AND {ENTERED})
            AS workspaces
    FROM member m JOIN "user" u ON u.id = m.user_id
    WHERE m.organization_id = $1 ORDER BY m.created_at, m.id LIMIT {PAGE}
"""
EVENTS = f"""
    SELECT id, sequence, action, created_at, actor_type, actor_id, actor_label, target_type, target_id, target_label,
        changes
    FROM audit_event WHERE chain_id = $1 AND action = $2 AND sequence < $3 ORDER BY sequence DESC LIMIT {PAGE}
"""
CHECKS = """
    SELECT c.place, EXISTS (
        SELECT 1 FROM member m JOIN "grant" g ON g.member_id = m.id JOIN role r ON r.id = g.role_id
        WHERE m.organization_id = $1 AND m.user_id = c.user_id AND m.status = 'active' AND g.workspace_id IS NULL
            AND (g.expires_at IS NULL OR g.expires_at > now()) AND c.permission = ANY (r.permissions)
    ) AS allowed
    FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY c (user_id, permission, place) ORDER BY c.place
"""

pool: asyncpg.Pool
users: dict[str, UUID] = {}


async def user_of(token: str) -> UUID:
    if token not in users:
        digest = hashlib.sha256(token.encode()).hexdigest()
        users[token] = await pool.fetchval("SELECT user_id FROM session WHERE token_hash = $1", digest)
    return users[token]


async def memberships(user: UUID, asked: dict[str, str], body: bytes) -> Any:
    nodes = [
        {
            "id": type_id("mem", row["id"]),
            "status": row["status"].upper(),
            "joinedAt": row["created_at"].isoformat(),
            "organization": {
                "id": type_id("org", row["organization_id"]),
                "name": row["name"],
                "slug": row["slug"],
                "workspaces": {
                    "nodes": [
                        {"id": type_id("ws", id), "name": name, "slug": slug, "environment": environment}
                        for id, name, slug, environment in row["workspaces"] or ()
                    ]
                },
            },
            "roles": [
                {
                    "id": type_id("role", id),
                    "key": key,
                    "name": name,
                    "permissions": [{"key": permission} for permission in permissions],
                }
                for id, key, name, permissions in row["roles"] or ()
            ],
        }
        for row in await pool.fetch(MEMBERSHIPS, user)
    ]
    return {"viewer": {"memberships": {"nodes": nodes}}}


async def members(user: UUID, asked: dict[str, str], body: bytes) -> Any:
    nodes = [
        {
            "id": type_id("mem", row["id"]),
            "status": row["status"].upper(),
            "user": {"id": type_id("user", row["user_id"]), "name": row["name"], "email": row["email"]},
            "roles": [{"key": key, "name": name} for _, key, name, _ in row["roles"] or ()],
            "workspaces": {
                "nodes": [{"id": type_id("ws", id), "name": name} for id, name in (row["workspaces"] or ())[:10]]
            },
        }
        for row in await pool.fetch(MEMBERS, UUID(asked["organization"]))
    ]
    return {"organization": {"members": {"nodes": nodes}}}


async def events(user: UUID, asked: dict[str, str], body: bytes) -> Any:
    rows = await pool.fetch(EVENTS, UUID(asked["organization"]), asked["action"], int(asked["before"]))
    nodes = [
        {
            "id": type_id("evt", row["id"]),
            "sequence": row["sequence"],
            "action": row["action"],
            "createdAt": row["created_at"].isoformat(),
            "actor": {
                "type": row["actor_type"].upper(),
                "id": row["actor_id"] and type_id("user", row["actor_id"]),
                "label": row["actor_label"],
            },
            "target": {
                "type": row["target_type"],
                "id": row["target_id"] and type_id(row["target_type"], row["target_id"]),
                "label": row["target_label"],
            },
            "changes": orjson.Fragment(row["changes"]),
        }
        for row in rows
    ]
    return {"organization": {"auditEvents": {"nodes": nodes}}}


async def checks(user: UUID, asked: dict[str, str], body: bytes) -> Any:
    given = orjson.loads(body)
    rows = await pool.fetch(CHECKS, UUID(asked["organization"]), given["users"], given["permissions"])
    results = [{"allowed": row["allowed"], "reason": "GRANTED" if row["allowed"] else "NOT_GRANTED"} for row in rows]
    return {"checkPermissions": results}


HANDLERS: dict[str, Callable[[UUID, dict[str, str], bytes], Awaitable[Any]]] = {
    "/memberships": memberships,
    "/members": members,
    "/events": events,
    "/checks": checks,
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    global pool
    if scope["type"] == "lifespan":
        await receive()
        url = os.environ["ORGRAPH_DATABASE_URL"].replace("asyncpg://", "postgresql://")
        settings = {"jit": "off", "plan_cache_mode": "force_custom_plan"}
        pool = await asyncpg.create_pool(
            url, min_size=20, max_size=20, server_settings=settings, connection_class=Connection
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = (await receive())["body"]
    token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
    asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    handler = HANDLERS.get(scope["path"])
    data = await handler(await user_of(token), asked, body) if handler else None
    answer = orjson.dumps({"data": data})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
