"""membershipChanges as its subscribers see it: over WebSockets and SSE, complete, in order, and only while allowed."""

import asyncio
import base64
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import gql
import httpx
import psutil
import pytest
from gql.transport.websockets import WebsocketsTransport
from httpx_sse import aconnect_sse
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from server import events
from server.models import uuid7
from tests.factories import PASSWORD, Client, Person, invite, join, owner, sign_in, sign_up, unique
from tests.servers import Mailbox, Server

SECONDS = 15
"""How long anything is waited for."""

CHANGES = """subscription ($organizationId: ID, $workspaceId: ID, $after: String) {
    membershipChanges(organizationId: $organizationId, workspaceId: $workspaceId, after: $after) {
        type cursor occurredAt actor { type id label } target { type id label } role { key }
        member { id user { email } } workspace { id } invitation { id email status }
    }
}"""

Result = dict[str, Any]
Stream = AsyncIterator[Result]
Opener = Callable[..., contextlib.AbstractAsyncContextManager[Stream]]


def since(sequence: int) -> str:
    """The cursor of an event of the audit log. Clients pass on those that they were given."""
    return base64.urlsafe_b64encode(f"change:{sequence}".encode()).decode().rstrip("=")


@contextlib.asynccontextmanager
async def socket(server: Server, init: Result | None = None, **options: Any) -> AsyncIterator[ClientConnection]:
    """An acknowledged socket; `init` is the payload of connection_init."""
    async with connect(
        server.websocket_url, subprotocols=[Subprotocol("graphql-transport-ws")], compression=None, **options
    ) as connection:
        await send(connection, type="connection_init", payload=init)
        assert (await receive(connection))["type"] == "connection_ack"
        yield connection


def bearer(person: Client) -> Result:
    return {"Authorization": f"Bearer {person.token}"}


