"""What a mutation is allowed is decided under the organization's lock, by what has become of everything meanwhile."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from schema.scalars import parse_any_id
from server import demo, grants
from server.access import Origin
from server.audit import change
from server.authentication import open_session, session_actor
from server.database import Statements, fetch, statements
from tests.factories import LATER, join, owner
from tests.servers import Mailbox, Server

GRANT = """mutation ($member: ID!, $workspace: ID!, $at: DateTime) { grantRole(
    input: {memberId: $member, role: "viewer", workspaceId: $workspace, expiresAt: $at}
) { userErrors { code field } } }"""

ROLE = """UPDATE "grant" SET role_id = (SELECT id FROM role WHERE key = '%s' AND organization_id IS NULL)"""
DELETED = "deleted_at = now(), purge_at = now() + interval '1 day'"

MEANWHILE = {
    "nothing": ("SELECT 1", "done"),
    "the actor is demoted": (f"{ROLE % 'viewer'} WHERE member_id = {{actor}}", "NOT_FOUND workspaceId"),
    "the actor's role ends": ('UPDATE "grant" SET expires_at = now() WHERE member_id = {actor}', "NOT_FOUND memberId"),
    "the actor is suspended": ("UPDATE member SET status = 'suspended' WHERE id = {actor}", "NOT_FOUND memberId"),
    "the actor is removed": ("DELETE FROM member WHERE id = {actor}", "NOT_FOUND memberId"),
    "the actor's session ends": (
        "DELETE FROM session WHERE user_id = (SELECT user_id FROM member WHERE id = {actor})",
        "UNAUTHENTICATED",
    ),
    "the member is promoted": (f"{ROLE % 'owner'} WHERE member_id = {{member}}", "ABOVE_YOUR_ROLE memberId"),
    "the member is removed": ("DELETE FROM member WHERE id = {member}", "NOT_FOUND memberId"),
    "the workspace is deleted": (f"UPDATE workspace SET {DELETED} WHERE id = {{workspace}}", "NOT_FOUND workspaceId"),
    "the organization is deleted": (
        f"UPDATE organization SET {DELETED} WHERE id = (SELECT organization_id FROM member WHERE id = {{actor}})",
        "NOT_FOUND memberId",
    ),
}


@pytest.mark.parametrize(("statement", "expected"), MEANWHILE.values(), ids=MEANWHILE)
async def test_what_happens_while_it_waits(
    server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection, statement: str, expected: str
) -> None:
    founder = await owner(server, mailbox)
    admin, member = await join(founder, mailbox, "admin"), await join(founder, mailbox, "viewer")
    workspace = await founder.workspace()
    ids = {"actor": admin.member_id, "member": member.member_id, "workspace": workspace}
    meanwhile = statement.format(**{name: f"'{parse_any_id(id)}'" for name, id in ids.items()})
    asked = {"member": member.member_id, "workspace": workspace, "at": LATER}
    async with asyncio.timeout(30), database_of_server.transaction():
        lock = "SELECT 1 FROM audit_chain WHERE id = $1 FOR UPDATE"
        await database_of_server.execute(lock, parse_any_id(founder.organization_id))
        sent = asyncio.ensure_future(admin.execute(GRANT, asked))
        while not await database_of_server.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.02)
        await database_of_server.execute(meanwhile)
    answer = await sent
    errors = [] if answer.codes else answer.data["grantRole"]["userErrors"]
    outcome = [*answer.codes, *(f"{error['code']} {error['field']}" for error in errors)]
    assert (outcome or ["done"]) == [expected]


async def test_a_grant_takes_four_statements(database: str) -> None:
    """BEGIN, the lock with what is to be known, what is to be written, COMMIT."""
    await demo.load(1, 12, 60, progress=False)
    (founder,) = await fetch(
        'SELECT m.user_id, m.organization_id FROM "grant" g JOIN role r ON r.id = g.role_id '
        "JOIN member m ON m.id = g.member_id WHERE r.key = 'owner' AND m.status = 'active' LIMIT 1"
    )
    session, _ = await open_session(founder["user_id"], None, Origin())
    actor = await session_actor(session.id, Origin())
    assert actor is not None

    async def taken(member_id: UUID, workspace_id: UUID, role: str) -> int:
        counted = Statements()
        token = statements.set(counted)
        async with change(actor) as unit:
            await grants.grant(unit, member_id, role, workspace_id)
        statements.reset(token)
        return counted.count

    others = await fetch("SELECT id FROM member WHERE user_id <> $1 AND status = 'active'", founder["user_id"])
    workspaces = await fetch("SELECT id FROM workspace WHERE deleted_at IS NULL")
    for other in others[:3]:
        await fetch('DELETE FROM "grant" WHERE member_id = $1 AND workspace_id IS NOT NULL', other["id"])
        assert [await taken(other["id"], place["id"], "viewer") for place in workspaces[:2]] == [4, 4]
