"""Grants: who may give and take which role where, and that changes bite at once."""

from datetime import datetime
from typing import Any

import pytest

from schema.scalars import parse_any_id
from tests.factories import LATER, ROLES, Client, Person, grants_of, join, owner, sql, unique
from tests.servers import Mailbox, Server

GRANT = "grant { id role { key } workspace { id } expiresAt grantedBy { id } } member { id }"


async def expire(server: Server, grant_id: str) -> None:
    statement = "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE id = $1"
    await sql(server, statement, parse_any_id(grant_id))


async def held(viewer: Person, member: Person) -> list[tuple[str, str | None]]:
    """(role, workspace) of each grant in force."""
    grants = await grants_of(viewer, member.member_id)
    return [(grant["role"]["key"], grant["workspace"] and grant["workspace"]["id"]) for grant in grants]


async def actions(viewer: Person, count: int = 1) -> list[str]:
    """The newest events, the newest first."""
    events = await viewer.organization(f"auditEvents(first: {count}) {{ nodes {{ action }} }}")
    return [event["action"] for event in events["auditEvents"]["nodes"]]


async def permissions(person: Person, **headers: str) -> list[str]:
    return list((await person.query("{ viewer { permissions } }", **headers))["viewer"]["permissions"])


async def attempt(actor: Client, mutation: str, input: dict[str, Any]) -> tuple[str, str | None]:
    """("done", None), or the refusal's code and field."""
    for error in (await actor.mutate(mutation, input))["userErrors"]:
        return error["code"], error["field"]
    return "done", None


async def granted(actor: Person, member: Person, role: str, **input: Any) -> dict[str, Any]:
    given = {"memberId": member.member_id, "role": role} | input
    return dict((await actor.do("grantRole", given, GRANT))["grant"])


# Giving and taking


