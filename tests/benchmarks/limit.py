"""The least that a question can cost: SQL by hand behind a bare ASGI route, without GraphQL, permissions or limits.

Served by uvicorn as Orgraph is, on the database of ORGRAPH_DATABASE_URL. Each route answers the question of its
name (questions.py) with the same JSON, as whoever's session token comes along; a token is looked up once.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn

from server.audit import difference, event_hash
from server.database import tortoise_config
from server.rows import type_id, uuid7

IN_FORCE = "(g.expires_at IS NULL OR g.expires_at > now())"

# Of a membership `m`: its roles in the order in which they were given, and where they count.
HELD = f"""
    SELECT array_agg(r.id ORDER BY g.id) AS role_ids, array_agg(r.key ORDER BY g.id) AS keys,
        array_agg(r.name ORDER BY g.id) AS names,
        array_agg(array_to_string(r.permissions, ' ') ORDER BY g.id) AS permissions,
        array_agg(g.workspace_id) AS places,
        bool_or(g.workspace_id IS NULL AND 'workspaces:enter_all' = ANY (r.permissions)) AS everywhere
    FROM "grant" g JOIN role r ON r.id = g.role_id WHERE g.member_id = m.id AND {IN_FORCE}
"""
MEMBERSHIPS = f"""
    SELECT m.id, m.created_at, o.id, o.name, o.slug, h.role_ids, h.keys, h.names, h.permissions,
        w.ids, w.names, w.slugs, w.environments
    FROM member m JOIN organization o ON o.id = m.organization_id AND o.deleted_at IS NULL
    CROSS JOIN LATERAL ({HELD}) h
    CROSS JOIN LATERAL (
        SELECT array_agg(id) AS ids, array_agg(name) AS names, array_agg(slug) AS slugs,
            array_agg(environment) AS environments
        FROM (SELECT * FROM workspace w WHERE w.organization_id = m.organization_id AND w.deleted_at IS NULL
            AND (h.everywhere OR w.id = ANY (h.places)) ORDER BY w.created_at, w.id LIMIT 50) w
    ) w
    WHERE m.user_id = $1 AND m.status = 'active' ORDER BY m.created_at, m.id LIMIT 100
"""
MEMBERS = f"""
    WITH place AS MATERIALIZED (
        SELECT id, name FROM workspace WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY created_at, id
    )
    SELECT m.id, m.status, u.id, u.name, u.email, h.keys, h.names, w.ids, w.names
    FROM (
        SELECT * FROM member WHERE organization_id = $1 AND (created_at, id) > ($2, $3)
        ORDER BY created_at, id LIMIT 50
    ) m
    JOIN "user" u ON u.id = m.user_id
    CROSS JOIN LATERAL ({HELD}) h
    CROSS JOIN LATERAL (
        SELECT array_agg(id) AS ids, array_agg(name) AS names FROM place
        WHERE m.status = 'active' AND (h.everywhere OR id = ANY (h.places))
    ) w
    ORDER BY m.created_at, m.id
"""
EVENTS = """
    SELECT id, sequence, action, created_at, actor_type, actor_id, actor_label, target_type, target_id, target_label,
        changes
    FROM audit_event WHERE chain_id = $1 AND action = $2 AND sequence < $3 ORDER BY sequence DESC LIMIT 50
"""
ACCESS = f"""
    SELECT m.user_id, m.status, g.role_id, g.workspace_id
    FROM member m LEFT JOIN "grant" g ON g.member_id = m.id AND {IN_FORCE}
    WHERE m.organization_id = $1 AND m.user_id = ANY ($2)
"""
ROLES = "SELECT id, permissions FROM role WHERE organization_id IS NULL OR organization_id = $1"
LOCK = """
    SELECT c.id, c.sequence, c.hash, u.email, r.id, w.name
    FROM audit_chain c JOIN member m ON m.id = $1 JOIN "user" u ON u.id = m.user_id
    JOIN role r ON r.key = $2 AND (r.organization_id IS NULL OR r.organization_id = m.organization_id)
    LEFT JOIN workspace w ON w.id = $3 AND w.organization_id = m.organization_id
    WHERE c.id = (SELECT organization_id FROM member WHERE id = $1) FOR UPDATE OF c