async def send(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def receive(connection: ClientConnection) -> Result:
    return dict(json.loads(await asyncio.wait_for(connection.recv(), SECONDS)))


async def subscribe(connection: ClientConnection, operation: str, query: str = CHANGES, **variables: Any) -> None:
    await send(connection, type="subscribe", id=operation, payload={"query": query, "variables": variables})


async def results(connection: ClientConnection, id: str) -> Stream:
    """What one operation answers, while no other is on the socket."""
    while True:
        message = await receive(connection)
        assert message["id"] == id
        match message["type"]:
            case "next":
                yield message["payload"]
            case "error":
                yield {"errors": message["payload"]}
                return
            case "complete":
                return


@contextlib.asynccontextmanager
async def by_websocket(person: Person, **variables: Any) -> AsyncIterator[Stream]:
    async with socket(person.server, bearer(person)) as connection:
        await subscribe(connection, "1", **({"organizationId": person.organization_id} | variables))
        stream = results(connection, "1")
        yield stream
        await stream.aclose()  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def by_sse(person: Person, **variables: Any) -> AsyncIterator[Stream]:
    async def messages() -> Stream:
        async for message in source.aiter_sse():
            if message.event == "complete":
                return
            if message.event == "next":
                yield json.loads(message.data)

    body = {"query": CHANGES, "variables": {"organizationId": person.organization_id} | variables}
    async with (
        httpx.AsyncClient(timeout=SECONDS, verify=False) as http,  # noqa: S501
        aconnect_sse(http, "POST", f"{person.server.url}/graphql", json=body, headers=bearer(person)) as source,
    ):
        stream = messages()
        yield stream
        await stream.aclose()


BOTH = pytest.mark.parametrize("opened", [by_websocket, by_sse], ids=["websocket", "sse"])


async def take(stream: Stream, count: int) -> list[Result]:
    """The next changes; fails on an error or an end."""
    found = []
    for _ in range(count):
        result = await asyncio.wait_for(anext(stream), SECONDS)
        assert "errors" not in result, result
        found.append(result["data"]["membershipChanges"])
    return found


async def types(stream: Stream, count: int) -> list[str]:
    return [change["type"] for change in await take(stream, count)]


async def rest(stream: Stream) -> list[Result]:
    """All that comes until the stream ends."""

    async def collect() -> list[Result]:
        return [result async for result in stream]

    return await asyncio.wait_for(collect(), SECONDS)


async def refusal(stream: Stream) -> str:
    """The code of the one message that a stream ends with."""
    (only,) = await rest(stream)
    assert not only.get("data"), only
    (error,) = only["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


async def head(person: Person) -> int:
    """The sequence of the newest event of the person's organization."""
    chain = await person.organization("auditEvents(first: 1) { nodes { sequence } }")
    return int(chain["auditEvents"]["nodes"][0]["sequence"])


async def grant(person: Person, member: Person, role: str = "viewer", **input: Any) -> str:
    given = {"memberId": member.member_id, "role": role} | input
    return str((await person.do("grantRole", given, "grant { id }"))["grant"]["id"])


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

    assert {change["type"] for change in seen} == {kind.value for kind in events.MembershipChangeType}
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


@BOTH
async def test_a_member_of_one_workspace_follows_only_that(server: Server, mailbox: Mailbox, opened: Opener) -> None:
    boss = await owner(server, mailbox)
    here, there = await boss.workspace(), await boss.workspace()
    member = await join(boss, mailbox, workspaceIds=[here])
    other = await join(boss, mailbox)
    start = since(await head(boss))
    async with opened(member) as stream:
        assert await refusal(stream) == "FORBIDDEN"
    async with opened(member, workspaceId=there) as stream:
        assert await refusal(stream) == "BAD_REQUEST"
    await grant(boss, other, workspaceId=there)
    await grant(boss, other, workspaceId=here)
    async with opened(member, workspaceId=here, after=start) as stream:
        granted, entered = await take(stream, 2)
    assert granted["workspace"] == entered["workspace"] == {"id": here}
    assert entered["member"]["user"]["email"] == other.email


@BOTH
async def test_another_organization_tells_nothing(server: Server, mailbox: Mailbox, opened: Opener) -> None:
    boss, stranger = await owner(server, mailbox), await owner(server, mailbox)
    place = await boss.workspace()
    for variables in (
        {"organizationId": boss.organization_id},
        {"organizationId": boss.organization_id, "after": since(0)},
        {"organizationId": boss.organization_id, "workspaceId": place},
        {"workspaceId": place, "after": since(0)},
        {"organizationId": boss.member_id},
        {"organizationId": "junk"},
        {"workspaceId": "ws_junk"},
    ):
        async with opened(stranger, **variables) as stream:
            assert await refusal(stream) in ("FORBIDDEN", "BAD_REQUEST")


async def test_an_organization_cannot_be_followed_by_a_workspace_of_another(server: Server, mailbox: Mailbox) -> None:
    """Else a workspace of one's own would open a foreign organization, and tell how long its log is."""
    boss, stranger = await owner(server, mailbox), await owner(server, mailbox)
    own = await stranger.workspace()
    nobodys = "org_01h455vb4pex5vsknk084sn02q"
    for organization_id, after in (
        (boss.organization_id, since(0)),
        (boss.organization_id, since(10**6)),
        (nobodys, None),
    ):
        async with by_websocket(stranger, organizationId=organization_id, workspaceId=own, after=after) as stream:
            assert await refusal(stream) == "BAD_REQUEST"


async def test_anonymous_is_unauthenticated(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    async with socket(server) as connection:
        await subscribe(connection, "1", organizationId=boss.organization_id)
        assert await refusal(results(connection, "1")) == "UNAUTHENTICATED"


async def test_what_a_member_may_not_know_is_left_out(server: Server, mailbox: Mailbox) -> None:
    """Invitations, and workspaces that it cannot enter."""
    boss = await owner(server, mailbox)
    member, other = await join(boss, mailbox), await join(boss, mailbox)
    secret = await boss.workspace()
    start = since(await head(boss))
    await invite(boss)
    await grant(boss, other, workspaceId=secret)
    await grant(boss, other, "admin")
    async with by_websocket(member, after=start) as stream:
        (granted,) = await take(stream, 1)
        assert (granted["type"], granted["role"], granted["workspace"]) == ("ROLE_GRANTED", {"key": "admin"}, None)
        await grant(boss, member, workspaceId=secret)
        assert await types(stream, 2) == ["ROLE_GRANTED", "WORKSPACE_ENTERED"]
        await grant(boss, other, "member", workspaceId=secret)
        (granted,) = await take(stream, 1)
        assert granted["workspace"] == {"id": secret}
        await boss.do("setMemberRole", {"memberId": member.member_id, "role": "admin"})
        assert await types(stream, 2) == ["ROLE_REVOKED", "ROLE_GRANTED"]
        invitation = await invite(boss)
        (sent,) = await take(stream, 1)
        assert sent["invitation"]["email"] == invitation["email"]


async def _remove(boss: Person, member: Person) -> None:
    await boss.do("removeMember", {"memberId": member.member_id})


async def _suspend(boss: Person, member: Person) -> None:
    await boss.do("suspendMember", {"memberId": member.member_id})


async def _leave(boss: Person, member: Person) -> None:
    await member.do("leaveOrganization", {"organizationId": boss.organization_id})


async def _revoke_role(boss: Person, member: Person) -> None:
    query = "query ($id: ID!) { node(id: $id) { ... on Member { grants { id } } } }"
    ((granted,),) = (await boss.query(query, {"id": member.member_id}))["node"].values()
    await boss.do("revokeGrant", {"grantId": granted["id"]})


async def _expire_role(boss: Person, member: Person) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    await grant(boss, member, "member", expiresAt=soon)


async def _delete_organization(boss: Person, member: Person) -> None:
    name = (await boss.organization("name"))["name"]
    await boss.do("deleteOrganization", {"organizationId": boss.organization_id, "confirmName": name})


async def _sign_out(boss: Person, member: Person) -> None:
    await member.do("signOut")


async def _revoke_session(boss: Person, member: Person) -> None:
    elsewhere = await sign_in(member.server, member.email)
    current = await member.query("{ viewer { session { id } } }")
    await elsewhere.do("revokeSession", {"sessionId": current["viewer"]["session"]["id"]})


async def _change_password_elsewhere(boss: Person, member: Person) -> None:
    elsewhere = await sign_in(member.server, member.email)
    await elsewhere.do("changePassword", {"currentPassword": PASSWORD, "newPassword": PASSWORD + " 2"})


async def _delete_account(boss: Person, member: Person) -> None:
    await member.do("deleteAccount", {"password": PASSWORD})


LOSSES = [
    (_remove, by_websocket, "FORBIDDEN"),
    (_remove, by_sse, "FORBIDDEN"),
    (_suspend, by_websocket, "FORBIDDEN"),
    (_leave, by_sse, "FORBIDDEN"),
    (_revoke_role, by_websocket, "FORBIDDEN"),
    (_delete_organization, by_sse, "FORBIDDEN"),
    (_sign_out, by_websocket, "UNAUTHENTICATED"),
    (_sign_out, by_sse, "UNAUTHENTICATED"),
    (_revoke_session, by_sse, "UNAUTHENTICATED"),
    (_change_password_elsewhere, by_websocket, "UNAUTHENTICATED"),
    (_delete_account, by_sse, "UNAUTHENTICATED"),
]


@pytest.mark.parametrize(("lose", "opened", "code"), LOSSES)
async def test_who_loses_access_is_told_and_hears_no_more(
    server: Server, mailbox: Mailbox, opened: Opener, lose: Callable[[Person, Person], Any], code: str
) -> None:
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox)
    async with opened(member, after=since(await head(boss))) as stream:
        await grant(boss, boss, "viewer")
        assert await types(stream, 1) == ["ROLE_GRANTED"]
        await lose(boss, member)
        if lose is not _delete_organization:
            await grant(boss, boss, "admin")
        assert await refusal(stream) == code


async def test_an_expiring_role_ends_the_stream(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox)
    async with by_websocket(member, after=since(await head(boss))) as stream:
        await _expire_role(boss, member)
        assert await types(stream, 1) == ["ROLE_CHANGED"]
        assert await refusal(stream) == "FORBIDDEN"


async def test_leaving_a_workspace_ends_its_stream(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    place = await boss.workspace()
    member = await join(boss, mailbox, workspaceIds=[place])
    async with by_websocket(member, workspaceId=place, after=since(await head(boss))) as stream:
        await member.do("leaveWorkspace", {"workspaceId": place})
        assert await refusal(stream) == "BAD_REQUEST"


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


# Credentials


async def viewer_email(connection: ClientConnection) -> str | None:
    """Whom the socket takes its client for; None: nobody."""
    await subscribe(connection, "viewer", "{ viewer { user { email } } }")
    (answer,) = [result async for result in results(connection, "viewer")]
    return str(answer["data"]["viewer"]["user"]["email"]) if answer["data"]["viewer"] else None


async def test_credentials_by_payload_header_and_cookie(server: Server) -> None:
    person = await sign_up(server)
    cookie = {"Cookie": f"orgraph={person.token}"}
    async with socket(server, bearer(person)) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server, {"authorization": f"bearer {person.token}"}) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server, additional_headers=bearer(person)) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server, additional_headers=cookie, origin=Origin(server.url)) as connection:
        assert await viewer_email(connection) == person.email
    async with socket(server) as connection:
        assert await viewer_email(connection) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_page_cannot_use_the_cookie(server: Server, origin: str) -> None:
    person = await sign_up(server)
    with pytest.raises(InvalidStatus) as refused:
        async with socket(server, additional_headers={"Cookie": f"orgraph={person.token}"}, origin=Origin(origin)):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "init",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer \0"},
        {"Authorization": "Bearer " + "é" * 10000},
        {"Orgraph-Organization": "org_junk"},
    ],
)
async def test_wrong_credentials_close_the_socket(server: Server, init: Result) -> None:
    assert await closed_by(server, json.dumps({"type": "connection_init", "payload": init}), init=False) == 4403


