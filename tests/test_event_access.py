"""membershipChanges is for those who may know, and ends when they may not any more."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import PASSWORD, Person, invite, join, owner, sign_in
from tests.servers import Mailbox, Server
from tests.streams import (
    BOTH,
    Opener,
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


# Access that is lost


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
