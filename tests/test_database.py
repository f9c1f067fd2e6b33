"""The migrated database is the one that the models describe, and it enforces what the rules rely on."""

import asyncio

import asyncpg
import pytest
from tortoise import Tortoise

from server.constraints import CONSTRAINTS
from server.database import close, connected, fetch, migrate
from tests.factories import unique
from tests.servers import Postgres

CATALOG = {
    "columns": """SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'aerich' ORDER BY 1, 2""",
    "indexes": """SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'aerich' ORDER BY 1, 2""",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('aerich')::oid, 0)
        AND contype <> 'n' ORDER BY 1, 2""",
    "triggers": """SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal ORDER BY 1, 2""",
}


async def catalog() -> dict[str, list[tuple[object, ...]]]:
    return {name: [tuple(row) for row in await fetch(sql)] for name, sql in CATALOG.items()}


async def test_migrations_and_models_agree(postgres: Postgres, database: str) -> None:
    migrated = await catalog()
    name = unique("described")
    url = await postgres.create(name)
    await close()
    async with connected(url):
        await Tortoise.generate_schemas()
        for statement in CONSTRAINTS:
            await fetch(statement)
        described = await catalog()
    for part in CATALOG:
        assert migrated[part] == described[part], part
    assert len(migrated["triggers"]) == 5
    assert len(migrated["constraints"]) > 40


async def test_migrating_again_changes_nothing(postgres: Postgres) -> None:
    url = await postgres.create(unique("again"))
    await migrate(url)
    await migrate(url)


REFUSED = {
    "an address twice": 'INSERT INTO "user" (id, created_at, email, name, password_hash) '
    "SELECT gen_random_uuid(), now(), email, name, '' FROM \"user\"",
    "an address in capitals": "UPDATE \"user\" SET email = 'A@example.com'",
    "a blank name": "UPDATE organization SET name = ''",
    "a name with a line break": "UPDATE organization SET name = E'a\\nb'",
    "a slug with capitals": "UPDATE organization SET slug = 'Acme'",
    "a membership twice": "INSERT INTO member (id, created_at, organization_id, user_id, status) "
    "SELECT gen_random_uuid(), now(), organization_id, user_id, 'active' FROM member",
    "a grant twice": 'INSERT INTO "grant" (id, created_at, organization_id, member_id, role_id) '
    'SELECT gen_random_uuid(), now(), organization_id, member_id, role_id FROM "grant"',
    "a grant of a foreign organization": 'UPDATE "grant" SET organization_id = (SELECT id FROM other)',
    "a deleted organization that is never purged": "UPDATE organization SET deleted_at = now()",
    "a changed event": "UPDATE audit_event SET action = 'nothing.happened'",
    "a deleted event": "DELETE FROM audit_event",
    "a truncated log": "TRUNCATE audit_event",
}

A_SCENE = """
INSERT INTO "user" (id, created_at, email, name, password_hash)
    VALUES ('00000000-0000-7000-8000-000000000001', now(), 'a@example.com', 'A', '');
INSERT INTO organization (id, created_at, name, slug)
    VALUES ('00000000-0000-7000-8000-000000000002', now(), 'A', 'a');
INSERT INTO organization (id, created_at, name, slug)
    VALUES ('00000000-0000-7000-8000-000000000003', now(), 'B', 'b');
CREATE TEMPORARY VIEW other AS SELECT * FROM organization WHERE slug = 'b';
INSERT INTO member (id, created_at, organization_id, user_id, status)
    VALUES ('00000000-0000-7000-8000-000000000004', now(),
    '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'active');
INSERT INTO "grant" (id, created_at, organization_id, member_id, role_id)
    SELECT gen_random_uuid(), now(), m.organization_id, m.id, r.id FROM member m, role r WHERE r.key = 'owner';
INSERT INTO audit_event (id, created_at, chain_id, sequence, action, actor_type, actor_label, target_type,
    target_label, changes, previous_hash, hash)
    VALUES (gen_random_uuid(), now(), gen_random_uuid(), 1, 'a.b', 'system', '', '', '', '[]', '', '');
"""


@pytest.mark.parametrize("what", sorted(REFUSED))
async def test_the_database_refuses(what: str, postgres: Postgres, template: str) -> None:
    name = unique("refusal")
    await postgres.create(name, template)
    connection = await postgres.connect(name)
    try:
        await connection.execute(A_SCENE)
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError)):
            await connection.execute(REFUSED[what])
    finally:
        await connection.close()
        await postgres.drop(name)


async def test_migrations_take_turns(postgres: Postgres) -> None:
    url = await postgres.create(unique("turns"))
    code = "import asyncio, sys; from server.database import migrate; asyncio.run(migrate(sys.argv[1]))"
    import sys

    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", code, url) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