async def test_an_organization_that_cannot_be_entered_closes_the_socket(server: Server, mailbox: Mailbox) -> None:
    boss, stranger = await owner(server, mailbox), await owner(server, mailbox)
    headers = {"Orgraph-Organization": boss.organization_id}
    init = json.dumps({"type": "connection_init", "payload": bearer(stranger) | headers})
    assert await closed_by(server, init, init=False) == 4403
    with pytest.raises(ConnectionClosed) as closed:
        async with socket(server, additional_headers=bearer(stranger) | headers):
            pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    async with socket(server, bearer(boss) | headers) as connection:
        assert await viewer_email(connection) == boss.email


# The protocol


async def closed_by(server: Server, message: str | bytes, init: bool = True) -> int | None:
    """The code with which the server closes the socket because of a message."""
    async with connect(server.websocket_url, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        if init:
            await send(connection, type="connection_init")
            await receive(connection)
        await connection.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await receive(connection)
        return closed.value.rcvd.code if closed.value.rcvd else 1006


def a_subscribe(**message: Any) -> str:
    return json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { user { id } } }"}} | message)


MALFORMED = [
    "5", "null", "true", '"x"', "[]", "[1]", "{}", "{", "", "x", "\0", "[" * 100_000, '{"a":' * 100_000, "9" * 5000,
    b"{}", b"\xff\xfe", '{"type": 5}', '{"type": null}', '{"type": ["subscribe"]}', json.dumps({"type": "é" * 500}),
    '{"type": "\\ud800"}', '{"type": "subscribe"}', '{"type": "complete"}', '{"type": "complete", "id": 5}',
    a_subscribe(id=5), a_subscribe(id=None), a_subscribe(id=""), a_subscribe(id=["1"]), a_subscribe(id={}),
    a_subscribe(payload=None), a_subscribe(payload="{ viewer }"), a_subscribe(payload={}),
    a_subscribe(payload={"query": 5}), a_subscribe(payload={"query": "{ a }", "variables": []}),
    a_subscribe(payload={"query": "{ a }", "operationName": 5}),
]  # fmt: skip


