"""Access that was taken away is gone on the next request: of people, and of the keys that they answer for."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from schema.scalars import parse_any_id
from tests.api_keys import mint, permissions, rotated, works
from tests.escalation import ABOVE, inviting, resisted
from tests.factories import LATER, Person, cast, closed, grants_of, owner, sign_in, sql, unique
from tests.members import role_keys
from tests.roles import create, update
from tests.servers import Mailbox, Server
from tests.streams import by_websocket, grant, rest, take

EXPIRE = "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE id = $1"
VIEWER = {"members:read", "content:read"}


# API keys


async def test_no_key_above_oneself_is_rotated_or_revoked(server: Server, mailbox: Mailbox) -> None:
    """Rotating it would show its secret."""
    founder = await owner(server, mailbox)
    place = await founder.workspace()
    narrow = await create(founder, "api_keys:read", "api_keys:manage", "content:read", "members:read")
    reads = await create(founder, "api_keys:read", "content:read", "members:read")
    admin, keeper, reader, bob = await cast(founder, mailbox, "admin", narrow["id"], reads["id"], "member")
    await grant(founder, keeper, "viewer", workspaceId=place)
    keys = {role: await mint(founder, role) for role in ("owner", "admin", "viewer")}
    local = await mint(founder, "member", workspaceId=place)
    for mutation in ("rotateApiKey", "revokeApiKey"):
        for actor, key, code in (
            (admin, keys["owner"], ABOVE),
            (keeper, keys["owner"], ABOVE),
            (keeper, keys["admin"], ABOVE),
            (keeper, local, ABOVE),
            (reader, keys["viewer"], "FORBIDDEN"),
            (bob, keys["viewer"], "NOT_FOUND"),
        ):
            assert await resisted(actor, mutation, {"apiKeyId": key.id}) == (code, "apiKeyId"), mutation
    for key in (*keys.values(), local):
        assert await works(key)
    # What is within their own is theirs to rotate; they answer for it then
    mine = await rotated(keeper, keys["viewer"], overlapMinutes=0)
    assert await permissions(mine) == VIEWER
    assert not await works(keys["viewer"])
    await founder.do("removeMember", {"memberId": keeper.member_id})
    assert not await works(mine)
    await admin.do("revokeApiKey", {"apiKeyId": keys["admin"].id})
    assert not await works(keys["admin"])


async def test_a_key_makes_no_broader_key(server: Server, mailbox: Mailbox) -> None:
    """Neither than its role, nor than who answers for it."""
    founder = await owner(server, mailbox)
    narrow = await create(founder, "api_keys:read", "api_keys:manage", "content:read", "members:read", "members:grant")
    (admin,) = await cast(founder, mailbox, "admin")
    broad = await mint(founder, "admin")
    by_role, by_creator = await mint(founder, narrow["id"]), await mint(admin, "admin")
    await founder.do("setMemberRole", {"memberId": admin.member_id, "role": narrow["id"]})
    assert await permissions(by_role) == await permissions(by_creator)
    for key in (by_role, by_creator):
        for role in ("owner", "admin", "member"):
            new = {"name": "Up", "role": role, "organizationId": founder.organization_id}
            assert await resisted(key, "createApiKey", new) == (ABOVE, "role")
        for mutation in ("rotateApiKey", "revokeApiKey"):
            assert await resisted(key, mutation, {"apiKeyId": broad.id}) == (ABOVE, "apiKeyId")
        given = {"memberId": admin.member_id, "role": "admin"}
        assert (await resisted(key, "grantRole", given))[0] == ABOVE
        child = await mint(key, "viewer")
        assert await permissions(child) == VIEWER
    # Not even itself, which is more than who answers for it
    assert await resisted(by_creator, "rotateApiKey", {"apiKeyId": by_creator.id}) == (ABOVE, "apiKeyId")


async def _demote(founder: Person, creator: Person, held: dict[str, str]) -> None:
    await founder.do("setMemberRole", {"memberId": creator.member_id, "role": "viewer"})


async def _revoke(founder: Person, creator: Person, held: dict[str, str]) -> None:
    await founder.do("revokeGrant", {"grantId": held["admin"]})


async def _expire(founder: Person, creator: Person, held: dict[str, str]) -> None:
    await sql(founder.server, EXPIRE, parse_any_id(held["admin"]))


async def _suspend(founder: Person, creator: Person, held: dict[str, str]) -> None:
    await founder.do("suspendMember", {"memberId": creator.member_id})


async def _remove(founder: Person, creator: Person, held: dict[str, str]) -> None:
    await founder.do("removeMember", {"memberId": creator.member_id})


@pytest.mark.parametrize(
    ("lose", "left"),
    [(_demote, VIEWER), (_revoke, VIEWER), (_expire, VIEWER), (_suspend, None), (_remove, None)],
    ids=["demoted", "revoked", "expired", "suspended", "removed"],
)
async def test_a_key_loses_what_its_creator_loses(
    boss: Person, mailbox: Mailbox, lose: Callable[..., Awaitable[None]], left: set[str] | None
) -> None:
    """Exactly that, and at once."""
    place = await boss.workspace()
    (creator,) = await cast(boss, mailbox, "viewer")
    await grant(boss, creator, "admin", expiresAt=LATER)
    held = {each["role"]["key"]: each["id"] for each in await grants_of(boss, creator.member_id)}
    wide, viewer, local = (
        await mint(creator, "admin"),
        await mint(creator, "viewer"),
        await mint(creator, "admin", workspaceId=place),
    )
    assert "members:invite" in await permissions(wide)
    assert "members:invite" in await permissions(local)
    await lose(boss, creator, held)
    invitation = inviting(boss, "viewer", f"{unique('x')}@example.com")
    if left is None:
        assert [await works(key) for key in (wide, viewer, local)] == [False] * 3
    else:
        assert await permissions(wide) == await permissions(viewer) == left == await permissions(creator)
        assert await permissions(local) == set()
        assert (await resisted(wide, *invitation))[0] == "FORBIDDEN"
    if lose is _suspend:
        await boss.do("reactivateMember", {"memberId": creator.member_id})
        assert "members:invite" in await permissions(wide)
        await wide.do(*invitation)


# People


ATTEMPTS: list[tuple[str, Callable[[Person], dict[str, Any]]]] = [
    ("createRole", lambda it: {"organizationId": it.organization_id, "name": "Up", "permissions": []}),
    ("createWorkspace", lambda it: {"organizationId": it.organization_id, "name": "Up"}),
    ("updateOrganization", lambda it: {"organizationId": it.organization_id, "name": "Up"}),
    ("createApiKey", lambda it: {"organizationId": it.organization_id, "name": "Up", "role": "viewer"}),
    ("inviteMembers", lambda it: inviting(it, "viewer", "up@example.com")[1]),
    ("grantRole", lambda it: {"memberId": it.member_id, "role": "viewer"}),
    ("setMemberRole", lambda it: {"memberId": it.member_id, "role": "owner"}),
    ("reactivateMember", lambda it: {"memberId": it.member_id}),
]


async def test_a_suspended_member_can_do_nothing(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (admin,) = await cast(founder, mailbox, "admin")
    await founder.do("suspendMember", {"memberId": admin.member_id})
    for mutation, build in ATTEMPTS:
        assert (await resisted(admin, mutation, build(admin)))[0] == "NOT_FOUND", mutation
    seen = await admin.query(
        "query ($id: ID!) { organization(id: $id) { id } viewer { organization { id } permissions } }",
        {"id": admin.organization_id},
    )
    assert seen == {"organization": None, "viewer": {"organization": None, "permissions": []}}
    assert closed(await admin.execute("{ viewer { permissions } }", Orgraph_Organization=admin.organization_id))
    assert (await admin.refused("switchOrganization", {"organizationId": admin.organization_id}))["code"] == "NOT_FOUND"
    # A new session is no way around it
    again = await sign_in(server, admin.email)
    assert await permissions(again) == set()
    await founder.do("reactivateMember", {"memberId": admin.member_id})
    await admin.do("createWorkspace", {"organizationId": admin.organization_id, "name": "Back"})


async def test_an_expired_grant_confers_nothing(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    custom = await create(founder, "members:invite", "roles:manage", "settings:read")
    (bob,) = await cast(founder, mailbox, "viewer")
    for role in ("owner", custom["id"]):
        await grant(founder, bob, role, expiresAt=LATER)
    assert "organization:delete" in await permissions(bob)
    for held in await grants_of(founder, bob.member_id):
        if held["role"]["key"] != "viewer":
            await sql(server, EXPIRE, parse_any_id(held["id"]))
    assert await permissions(bob) == VIEWER
    for mutation, build in ATTEMPTS:
        assert (await resisted(bob, mutation, build(bob)))[0] == "FORBIDDEN", mutation
    # Nor does what becomes of its role
    await update(founder, custom, permissions=["content:write"])
    assert await permissions(bob) == VIEWER


@pytest.mark.parametrize("way", ["revoked", "others", "signed out"])
async def test_a_session_that_ends_hears_no_more(boss: Person, mailbox: Mailbox, way: str) -> None:
    (bob,) = await cast(boss, mailbox, "member")
    other = await sign_in(boss.server, bob.email)
    session = (await bob.query("{ viewer { session { id } } }"))["viewer"]["session"]["id"]
    ends = {
        "revoked": lambda: other.do("revokeSession", {"sessionId": session}),
        "others": lambda: other.do("revokeOtherSessions"),
        "signed out": lambda: bob.do("signOut"),
    }
    async with by_websocket(bob) as stream:
        waiting, number = asyncio.create_task(take(stream, 1)), itertools.count()
        while not waiting.done():  # the stream begins at some moment after it was asked for
            await grant(boss, bob, "viewer", expiresAt=f"2100-01-{next(number) % 28 + 1:02}T00:00:00Z")
            await asyncio.wait([waiting], timeout=0.3)

        async def end() -> tuple[list[Any], float]:
            return await rest(stream), time.perf_counter()

        await ends[way]()
        began = time.perf_counter()
        (found, ended), _ = await asyncio.gather(end(), grant(boss, bob, "admin", expiresAt=LATER))
    seen = [result["data"]["membershipChanges"]["role"] for result in found if result.get("data")]
    assert {"key": "admin"} not in seen
    assert found[-1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert ended - began < 1
    assert (await bob.execute("{ viewer { permissions } }")).codes == ["UNAUTHENTICATED"]
    assert await permissions(other)


# The product `meetings`: an admin manages everything but other admins and owners


async def test_admins_of_meetings_touch_no_admin_and_no_owner(
    product: Callable[[str], Awaitable[Server]], mailbox: Mailbox
) -> None:
    server = await product("meetings")
    founder = await owner(server, mailbox)
    organization_id = parse_any_id(founder.organization_id)
    await sql(server, "UPDATE organization SET plan = 'enterprise' WHERE id = $1", organization_id)
    admin, peer, suspended, user = await cast(founder, mailbox, "admin", "admin", "admin", "member")
    await founder.do("suspendMember", {"memberId": suspended.member_id})
    everything = sorted(await permissions(admin))
    almost = await create(admin, *everything[1:])  # that much they can give to users, as it is less than admin
    beside = await create(founder, *everything)
    above = await create(founder, *everything, "billing:manage")
    shared = await create(founder, "recordings:own")
    for target, role in ((peer, shared), (founder, shared)):
        await grant(founder, target, role["id"])
    owners_key, admins_key = await mint(founder, "owner"), await mint(founder, "admin")
    program = await mint(admin, "admin")

    refused = "FORBIDDEN"
    for actor in (admin, program):
        for target in (founder, peer, suspended) if actor is admin else (founder, admin):
            id = {"memberId": target.member_id}
            for key in ("member", almost["id"]):
                for mutation in ("grantRole", "setMemberRole"):
                    assert (await resisted(actor, mutation, id | {"role": key}))[0] == ABOVE, (mutation, key)
            for mutation in ("suspendMember", "removeMember", "reactivateMember"):
                assert await resisted(actor, mutation, id) == (ABOVE, "memberId"), mutation
            for held in await grants_of(actor, target.member_id):
                assert await resisted(actor, "revokeGrant", {"grantId": held["id"]}) == (ABOVE, "grantId")
            code, _ = await resisted(actor, "transferOwnership", id, audited=actor is admin)
            assert code == refused
        for key in ("admin", "owner", beside["id"], above["id"]):
            for mutation in ("grantRole", "setMemberRole"):
                input = {"memberId": user.member_id, "role": key}
                assert await resisted(actor, mutation, input) == (ABOVE, "role"), (mutation, key)
            invitation = inviting(actor, key, f"{unique('up')}@example.com")
            assert await resisted(actor, *invitation) == (ABOVE, "invitations.0.role")
        for mutation in ("updateRole", "deleteRole"):
            for role in (shared, beside, above):
                assert await resisted(actor, mutation, {"roleId": role["id"]}) == (ABOVE, "roleId"), mutation
            key_mutation = {"updateRole": "rotateApiKey", "deleteRole": "revokeApiKey"}[mutation]
            assert await resisted(actor, key_mutation, {"apiKeyId": owners_key.id}) == (ABOVE, "apiKeyId")
        new = {"organizationId": founder.organization_id, "name": "Up"}
        billing: dict[str, Any] = new | {"permissions": ["billing:manage"]}
        assert await resisted(actor, "createRole", billing) == (ABOVE, "permissions")
        for key in ("owner", above["id"]):
            assert await resisted(actor, "createApiKey", new | {"role": key}) == (ABOVE, "role")
    # Users are theirs, up to less than themselves; and so raised, users touch no admin either
    await admin.do("setMemberRole", {"memberId": user.member_id, "role": almost["id"]})
    for target in (admin, founder):
        id = {"memberId": target.member_id}
        assert (await resisted(user, "grantRole", id | {"role": "member"}))[0] in (ABOVE, refused)
        for mutation in ("suspendMember", "removeMember"):
            assert (await resisted(user, mutation, id))[0] in (ABOVE, refused), mutation
    await admin.do("suspendMember", {"memberId": user.member_id})
    await admin.do("removeMember", {"memberId": user.member_id})
    assert await works(admins_key)
    # An owner does it all
    await founder.do("setMemberRole", {"memberId": peer.member_id, "role": "owner"})
    await founder.do("reactivateMember", {"memberId": suspended.member_id})
    await founder.do("removeMember", {"memberId": suspended.member_id})
    assert await role_keys(founder, admin.member_id) == ["admin"]
