"""Several servers on one database: what one does, the others' subscribers hear of, and lose access by, at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.factories import Client, Person, join, sql
from tests.servers import Mailbox, Server, start_server
from tests.streams import Stream, by_websocket, grant, refusal, take

SOON = 1.0
"""Seconds; half of what the poll alone would take."""


@pytest.fixture(scope="module")
async def other(server: Server, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Another process on the server's database, which sends letters as well."""
    smtp_url = f"smtp://127.0.0.1:{mailbox.port}"
    other = start_server(tmp_path_factory.mktemp("other"), server.database_url, smtp_url=smtp_url)
    yield other
    other.stop()


def at(server: Server, person: Person) -> Person:
    return replace(person, server=server)


async def seconds_until_refused(stream: Stream) -> float:
    started = time.monotonic()
    assert await refusal(stream) in ("FORBIDDEN", "UNAUTHENTICATED", "BAD_REQUEST")
    return time.monotonic() - started


async def test_a_change_reaches_the_other_process(boss: Person, other: Server, mailbox: Mailbox) -> None:
    member = await join(boss, mailbox)
    async with by_websocket(at(other, boss)) as stream:
        await asyncio.sleep(0.2)
        waited = []
        for role in ("viewer", "admin", "viewer", "admin", "viewer"):
            started = time.monotonic()
            await boss.do("setMemberRole", {"memberId": member.member_id, "role": role})
            await take(stream, 2)
            waited.append(time.monotonic() - started)
            await boss.do("grantRole", {"memberId": member.member_id, "role": "member"})
            await take(stream, 1)
            await boss.do("setMemberRole", {"memberId": member.member_id, "role": role})
            await take(stream, 1)
    assert sorted(waited)[2] < SOON


@pytest.mark.parametrize("how", ["removed", "suspended", "demoted", "signed out", "role edited"])
async def test_lost_access_ends_streams_of_the_other_process(
    how: str, boss: Person, other: Server, mailbox: Mailbox
) -> None:
    given = {"name": f"Watcher {how}", "permissions": ["members:read"]}
    role = (await boss.do("createRole", given, "role { id }"))["role"]["id"]
    member = await join(boss, mailbox, role)
    async with by_websocket(at(other, member)) as stream:
        await asyncio.sleep(0.3)
        match how:
            case "removed":
                await boss.do("removeMember", {"memberId": member.member_id})
            case "suspended":
                await boss.do("suspendMember", {"memberId": member.member_id})
            case "demoted":
                nothing = {"name": "Nothing", "permissions": []}
                nobody = (await boss.do("createRole", nothing, "role { id }"))["role"]["id"]
                await boss.do("setMemberRole", {"memberId": member.member_id, "role": nobody})
            case "signed out":
                await member.do("signOut")
            case _:
                await boss.do("updateRole", {"roleId": role, "permissions": []})
        assert await seconds_until_refused(stream) < SOON


async def test_a_revoked_key_loses_its_stream_in_the_other_process(boss: Person, other: Server) -> None:
    made = await boss.do("createApiKey", {"name": "Watcher", "role": "viewer"}, "secret apiKey { id }")
    watcher = Client(other, made["secret"])
    async with by_websocket(replace(at(other, boss), token=watcher.token)) as stream:
        await asyncio.sleep(0.3)
        await boss.do("revokeApiKey", {"apiKeyId": made["apiKey"]["id"]})
        assert await seconds_until_refused(stream) < SOON


async def test_signals_come_back_after_their_connection_was_cut(boss: Person, other: Server, mailbox: Mailbox) -> None:
    member = await join(boss, mailbox)
    async with by_websocket(at(other, boss)) as stream:
        await asyncio.sleep(0.2)
        listening = "FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE '%listen%'"
        assert await sql(boss.server, f"SELECT pg_terminate_backend(pid) {listening} AND pid <> pg_backend_pid()")
        await grant(boss, member)
        await take(stream, 1)
        await asyncio.sleep(1.5)
        waited = []
        for role in ("admin", "owner", "member"):
            started = time.monotonic()
            await grant(boss, member, role, expiresAt="2100-01-01T00:00:00Z")
            await take(stream, 1)
            waited.append(time.monotonic() - started)
        assert sorted(waited)[1] < SOON
