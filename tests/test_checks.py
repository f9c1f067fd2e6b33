"""checkPermissions: what the product's backend asks about anybody, answered as of one moment."""

import base64
import random
from typing import Any

from schema.scalars import parse_any_id
from server.checks import Reason
from tests.api_keys import custom_role, mint, set_key
from tests.checks import READ, WRITE, Check, ask, of, reasons
from tests.factories import (
    LATER,
    Client,
    Person,
    cast,
    owner,
    sign_in,
    sign_up,
    sql,
    unique,
)
from tests.mfa import require_mfa, turn_on
from tests.organizations import NOWHERE, found
from tests.servers import Mailbox, Server
from tests.streams import grant


def nowhere(prefix: str) -> str:
    return NOWHERE.replace("org", prefix, 1)


async def refused(client: Client, checks: list[Check], at_least: str | None = None) -> list[str]:
    """The codes, of an answer that has nothing else."""
    answer = await ask(client, checks, at_least)
    assert answer.body["data"] == {"checkPermissions": None}
    assert all(error["message"] for error in answer.body["errors"])
    return answer.codes


# Who asks about whom


async def test_everybody_asks_about_themselves(server: Server, mailbox: Mailbox, boss: Person) -> None:
    place, other = await boss.workspace(), await boss.workspace()
    (member,) = await cast(boss, mailbox, "member")
    await grant(boss, member, "admin", workspaceId=place)
    local = await mint(boss, "viewer", workspaceId=place)
    invited = "members:invite"
    about_self: list[tuple[Person, list[Check], list[str]]] = [
        (
            member,
            [
                {"permission": WRITE},
                {"permission": invited},
                {"permission": invited, "workspaceId": place},
                {"permission": WRITE, "workspaceId": other},
                {"permission": WRITE, "organizationId": member.organization_id},
                of(member, WRITE),
                of(member, invited, workspaceId=place),
                {"permission": "no:such"},
                {"permission": ""},
            ],
            ["GRANTED", "NOT_GRANTED", "GRANTED", "NOT_FOUND", "GRANTED", "GRANTED", "GRANTED"]
            + ["UNKNOWN_PERMISSION"] * 2,
        ),
        (
            local,
            [
                {"permission": READ},
                {"permission": READ, "workspaceId": place},
                {"permission": WRITE, "workspaceId": place},
                {"permission": READ, "workspaceId": other},
                of(local, READ, workspaceId=place),
            ],
            ["NOT_GRANTED", "GRANTED", "NOT_GRANTED", "NOT_FOUND", "GRANTED"],
        ),
    ]
    for client, checks, expected in about_self:
        assert await reasons(client, *checks) == expected
    # The active organization is the default, and headers choose it
    elsewhere = await found(member, switch=False)
    assert await reasons(member, {"permission": invited}, Orgraph_Organization=elsewhere["id"]) == ["GRANTED"]
    assert await reasons(member, {"permission": invited, "organizationId": elsewhere["id"]}) == ["GRANTED"]
    homeless = await sign_up(server)
    assert await reasons(homeless, {"permission": READ}) == ["NO_ORGANIZATION"]
    assert await refused(Client(server), [{"permission": READ}]) == ["UNAUTHENTICATED"]
    assert await refused(Client(server, "orgraph_junk"), []) == ["UNAUTHENTICATED"]


async def test_about_others_takes_a_permission(boss: Person, mailbox: Mailbox) -> None:
    here, there = await boss.workspace(), await boss.workspace()
    asking = await custom_role(boss, "access:check", "content:read")
    backend_role = await custom_role(boss, "access:check")
    wide, local, bob = (
        *await cast(boss, mailbox, backend_role),
        *await cast(boss, mailbox, asking, workspaceIds=[here]),
        *await cast(boss, mailbox, "member"),
    )
    await grant(boss, bob, "viewer", workspaceId=here)
    await grant(boss, bob, "viewer", workspaceId=there)
    checks = [of(bob), of(bob, WRITE, workspaceId=here), of(bob, "audit:read", workspaceId=here)]
    checks.append(of(bob, workspaceId=there))
    for asker, expected in [
        (boss, ["GRANTED", "GRANTED", "NOT_GRANTED", "GRANTED"]),
        (await mint(boss, "admin"), ["GRANTED", "GRANTED", "NOT_GRANTED", "GRANTED"]),
        (wide, ["GRANTED", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]),
        (local, ["FORBIDDEN", "GRANTED", "NOT_GRANTED", "NOT_FOUND"]),
        (await mint(boss, asking, workspaceId=here), ["FORBIDDEN", "GRANTED", "NOT_GRANTED", "NOT_FOUND"]),
        (await mint(boss, "viewer"), ["FORBIDDEN", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]),
    ]:
        assert await reasons(asker, *checks) == expected
    assert await reasons(bob, of(boss), of(boss, workspaceId=here)) == ["FORBIDDEN"] * 2
    key = await mint(boss, "viewer", workspaceId=here)
    about_key = [of(key), of(key, workspaceId=here), of(key, workspaceId=there)]
    assert await reasons(boss, *about_key) == ["NOT_GRANTED", "GRANTED", "WORKSPACE_NOT_ENTERED"]
    assert await reasons(local, *about_key) == ["FORBIDDEN", "GRANTED", "NOT_FOUND"]
    assert await reasons(bob, *about_key) == ["FORBIDDEN"] * 3
    # About oneself as by default
    assert await reasons(key, of(key, workspaceId=here), of(bob, workspaceId=here)) == ["GRANTED", "FORBIDDEN"]