"""
GRANT = """
    WITH given AS (
        INSERT INTO "grant" (id, created_at, organization_id, member_id, role_id, workspace_id, granted_by_id)
        VALUES ($1, $14, $3, $9, $2, $11, $7)
    ), told AS (
        INSERT INTO audit_event (id, chain_id, sequence, action, actor_type, actor_id, actor_label, target_type,
            target_id, target_label, workspace_id, changes, ip, created_at, user_agent, request_id, previous_hash, hash)
        VALUES ($18, $3, $4, $5, $6, $7, $8, 'mem', $9, $10, $11, $12, $13, $14, $15, $16, $17, $19)
    )
    UPDATE audit_chain SET sequence = $4, hash = $19 WHERE id = $3
"""

START = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
END = 2**63 - 1
DIGITS = str.maketrans("0123456789abcdefghjkmnpqrstvwxyz", "0123456789abcdefghijklmnopqrstuv")
"""From Crockford's base 32 to Python's."""


def uuid_of(id: str) -> UUID:
    """Of a TypeID."""
    return UUID(int=int(id[-26:].translate(DIGITS), 32))


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """Nothing is left set on a connection, so that it is not reset."""

    async def reset(self, *, timeout: float | None = None) -> None:
        pass


pool: asyncpg.Pool
people: dict[str, tuple[UUID, str]] = {}


async def person_of(token: str) -> tuple[UUID, str]:
    if token not in people:
        digest = hashlib.sha256(token.encode()).hexdigest()
        people[token] = await pool.fetchrow(
            'SELECT s.user_id, u.email FROM session s JOIN "user" u ON u.id = s.user_id WHERE token_hash = $1', digest
        )
    return people[token]


async def viewer(given: Any, scope: Any, user_id: UUID, email: str) -> Any:
    nodes = [
        {
            "id": type_id("mem", id),
            "status": "ACTIVE",
            "joinedAt": joined_at.isoformat(),
            "organization": {
                "id": type_id("org", organization_id),
                "name": organization,
                "slug": slug,
                "workspaces": {
                    "nodes": [
                        {"id": type_id("ws", id), "name": name, "slug": slug, "environment": environment}
                        for id, name, slug, environment in zip(*workspaces, strict=True)
                    ]
                    if workspaces[0]
                    else []
                },
            },
            "roles": [
                {
                    "id": type_id("role", id),
                    "key": key,
                    "name": name,
                    "permissions": [{"key": permission} for permission in permissions.split()],
                }
                for id, key, name, permissions in dict.fromkeys(zip(*roles, strict=True))
            ]
            if roles[0]
            else [],
        }
        for id, joined_at, organization_id, organization, slug, *arrays in await pool.fetch(MEMBERSHIPS, user_id)
        for roles, workspaces in [(arrays[:4], arrays[4:])]
    ]
    return {"viewer": {"memberships": {"nodes": nodes}}}


async def members(given: Any, scope: Any, user_id: UUID, email: str) -> Any:
    after = (datetime.fromisoformat(given["after"][0]), UUID(given["after"][1])) if given["after"] else START
    nodes = [
        {
            "id": type_id("mem", id),
            "status": status.upper(),
            "user": {"id": type_id("user", user_id), "name": name, "email": email},
            "roles": [{"key": key, "name": name} for key, name in dict.fromkeys(pairs(keys, names))],
            "workspaces": {"nodes": [{"id": type_id("ws", id), "name": name} for id, name in pairs(ids, places)[:10]]},
        }
        for id, status, user_id, name, email, keys, names, ids, places in await pool.fetch(
            MEMBERS, uuid_of(given["organization"]), *after
        )
    ]
    return {"organization": {"members": {"nodes": nodes}}}


def pairs(first: Iterable[Any] | None, second: Iterable[Any] | None) -> list[tuple[Any, Any]]:
    return list(zip(first or (), second or (), strict=True))


async def events(given: Any, scope: Any, user_id: UUID, email: str) -> Any:
    rows = await pool.fetch(EVENTS, uuid_of(given["organization"]), given["action"], given["before"] or END)
    nodes = [
        {
            "id": type_id("evt", id),
            "sequence": sequence,
            "action": action,
            "createdAt": created_at.isoformat(),
            "actor": {
                "type": actor_type.upper(),
                "id": actor_id and type_id("user", actor_id),
                "label": actor_label,
            },
            "target": {
                "type": target_type,
                "id": target_id and type_id(target_type, target_id),
                "label": target_label,
            },
            "changes": orjson.Fragment(changes),
        }
        for (
            id,
            sequence,
            action,
            created_at,
            actor_type,
            actor_id,
            actor_label,
            target_type,
            target_id,
            target_label,
            changes,
        ) in rows
    ]
    return {"organization": {"auditEvents": {"nodes": nodes}}}


async def checks(given: Any, scope: Any, user_id: UUID, email: str) -> Any:
    asked = [
        (check["permission"], uuid_of(check["userId"]), check["workspaceId"] and uuid_of(check["workspaceId"]))
        for check in given["checks"]
    ]
    organization_id = uuid_of(given["checks"][0]["organizationId"])
    held: dict[UUID, list[tuple[UUID, UUID | None]]] = {}
    suspended = set()
    users = list({user for _, user, _ in asked})
    for user, status, role, place in await pool.fetch(ACCESS, organization_id, users):
        held.setdefault(user, []).append((role, place))
        if status != "active":
            suspended.add(user)
    roles = {id: frozenset(permissions) for id, permissions in await pool.fetch(ROLES, organization_id)}

    def reason(permission: str, user: UUID, workspace: UUID | None) -> str:
        if user not in held:
            return "NOT_A_MEMBER"
        if user in suspended:
            return "SUSPENDED"
        if workspace and not any(
            place == workspace or (place is None and role and "workspaces:enter_all" in roles[role])
            for role, place in held[user]
        ):
            return "WORKSPACE_NOT_ENTERED"
        granted = any(
            permission in roles[role] for role, place in held[user] if role and (place is None or place == workspace)
        )
        return "GRANTED" if granted else "NOT_GRANTED"

    reasons = [reason(*each) for each in asked]
    return {"checkPermissions": [{"allowed": each == "GRANTED", "reason": each} for each in reasons]}


async def grant(given: Any, scope: Any, user_id: UUID, email: str) -> Any:
    input = given["input"]
    member_id, role = uuid_of(input["memberId"]), input["role"]
    workspace_id = uuid_of(input["workspaceId"]) if input["workspaceId"] else None
    async with pool.acquire() as connection, connection.transaction():
        chain_id, sequence, head, member_email, role_id, workspace = await connection.fetchrow(
            LOCK, member_id, role, workspace_id
        )
        grant_id, changes = uuid7(), difference(role=(None, role))
        event = {
            "chain_id": chain_id,
            "sequence": sequence + 1,
            "action": "grant.created",
            "actor_type": "user",
            "actor_id": user_id,
            "actor_label": email,
            "target_id": member_id,
            "target_label": member_email,
            "workspace_id": workspace_id,
            "changes": changes,
            "ip": scope["client"][0],
            "created_at": datetime.now(UTC),
            "user_agent": dict(scope["headers"]).get(b"user-agent", b"").decode() or None,
            "request_id": uuid7().hex,
        }
        event_id = uuid7()
        digest = event_hash(head, event | {"id": event_id, "target_type": "mem"})
        values = event | {"changes": orjson.dumps(changes).decode()}
        await connection.execute(GRANT, grant_id, role_id, *values.values(), head, event_id, digest)
    granted = {
        "id": type_id("grant", grant_id),
        "expiresAt": None,
        "role": {"key": role},
        "workspace": {"id": input["workspaceId"], "name": workspace} if workspace_id else None,
    }
    return {"grantRole": {"grant": granted, "member": {"id": input["memberId"]}, "userErrors": []}}


HANDLERS: dict[str, Callable[..., Awaitable[Any]]] = {
    "/viewer": viewer,
    "/members": members,
    "/events": events,
    "/checks": checks,
    "/grant": grant,
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    global pool
    if scope["type"] == "lifespan":
        await receive()
        credentials = tortoise_config(os.environ["ORGRAPH_DATABASE_URL"])["connections"]["default"]["credentials"]
        sizes = {"min_size": credentials.pop("minsize"), "max_size": credentials.pop("maxsize")}
        pool = await asyncpg.create_pool(**credentials | sizes | {"connection_class": Connection})
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    handler = HANDLERS.get(scope["path"])
    if handler is None:
        answer = b"{}"
    else:
        token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        answer = orjson.dumps({"data": await handler(orjson.loads(body), scope, *await person_of(token))})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    port = int(os.environ["ORGRAPH_PORT"])
    uvicorn.run(app, port=port, access_log=False, log_level="warning", server_header=False)