@pytest.mark.parametrize("message", MALFORMED, ids=range(len(MALFORMED)))
async def test_a_malformed_message_closes_with_4400(server: Server, message: str | bytes) -> None:
    assert await closed_by(server, message) == 4400


async def test_the_order_of_messages(server: Server) -> None:
    assert await closed_by(server, a_subscribe(), init=False) == 4401
    assert await closed_by(server, '{"type": "connection_init"}') == 4429
    assert await closed_by(server, '{"type": "connection_init", "payload": []}', init=False) == 4400
    async with connect(server.websocket_url, subprotocols=[Subprotocol("graphql-ws")]) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            await receive(connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4406


async def test_an_id_in_use_closes_with_4409(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    async with socket(server, bearer(boss)) as connection:
        await subscribe(connection, "1")
        await subscribe(connection, "1")
        with pytest.raises(ConnectionClosed) as closed:
            await receive(connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4409


async def test_ping(server: Server) -> None:
    async with socket(server) as connection:
        await send(connection, type="ping", payload={"a": 1})
        assert (await receive(connection))["type"] == "pong"
        await send(connection, type="pong")
        await send(connection, type="complete", id="unknown")
        await send(connection, type="ping")
        assert (await receive(connection))["type"] == "pong"


FAULTY = {
    "syntax": "subscription {",
    "unknown field": "subscription { nothing }",
    "empty": "",
    "two": "query a { __typename } query b { __typename }",
    "two roots": "subscription { membershipChanges { type } b: membershipChanges { type } }",
    "nul": "{ \0 }",
}


@pytest.mark.parametrize("query", FAULTY.values(), ids=FAULTY)
async def test_a_faulty_operation_does_not_end_the_others(server: Server, mailbox: Mailbox, query: str) -> None:
    boss = await owner(server, mailbox)
    async with socket(server, bearer(boss)) as connection:
        await subscribe(connection, "good", organizationId=boss.organization_id, after=since(await head(boss)))
        await subscribe(connection, "bad", query)
        answer = await receive(connection)
        assert (answer["id"], answer["type"]) == ("bad", "error")
        assert answer["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
        await invite(boss)
        answer = await receive(connection)
        assert (answer["id"], answer["type"]) == ("good", "next")
        await subscribe(connection, "bad", "{ viewer { user { email } } }")  # the id is free again
        assert (await receive(connection))["payload"]["data"]["viewer"]["user"]["email"] == boss.email


async def test_two_subscriptions_on_one_socket(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    first = boss.organization_id
    created = await boss.do("createOrganization", {"name": unique("Second ")}, "organization { id }")
    second = created["organization"]["id"]
    async with socket(server, bearer(boss)) as connection:
        for organization_id in (first, second):
            boss.organization_id = organization_id
            await subscribe(connection, organization_id, organizationId=organization_id, after=since(await head(boss)))
        sent = {}
        for organization_id in (second, first):
            boss.organization_id = organization_id
            sent[organization_id] = (await invite(boss))["id"]
        answers = [await receive(connection) for _ in range(2)]
        got = {a["id"]: a["payload"]["data"]["membershipChanges"]["invitation"]["id"] for a in answers}
        assert got == sent
        await send(connection, type="complete", id=first)
        for organization_id in (first, second):
            boss.organization_id = organization_id
            await invite(boss)
        assert (await receive(connection))["id"] == second


async def test_operations_on_a_socket_see_what_is_new(server: Server, mailbox: Mailbox) -> None:
    """Nothing loaded by one operation is served to the next, and access is that of the moment."""
    boss = await owner(server, mailbox)
    async with socket(server, bearer(boss)) as connection:
        for name in ("One", "Two"):
            await boss.do("updateProfile", {"name": name})
            await subscribe(connection, name, "{ viewer { user { name } } }")
            (answer,) = [result async for result in results(connection, name)]
            assert answer["data"]["viewer"]["user"]["name"] == name
        await boss.do("signOut")
        assert await viewer_email(connection) is None


async def test_a_mutation_over_the_socket_reaches_a_subscription_on_it(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    member = await join(boss, mailbox)
    async with socket(server, bearer(boss)) as connection:
        await subscribe(connection, "changes", organizationId=boss.organization_id, after=since(await head(boss)))
        suspend = "mutation ($id: ID!) { suspendMember(input: {memberId: $id}) { userErrors { code } } }"
        await subscribe(connection, "suspend", suspend, id=member.member_id)
        answers: dict[str, list[Result]] = {"changes": [], "suspend": []}
        while not answers["changes"] or len(answers["suspend"]) < 2:
            message = await receive(connection)
            answers[message["id"]].append(message)
    assert answers["suspend"][0]["payload"]["data"]["suspendMember"]["userErrors"] == []
    assert answers["suspend"][1]["type"] == "complete"
    assert answers["changes"][0]["payload"]["data"]["membershipChanges"]["type"] == "SUSPENDED"


# What is left behind


async def test_abrupt_disconnects_leave_nothing_behind(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    process = psutil.Process(server.process.pid)

    def connections() -> int:
        return sum(1 for c in process.net_connections("tcp") if c.status == psutil.CONN_ESTABLISHED)

    before = connections()
    variables = {"organizationId": boss.organization_id, "after": since(await head(boss))}
    for _ in range(50):
        async with socket(server, bearer(boss)) as connection:
            await subscribe(connection, "1", **variables)
            connection.transport.abort()
        async with by_sse(boss, **variables):
            pass
    await invite(boss)
    deadline = time.monotonic() + SECONDS
    while connections() > before:
        assert time.monotonic() < deadline, f"{connections()} connections, {before} before"
        await asyncio.sleep(0.1)
    async with by_websocket(boss, **variables) as stream:
        assert await types(stream, 1) == ["INVITATION_SENT"]


def test_who_listens_no_more_is_forgotten() -> None:
    key = uuid7()
    with events.listening(key) as woken, events.listening(key):
        events.wake([key])
        assert woken.is_set()
    assert key not in events._waiting