async def test_what_is_foreign_is_as_though_it_were_not_there(server: Server, mailbox: Mailbox, boss: Person) -> None:
    stranger = await owner(server, mailbox)
    foreign = await mint(stranger)
    place, own = await stranger.workspace(), await boss.workspace()
    (bob,) = await cast(boss, mailbox, "member")
    deleted = await boss.workspace("Deleted")
    await boss.do("deleteWorkspace", {"workspaceId": deleted, "confirmName": "Deleted"})
    revoked = await mint(boss)
    await boss.do("revokeApiKey", {"apiKeyId": revoked.id})

    async def alike(build: Any, foreign_id: str, prefix: str, *more: str) -> None:
        asked = [build(id) for id in (foreign_id, nowhere(prefix), f"{prefix}_junk", "", "\0", boss.member_id, *more)]
        for asker in (boss, await mint(boss, "owner")):
            answer = await reasons(asker, *asked)
            assert len(set(answer)) == 1, answer
            assert set(answer) <= {"NOT_FOUND"}

    await alike(lambda id: {"permission": READ, "organizationId": id}, stranger.organization_id, "org")
    await alike(lambda id: {"permission": READ, "workspaceId": id}, place, "ws", deleted)
    await alike(lambda id: of(bob, organizationId=id), stranger.organization_id, "org")
    await alike(lambda id: of(bob, workspaceId=id), place, "ws", deleted)
    await alike(lambda id: of(foreign, organizationId=boss.organization_id, apiKeyId=id), foreign.id, "key", revoked.id)
    await alike(lambda id: of(stranger, organizationId=id), stranger.organization_id, "org")
    # Of users it is known that they are no members: of foreign ones, and of those that do not exist
    about = {"permission": READ, "organizationId": boss.organization_id}
    users = [about | {"userId": id} for id in (stranger.user_id, nowhere("user"))]
    assert await reasons(boss, *users) == ["NOT_A_MEMBER"] * 2
    junk = [about | {"userId": id} for id in ("user_junk", boss.member_id, "")]
    assert await reasons(boss, *junk) == ["NOT_FOUND"] * 3
    # A workspace of another organization than the one named
    assert await reasons(boss, of(boss, workspaceId=place), of(stranger, workspaceId=own)) == ["NOT_FOUND"] * 2
    both = [of(bob, apiKeyId=id) for id in ((await mint(boss)).id, foreign.id, "junk")]
    assert await reasons(boss, *both) == ["NOT_FOUND"] * 3


