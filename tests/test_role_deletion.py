"""Custom roles that are deleted: refused while they are in use, unless another takes their place."""

from datetime import UTC, datetime, timedelta

import httpx

from schema.scalars import parse_any_id
from server import audit, organizations
from server.database import connected
from tests.api_keys import key_events, mint, permissions
from tests.factories import (
    LATER,
    Person,
    cast,
    grants_of,
    invite,
    owner,
    refusal,
    sign_up,
    sql,
)
from tests.invitations import expire, invitation_status, letter_token
from tests.races import at_once, raced, send
from tests.roles import ROLE, all_roles, create, read
from tests.servers import Mailbox, Server
from tests.streams import grant

# Deleting


async def test_a_role_in_use_is_not_deleted(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    place = await founder.workspace()
    (bob,) = await cast(founder, mailbox, "viewer")
    role = await create(founder, "content:read")

    async def uses() -> int | None:
        error = await founder.refused("deleteRole", {"roleId": role["id"]})
        assert (error["code"], error["field"]) == ("ROLE_IN_USE", "roleId")
        return int(error["details"]["uses"])

    wide, local = await grant(founder, bob, role["id"]), await grant(founder, bob, role["id"], workspaceId=place)
    assert await uses() == 2
    await founder.do("suspendMember", {"memberId": bob.member_id})
    invitation, key = await invite(founder, role["id"]), await mint(founder, role["id"])
    assert await uses() == 4
    await founder.do("revokeGrant", {"grantId": wide})
    await founder.do("revokeGrant", {"grantId": local})
    assert await uses() == 2
    await founder.do("revokeInvitation", {"invitationId": invitation["id"]})
    assert await uses() == 1
    await founder.do("revokeApiKey", {"apiKeyId": key.id})
    await founder.do("deleteRole", {"roleId": role["id"]})
    node = "query ($id: ID!) { node(id: $id) { ... on Invitation { status role { id } } } }"
    closed_one = (await founder.query(node, {"id": invitation["id"]}))["node"]
    assert closed_one == {"status": "REVOKED", "role": None}


async def test_what_is_over_does_not_keep_a_role(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "viewer")
    role = await create(founder, "content:write")
    granted = await grant(founder, bob, role["id"], expiresAt=LATER)
    invitation, key = await invite(founder, role["id"]), await mint(founder, role["id"], expiresAt=LATER)
    for table, id in (("grant", granted), ("invitation", invitation["id"]), ("api_key", key.id)):
        assert (await founder.refused("deleteRole", {"roleId": role["id"]}))["code"] == "ROLE_IN_USE", table
        statement = f"UPDATE \"{table}\" SET expires_at = now() - interval '1 s' WHERE id = $1"
        await sql(server, statement, parse_any_id(id))
    await founder.do("deleteRole", {"roleId": role["id"]})
    assert await read(founder, role) is None
    assert [event["target"]["id"] for event in await key_events(founder, "api_key.revoked")] == [key.id]
    assert [each["role"]["key"] for each in await grants_of(founder, bob.member_id)] == ["viewer"]
    assert await invitation_status(founder, invitation["id"]) == "EXPIRED"
    # What was invited to the role can be invited anew, and not sent again
    error = await refusal(founder, "resendInvitation", {"invitationId": invitation["id"]})
    assert error == ("ALREADY_DONE", "invitationId")
    await invite(founder, "viewer", invitation["email"])


async def test_a_replacement_takes_the_place_everywhere(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    place = await founder.workspace()
    old, new = await create(founder, "content:read"), await create(founder, "content:read", "settings:read")
    bob, twin, late = await cast(founder, mailbox, "viewer", "viewer", "viewer")
    sooner, later = (datetime.now(UTC) + timedelta(days=days) for days in (1, 2))
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": old["id"]})
    await grant(founder, bob, old["id"], workspaceId=place)
    await grant(founder, twin, old["id"], expiresAt=later.isoformat())
    await grant(founder, twin, new["id"], expiresAt=sooner.isoformat())
    await grant(founder, twin, old["id"], workspaceId=place, expiresAt=sooner.isoformat())
    await grant(founder, twin, new["id"], workspaceId=place)
    await grant(founder, late, new["id"], expiresAt=sooner.isoformat())
    over = await grant(founder, late, old["id"], expiresAt=later.isoformat())
    await sql(server, "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE id = $1", parse_any_id(over))
    key, pending = await mint(founder, old["id"]), await invite(founder, old["id"])
    revoked, expired = await invite(founder, old["id"]), await invite(founder, old["id"])
    await founder.do("revokeInvitation", {"invitationId": revoked["id"]})
    await expire(server, expired["id"])

    payload = await founder.do("deleteRole", {"roleId": old["id"], "replacementRoleId": new["id"]}, ROLE)
    assert payload["role"] == old
    selection = "{ node(id: $id) { ... on Member { grants { role { id } workspace { id } expiresAt } } } }"

    async def held(member: Person) -> set[tuple[str, str | None, datetime | None]]:
        grants = (await founder.query(f"query ($id: ID!) {selection}", {"id": member.member_id}))["node"]["grants"]
        found = [
            (
                "new" if each["role"]["id"] == new["id"] else "other",
                each["workspace"] and each["workspace"]["id"],
                each["expiresAt"] and datetime.fromisoformat(each["expiresAt"]),
            )
            for each in grants
        ]
        assert len(set(found)) == len(found)
        return set(found)

    assert await held(bob) == {("new", None, None), ("new", place, None)}
    # Two of one place became one, which ends when the later of the two would have
    assert await held(twin) == {("other", None, None), ("new", None, later), ("new", place, None)}
    assert await held(late) == {("other", None, None), ("new", None, sooner)}
    assert await permissions(bob) == await permissions(key) == {"content:read", "settings:read"}
    newcomer = await sign_up(server, pending["email"], invitationToken=await letter_token(mailbox, pending["email"]))
    assert await held(newcomer) == {("new", None, None)}
    query = "query ($id: ID!) { node(id: $id) { ... on Invitation { status role { id } } } }"
    assert (await founder.query(query, {"id": revoked["id"]}))["node"] == {"status": "REVOKED", "role": None}
    assert (await founder.query(query, {"id": expired["id"]}))["node"]["status"] == "EXPIRED"

    moved = [{"field": "role", "before": old["key"], "after": new["key"]}]
    told = [
        (event["target"]["id"], event["workspace"] and event["workspace"]["id"], event["changes"])
        for event in await key_events(founder)
        if event["action"] in ("grant.replaced", "invitation.updated", "api_key.updated")
        and event["target"]["id"] != expired["id"]
    ]
    expected = [
        *((member.member_id, where, moved) for member in (bob, twin) for where in (None, place)),
        (key.id, None, moved),
        (pending["id"], None, moved),
    ]
    assert sorted(told, key=str) == sorted(expected, key=str)
    assert len(await key_events(founder, "role.deleted")) == 1


async def test_what_cannot_be_the_replacement(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    admin, bob = await cast(founder, mailbox, "admin", "viewer")
    role, own = await create(founder, "content:read"), await all_roles(founder)
    granted = await grant(founder, bob, role["id"])
    for replacement, answer in (
        (role["id"], "INVALID"),
        (own["owner"], "ABOVE_YOUR_ROLE"),
        (own["admin"], "ABOVE_YOUR_ROLE"),
        ((await create(founder, "organization:delete"))["id"], "ABOVE_YOUR_ROLE"),
        ("role_junk", "NOT_FOUND"),
        (bob.member_id, "NOT_FOUND"),
    ):
        input = {"roleId": role["id"], "replacementRoleId": replacement}
        assert await refusal(admin, "deleteRole", input) == (answer, "replacementRoleId")
    assert granted in [each["id"] for each in await grants_of(founder, bob.member_id)]
    assert await read(founder, role) == role
    await admin.do("deleteRole", {"roleId": role["id"], "replacementRoleId": own["member"]})
    assert [each["role"]["key"] for each in await grants_of(founder, bob.member_id)] == ["viewer", "member"]


async def test_an_organization_ends_with_its_roles_in_use(server: Server, mailbox: Mailbox) -> None:
    """Deleted, restored and purged, whatever points to its roles."""
    founder = await owner(server, mailbox)
    place, role = await founder.workspace(), await create(founder, "content:read")
    (bob,) = await cast(founder, mailbox, "viewer")
    await grant(founder, bob, role["id"])
    await grant(founder, bob, role["id"], workspaceId=place)
    key = await mint(founder, role["id"], workspaceId=place)
    await invite(founder, role["id"], workspaceIds=[place])
    await invite(founder, role["id"])
    gone = {"organizationId": founder.organization_id, "confirmName": (await founder.organization("name"))["name"]}
    await founder.do("deleteOrganization", gone)
    assert await read(founder, role) is None
    assert await refusal(founder, "updateRole", {"roleId": role["id"]}) == ("NOT_FOUND", "roleId")
    assert (await key.execute("{ viewer { permissions } }")).codes == ["UNAUTHENTICATED"]
    await founder.do("restoreOrganization", {"organizationId": founder.organization_id})
    assert await read(founder, role) == role
    assert await permissions(key) == {"content:read"}
    await founder.do("deleteOrganization", gone)
    id = parse_any_id(founder.organization_id)
    assert id is not None
    await sql(server, "UPDATE organization SET purge_at = now() - interval '1 s' WHERE id = $1", id)
    async with connected(server.database_url):
        await organizations.purge()
        assert (await audit.verify(id)).broken_at is None
    for table in ("role", "grant", "api_key", "invitation", "member", "workspace"):
        left = await sql(server, f'SELECT id FROM "{table}" WHERE organization_id = $1', id)
        assert left == [], table
    assert await sql(server, "SELECT 1 FROM role WHERE organization_id IS NULL")


# At once


async def test_no_grant_of_a_role_that_goes_at_the_same_moment(
    boss: Person, mailbox: Mailbox, http: httpx.AsyncClient
) -> None:
    (bob,) = await cast(boss, mailbox, "viewer")
    seen = []

    async def track(rounds: int) -> None:
        for number in range(rounds):
            role = await create(boss, "content:write")
            requests = [
                send(http, boss, "deleteRole", {"roleId": role["id"]}),
                send(http, boss, "grantRole", {"memberId": bob.member_id, "role": role["id"]}),
            ]
            answers = await at_once(*(requests if number % 2 else requests[::-1]))
            gone, given = answers if number % 2 else answers[::-1]
            assert (gone, given) in {("done", "NOT_FOUND"), ("ROLE_IN_USE", "done")}
            assert (await read(boss, role) is None) is (gone == "done")
            seen.append(gone)

    await raced(24, track)
    keys = [each["role"]["key"] for each in await grants_of(boss, bob.member_id)]
    assert len(keys) == 1 + seen.count("ROLE_IN_USE")
