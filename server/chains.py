"""The statements of a change: how a chain is locked, what is read with it or under it, and how it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from server.access import ORGANIZATION_COLUMN, Actor
from server.authentication import confirming, is_unchanged
from server.database import fetch
from server.rows import Row
from server.visibility import numbered

HASHED_COLUMNS = (
    "id, chain_id, sequence, action, actor_type, actor_id, actor_label, target_type, target_id, target_label, "
    "workspace_id, changes, ip, user_agent, request_id, created_at, previous_hash, hash"
)

# Of other rows than the locked one a statement reads what was there when it began. So this one does not wait for the
# lock, and what it reads counts only if nobody has changed anything under the lock since then (`undisturbed`).
LOCK_AND_READ = """
    SELECT locked.id, locked.sequence, locked.hash, locked.xmin = seen.xmin AS undisturbed,
        {version} AS version, found.*
    FROM audit_chain locked JOIN audit_chain seen ON seen.id = locked.id
    LEFT JOIN LATERAL (SELECT true, one.* FROM ({query}) one) found ON true
    WHERE locked.id = (SELECT x.{column} FROM "{table}" x WHERE x.id = $2) AND locked.id = ANY ($3::uuid[])
    FOR UPDATE OF locked SKIP LOCKED
"""

LOCK = "SELECT c.id, c.sequence, c.hash FROM audit_chain c WHERE {condition} FOR UPDATE OF c"

WRITE_SHEET = f"""event AS (
        INSERT INTO audit_event ({HASHED_COLUMNS}) SELECT * FROM unnest(
            $1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
            $9::uuid[], $10::text[], $11::uuid[], $12::jsonb[], $13::text[], $14::text[], $15::text[],
            $16::timestamptz[], $17::text[], $18::text[]
        )
    )
    UPDATE audit_chain c SET sequence = head.sequence, hash = head.hash
    FROM unnest($19::uuid[], $20::bigint[], $21::text[]) head (id, sequence, hash) WHERE c.id = head.id
"""  # noqa: S608

WRITE_EVENT = f"""event AS (
        INSERT INTO audit_event ({HASHED_COLUMNS}) VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
        )
    )
    UPDATE audit_chain c SET sequence = $3, hash = $18 WHERE c.id = $2
"""  # noqa: S608
"""The same of one event, where one chain is locked."""


@dataclass(slots=True)
class Chain:
    """One that is locked, as far as it is."""

    id: UUID
    sequence: int
    hash: str


@cache
def lock_and_read(model: type[Row], query: str, confirm: str) -> tuple[str, tuple[str, ...]]:
    """LOCK_AND_READ, and what its parameters from $4 on stand for."""
    sql, names = numbered(query.replace("{organization}", "locked.id"), 4)
    table, column = model._meta.db_table, ORGANIZATION_COLUMN[model]
    return LOCK_AND_READ.format(version=confirm, query=sql, table=table, column=column), names


async def read_as(actor: Actor, query: str, *values: Any) -> tuple[bool, Sequence[Any] | None]:
    """Whether the actor's access is still what it was, and the one row, if any, that a query finds at that moment.

    The query's parameters begin at $2.
    """
    confirm, by = confirming(actor)
    rows = await fetch(
        f"SELECT {confirm}, found.* "  # noqa: S608
        f"FROM (SELECT) always LEFT JOIN (SELECT true, one.* FROM ({query}) one) found ON true",
        by,
        *values,
    )
    version, is_there, *row = rows[0]
    return is_unchanged(actor, version), row if is_there else None