async def every_reason(server: Server, mailbox: Mailbox) -> list[tuple[Client, Check, str]]:
    boss = await owner(server, mailbox)
    place = await boss.workspace()
    member, suspended, admin, former = await cast(boss, mailbox, "member", "admin", "admin", "viewer")
    above = await mint(admin, "admin")
    kept = await mint(suspended, "admin")
    await boss.do("setMemberRole", {"memberId": admin.member_id, "role": "member"})
    await boss.do("suspendMember", {"memberId": suspended.member_id})
    await boss.do("removeMember", {"memberId": former.member_id})
    given = await grant(boss, member, "admin", expiresAt=LATER)
    past = "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE id = $1"
    await sql(server, past, parse_any_id(given))
    return [
        (boss, of(member), "GRANTED"),
        (boss, of(member, "members:invite"), "NOT_GRANTED"),
        (boss, of(above, "members:invite"), "ABOVE_CREATOR"),
        (boss, of(above), "GRANTED"),
        (boss, of(above, "organization:delete"), "NOT_GRANTED"),
        (boss, of(former), "NOT_A_MEMBER"),
        (boss, of(suspended), "SUSPENDED"),
        (suspended, of(suspended), "SUSPENDED"),
        (boss, of(kept), "NOT_FOUND"),
        (boss, of(member, workspaceId=place), "WORKSPACE_NOT_ENTERED"),
        (boss, of(above, workspaceId=place), "WORKSPACE_NOT_ENTERED"),
        (member, of(member, workspaceId=place), "NOT_FOUND"),
        (boss, of(member, organizationId=NOWHERE), "NOT_FOUND"),
        (former, of(former), "NOT_FOUND"),
        (await sign_up(server), {"permission": READ}, "NO_ORGANIZATION"),
        (boss, of(member, "members:fly"), "UNKNOWN_PERMISSION"),
        (member, of(boss), "FORBIDDEN"),
        *await _locked(server, mailbox),
    ]


async def _locked(server: Server, mailbox: Mailbox) -> list[tuple[Client, Check, str]]:
    boss = await owner(server, mailbox)
    await turn_on(boss)
    locked, secured = await cast(boss, mailbox, "member", "member")
    await turn_on(secured)
    await require_mfa(server, boss.organization_id)
    return [
        (boss, of(locked), "MFA_REQUIRED"),
        (locked, of(locked), "MFA_REQUIRED"),
        (locked, of(boss), "NOT_FOUND"),
        (boss, of(secured), "GRANTED"),
    ]


async def test_every_reason_is_given(server: Server, mailbox: Mailbox) -> None:
    table = await every_reason(server, mailbox)
    assert {reason for *_, reason in table} == set(Reason)
    for asker, check, expected in table:
        assert await reasons(asker, check) == [expected], check


