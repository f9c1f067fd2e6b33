"""checkPermissions is of one moment, and agrees with whatever else tells of permissions."""

import asyncio
import json
import random

import pytest

from schema.scalars import parse_any_id
from server.catalogue import catalogue
from tests.api_keys import custom_role, mint
from tests.checks import of, reasons
from tests.factories import Client, Person, cast, owner, sql
from tests.servers import Mailbox, Server

# One moment


async def test_an_answer_is_of_one_moment(server: Server, mailbox: Mailbox) -> None:
    """A member who always has one of two roles never has something of both."""
    boss = await owner(server, mailbox)
    (bob,) = await cast(boss, mailbox, "viewer")
    left, right = "audit:read", "workspaces:create"
    roles = [await custom_role(boss, permission) for permission in (left, right)]
    await boss.do("setMemberRole", {"memberId": bob.member_id, "role": roles[0]})
    checks = [of(bob, permission) for permission in (left, right)] * 50
    done = asyncio.Event()

    async def flip() -> None:
        while not done.is_set():
            for role in reversed(roles):
                await boss.do("setMemberRole", {"memberId": bob.member_id, "role": role})

    flipping = asyncio.create_task(flip())
    backend = await mint(boss)
    seen: set[tuple[str, ...]] = set()
    try:
        for _ in range(60):
            answer = tuple(dict.fromkeys(zip(*[iter(await reasons(backend, *checks))] * 2, strict=True)))
            seen.update(answer)
            assert len(answer) == 1
    finally:
        done.set()
        await flipping
    assert seen == {("GRANTED", "NOT_GRANTED"), ("NOT_GRANTED", "GRANTED")}


# Agreement

PERMISSIONS = sorted(catalogue.permissions)
Held = list[tuple[frozenset[str], str | None]]
"""What is in force: permissions, and the workspace that they are limited to."""


def model(held: Held, permission: str, place: str | None) -> bool:
    """Who may do what where, once more."""
    wide = {name for names, workspace in held if workspace is None for name in names}
    local = {name for names, workspace in held if workspace == place for name in names}
    enters = place is None or "workspaces:enter_all" in wide or place in {workspace for _, workspace in held}
    return enters and permission in wide | local


async def answers(client: Client, subject: Person, places: list[str | None]) -> list[bool]:
    """Of checkPermissions, for every permission in every place."""
    checks = [of(subject, permission, workspaceId=place) for place in places for permission in PERMISSIONS]
    return [reason == "GRANTED" for reason in await reasons(client, *checks)]


async def own_view(subject: Person, places: list[str | None]) -> list[bool]:
    """The same of Viewer.can."""
    asked = [(place or subject.organization_id, permission) for place in places for permission in PERMISSIONS]
    fields = [f"a{i}: can(permission: {json.dumps(name)}, on: {json.dumps(on)})" for i, (on, name) in enumerate(asked)]
    return list((await subject.query(f"{{ viewer {{ {' '.join(fields)} }} }}"))["viewer"].values())


async def listed(viewer: Person, member: Person, places: list[str | None]) -> list[bool]:
    """The same of Member.permissions."""
    fields = [f"a{i}: permissions(workspaceId: {json.dumps(place)}) {{ permission }}" for i, place in enumerate(places)]
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Member {{ {' '.join(fields)} }} }} }}"
    found = (await viewer.query(query, {"id": member.member_id}))["node"].values()
    return [name in {row["permission"] for row in rows} for rows in found for name in PERMISSIONS]


@pytest.mark.parametrize("seed", range(2))
async def test_all_who_tell_of_permissions_agree(server: Server, mailbox: Mailbox, seed: int) -> None:
    """checkPermissions, Viewer.can, Member.permissions and a model, of members and keys with grants at random."""
    chance = random.Random(seed)
    boss = await owner(server, mailbox)
    places = [None, *[await boss.workspace() for _ in range(3)]]
    roles: dict[str, frozenset[str]] = {}
    for name in catalogue.roles:
        (row,) = await sql(server, "SELECT id FROM role WHERE key = $1 AND organization_id IS NULL", name)
        roles[str(row["id"])] = frozenset(catalogue.permissions_of(name))
    for size in (1, 3, 6):
        names = chance.sample(PERMISSIONS, size)
        roles[str(parse_any_id(await custom_role(boss, *names)))] = frozenset(names)
    members = await cast(boss, mailbox, *["viewer"] * 8)
    held: dict[str, Held] = {}
    for member in members:
        held[member.user_id] = await _grants_at_random(server, chance, member, roles, places)
    suspended = chance.choice(members)
    await boss.do("suspendMember", {"memberId": suspended.member_id})
    held[suspended.user_id] = []
    compared = []
    for member in members:
        expected = [model(held[member.user_id], name, place) for place in places for name in PERMISSIONS]
        assert await answers(boss, member, places) == expected
        assert await answers(member, member, places) == expected
        assert await own_view(member, places) == expected
        assert await listed(boss, member, places) == expected
        compared += expected
    assert {True, False} == set(compared)
    for member in members:
        role, place = chance.choice(list(roles)), chance.choice(places)
        key = await mint(boss, "viewer", workspaceId=place)
        await sql(
            server,
            "UPDATE api_key SET role_id = $2::text::uuid, created_by_id = $3 WHERE id = $1",
            *(parse_any_id(key.id), role, parse_any_id(member.user_id)),
        )
        expected = [
            model([(roles[role], place)], name, at)
            and model(held[member.user_id], name, at)
            and (at in (None, place) or model(held[member.user_id], "workspaces:enter_all", None))
            for at in places
            for name in PERMISSIONS
        ]
        assert await answers(boss, key, places) == expected
        if member is suspended:
            assert (await key.execute("{ viewer { permissions } }")).codes == ["UNAUTHENTICATED"]
        else:
            assert await own_view(key, places) == expected
            assert await answers(key, key, places) == expected


async def _grants_at_random(
    server: Server, chance: random.Random, member: Person, roles: dict[str, frozenset[str]], places: list[str | None]
) -> Held:
    """In the place of those that the member has; a third of them is over."""
    await sql(server, 'DELETE FROM "grant" WHERE member_id = $1', parse_any_id(member.member_id))
    in_force: Held = []
    combinations = [(role, place) for role in roles for place in places]
    for role, place in chance.sample(combinations, chance.randint(0, 4)):
        expiry = chance.choice(["NULL", "now() + interval '1 day'", "now() - interval '1 s'"])
        await sql(
            server,
            f"""INSERT INTO "grant" (id, created_at, organization_id, member_id, role_id, workspace_id, expires_at)
            VALUES (gen_random_uuid(), now(), $1, $2, $3::text::uuid, $4, {expiry})""",
            *(parse_any_id(member.organization_id), parse_any_id(member.member_id), role),
            parse_any_id(place) if place else None,
        )
        if "-" not in expiry:
            in_force.append((roles[role], place))
    return in_force
