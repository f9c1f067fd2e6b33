"""Owners: how the ownership is handed over, and that the last owner stays."""

from typing import Any

from tests.factories import LATER, Person, cast, grants_of, owner
from tests.members import ACCESS, role_keys, status_of
from tests.servers import Mailbox, Server

# Handing the ownership over


async def test_transferring_the_ownership(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "viewer")
    payload = await founder.do("transferOwnership", {"memberId": bob.member_id}, "member { id roles { key } }")
    assert payload["member"] == {"id": bob.member_id, "roles": [{"key": "owner"}]}
    assert await role_keys(bob, founder.member_id) == ["admin"]
    assert (await founder.refused("transferOwnership", {"memberId": bob.member_id}))["code"] == "FORBIDDEN"
    # The new owner can do what only an owner may, to the old one too
    await bob.do("transferOwnership", {"memberId": founder.member_id, "ownRole": "member"})
    assert await role_keys(founder, founder.member_id) == ["owner"]
    assert await role_keys(founder, bob.member_id) == ["member"]


async def test_only_owners_transfer(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    for actor in await cast(founder, mailbox, "admin", "member", "viewer"):
        for target in (actor, founder):
            error = await actor.refused("transferOwnership", {"memberId": target.member_id})
            assert (error["code"], error["field"]) == ("FORBIDDEN", "memberId")
    assert await role_keys(founder, founder.member_id) == ["owner"]


async def test_what_cannot_be_transferred(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")

    async def refused(member_id: str, **input: str) -> tuple[str, str]:
        error = await founder.refused("transferOwnership", {"memberId": member_id} | input)
        return error["code"], error["field"]

    assert await refused(founder.member_id) == ("ALREADY_DONE", "memberId")
    assert await refused(stranger.member_id) == ("NOT_FOUND", "memberId")
    assert await refused(bob.member_id, ownRole="nothing") == ("NOT_FOUND", "ownRole")
    assert await refused(bob.member_id, ownRole="owner") == ("INVALID", "ownRole")
    await founder.do("suspendMember", {"memberId": bob.member_id})
    assert await refused(bob.member_id) == ("INVALID", "memberId")
    assert await role_keys(founder, founder.member_id) == ["owner"]
    assert await role_keys(founder, bob.member_id) == ["member"]


# The last owner


async def _ways_out(person: Person) -> list[tuple[str, dict[str, Any]]]:
    """Everything by which an owner could cease to be one."""
    id = {"memberId": person.member_id}
    (grant,) = [g for g in await grants_of(person, person.member_id) if g["role"]["key"] == "owner"]
    return [
        ("removeMember", id),
        ("suspendMember", id),
        *(("setMemberRole", id | {"role": role}) for role in ("admin", "member", "viewer")),
        ("revokeGrant", {"grantId": grant["id"]}),
        ("grantRole", id | {"role": "owner", "expiresAt": LATER}),
        ("leaveOrganization", {"organizationId": person.organization_id}),
    ]


async def _stays(person: Person) -> None:
    """The person is the last owner, and cannot cease to be it."""
    for mutation, input in await _ways_out(person):
        assert (await person.refused(mutation, input))["code"] == "LAST_OWNER", mutation
    error = await person.refused("deleteAccount", {"password": "correct horse battery"})
    assert error["code"] == "LAST_OWNER"
    assert await status_of(person, person.member_id) == "ACTIVE"
    assert "owner" in await role_keys(person, person.member_id)
    assert "organization:delete" in (await person.query(ACCESS))["viewer"]["permissions"]


async def test_the_last_owner_stays(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    await cast(founder, mailbox, "admin")
    await _stays(founder)


async def test_an_owner_for_a_time_does_not_count(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "member")
    granted = {"memberId": bob.member_id, "role": "owner"}
    await founder.do("grantRole", granted | {"expiresAt": LATER})
    await _stays(founder)
    # Made permanent, it counts
    await founder.do("grantRole", granted)
    await founder.do("leaveOrganization", {"organizationId": founder.organization_id})


async def test_a_suspended_owner_does_not_count(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    (bob,) = await cast(founder, mailbox, "owner")
    await founder.do("suspendMember", {"memberId": bob.member_id})
    await _stays(founder)
    await founder.do("reactivateMember", {"memberId": bob.member_id})
    await founder.do("suspendMember", {"memberId": founder.member_id})


async def test_an_owner_of_a_workspace_does_not_count(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    await cast(founder, mailbox, "owner", workspaceIds=[await founder.workspace()])
    await _stays(founder)


async def test_every_way_out_is_open_with_a_second_owner(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    others = await cast(founder, mailbox, *["owner"] * 8)
    for number, other in enumerate(others):
        ways = await _ways_out(other)
        assert len(ways) == len(others)
        mutation, input = ways[number]
        await other.do(mutation, input)
        query = "query ($id: ID!) { node(id: $id) { ... on Member { status grants { role { key } expiresAt } } } }"
        left = (await founder.query(query, {"id": other.member_id}))["node"]
        permanent = [g for g in left["grants"] if g == {"role": {"key": "owner"}, "expiresAt": None}] if left else []
        assert not permanent or left["status"] == "SUSPENDED", mutation
    await _stays(founder)
