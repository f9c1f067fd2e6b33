"""membershipChanges as its subscribers see it, over WebSockets and SSE: complete and in order."""

import asyncio
import random
import time

import gql
from gql.transport.websockets import WebsocketsTransport

from server import events
from tests.factories import Client, Person, invite, join, owner, unique
from tests.servers import Mailbox, Server
from tests.streams import (
    BOTH,
    CHANGES,
    SECONDS,
    Opener,
    Result,
    bearer,
    by_sse,
    by_websocket,
    grant,
    head,
    receive,
    refusal,
    since,
    socket,
    subscribe,
    take,
)


@BOTH
async def test_every_change_is_told_as_it_happens(server: Server, mailbox: Mailbox, opened: Opener) -> None:
    boss = await owner(server, mailbox)
    place = await boss.workspace()
    seen: list[Result] = []
    async with opened(boss, after=since(await head(boss))) as stream:

        async def next_ones(*expected: str) -> list[Result]:
            changes = await take(stream, len(expected))
            assert [change["type"] for change in changes] == list(expected)
            seen.extend(changes)
            return changes

        first = await invite(boss, "viewer")
        (sent,) = await next_ones("INVITATION_SENT")
        assert sent["actor"] == {"type": "USER", "id": boss.user_id, "label": boss.email}
        assert sent["invitation"] == {"id": first["id"], "email": first["email"], "status": "PENDING"}
        assert sent["target"] == {"type": "inv", "id": first["id"], "label": first["email"]}
        assert (sent["role"], sent["member"], sent["workspace"]) == ({"key": "viewer"}, None, None)
        await boss.do("resendInvitation", {"invitationId": first["id"]})
        await next_ones("INVITATION_SENT")
        await boss.do("revokeInvitation", {"invitationId": first["id"]})
        (revoked,) = await next_ones("INVITATION_REVOKED")
        assert revoked["invitation"]["status"] == "REVOKED"

        second = await invite(boss)
        await Client(server).do("declineInvitation", {"token": await mailbox.token(second["email"])})
        _, declined = await next_ones("INVITATION_SENT", "INVITATION_DECLINED")
        assert (declined["actor"]["type"], declined["actor"]["id"]) == ("ANONYMOUS", None)

        new = await join(boss, mailbox)
        changes = await next_ones("INVITATION_SENT", "JOINED", "ROLE_GRANTED", "INVITATION_ACCEPTED")
        _, joined, granted, accepted = changes
        member = {"id": new.member_id, "user": {"email": new.email}}
        assert joined["actor"] == {"type": "USER", "id": new.user_id, "label": new.email}
        assert joined["member"] == granted["member"] == member
        assert joined["invitation"] is None
        assert joined["target"] == {"type": "mem", "id": new.member_id, "label": new.email}
        assert (granted["role"], granted["workspace"]) == ({"key": "member"}, None)
        assert (accepted["member"], accepted["invitation"]["email"]) == (None, new.email)

        held = await grant(boss, new, workspaceId=place)
        granted, entered = await next_ones("ROLE_GRANTED", "WORKSPACE_ENTERED")
        assert granted["role"] == {"key": "viewer"}
        assert granted["workspace"] == entered["workspace"] == {"id": place}
        assert entered["member"] == member
        await grant(boss, new, workspaceId=place, expiresAt="2100-01-01T00:00:00Z")
        (changed,) = await next_ones("ROLE_CHANGED")
        assert (changed["role"], changed["workspace"]) == ({"key": "viewer"}, {"id": place})
        await boss.do("revokeGrant", {"grantId": held})
        taken, left = await next_ones("ROLE_REVOKED", "WORKSPACE_LEFT")
        assert taken["role"] == {"key": "viewer"}
        assert taken["workspace"] == left["workspace"] == {"id": place}
        await boss.do("setMemberRole", {"memberId": new.member_id, "role": "viewer"})
        taken, granted = await next_ones("ROLE_REVOKED", "ROLE_GRANTED")
        assert (taken["role"], granted["role"]) == ({"key": "member"}, {"key": "viewer"})

        desk = (await boss.do("createRole", {"name": unique("Desk "), "permissions": []}, "role { id key }"))["role"]
        await boss.do("updateRole", {"roleId": desk["id"], "permissions": ["content:read"]})
        (edited,) = await next_ones("ROLE_UPDATED")
        assert (edited["role"], edited["member"]) == ({"key": desk["key"]}, None)

        await boss.do("suspendMember", {"memberId": new.member_id})
        (suspended,) = await next_ones("SUSPENDED")
        assert suspended["member"] == member
        await boss.do("reactivateMember", {"memberId": new.member_id})
        await next_ones("REACTIVATED")
        await boss.do("removeMember", {"memberId": new.member_id})
        (removed,) = await next_ones("REMOVED")
        assert (removed["member"], removed["target"]["label"]) == (member, new.email)

        leaver = await join(boss, mailbox)
        await next_ones("INVITATION_SENT", "JOINED", "ROLE_GRANTED", "INVITATION_ACCEPTED")
        await leaver.do("leaveOrganization", {"organizationId": boss.organization_id})
        (left,) = await next_ones("LEFT")
        assert left["actor"]["label"] == left["target"]["label"] == leaver.email
        assert left["member"] == {"id": leaver.member_id, "user": {"email": leaver.email}}

    elsewhere = {events.MembershipChangeType.AVAILABILITY_CHANGED}  # no role of this product may set it
    assert {change["type"] for change in seen} == set(events.MembershipChangeType) - elsewhere
    assert len({change["cursor"] for change in seen}) == len(seen)
    assert sorted(change["occurredAt"] for change in seen) == [change["occurredAt"] for change in seen]