async def test_a_deleted_organization_allows_nothing(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    (member,) = await cast(boss, mailbox, "member")
    key = await mint(boss)
    id, name = boss.organization_id, (await boss.organization("name"))["name"]
    await boss.do("deleteOrganization", {"organizationId": id, "confirmName": name})
    for asker in (boss, member):
        assert await reasons(asker, of(boss), of(member), of(key)) == ["NOT_FOUND"] * 3
    await boss.do("restoreOrganization", {"organizationId": id})
    assert await reasons(boss, of(boss), of(member), of(key)) == ["GRANTED"] * 3


# Batches


async def test_a_hundred_mixed_checks_take_as_many_statements_as_one(server: Server, mailbox: Mailbox) -> None:
    elsewhere = await every_reason(server, mailbox)
    boss = await owner(server, mailbox)
    place = await boss.workspace()
    members = await cast(boss, mailbox, "member", "viewer")
    key = await mint(boss, "admin", workspaceId=place)
    own = ("UNKNOWN_PERMISSION", "NO_ORGANIZATION")  # for whatever one asks, or where one is oneself
    kinds = [
        (of(members[0], WRITE), "GRANTED"),
        (of(members[1], WRITE), "NOT_GRANTED"),
        (of(members[1], workspaceId=place), "WORKSPACE_NOT_ENTERED"),
        (of(key, WRITE, workspaceId=place), "GRANTED"),
        ({"permission": "audit:read"}, "GRANTED"),
        (of(members[0], "no:such"), "UNKNOWN_PERMISSION"),
        *((check, "NOT_FOUND") for _, check, reason in elsewhere if reason not in own),
    ]
    mixed = random.Random(7).choices(kinds, k=100)
    backend = await mint(boss, "owner")
    await set_key(backend, "last_used_at = now()")  # else writing down the use counts
    for asker in (boss, backend):
        for asked in ([mixed[0]], mixed, []):
            answer = await ask(asker, [check for check, _ in asked])
            assert [row["reason"] for row in answer.data["checkPermissions"]] == [reason for _, reason in asked]
            assert answer.statements <= 2
    assert await refused(boss, [{"permission": READ}] * 101) == ["BAD_REQUEST"]
    assert await reasons(boss, *[{"permission": READ}] * 100) == ["GRANTED"] * 100


# Revisions


async def test_a_revision_is_there_for_whoever_asks_next(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    (bob,) = await cast(boss, mailbox, "viewer")
    elsewhere, backend = await sign_in(server, boss.email), await mint(boss, "admin")
    assert await reasons(backend, of(bob, WRITE)) == ["NOT_GRANTED"]
    id = {"memberId": bob.member_id}
    row = {"email": f"{unique('x')}@example.com", "role": "viewer"}
    steps: list[tuple[str, Any, list[str]]] = [
        ("grantRole", id | {"role": "member"}, ["GRANTED"]),
        ("setMemberRole", id | {"role": "viewer"}, ["NOT_GRANTED"]),
        ("suspendMember", id, ["SUSPENDED"]),
        ("reactivateMember", id, ["NOT_GRANTED"]),
        ("updateOrganization", {"description": "Changed"}, ["NOT_GRANTED"]),
        ("updateOrganization", {"description": "Changed"}, ["NOT_GRANTED"]),
        ("createRole", {"name": unique("Role "), "permissions": [WRITE]}, ["NOT_GRANTED"]),
        ("createApiKey", {"name": "Key", "role": "viewer"}, ["NOT_GRANTED"]),
        ("createWorkspace", {"name": "Place"}, ["NOT_GRANTED"]),
        ("inviteMembers", {"invitations": [row]}, ["NOT_GRANTED"]),
        ("removeMember", id, ["NOT_A_MEMBER"]),
    ]
    for mutation, input, expected in steps:
        revision = (await boss.do(mutation, input, "revision"))["revision"]
        for asker in (elsewhere, backend, boss):
            assert await reasons(asker, of(bob, WRITE), at_least=revision) == expected, mutation


async def test_changes_of_an_account_have_revisions_too(server: Server, mailbox: Mailbox) -> None:
    boss = await owner(server, mailbox)
    for mutation, input in [
        ("updateProfile", {"name": "Another"}),
        ("switchOrganization", {"organizationId": boss.organization_id}),
        ("revokeOtherSessions", None),
    ]:
        revision = (await boss.do(mutation, input, "revision"))["revision"]
        elsewhere = await sign_in(server, boss.email)
        assert await reasons(elsewhere, {"permission": READ}, at_least=revision) == ["GRANTED"], mutation
    backend = await mint(boss, "admin")
    revision = (await boss.do("updateProfile", {"name": "Yet Another"}, "revision"))["revision"]
    assert await reasons(backend, of(boss), at_least=revision) == ["GRANTED"]
    founded = await boss.do("createOrganization", {"name": "More", "switch": False}, "revision organization { id }")
    check = {"permission": READ, "organizationId": founded["organization"]["id"]}
    assert await reasons(elsewhere, check, at_least=founded["revision"]) == ["GRANTED"]


async def test_a_refused_mutation_has_no_revision(boss: Person) -> None:
    payload = await boss.mutate("grantRole", {"memberId": "junk", "role": "viewer"}, "revision")
    assert payload["revision"] is None
    assert payload["userErrors"]


async def test_what_is_no_revision_here(server: Server, mailbox: Mailbox) -> None:
    boss, stranger = await owner(server, mailbox), await owner(server, mailbox)
    key = await mint(boss, "owner")
    revision = (await boss.do("updateOrganization", {"description": "Now"}, "revision"))["revision"]
    packed = base64.urlsafe_b64decode(revision)
    chain, sequence = packed[:16], int.from_bytes(packed[16:])

    def at(sequence: int, chain: bytes = chain) -> str:
        return base64.urlsafe_b64encode(chain + sequence.to_bytes(8)).decode()

    foreign = [
        (await stranger.do("updateOrganization", {"description": "Theirs"}, "revision"))["revision"],
        (await stranger.do("updateProfile", {"name": "Theirs"}, "revision"))["revision"],
        at(0, bytes(16)),
        at(1, bytes(16)),
        at(1, bytes([1] * 16)),
    ]
    junk = ["", "junk", "\0", "é", revision[:-4], revision + "AAAA", revision.replace("A", "*", 1)]
    future = [at(sequence + 1), at(2**63), at(2**64 - 1)]
    for asker in (boss, key):
        for bad in [*foreign, *junk, *future]:
            assert await refused(asker, [{"permission": READ}], bad) == ["BAD_REQUEST"], bad
            assert await refused(asker, [], bad) == ["BAD_REQUEST"], bad
        for good in (at(0), at(1), at(sequence)):
            assert await reasons(asker, {"permission": READ}, at_least=good) == ["GRANTED"]
            assert await reasons(asker, at_least=good) == []
    assert (await ask(boss, [of(boss)] * 50, revision)).statements <= 2
