"""API keys open subscriptions and sockets, which end with them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.api_keys import Key, custom_role, mint, rotated, set_key, works
from tests.factories import Person, cast, invite
from tests.servers import Mailbox
from tests.streams import (
    Opener,
    Stream,
    bearer,
    by_sse,
    by_websocket,
    grant,
    head,
    refusal,
    results,
    since,
    socket,
    subscribe,
    take,
    types,
)


@contextlib.asynccontextmanager
async def by_header(person: Person, **variables: Any) -> AsyncIterator[Stream]:
    """A WebSocket whose handshake carries the credential."""
    async with socket(person.server, additional_headers=bearer(person)) as connection:
        await subscribe(connection, "1", **({"organizationId": person.organization_id} | variables))
        stream = results(connection, "1")
        yield stream
        await stream.aclose()  # type: ignore[attr-defined]


async def _revoke(boss: Person, admin: Person, key: Key) -> None:
    await boss.do("revokeApiKey", {"apiKeyId": key.id})


async def _rotate(boss: Person, admin: Person, key: Key) -> None:
    await rotated(boss, key, overlapMinutes=0)


async def _let_the_overlap_end(boss: Person, admin: Person, key: Key) -> None:
    await rotated(boss, key)
    await set_key(key, "previous_expires_at = now() - interval '1 s'")


async def _expire(boss: Person, admin: Person, key: Key) -> None:
    await set_key(key, "expires_at = now() - interval '1 s'")


async def _suspend_creator(boss: Person, admin: Person, key: Key) -> None:
    await boss.do("suspendMember", {"memberId": admin.member_id})


async def _demote_creator(boss: Person, admin: Person, key: Key) -> None:
    role = await custom_role(boss, "content:read")
    await boss.do("setMemberRole", {"memberId": admin.member_id, "role": role})


ENDS = [
    *((_revoke, opened, "UNAUTHENTICATED") for opened in (by_websocket, by_header, by_sse)),
    (_rotate, by_websocket, "UNAUTHENTICATED"),
    (_rotate, by_sse, "UNAUTHENTICATED"),
    (_let_the_overlap_end, by_header, "UNAUTHENTICATED"),
    (_expire, by_sse, "UNAUTHENTICATED"),
    (_suspend_creator, by_websocket, "UNAUTHENTICATED"),
    (_suspend_creator, by_sse, "UNAUTHENTICATED"),
    (_demote_creator, by_header, "FORBIDDEN"),
]


@pytest.mark.parametrize(("end", "opened", "code"), ENDS)
async def test_a_keys_subscription_ends_with_it(
    boss: Person, mailbox: Mailbox, opened: Opener, end: Callable[[Person, Person, Key], Awaitable[None]], code: str
) -> None:
    """In less than a second, without one more event."""
    (admin,) = await cast(boss, mailbox, "admin")
    key = await mint(admin)
    async with opened(key, after=since(await head(boss))) as stream:
        await grant(boss, admin, "member")
        assert await types(stream, 1) == ["ROLE_GRANTED"]
        await end(boss, admin, key)
        started = time.monotonic()
        await invite(boss)
        assert await refusal(stream) == code
        assert time.monotonic() - started < 1


async def test_a_revoked_keys_subscription_ends_by_itself(boss: Person) -> None:
    """Nothing else has to happen in the organization."""
    key = await mint(boss)
    async with by_websocket(key) as stream, by_sse(key) as other:
        ends = [asyncio.create_task(refusal(each)) for each in (stream, other)]
        await subscribed(boss, key)
        started = time.monotonic()
        await _revoke(boss, boss, key)
        assert await asyncio.gather(*ends) == ["UNAUTHENTICATED"] * 2
        assert time.monotonic() - started < 1


async def subscribed(boss: Person, key: Key) -> None:
    """Requests that were sent before this have been taken in by the server."""
    for _ in range(5):
        assert await works(key)


async def test_a_workspace_key_follows_its_workspace(boss: Person, mailbox: Mailbox) -> None:
    (bob,) = await cast(boss, mailbox, "viewer")
    here, there = await boss.workspace("Followed"), await boss.workspace()
    key = await mint(boss, workspaceId=here)
    async with by_websocket(key) as stream:
        assert await refusal(stream) == "FORBIDDEN"
    async with by_sse(key, workspaceId=there) as stream:
        assert await refusal(stream) == "BAD_REQUEST"
    async with by_sse(key, workspaceId=here, after=since(await head(boss))) as stream:
        await grant(boss, bob, "member", workspaceId=there)
        await grant(boss, bob, "member", workspaceId=here)
        granted, entered = await take(stream, 2)
        assert granted["workspace"] == entered["workspace"] == {"id": here}
        await boss.do("deleteWorkspace", {"workspaceId": here, "confirmName": "Followed"})
        assert await refusal(stream) == "UNAUTHENTICATED"


async def test_a_key_is_a_sockets_credential(boss: Person) -> None:
    """By the payload of connection_init, or by the handshake's header; every operation asks anew."""
    for in_header in (False, True):
        key = await mint(boss)
        options: dict[str, Any] = {"additional_headers": bearer(key)} if in_header else {"init": bearer(key)}
        async with socket(boss.server, **options) as connection:
            assert await viewer_of(connection) == {"apiKey": {"id": key.id}}
            await _revoke(boss, boss, key)
            assert await viewer_of(connection) is None
    # A dead one closes the socket that names it, and is nobody's in a header
    async with socket(boss.server, additional_headers=bearer(key)) as connection:
        assert await viewer_of(connection) is None
    with pytest.raises(ConnectionClosed) as closing:
        async with socket(boss.server, bearer(key)):
            pass
    assert closing.value.rcvd is not None
    assert closing.value.rcvd.code == 4403


async def viewer_of(connection: ClientConnection) -> Any:
    await subscribe(connection, "viewer", "{ viewer { apiKey { id } } }")
    (answer,) = [result async for result in results(connection, "viewer")]
    return answer["data"]["viewer"]
