"""Races: what two requests of the same moment must not both do.

Each round sends its requests at once to one server; several organizations race side by side. What a
round took is put back by plain SQL where the API would need letters or several requests for it.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import asyncpg
import httpx
import pytest

from schema.scalars import parse_any_id
from server import audit
from server.database import connected
from tests.factories import LATER, PASSWORD, Person, join, owner, sign_up, unique, verify
from tests.races import (
    FEWER_ROUNDS,
    ROUNDS,
    SIDE_BY_SIDE,
    Row,
    at_once,
    code,
    letters,
    owner_count,
    pair,
    raced,
    restore_owner,
    send,
)
from tests.servers import Mailbox, Server


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=httpx.Limits(max_connections=32)) as client:
        yield client


@pytest.fixture
async def database(server: Server) -> AsyncIterator[asyncpg.Pool]:
    """The server's own, past every rule."""
    url = server.database_url.replace("asyncpg://", "postgresql://")
    async with asyncpg.create_pool(url, min_size=1, max_size=SIDE_BY_SIDE) as pool:
        yield pool


@pytest.fixture(autouse=True)
async def nothing_broken(server: Server, database: asyncpg.Pool) -> AsyncIterator[None]:
    """After a race each organization made in it has an owner, each chain is whole, and nothing failed unforeseen."""
    since = await database.fetchval("SELECT clock_timestamp()")
    logged = len(server.output())
    yield
    assert "graphql.internal" not in server.output()[logged:]
    ownerless = await database.fetch(
        """SELECT o.slug FROM organization o WHERE o.created_at >= $1 AND NOT EXISTS (
            SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id JOIN member m ON m.id = g.member_id
            WHERE g.organization_id = o.id AND m.organization_id = o.id AND m.status = 'active' AND r.key = 'owner'
            AND g.workspace_id IS NULL AND g.expires_at IS NULL)""",
        since,
    )
    assert ownerless == []
    chains = await database.fetch(
        """SELECT c.id, c.sequence, count(e.id) AS events, min(e.sequence) AS first, max(e.sequence) AS last
        FROM audit_chain c LEFT JOIN audit_event e ON e.chain_id = c.id
        GROUP BY c.id HAVING min(e.created_at) >= $1""",
        since,
    )
    assert chains
    for chain in chains:
        assert chain["first"] == 1
        assert chain["sequence"] == chain["events"] == chain["last"]
    async with connected(server.database_url):
        for chain in chains:
            verification = await audit.verify(chain["id"])
            assert verification == audit.Verification(chain["sequence"]), chain["id"]


# The last owner


Ways = Callable[[Person, Person], tuple[str, Row]]


# What the first of two owners does; the second does the same the other way round
WAYS: dict[str, Ways] = {
    "demote each other": lambda own, other: ("setMemberRole", {"memberId": other.member_id, "role": "admin"}),
    "remove each other": lambda own, other: ("removeMember", {"memberId": other.member_id}),
    "suspend each other": lambda own, other: ("suspendMember", {"memberId": other.member_id}),
    "limit each other": lambda own, other: (
        "grantRole",
        {"memberId": other.member_id, "role": "owner", "expiresAt": LATER},
    ),
    "demote themselves": lambda own, other: ("setMemberRole", {"memberId": own.member_id, "role": "viewer"}),
    "leave": lambda own, other: ("leaveOrganization", {"organizationId": own.organization_id}),
}


# What the second hears: that they may not any more, or, still an owner, that they are the last
HEARS = {
    "demote each other": {"ABOVE_YOUR_ROLE"},
    "remove each other": {"NOT_FOUND"},
    "suspend each other": {"NOT_FOUND"},
    "limit each other": {"LAST_OWNER"},
    "demote themselves": {"LAST_OWNER"},
    "leave": {"LAST_OWNER"},
}

MAIN_WAYS = ("demote each other",)