async def test_a_change_arrives_at_once(server: Server, mailbox: Mailbox) -> None:
    """By the wake-up, not by the poll behind it."""
    boss = await owner(server, mailbox)
    waited = []
    async with by_websocket(boss, after=since(await head(boss))) as stream:
        for _ in range(5):
            await invite(boss)
            started = time.perf_counter()
            await take(stream, 1)
            waited.append(time.perf_counter() - started)
    assert sorted(waited)[2] < events.POLL_SECONDS / 4


async def test_without_a_cursor_only_what_is_new(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    old = await invite(boss)
    async with by_websocket(boss) as stream:
        coming = asyncio.create_task(take(stream, 1))
        sent = []
        while not coming.done():  # nothing tells when a subscription has begun
            sent.append((await invite(boss))["email"])
            await asyncio.wait([coming], timeout=0.2)
        (change,) = await coming
    assert change["invitation"]["email"] in sent
    assert change["invitation"]["email"] != old["email"]


async def test_gql_client(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    transport = WebsocketsTransport(
        url=server.websocket_url,
        init_payload=bearer(boss),
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    document = gql.gql(CHANGES)
    document.variable_values = {"organizationId": boss.organization_id, "after": since(await head(boss))}
    async with gql.Client(transport=transport, fetch_schema_from_transport=True) as session:
        invitation = await invite(boss)
        stream = session.subscribe(document)
        change = await asyncio.wait_for(anext(stream), SECONDS)
        await stream.aclose()
    assert change["membershipChanges"]["invitation"]["id"] == invitation["id"]


@BOTH
async def test_replays_what_was_missed_then_goes_on(server: Server, mailbox: Mailbox, opened: Opener) -> None:
    boss = await owner(server, mailbox)
    async with opened(boss, after=since(await head(boss))) as stream:
        await invite(boss)
        (before,) = await take(stream, 1)
    missed = [await invite(boss) for _ in range(3)]
    async with opened(boss, after=before["cursor"]) as stream:
        again = await take(stream, 3)
        live = await invite(boss)
        again += await take(stream, 1)
    assert [change["invitation"]["id"] for change in again] == [row["id"] for row in [*missed, live]]
    async with opened(boss, after=again[1]["cursor"]) as stream:
        assert [change["cursor"] for change in await take(stream, 2)] == [change["cursor"] for change in again[2:]]


async def test_nothing_is_lost_or_doubled_across_disconnects(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    members = [await join(boss, mailbox) for _ in range(2)]
    for member in members:
        await grant(boss, member)
    start = await head(boss)

    async def write(member: Person) -> None:
        for day in range(1, 51):
            await grant(boss, member, expiresAt=f"2100-01-01T00:00:{day % 60:02}Z")

    writing = asyncio.gather(*(write(member) for member in members))
    chance = random.Random(7)
    seen: list[Result] = []
    cursor = since(start)
    disconnects = 0
    while len(seen) < 100:
        async with socket(server, bearer(boss)) as connection:
            await subscribe(connection, "1", organizationId=boss.organization_id, after=cursor)
            for _ in range(min(chance.randrange(12), 100 - len(seen))):
                message = await receive(connection)
                seen.append(message["payload"]["data"]["membershipChanges"])
                cursor = seen[-1]["cursor"]
            await asyncio.sleep(chance.random() * 0.02)
            connection.transport.abort()
        disconnects += 1
    await writing
    assert disconnects > 5
    chain = await boss.organization(
        'auditEvents(first: 100, orderBy: {direction: ASC}, filter: {action: "grant.updated"})'
        "{ totalCount nodes { createdAt target { id } } }"
    )
    assert chain["auditEvents"]["totalCount"] == 100
    written = [(node["createdAt"], node["target"]["id"]) for node in chain["auditEvents"]["nodes"]]
    assert [(change["occurredAt"], change["target"]["id"]) for change in seen] == written


async def test_a_long_absence_is_replayed_whole(server: Server, mailbox: Mailbox) -> None:
    """More than the server reads at once."""
    boss = await owner(server, mailbox)
    start = await head(boss)
    count = events.BATCH + 60
    addresses = [f"{unique('absent')}@example.com" for _ in range(count)]
    for index in range(0, count, 100):
        rows = [{"email": email, "role": "member"} for email in addresses[index : index + 100]]
        await boss.do("inviteMembers", {"organizationId": boss.organization_id, "invitations": rows})
    async with by_sse(boss, after=since(start)) as stream:
        assert [change["invitation"]["email"] for change in await take(stream, count)] == addresses


async def test_one_workspace(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox)
    here, there = await boss.workspace(), await boss.workspace()
    start = since(await head(boss))
    for place in (there, here, None, there):
        await grant(boss, member, **({"workspaceId": place} if place else {}), role="admin" if place else "viewer")
    await boss.do("suspendMember", {"memberId": member.member_id})
    async with by_websocket(boss, workspaceId=here, after=start) as stream:
        changes = await take(stream, 3)
    assert [change["type"] for change in changes] == ["ROLE_GRANTED", "WORKSPACE_ENTERED", "WORKSPACE_LEFT"]
    assert {change["workspace"]["id"] for change in changes} == {here}


JUNK = [
    "", "junk", "%%%", "\0", "é", "=", since(-1), since(10**6), since(10**25), "A" * 10000, "Y2hhbmdlOg",
    "Y2hhbmdlOjF4",
]  # fmt: skip


@BOTH
async def test_a_junk_cursor(server: Server, mailbox: Mailbox, opened: Opener) -> None:
    boss = await owner(server, mailbox)
    for after in JUNK:
        async with opened(boss, after=after) as stream:
            assert await refusal(stream) == "BAD_REQUEST"


async def test_a_cursor_of_something_else(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    page = await boss.organization("auditEvents(first: 1) { edges { cursor } }")
    async with by_sse(boss, after=page["auditEvents"]["edges"][0]["cursor"]) as stream:
        assert await refusal(stream) == "BAD_REQUEST"
