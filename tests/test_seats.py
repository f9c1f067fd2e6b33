"""Seats: how many members a plan allows, who holds one, and that the last is never taken twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from schema.scalars import parse_any_id
from tests.factories import Client, Person, cast, invite, join, owner, refusal, sign_up, sql, unique
from tests.races import THOROUGH, at_once, send
from tests.servers import Mailbox, Server

SEATS = "seats { used pending free total }"
ROW = "results { email invitation { id status } userErrors { code message field details } }"


@pytest.fixture(scope="module")
async def shop(product: Callable[[str], Awaitable[Server]]) -> Server:
    """Whose free plan has ten seats."""
    return await product("meetings")


@pytest.fixture
async def boss(shop: Server, mailbox: Mailbox) -> Person:
    """With three seats."""
    boss = await owner(shop, mailbox)
    await give(boss, "free", 3)
    return boss


async def seats(person: Person) -> tuple[int, int, int | None, int | None]:
    """Used, pending, free, in all."""
    found = (await person.organization(SEATS))["seats"]
    return found["used"], found["pending"], found["free"], found["total"]


async def give(person: Person, plan: str | None, own: int | None = None) -> None:
    """A plan, and a number of seats of its own."""
    id = parse_any_id(person.organization_id)
    await sql(person.server, "UPDATE organization SET plan = $2, seats = $3 WHERE id = $1", id, plan, own)


async def invited(person: Client, organization_id: str, *emails: str) -> list[dict[str, Any]]:
    rows = [{"email": email, "role": "member"} for email in emails]
    input = {"organizationId": organization_id, "invitations": rows}
    return list((await person.do("inviteMembers", input, ROW))["results"])


def addresses(count: int) -> list[str]:
    return [f"{unique('seat')}@example.com" for _ in range(count)]


async def expire(person: Person, invitation_id: str) -> None:
    statement = "UPDATE invitation SET expires_at = now() - interval '1 s' WHERE id = $1"
    await sql(person.server, statement, parse_any_id(invitation_id))


# Counting


async def test_an_invitation_holds_a_seat(boss: Person, mailbox: Mailbox) -> None:
    """Accepting makes of a pending one a used one."""
    assert await seats(boss) == (1, 0, 2, 3)
    invitation = await invite(boss)
    assert await seats(boss) == (1, 1, 1, 3)
    token = await mailbox.token(invitation["email"], path="/accept-invitation")
    member = await sign_up(boss.server, invitation["email"], invitationToken=token)
    assert await seats(boss) == (2, 0, 1, 3)
    await boss.do("removeMember", {"memberId": member.member_id})
    assert await seats(boss) == (1, 0, 2, 3)


async def test_beyond_the_seats(boss: Person) -> None:
    """The rows before keep theirs; the rows after are refused, each for itself."""
    emails = addresses(4)
    first, second, *others = await invited(boss, boss.organization_id, *emails)
    assert first["invitation"]["status"] == second["invitation"]["status"] == "PENDING"
    assert first["userErrors"] == second["userErrors"] == []
    for number, other in enumerate(others, 2):
        (error,) = other["userErrors"]
        assert (error["code"], error["field"]) == ("SEAT_LIMIT_REACHED", f"invitations.{number}.email")
        assert error["details"] == {"seats": 3}
        assert "All 3 seats" in error["message"]
        assert other["invitation"] is None
    assert await seats(boss) == (1, 2, 0, 3)
    # A row that is refused for something else takes none
    await give(boss, "free", 4)
    mixed = await invited(boss, boss.organization_id, emails[0], "junk", boss.email, emails[2], emails[3])
    codes = [row["userErrors"][0]["code"] if row["userErrors"] else None for row in mixed]
    assert codes == ["ALREADY_DONE", "INVALID", "ALREADY_DONE", None, "SEAT_LIMIT_REACHED"]
    assert await seats(boss) == (1, 3, 0, 4)


@pytest.mark.parametrize("how", ["revoked", "declined", "expired", "gone with its role"])
async def test_what_frees_the_seat_of_an_invitation(boss: Person, mailbox: Mailbox, how: str) -> None:
    await give(boss, "free", 2)
    role = await boss.do("createRole", {"name": "Guest", "permissions": ["rooms:own"]}, "role { id }")
    invitation = await invite(boss, role["role"]["id"])
    assert await seats(boss) == (1, 1, 0, 2)
    match how:
        case "revoked":
            await boss.do("revokeInvitation", {"invitationId": invitation["id"]})
        case "declined":
            token = await mailbox.token(invitation["email"], path="/accept-invitation")
            await Client(boss.server).do("declineInvitation", {"token": token})
        case "expired":
            await expire(boss, invitation["id"])
        case _:
            await expire(boss, invitation["id"])
            await boss.do("deleteRole", {"roleId": role["role"]["id"]})
    assert await seats(boss) == (1, 0, 1, 2)
    (row,) = await invited(boss, boss.organization_id, *addresses(1))
    assert row["userErrors"] == []
    assert await seats(boss) == (1, 1, 0, 2)


async def test_resending_an_expired_invitation(boss: Person) -> None:
    """Takes a free seat; one that still holds its own does not."""
    await give(boss, "free", 2)
    invitation = await invite(boss)
    await boss.do("resendInvitation", {"invitationId": invitation["id"]})
    assert await seats(boss) == (1, 1, 0, 2)
    await expire(boss, invitation["id"])
    other = await invite(boss)
    error = await boss.refused("resendInvitation", {"invitationId": invitation["id"]})
    assert (error["code"], error["field"], error["details"]) == ("SEAT_LIMIT_REACHED", "invitationId", {"seats": 2})
    await boss.do("revokeInvitation", {"invitationId": other["id"]})
    await boss.do("resendInvitation", {"invitationId": invitation["id"]})
    assert await seats(boss) == (1, 1, 0, 2)


async def test_suspended_members(boss: Person, mailbox: Mailbox) -> None:
    """Free their seats, and need one to come back."""
    await give(boss, "free", 2)
    member = await join(boss, mailbox)
    id = {"memberId": member.member_id}
    assert await seats(boss) == (2, 0, 0, 2)
    await boss.do("suspendMember", id)
    assert await seats(boss) == (1, 0, 1, 2)
    invitation = await invite(boss)
    assert await refusal(boss, "reactivateMember", id) == ("SEAT_LIMIT_REACHED", "memberId")
    assert await seats(boss) == (1, 1, 0, 2)
    await boss.do("revokeInvitation", {"invitationId": invitation["id"]})
    await boss.do("reactivateMember", id)
    assert await seats(boss) == (2, 0, 0, 2)


async def test_a_plan_below_what_is_used(boss: Person, mailbox: Mailbox) -> None:
    """Who is in stays in; who was invited waits, and comes in once there is a seat."""
    first, second = await invite(boss), await invite(boss)
    tokens = [await mailbox.token(each["email"], path="/accept-invitation") for each in (first, second)]
    guest = await sign_up(boss.server, first["email"])
    await give(boss, "free", 1)
    assert await seats(boss) == (1, 2, 0, 1)
    error = await guest.refused("acceptInvitation", {"token": tokens[0]})
    assert (error["code"], error["details"]) == ("SEAT_LIMIT_REACHED", {"seats": 1})
    new = {"email": second["email"], "password": "correct horse battery", "name": "New", "invitationToken": tokens[1]}
    assert (await Client(boss.server).refused("signUp", new))["code"] == "SEAT_LIMIT_REACHED"
    assert await seats(boss) == (1, 2, 0, 1)
    for token in tokens:
        preview = await Client(boss.server).query(
            "query ($token: String!) { invitation(token: $token) { status } }", {"token": token}
        )
        assert preview == {"invitation": {"status": "PENDING"}}
    # There is one seat for the two of them: first come, first served
    await give(boss, "free", 2)
    await guest.do("acceptInvitation", {"token": tokens[0]})
    assert (await Client(boss.server).refused("signUp", new))["code"] == "SEAT_LIMIT_REACHED"
    assert await seats(boss) == (2, 1, 0, 2)
    await give(boss, "free", 3)
    await Client(boss.server).do("signUp", new)
    assert await seats(boss) == (3, 0, 0, 3)
    await give(boss, "free", 1)
    assert await seats(boss) == (3, 0, 0, 1)
    assert (await guest.query("{ viewer { organization { id } } }"))["viewer"]["organization"]


async def test_plans_differ(boss: Person) -> None:
    """The plan's, else the organization's own; where there is no limit there is no number."""
    for plan, own, expected in (
        (None, None, (1, 0, 9, 10)),
        ("business", None, (1, 0, 49, 50)),
        ("business", 7, (1, 0, 6, 7)),
        ("enterprise", 5, (1, 0, 4, 5)),
        ("enterprise", None, (1, 0, None, None)),
    ):
        await give(boss, plan, own)
        assert await seats(boss) == expected
    results = await invited(boss, boss.organization_id, *addresses(60))
    assert all(row["userErrors"] == [] for row in results)
    assert await seats(boss) == (1, 60, None, None)
    await give(boss, "free")
    assert await seats(boss) == (1, 60, 0, 10)


async def test_a_product_without_plans(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    assert await boss.organization(f"plan {{ key }} {SEATS}") == {
        "plan": None,
        "seats": {"used": 1, "pending": 0, "free": None, "total": None},
    }


async def test_who_sees_them(boss: Person, mailbox: Mailbox) -> None:
    """Whoever sees the members, of their own organization."""
    admin, member = await cast(boss, mailbox, "admin", "member")
    stranger = await owner(boss.server, mailbox)
    assert await seats(admin) == (3, 0, 0, 3)
    query = f"query ($id: ID!) {{ organization(id: $id) {{ name {SEATS} }} }}"
    answer = await member.execute(query, {"id": boss.organization_id})
    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["errors"][0]["extensions"]["permission"] == "members:read"
    assert answer.body["data"]["organization"]["seats"] is None
    assert await stranger.query(query, {"id": boss.organization_id}) == {"organization": None}
    assert await seats(stranger) == (1, 0, 9, 10)


async def test_many_organizations_in_one_statement(boss: Person) -> None:
    """Each has its own numbers."""
    query = f"{{ viewer {{ memberships(first: 9) {{ nodes {{ organization {{ id {SEATS} }} }} }} }} }}"
    taken = [(await boss.execute(query)).statements]
    await invite(boss)
    for number in range(1, 4):
        name = {"name": unique("Organization "), "switch": False}
        id = (await boss.do("createOrganization", name, "organization { id }"))["organization"]["id"]
        await invited(boss, id, *addresses(number)[:2])
    answer = await boss.execute(query)
    assert [(await boss.execute(query)).statements] <= taken
    nodes = answer.data["viewer"]["memberships"]["nodes"]
    assert [node["organization"]["seats"]["pending"] for node in nodes] == [1, 1, 2, 2]


# Races

ROUNDS = 200 if THOROUGH else 50


@pytest.fixture
async def http(shop: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=60) as client:
        yield client


def inviting(http: httpx.AsyncClient, person: Person) -> Awaitable[dict[str, Any]]:
    rows = [{"email": email, "role": "member"} for email in addresses(1)]
    input = {"organizationId": person.organization_id, "invitations": rows}
    return send(http, person, "inviteMembers", input, "results { userErrors { code } }")


def outcome(payload: dict[str, Any]) -> str:
    errors = [*payload["userErrors"], *(e for row in payload.get("results") or [] for e in row["userErrors"])]
    return str(errors[0]["code"]) if errors else "done"


async def test_the_last_seat_is_not_promised_twice(boss: Person, mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    admin = await join(boss, mailbox, "admin")
    id = parse_any_id(boss.organization_id)
    for _ in range(ROUNDS):
        payloads = await asyncio.gather(inviting(http, boss), inviting(http, admin))
        assert sorted(map(outcome, payloads)) == ["SEAT_LIMIT_REACHED", "done"]
        taken = "DELETE FROM invitation WHERE organization_id = $1 AND status = 'pending' RETURNING 1"
        assert len(await sql(boss.server, taken, id)) == 1
    assert await seats(boss) == (2, 0, 1, 3)


async def test_reactivating_against_inviting(boss: Person, mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    """Of the one seat there is; whoever comes first has it."""
    await give(boss, "free", 2)
    member = await join(boss, mailbox)
    ids = (parse_any_id(boss.organization_id), parse_any_id(member.member_id))
    won = []
    for number in range(ROUNDS):
        await sql(boss.server, "UPDATE member SET status = 'suspended' WHERE id = $1", ids[1])
        await sql(boss.server, "DELETE FROM invitation WHERE organization_id = $1", ids[0])
        both = [send(http, boss, "reactivateMember", {"memberId": member.member_id}), inviting(http, boss)]
        payloads = await asyncio.gather(*(both if number % 2 else reversed(both)))
        assert sorted(map(outcome, payloads)) == ["SEAT_LIMIT_REACHED", "done"]
        used, pending, *rest = await seats(boss)
        assert (used + pending, rest) == (2, [0, 2])
        won.append(used)
    assert set(won) == {1, 2}, "each has come first"


async def test_the_last_seat_is_not_taken_twice(boss: Person, mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    """By two who accept at the same moment, after the plan has become smaller."""
    invitations = [await invite(boss), await invite(boss)]
    guests = [await sign_up(boss.server, each["email"]) for each in invitations]
    tokens = [await mailbox.token(each["email"], path="/accept-invitation") for each in invitations]
    await give(boss, "free", 2)
    id = parse_any_id(boss.organization_id)
    hashes = await sql(boss.server, "SELECT id, token_hash FROM invitation WHERE organization_id = $1", id)
    for _ in range(ROUNDS // 2):
        codes = await at_once(
            *(
                send(http, guest, "acceptInvitation", {"token": token})
                for guest, token in zip(guests, tokens, strict=True)
            )
        )
        assert sorted(codes) == ["SEAT_LIMIT_REACHED", "done"]
        assert await seats(boss) == (2, 1, 0, 2)
        await sql(
            boss.server,
            "DELETE FROM member WHERE organization_id = $1 AND user_id <> $2",
            *(id, parse_any_id(boss.user_id)),
        )
        for row in hashes:
            statement = "UPDATE invitation SET status = 'pending', token_hash = $2 WHERE id = $1"
            await sql(boss.server, statement, row["id"], row["token_hash"])