@pytest.mark.parametrize("way", WAYS)
async def test_two_owners(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool, way: str
) -> None:
    async def track(rounds: int) -> None:
        ann, bob = await pair(server, mailbox)
        for number in range(rounds):
            order = [(ann, bob), (bob, ann)][:: 1 if number % 2 else -1]
            answers = await at_once(*(send(http, own, *WAYS[way](own, other)) for own, other in order))
            assert answers.count("done") == 1, answers
            assert set(answers) - {"done"} <= HEARS[way], answers
            assert await owner_count(database, ann.organization_id) == 1
            for person in (ann, bob):
                await restore_owner(database, person)

    await raced(ROUNDS if way in MAIN_WAYS else FEWER_ROUNDS, track)


async def test_two_owners_in_different_ways(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    pairs = iter(itertools.cycle(itertools.product(WAYS.values(), repeat=2)))

    async def track(rounds: int) -> None:
        ann, bob = await pair(server, mailbox)
        for _ in range(rounds):
            first, second = next(pairs)
            await at_once(send(http, ann, *first(ann, bob)), send(http, bob, *second(bob, ann)))
            assert await owner_count(database, ann.organization_id) >= 1
            for person in (ann, bob):
                await restore_owner(database, person)

    await raced(FEWER_ROUNDS, track)


# Invitations


BATCH = 20


async def crowd(server: Server, mailbox: Mailbox) -> list[Person]:
    """Verified people who belong to nothing."""
    people = await asyncio.gather(*(sign_up(server) for _ in range(BATCH)))
    return list(await asyncio.gather(*(verify(person, mailbox) for person in people)))


async def test_one_invitation_accepted_twice(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    founder = await owner(server, mailbox)
    organization_id = parse_any_id(founder.organization_id)
    people = await crowd(server, mailbox)
    for _ in range(ROUNDS // BATCH):
        since = len(mailbox.letters)
        rows = [{"email": person.email, "role": "member"} for person in people]
        sent = await send(http, founder, "inviteMembers", {"invitations": rows}, "results { invitation { id } }")
        tokens = await letters(mailbox, since, [person.email for person in people])

        async def accepted_twice(person: Person, id: str, token: str) -> None:
            other = {"token": token} if int(parse_any_id(id) or 0) % 2 else {"invitationId": id}
            answers = await at_once(
                send(http, person, "acceptInvitation", {"token": token}), send(http, person, "acceptInvitation", other)
            )
            assert sorted(answers) == ["EXPIRED", "done"]

        ids = [result["invitation"]["id"] for result in sent["results"]]
        await asyncio.gather(*(accepted_twice(p, id, tokens[p.email]) for p, id in zip(people, ids, strict=True)))
        user_ids = [parse_any_id(person.user_id) for person in people]
        removed = await database.fetch(
            "DELETE FROM member WHERE organization_id = $1 AND user_id = ANY ($2) RETURNING id",
            organization_id,
            user_ids,
        )
        assert len(removed) == len(people)
    statuses = "SELECT status, count(*) FROM invitation WHERE organization_id = $1 GROUP BY status"
    assert dict(await database.fetch(statuses, organization_id)) == {"accepted": ROUNDS}
    assert await _events(database, organization_id, "invitation.accepted") == ROUNDS
    assert await _events(database, organization_id, "member.joined") == ROUNDS + 1


async def _events(database: asyncpg.Pool, chain_id: UUID | None, action: str) -> int:
    counted = "SELECT count(*) FROM audit_event WHERE chain_id = $1 AND action = $2"
    return int(await database.fetchval(counted, chain_id, action))


async def test_accepted_and_withdrawn_at_once(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    founder = await owner(server, mailbox)
    organization_id = parse_any_id(founder.organization_id)
    people = await crowd(server, mailbox)
    user_ids = [parse_any_id(person.user_id) for person in people]
    for _ in range(FEWER_ROUNDS // BATCH):
        rows = [{"email": person.email, "role": "member"} for person in people]
        sent = await send(http, founder, "inviteMembers", {"invitations": rows}, "results { invitation { id } }")

        async def raced_for(number: int, person: Person, id: str) -> None:
            input = {"invitationId": id}
            accepting = send(http, person, "acceptInvitation", input)
            if number % 2:
                ending = send(http, founder, "revokeInvitation", input)
            else:
                ending = send(http, person, "declineInvitation", input)
            answers = await at_once(*([accepting, ending] if number % 3 else [ending, accepting]))
            assert answers.count("done") == 1, answers
            assert set(answers) <= {"done", "EXPIRED", "ALREADY_DONE"}, answers

        ids = [result["invitation"]["id"] for result in sent["results"]]
        pairs = enumerate(zip(people, ids, strict=True))
        await asyncio.gather(*(raced_for(number, person, id) for number, (person, id) in pairs))
        joined = await database.fetch(
            "DELETE FROM member WHERE organization_id = $1 AND user_id = ANY ($2) RETURNING user_id",
            organization_id,
            user_ids,
        )
        accepted = await database.fetch(
            """SELECT u.id FROM invitation i JOIN "user" u ON u.email = i.email
            WHERE i.id = ANY ($1) AND i.status = 'accepted'""",
            [parse_any_id(id) for id in ids],
        )
        assert sorted(row[0] for row in joined) == sorted(row[0] for row in accepted)


async def test_one_address_signed_up_twice(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    """Twice by the invitation's link, or once by it and once without."""
    founder = await owner(server, mailbox)
    emails = [f"{unique('twice')}@example.com" for _ in range(ROUNDS)]
    since = len(mailbox.letters)
    for start in range(0, ROUNDS, 100):
        rows = [{"email": email, "role": "viewer"} for email in emails[start : start + 100]]
        await send(http, founder, "inviteMembers", {"invitations": rows})
    tokens = await letters(mailbox, since, emails)
    accepted = 0

    async def track(numbers: range) -> None:
        nonlocal accepted
        for number in numbers:
            email = emails[number]
            plain = {"email": email, "password": PASSWORD, "name": "Some Body"}
            linked = plain | {"invitationToken": tokens[email]}
            inputs = (linked, linked) if number % 2 else ((linked, plain) if number % 4 else (plain, linked))
            answers = await at_once(*(send(http, None, "signUp", input) for input in inputs))
            assert answers.count("done") == 1, answers
            assert set(answers) <= {"done", "TAKEN", "EXPIRED"}, answers
            accepted += inputs[answers.index("done")] is linked

    async with asyncio.TaskGroup() as tracks:
        for first in range(SIDE_BY_SIDE):
            tracks.create_task(track(range(first, ROUNDS, SIDE_BY_SIDE)))
    assert await database.fetchval('SELECT count(*) FROM "user" WHERE email = ANY ($1)', emails) == ROUNDS
    organization_id = parse_any_id(founder.organization_id)
    assert accepted >= ROUNDS // 2
    members = await database.fetchval("SELECT count(*) FROM member WHERE organization_id = $1", organization_id)
    assert members == accepted + 1
    statuses = "SELECT status, count(*) FROM invitation WHERE organization_id = $1 GROUP BY status"
    expected = {"accepted": accepted} | ({"pending": ROUNDS - accepted} if accepted < ROUNDS else {})
    assert dict(await database.fetch(statuses, organization_id)) == expected


async def test_one_address_invited_twice(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    async def track(rounds: int) -> None:
        people = await pair(server, mailbox)
        for _ in range(rounds):
            input = {"invitations": [{"email": f"{unique('once')}@example.com", "role": "member"}]}
            selection = "results { invitation { id } userErrors { code field } }"
            payloads = await asyncio.gather(*(send(http, p, "inviteMembers", input, selection) for p in people))
            results = [result for payload in payloads for result in payload["results"]]
            (id,) = [result["invitation"]["id"] for result in results if result["invitation"]]
            (errors,) = [result["userErrors"] for result in results if result["userErrors"]]
            assert errors == [{"code": "ALREADY_DONE", "field": "invitations.0.email"}]
            answers = await at_once(*(send(http, p, "revokeInvitation", {"invitationId": id}) for p in people))
            assert sorted(answers) == ["ALREADY_DONE", "done"]
        invitations = "SELECT count(*) FROM invitation WHERE organization_id = $1"
        assert await database.fetchval(invitations, parse_any_id(people[0].organization_id)) == rounds + 1

    await raced(ROUNDS, track)


# Grants


async def test_one_role_granted_and_revoked_twice(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    async def track(rounds: int) -> None:
        ann, bob = await pair(server, mailbox)
        member = await join(ann, mailbox, "viewer")
        workspace = await ann.workspace()
        organization_id = parse_any_id(ann.organization_id)
        created = await _events(database, organization_id, "grant.created")
        for number in range(rounds):
            input = {"memberId": member.member_id, "role": "member"}
            if number % 2:
                input["workspaceId"] = workspace
            payloads = await asyncio.gather(*(send(http, p, "grantRole", input, "grant { id }") for p in (ann, bob)))
            assert [code(payload) for payload in payloads] == ["done", "done"]
            (grant_id,) = {payload["grant"]["id"] for payload in payloads}
            answers = await at_once(*(send(http, p, "revokeGrant", {"grantId": grant_id}) for p in (ann, bob)))
            assert sorted(answers) == ["NOT_FOUND", "done"]
        assert await _events(database, organization_id, "grant.created") == created + rounds
        assert await _events(database, organization_id, "grant.revoked") == rounds

    await raced(ROUNDS, track)


async def test_roles_set_and_granted_at_once(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    """Whoever comes last, setMemberRole leaves one organization-wide role, and a grant adds at most one."""

    async def track(rounds: int) -> None:
        ann, bob = await pair(server, mailbox)
        member = await join(ann, mailbox, "viewer")
        for number in range(rounds):
            set_role, granted = ("member", "admin") if number % 2 else ("viewer", "member")
            id = {"memberId": member.member_id}
            answers = await at_once(
                send(http, ann, "setMemberRole", id | {"role": set_role}),
                send(http, bob, "grantRole", id | {"role": granted}),
            )
            assert answers == ["done", "done"]
            held = await database.fetch(
                'SELECT r.key FROM "grant" g JOIN role r ON r.id = g.role_id WHERE g.member_id = $1',
                parse_any_id(member.member_id),
            )
            assert sorted(row["key"] for row in held) in ([set_role], sorted([set_role, granted]))

    await raced(FEWER_ROUNDS, track)


# Slugs


async def test_one_slug_taken_twice(
    server: Server, mailbox: Mailbox, http: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    """By two new organizations, or by a new one and one that is renamed."""

    async def track(rounds: int) -> None:
        ann, bob = await owner(server, mailbox), await owner(server, mailbox)
        for number in range(rounds):
            slug = unique("slug")
            new = {"name": slug, "slug": slug, "switch": False}
            renamed = {"organizationId": bob.organization_id, "slug": slug}
            second = ("updateOrganization", renamed) if number % 2 else ("createOrganization", new)
            answers = await at_once(send(http, ann, "createOrganization", new), send(http, bob, *second))
            assert sorted(answers) == ["TAKEN", "done"]
            assert await database.fetchval("SELECT count(*) FROM organization WHERE slug = $1", slug) == 1

    await raced(ROUNDS, track)


async def test_one_name_taken_twice(server: Server, mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    """Names may be the same: both succeed, with slugs of their own."""

    async def track(rounds: int) -> None:
        ann, bob = await pair(server, mailbox)
        for number in range(rounds):
            input = {"name": unique("Name ")}
            mutation, noun = ("createWorkspace", "workspace") if number % 2 else ("createOrganization", "organization")
            people = (ann, bob)
            if noun == "workspace":
                input["organizationId"] = ann.organization_id
            payloads = await asyncio.gather(*(send(http, p, mutation, input, f"{noun} {{ slug }}") for p in people))
            assert [code(payload) for payload in payloads] == ["done", "done"]
            assert len({payload[noun]["slug"] for payload in payloads}) == 2

    await raced(FEWER_ROUNDS, track)