async def test_granting_organization_wide(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    bob = await join(founder, mailbox, "viewer")
    assert "content:write" not in await permissions(bob)
    grant = await granted(founder, bob, "member")
    assert (grant["role"], grant["workspace"], grant["expiresAt"]) == ({"key": "member"}, None, None)
    assert grant["grantedBy"] == {"id": founder.user_id}
    assert await held(founder, bob) == [("viewer", None), ("member", None)]
    assert "content:write" in await permissions(bob)
    assert await actions(founder) == ["grant.created"]


async def test_granting_by_a_roles_id(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    bob = await join(founder, mailbox, "viewer")
    roles = (await founder.organization("roles { nodes { id key } }"))["roles"]["nodes"]
    (id,) = [role["id"] for role in roles if role["key"] == "member"]
    assert (await granted(founder, bob, id))["role"] == {"key": "member"}
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": id})
    assert await held(founder, bob) == [("member", None)]


async def test_granting_in_one_workspace(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace, other = await founder.workspace(), await founder.workspace()
    bob = await join(founder, mailbox, "viewer")
    assert (await bob.execute("{ viewer { permissions } }", Orgraph_Workspace=workspace)).codes == ["FORBIDDEN"]
    grant = await granted(founder, bob, "member", workspaceId=workspace)
    assert grant["workspace"] == {"id": workspace}
    assert "content:write" in await permissions(bob, Orgraph_Workspace=workspace)
    assert "content:write" not in await permissions(bob)
    assert (await bob.execute("{ viewer { permissions } }", Orgraph_Workspace=other)).codes == ["FORBIDDEN"]
    assert set(await actions(founder, 2)) == {"grant.created", "member.workspace_entered"}
    await founder.do("revokeGrant", {"grantId": grant["id"]}, "member { id }")
    assert (await bob.execute("{ viewer { permissions } }", Orgraph_Workspace=workspace)).codes == ["FORBIDDEN"]
    assert set(await actions(founder, 2)) == {"grant.revoked", "member.workspace_left"}


async def test_the_same_grant_again_changes_nothing(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    bob = await join(founder, mailbox, "viewer")
    for input in ({}, {"workspaceId": workspace}, {"workspaceId": workspace, "expiresAt": LATER}):
        first = await granted(founder, bob, "member", **input)
        before = await founder.organization("auditEvents { totalCount }")
        assert await granted(founder, bob, "member", **input) == first
        assert await founder.organization("auditEvents { totalCount }") == before
    assert await held(founder, bob) == [("viewer", None), ("member", None), ("member", workspace)]


async def test_an_expiry_is_set_and_taken_away(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    bob = await join(founder, mailbox, "viewer")
    grant = await granted(founder, bob, "member", expiresAt=LATER)
    assert datetime.fromisoformat(grant["expiresAt"]) == datetime.fromisoformat(LATER)
    unlimited = await granted(founder, bob, "member")
    assert (unlimited["id"], unlimited["expiresAt"]) == (grant["id"], None)
    assert await actions(founder, 2) == ["grant.updated", "grant.created"]


@pytest.mark.parametrize("past", ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1999-12-31T23:59:59+14:00"])
async def test_a_past_expiry_is_refused(server: Server, mailbox: Mailbox, past: str) -> None:
    founder = await owner(server, mailbox)
    input = {"memberId": founder.member_id, "role": "member", "expiresAt": past}
    assert await attempt(founder, "grantRole", input) == ("INVALID", "expiresAt")
    assert await held(founder, founder) == [("owner", None)]


@pytest.mark.parametrize("odd", ["2999-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
async def test_an_odd_expiry_is_no_accident(server: Server, mailbox: Mailbox, odd: str) -> None:
    """Without a zone, or out of the calendar in UTC."""
    founder = await owner(server, mailbox)
    query = "mutation ($input: GrantRoleInput!) { grantRole(input: $input) { userErrors { code field } } }"
    input = {"memberId": founder.member_id, "role": "member", "expiresAt": odd}
    assert "INTERNAL" not in (await founder.execute(query, {"input": input})).codes


async def test_an_expired_grant_gives_nothing(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    bob = await join(founder, mailbox, "viewer")
    wide = await granted(founder, bob, "admin", expiresAt=LATER)
    here = await granted(founder, bob, "member", workspaceId=workspace, expiresAt=LATER)
    assert "members:invite" in await permissions(bob)
    await expire(server, wide["id"])
    await expire(server, here["id"])
    assert await permissions(bob) == ["content:read", "members:read"]
    assert await held(founder, bob) == [("viewer", None)]
    assert (await bob.execute("{ viewer { permissions } }", Orgraph_Workspace=workspace)).codes == ["FORBIDDEN"]
    input = {"memberId": founder.member_id, "role": "viewer"}
    assert (await attempt(bob, "grantRole", input))[0] == "FORBIDDEN"
    # Given again, it is in force again
    await granted(founder, bob, "member", workspaceId=workspace)
    assert "content:write" in await permissions(bob, Orgraph_Workspace=workspace)


async def test_an_expired_grant_protects_nobody(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    admin, bob = await join(founder, mailbox, "admin"), await join(founder, mailbox, "viewer")
    grant = await granted(founder, bob, "owner", expiresAt=LATER)
    change = {"memberId": bob.member_id, "role": "member"}
    assert await attempt(admin, "grantRole", change) == ("ABOVE_YOUR_ROLE", "memberId")
    await expire(server, grant["id"])
    assert await attempt(admin, "grantRole", change) == ("done", None)
    assert await attempt(admin, "suspendMember", {"memberId": bob.member_id}) == ("done", None)


async def test_revoking(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    bob = await join(founder, mailbox, "admin")
    (grant,) = await grants_of(founder, bob.member_id)
    payload = await founder.do("revokeGrant", {"grantId": grant["id"]}, "member { id roles { key } }")
    assert payload["member"] == {"id": bob.member_id, "roles": []}
    assert await actions(founder) == ["grant.revoked"]
    assert await permissions(bob) == []
    assert await attempt(bob, "grantRole", {"memberId": bob.member_id, "role": "viewer"}) == ("FORBIDDEN", "memberId")
    assert await attempt(founder, "revokeGrant", {"grantId": grant["id"]}) == ("NOT_FOUND", "grantId")


async def test_setting_the_role(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    bob = await join(founder, mailbox, "viewer")
    await granted(founder, bob, "member", expiresAt=LATER)
    await granted(founder, bob, "member", workspaceId=workspace)
    payload = await founder.do("setMemberRole", {"memberId": bob.member_id, "role": "admin"}, "member { id }")
    assert payload["member"] == {"id": bob.member_id}
    assert set(await held(founder, bob)) == {("member", workspace), ("admin", None)}
    before = await founder.organization("auditEvents { totalCount }")
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": "admin"})
    assert await founder.organization("auditEvents { totalCount }") == before
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": "viewer"})
    assert "members:invite" not in await permissions(bob)


async def test_setting_the_role_makes_it_permanent(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    bob = await join(founder, mailbox, "viewer")
    await granted(founder, bob, "viewer", expiresAt=LATER)
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": "viewer"})
    query = "query ($id: ID!) { node(id: $id) { ... on Member { grants { role { key } expiresAt } } } }"
    grants = (await founder.query(query, {"id": bob.member_id}))["node"]["grants"]
    assert grants == [{"role": {"key": "viewer"}, "expiresAt": None}]


async def test_changes_bite_on_the_next_request(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    bob = await join(founder, mailbox, "viewer")
    input = {"invitations": [{"email": f"{unique('x')}@example.com", "role": "viewer"}]}
    assert (await attempt(bob, "inviteMembers", input))[0] == "FORBIDDEN"
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": "admin"})
    assert await attempt(bob, "inviteMembers", input) == ("done", None)
    await founder.do("setMemberRole", {"memberId": bob.member_id, "role": "viewer"})
    assert (await attempt(bob, "inviteMembers", input))[0] == "FORBIDDEN"


# The ceiling


async def test_who_grants_what(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    target = await join(founder, mailbox, "viewer")
    above, refused = ("ABOVE_YOUR_ROLE", "role"), ("FORBIDDEN", "memberId")
    expected = {
        "owner": (("done", None),) * 4,
        "admin": (above, above, ("done", None), ("done", None)),
        "member": (refused,) * 4,
        "viewer": (refused,) * 4,
    }
    by_grant, by_setting = {}, {}
    for own in ROLES:
        actor = await join(founder, mailbox, own)
        answers = []
        for role in ROLES:
            answers.append(await attempt(actor, "grantRole", {"memberId": target.member_id, "role": role}))
            await founder.do("setMemberRole", {"memberId": target.member_id, "role": "viewer"})
        by_grant[own] = tuple(answers)
        answers = []
        for role in ROLES:
            answers.append(await attempt(actor, "setMemberRole", {"memberId": target.member_id, "role": role}))
            await founder.do("setMemberRole", {"memberId": target.member_id, "role": "viewer"})
        by_setting[own] = tuple(answers)
    assert by_grant == by_setting == expected


async def test_admins_touch_no_owner_and_no_admin(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    admin, second = await join(founder, mailbox, "admin"), await join(founder, mailbox, "admin")
    workspace = await founder.workspace()
    for target in (founder, second):
        id = {"memberId": target.member_id}
        for mutation, input in (
            ("grantRole", id | {"role": "viewer"}),
            ("grantRole", id | {"role": "viewer", "workspaceId": workspace}),
            ("setMemberRole", id | {"role": "viewer"}),
        ):
            assert await attempt(admin, mutation, input) == ("ABOVE_YOUR_ROLE", "memberId")
        before = await held(founder, target)
        for grant in await grants_of(admin, target.member_id):
            assert await attempt(admin, "revokeGrant", {"grantId": grant["id"]}) == ("ABOVE_YOUR_ROLE", "grantId")
        # Nor a role of theirs that an admin might give
        low = await granted(founder, target, "viewer")
        assert await attempt(admin, "revokeGrant", {"grantId": low["id"]}) == ("ABOVE_YOUR_ROLE", "grantId")
        assert await held(founder, target) == [*before, ("viewer", None)]


async def test_nobody_raises_themself(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    for own in ("admin", "member", "viewer"):
        actor = await join(founder, mailbox, own)
        await granted(founder, actor, "viewer", workspaceId=workspace)
        before, could = await held(founder, actor), await permissions(actor)
        for role in ROLES:
            input = {"memberId": actor.member_id, "role": role}
            for mutation, values in (
                ("grantRole", input),
                ("grantRole", input | {"workspaceId": workspace}),
                ("setMemberRole", input),
            ):
                code, _ = await attempt(actor, mutation, values)
                assert code == ("ABOVE_YOUR_ROLE" if own == "admin" else "FORBIDDEN"), (own, role, mutation)
        assert await held(founder, actor) == before
        assert await permissions(actor) == could


async def test_an_admin_of_one_workspace(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace, other = await founder.workspace(), await founder.workspace()
    admin = await join(founder, mailbox, "admin", workspaceIds=[workspace])
    peer = await join(founder, mailbox, "admin", workspaceIds=[workspace])
    bob = await join(founder, mailbox, "viewer", workspaceIds=[workspace, other])
    id = {"memberId": bob.member_id}
    outside = [grant for grant in await grants_of(founder, bob.member_id) if grant["workspace"]["id"] == other]
    for mutation, input, answer in (
        ("grantRole", {"role": "member"}, ("FORBIDDEN", "memberId")),
        ("grantRole", {"role": "member", "workspaceId": other}, ("NOT_FOUND", "workspaceId")),
        ("grantRole", {"role": "admin", "workspaceId": workspace}, ("ABOVE_YOUR_ROLE", "role")),
        ("grantRole", {"role": "owner", "workspaceId": workspace}, ("ABOVE_YOUR_ROLE", "role")),
        ("setMemberRole", {"role": "member"}, ("FORBIDDEN", "memberId")),
    ):
        assert await attempt(admin, mutation, id | input) == answer, (mutation, input)
    for mutation in ("removeMember", "suspendMember"):
        assert await attempt(admin, mutation, id) == ("FORBIDDEN", "memberId")
    assert await attempt(admin, "revokeGrant", {"grantId": outside[0]["id"]}) == ("NOT_FOUND", "grantId")
    input = {"memberId": peer.member_id, "role": "viewer", "workspaceId": workspace}
    assert await attempt(admin, "grantRole", input) == ("ABOVE_YOUR_ROLE", "memberId")
    assert set(await held(founder, bob)) == {("viewer", workspace), ("viewer", other)}

    for role in ("member", "viewer"):
        grant = await granted(admin, bob, role, workspaceId=workspace)
        await admin.do("revokeGrant", {"grantId": grant["id"]})
    assert await held(founder, bob) == [("viewer", other)]


async def test_an_admin_of_one_workspace_and_an_owner_in_it(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace()
    admin = await join(founder, mailbox, "admin", workspaceIds=[workspace])
    await granted(founder, founder, "viewer", workspaceId=workspace)
    (here,) = [grant for grant in await grants_of(admin, founder.member_id) if grant["workspace"]]
    assert await attempt(admin, "revokeGrant", {"grantId": here["id"]}) == ("ABOVE_YOUR_ROLE", "grantId")
    (wide,) = [grant for grant in await grants_of(admin, founder.member_id) if not grant["workspace"]]
    assert await attempt(admin, "revokeGrant", {"grantId": wide["id"]}) == ("FORBIDDEN", "grantId")


# What does not exist


async def test_unknown_roles(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    bob = await join(founder, mailbox, "viewer")
    odd = ("king", "", "Owner", " owner", f"role_{'0' * 26}", "role_junk", stranger.member_id, "x" * 10_000)
    for mutation in ("grantRole", "setMemberRole"):
        selection = f"{mutation}(input: {{memberId: $id, role: $role}}) {{ userErrors {{ code field }} }}"
        for role in odd:
            query = f"mutation ($id: ID!, $role: String!) {{ {selection} }}"
            answer = await founder.execute(query, {"id": bob.member_id, "role": role})
            assert answer.codes == [], (mutation, role[:20])
            errors = answer.data[mutation]["userErrors"]
            assert errors == [{"code": "NOT_FOUND", "field": "role"}], (mutation, role[:20])
        assert "INTERNAL" not in (await founder.execute(query, {"id": bob.member_id, "role": "a\0b"})).codes
    assert await held(founder, bob) == [("viewer", None)]


async def test_workspaces_that_are_nothing_here(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    bob = await join(founder, mailbox, "viewer")
    deleted = await founder.workspace("Gone")
    await founder.do("deleteWorkspace", {"workspaceId": deleted, "confirmName": "Gone"})
    for id in (await stranger.workspace(), deleted, founder.organization_id, "junk", "", f"ws_{'z' * 26}"):
        input = {"memberId": bob.member_id, "role": "member", "workspaceId": id}
        assert await attempt(founder, "grantRole", input) == ("NOT_FOUND", "workspaceId"), id
    assert await held(founder, bob) == [("viewer", None)]


async def test_a_workspace_of_another_organization_of_ones_own(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    created = await founder.do(
        "createOrganization", {"name": unique("Second "), "switch": False}, "organization { id }"
    )
    second = created["organization"]["id"]
    elsewhere = await founder.workspace(organizationId=second)
    input = {"memberId": founder.member_id, "role": "viewer", "workspaceId": elsewhere}
    assert await attempt(founder, "grantRole", input) == ("NOT_FOUND", "workspaceId")
    assert await held(founder, founder) == [("owner", None)]


async def test_grants_of_strangers(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    (grant,) = await grants_of(founder, founder.member_id)
    assert (await stranger.query("query ($id: ID!) { node(id: $id) { id } }", {"id": grant["id"]}))["node"] is None
    assert await attempt(stranger, "revokeGrant", {"grantId": grant["id"]}) == ("NOT_FOUND", "grantId")
    query = "mutation ($id: ID!) { revokeGrant(input: {grantId: $id}) { userErrors { code } } }"
    assert (await Client(server).execute(query, {"id": grant["id"]})).codes == ["UNAUTHENTICATED"]
