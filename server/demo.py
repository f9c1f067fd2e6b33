"""Loads the demo: made-up organizations and people, with a history that its audit chains prove.

Everything but the password's hash follows from the seed and the numbers: a second load elsewhere
gives the same ids, names, times and hashes.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from random import Random
from typing import Any

import asyncpg
import orjson

from server.audit import FIRST_HASH, event_hash
from server.authentication import hash_password
from server.catalogue import catalogue
from server.database import fetch, transaction
from server.demo_world import EMAIL, MINUTE, DemoError, Entry, World, history, moment, new_id, sizes_of
from server.models import ChainKind, PrincipalType, User

PASSWORD = "orgraph-demo-2026"  # noqa: S105
CHUNK = 50_000
"""Events of one COPY; between two of them come the rows that these events tell of."""

# In the order of their foreign keys.
COLUMNS = {
    "audit_event": (
        "id chain_id sequence action actor_type actor_id actor_label target_type target_id target_label "
        "workspace_id changes ip user_agent request_id created_at previous_hash hash"
    ),
    "audit_chain": "id kind sequence hash",
    "user": "id created_at email email_verified_at name password_hash",
    "organization": "id created_at name slug description",
    "workspace": "id created_at organization_id name slug environment",
    "member": "id created_at organization_id user_id status last_seen_at",
    "grant": "id created_at organization_id member_id role_id workspace_id expires_at granted_by_id",
    "invitation": "id created_at organization_id email role_id organization_wide status invited_by_id expires_at",
    "invitation_workspace": "id invitation_id workspace_id",
}


@dataclass(frozen=True)
class DemoAccount:
    """Who signs in to look at the demo."""

    email: str
    password: str


Rows = dict[str, list[tuple[Any, ...]]]
"""Records to be written, by table."""


def chained(
    chain_id: str, kind: ChainKind, entries: Iterable[Entry], random: Random, rows: Rows
) -> Iterator[tuple[Any, ...]]:
    """Records of audit_event, hash upon hash as `audit.Change` writes them; the head goes to `rows`."""
    sequence, head = 0, FIRST_HASH
    for at, action, actor, (target_type, target_id, target_label), workspace_id, changes in entries:
        sequence += 1
        event = {
            "id": new_id(random, at),
            "chain_id": chain_id,
            "sequence": sequence,
            "action": action,
            "actor_type": PrincipalType.USER.value,
            "actor_id": actor.id,
            "actor_label": actor.email,
            "target_type": target_type,
            "target_id": target_id,
            "target_label": target_label,
            "workspace_id": workspace_id,
            "changes": changes,
            "ip": actor.ip,
            "user_agent": actor.agent,
            "request_id": f"{random.getrandbits(64):016x}",
            "created_at": moment(at),
        }
        digest = event_hash(head, event)
        event["changes"] = orjson.dumps(changes).decode() if changes else "[]"
        yield (*event.values(), head, digest)
        head = digest
    rows["audit_chain"].append((chain_id, kind.value, sequence, head))


def records(world: World, more: int, seed: int, password_hash: str, rows: Rows) -> Iterator[tuple[Any, ...]]:
    """Records of audit_event, `more` of them of everyday life; the other tables' gather in `rows`.

    A row gathers after the events that tell of it, since these may change it.
    """
    members, total = 0, sum(world.sizes)
    for index, organization in enumerate(world.organizations()):
        random, id = Random(f"{seed} events {index}"), organization.id  # noqa: S311
        for person in organization.newcomers:
            target, verified = ("user", person.id, person.email), person.since + 3 * MINUTE
            created = Entry(person.since, "account.created", person, target)
            account = [created, Entry(verified, "account.email_verified", person, target)]
            yield from chained(person.id, ChainKind.ACCOUNT, account, random, rows)
            times = moment(person.since), moment(verified)
            rows["user"].append((person.id, times[0], person.email, times[1], person.name, password_hash))
        before, members = members, members + len(organization.members)
        everyday = history(organization, more * members // total - more * before // total, world, random)
        yield from chained(id, ChainKind.ORGANIZATION, everyday, random, rows)
        since = moment(organization.since)
        rows["organization"].append((id, since, organization.name, organization.slug, organization.description))
        for place in organization.workspaces:
            rows["workspace"].append((place.id, moment(place.since), id, place.name, place.slug, place.environment))
        for member in organization.members:
            seen = moment(member.seen) if member.seen else None
            row = (member.id, moment(member.since), id, member.person.id, member.status.value, seen)
            rows["member"].append(row)
        for table, row in organization.rows:
            rows[table].append(row)


async def load(
    organizations: int,
    members: int,
    events: int,
    seed: int = 2026,
    progress: bool = True,
    largest: int | None = None,
) -> DemoAccount:
    """Write the demo in one transaction and return who signs in to it.

    `members` counts memberships (people in two organizations twice), `largest` those of the first
    organization. `events` are all events in all chains; more, if the rest takes more to be told of.
    Raises DemoError.
    """
    random = Random(f"{seed} sizes")  # noqa: S311
    sizes = sizes_of(organizations, members, largest, random)
    password_hash = await hash_password(PASSWORD)
    try:
        async with transaction() as wrapper:
            if await User.filter(email=EMAIL).exists():
                raise DemoError(f"This database holds the demo already: there is a user {EMAIL}.")
            built_in = await fetch("SELECT key, id, name FROM role WHERE organization_id IS NULL")
            roles = {row["key"]: (str(row["id"]), row["name"]) for row in built_in}
            if missing := catalogue.roles.keys() - roles.keys():
                raise DemoError(f"The built-in roles are not installed: {', '.join(sorted(missing))}.")
            needed = sum(
                len(organization.entries) + 2 * len(organization.newcomers)
                for organization in World(sizes, seed, roles).organizations()
            )
            rows: Rows = {table: [] for table in COLUMNS}
            told = records(World(sizes, seed, roles), max(events - needed, 0), seed, password_hash, rows)
            shown = progress and sys.stderr.isatty()
            from tqdm import tqdm

            with tqdm(told, total=max(events, needed), unit=" events", disable=not shown) as bar:
                await _copy(wrapper._connection, iter(bar), rows)
            await wrapper._connection.execute("ANALYZE " + ", ".join(f'"{table}"' for table in COLUMNS))
    except asyncpg.UniqueViolationError as error:
        raise DemoError(f"This database holds something of the demo already: {error.detail}") from error
    return DemoAccount(EMAIL, PASSWORD)


async def _copy(connection: asyncpg.Connection, events: Iterator[tuple[Any, ...]], rows: Rows) -> None:
    """COPY events as they are made, so that Python and PostgreSQL work at the same time."""
    for first in events:
        rows["audit_event"] = [first]
        for table, columns in COLUMNS.items():
            more = islice(events, CHUNK) if table == "audit_event" else ()
            gathered = chain(rows[table], more)
            await connection.copy_records_to_table(table, records=gathered, columns=columns.split())
            rows[table] = []
