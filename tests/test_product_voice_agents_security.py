"""The acceptance test of a call-automation platform, V7 to V10 of PRODUCTS.md: MFA, keys, plans and the log."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.models import AuditEvent
from server.rows import type_id
from tests.acceptance import CREATED_KEY, altered_event, backend, inviting, orgraph, outcome, reads, viewer
from tests.factories import Client, Person, cast, owner, sign_in, sign_up, sql, unique
from tests.mfa import enter, turn_on
from tests.mfa import outcome as entry
from tests.products import checked
from tests.servers import Mailbox, Server

CATALOGUE = "voice-agents"
LEFT_OUT_PARTS = {"V10": "API calls that only read: with the group commit of the audit log"}
ROLES = ("owner", "admin", "member", "support_agent", "viewer")
MEMBER = {"playground:use", "calls:read", "live:monitor"}


@pytest.fixture(scope="module")
async def platform(product: Callable[[str], Awaitable[Server]]) -> Server:
    return await product(CATALOGUE)


@pytest.fixture(scope="module")
async def founder(platform: Server, mailbox: Mailbox) -> Person:
    return await owner(platform, mailbox)


# Multi-factor authentication


async def test_v7_everybody_can_turn_it_on(platform: Server, mailbox: Mailbox) -> None:
    """Every user can turn on multi-factor authentication: signing in takes a code from then on."""
    boss = await owner(platform, mailbox)
    people = [boss, *await cast(boss, mailbox, *ROLES[1:]), await sign_up(platform)]

    async def walk(person: Person) -> None:
        assert entry(await enter(person)) == "signed in"
        device = await turn_on(person)
        assert (await viewer(person, "user { mfaEnabled }"))["user"] == {"mfaEnabled": True}
        assert entry(await enter(person)) == ("MFA_REQUIRED", "code")
        assert entry(await enter(person, device.wrong)) == ("WRONG_CREDENTIALS", "code")
        assert entry(await enter(person, device.recovery_codes[0])) == "signed in"
        assert entry(await enter(person, device.code())) == "signed in"

    await asyncio.gather(*(walk(person) for person in people))


async def test_v7_an_organization_requires_it(platform: Server, mailbox: Mailbox) -> None:
    """An organization can require it of all its members: who has none is locked out until it is on."""
    boss = await owner(platform, mailbox)
    [admin, member] = await cast(boss, mailbox, "admin", "member")
    asker = await backend(boss)
    required = {"organizationId": boss.organization_id, "settings": [{"key": "mfa_required", "value": True}]}
    assert await outcome(member, "updateOrganizationSettings", required) == "FORBIDDEN"
    assert await outcome(boss, "updateOrganizationSettings", required) == "MFA_REQUIRED", "first for oneself"
    await turn_on(boss)
    await boss.do("updateOrganizationSettings", required)
    about = {"permission": "calls:read", "organizationId": boss.organization_id, "userId": member.user_id}
    selection = "organization { id } permissions organizationsRequiringMfa { id }"
    for person in (admin, await sign_in(platform, member.email)):
        locked = {"organization": None, "permissions": [], "organizationsRequiringMfa": [{"id": boss.organization_id}]}
        assert await viewer(person, selection) == locked
        assert await outcome(person, "leaveOrganization", {"organizationId": boss.organization_id}) == "MFA_REQUIRED"
    assert await checked(asker, about) == ["MFA_REQUIRED"]
    await turn_on(member)
    seen = await viewer(member, selection)
    assert (seen["organization"], set(seen["permissions"])) == (
        {"id": boss.organization_id},
        {"playground:use", "calls:read", "live:monitor"},
    )
    assert seen["organizationsRequiringMfa"] == []
    assert await checked(asker, about) == ["GRANTED"]
    assert entry(await enter(member)) == ("MFA_REQUIRED", "code")


# API keys


async def test_v8_keys_belong_to_the_organization(platform: Server, mailbox: Mailbox) -> None:
    """API keys belong to the organization, not to a person: other owners list, rotate and revoke them, whatever
    becomes of who made them.
    """
    boss = await owner(platform, mailbox)
    [maker, admin] = await cast(boss, mailbox, "owner", "admin")
    created = await maker.do("createApiKey", {"name": "Dialler", "role": "owner"}, CREATED_KEY)
    key, id = Client(platform, created["secret"]), created["apiKey"]["id"]
    assert await outcome(admin, "createApiKey", {"name": "Key", "role": "viewer"}) == "FORBIDDEN"
    assert await reads(admin, boss.organization_id, "apiKeys { totalCount }") == {"apiKeys": "FORBIDDEN"}
    for mutation in ("rotateApiKey", "revokeApiKey"):
        assert await outcome(admin, mutation, {"apiKeyId": id}) == "NOT_FOUND"
    billing = {"permission": "billing:manage"}
    assert await checked(key, billing) == ["GRANTED"]
    # Its maker is demoted, and removed: the key stays in the list, with no more than they have
    demoted = {"memberId": maker.member_id}
    for mutation, input in (("setMemberRole", demoted | {"role": "admin"}), ("removeMember", demoted)):
        await boss.do(mutation, input)
        listed = (await boss.organization("apiKeys { nodes { id name role { key } } }"))["apiKeys"]["nodes"]
        assert listed == [{"id": id, "name": "Dialler", "role": {"key": "owner"}}]
        if mutation == "setMemberRole":
            assert await checked(key, billing) == ["ABOVE_CREATOR"]
    # Another owner takes it over
    rotated = await boss.do("rotateApiKey", {"apiKeyId": id, "overlapMinutes": 0}, CREATED_KEY)
    assert rotated["apiKey"]["id"] == id
    assert (await key.execute("{ viewer { permissions } }")).codes == ["UNAUTHENTICATED"]
    key = Client(platform, rotated["secret"])
    assert await checked(key, billing) == ["GRANTED"]
    assert await outcome(boss, "revokeApiKey", {"apiKeyId": id}) == "done"
    assert (await key.execute("{ viewer { permissions } }")).codes == ["UNAUTHENTICATED"]


async def test_v8_a_key_is_shown_once(founder: Person) -> None:
    """A key shows its prefix; the whole key is shown once, at creation."""
    created = await founder.do("createApiKey", {"name": unique("Key "), "role": "viewer"}, CREATED_KEY)
    secret, prefix = created["secret"], created["apiKey"]["prefix"]
    assert secret.startswith(prefix)
    assert 8 < len(prefix) < len(secret) / 2
    fields = (await founder.query('{ __type(name: "ApiKey") { fields { name } } }'))["__type"]["fields"]
    plain = [field["name"] for field in fields if field["name"] not in ("workspace", "role", "createdBy", "viewerCan")]
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on ApiKey {{ {' '.join(plain)} }} }} }}"
    shown = (await founder.query(query, {"id": created["apiKey"]["id"]}))["node"]
    assert shown["prefix"] == prefix
    assert secret not in str(shown)
    kept = await sql(founder.server, "SELECT k::text AS row FROM api_key k")
    kept += await sql(founder.server, "SELECT e::text AS row FROM audit_event e")
    assert any(prefix in row["row"] for row in kept)
    assert all(secret not in row["row"] for row in kept)


# Plans


async def test_v9_security_features_by_plan(platform: Server, mailbox: Mailbox) -> None:
    """A setting whose plan lacks it is refused and says which plan has it."""
    boss = await owner(platform, mailbox)
    [admin, member] = await cast(boss, mailbox, "admin", "member")
    slug = (await boss.organization("slug"))["slug"]
    both, best = "Growth, Enterprise", "Enterprise"
    having = {"call_recording": both, "phi_redaction": best, "end_to_end_encryption": best, "audit_log": both}

    def turning(key: str, value: bool = True) -> dict[str, Any]:
        return {"organizationId": boss.organization_id, "settings": [{"key": key, "value": value}]}

    async def values() -> dict[str, tuple[bool, bool]]:
        found = (await boss.organization("settings { key value available }"))["settings"]
        return {each["key"]: (each["value"], each["available"]) for each in found if each["key"] in having}

    for plan, included in (("starter", ""), ("growth", "Growth"), ("enterprise", "Enterprise")):
        code, output = await orgraph(platform, CATALOGUE, "plan", "set", slug, plan)
        assert code == 0, output
        assert (await boss.organization("plan { key }"))["plan"] == {"key": plan}
        for key, plans in having.items():
            for person in (boss, admin):
                if included and included in plans:
                    assert await outcome(person, "updateOrganizationSettings", turning(key)) == "done", (plan, key)
                    continue
                error = await person.refused("updateOrganizationSettings", turning(key))
                assert (error["code"], error["field"]) == ("FEATURE_NOT_IN_PLAN", f"settings.{key}"), (plan, key)
                assert error["details"]["plans"] == plans
                assert all(name in error["message"] for name in plans.split(", "))
            assert await outcome(member, "updateOrganizationSettings", turning(key)) == "FORBIDDEN"
            assert await outcome(boss, "updateOrganizationSettings", turning(key, False)) == "done", "off is for all"
            assert (await values())[key] == (False, bool(included) and included in plans)
    assert all([await outcome(admin, "updateOrganizationSettings", turning(key)) == "done" for key in having])
    assert await values() == dict.fromkeys(having, (True, True))
    code, output = await orgraph(platform, CATALOGUE, "plan", "set", slug, "platinum")
    assert (code, "starter, growth, enterprise" in output) == (1, True)


# The audit log


async def test_v10_what_stands_in_the_log(platform: Server, mailbox: Mailbox) -> None:
    """An audit log of all configuration changes, sign-ins and API calls."""
    boss = await owner(platform, mailbox)
    [admin, member] = await cast(boss, mailbox, "admin", "member")
    created = await boss.do("createApiKey", {"name": "Dialler", "role": "admin"}, CREATED_KEY)
    key, organization = Client(platform, created["secret"]), {"organizationId": boss.organization_id}
    await admin.do("updateOrganization", organization | {"description": "Calls"})
    await admin.do("updateOrganizationSettings", organization | {"settings": [{"key": "mfa_required", "value": False}]})
    await boss.do("setMemberRole", {"memberId": member.member_id, "role": "viewer"})
    await sign_in(platform, admin.email)
    await key.do("inviteMembers", inviting(boss, f"{unique('x')}@example.com", "member"))
    above = inviting(boss, f"{unique('x')}@example.com", "owner")
    assert await outcome(key, "inviteMembers", above) == "ABOVE_YOUR_ROLE"
    assert await outcome(key, "deleteOrganization", organization | {"confirmName": "A"}) == "FORBIDDEN"
    selection = "auditEvents(first: 20) { nodes { action actor { type id label } changes { field before after } } }"
    newest = (await admin.organization(selection))["auditEvents"]["nodes"]
    by_key = {"type": "API_KEY", "id": created["apiKey"]["id"], "label": "Dialler"}
    by_admin = {"type": "USER", "id": admin.user_id, "label": admin.email}
    by_boss = {"type": "USER", "id": boss.user_id, "label": boss.email}
    done = [each for each in newest if each["action"] != "access.refused"][:7]
    assert [(each["action"], each["actor"]) for each in done] == [
        ("invitation.sent", by_key),
        ("session.opened", by_admin),
        ("grant.created", by_boss),
        ("grant.revoked", by_boss),
        ("organization.settings_updated", by_admin),
        ("organization.updated", by_admin),
        ("api_key.created", by_boss),
    ]
    assert {"field": "description", "before": "", "after": "Calls"} in done[5]["changes"]
    refused = [each for each in newest if each["action"] == "access.refused"]
    operations = {change["after"] for each in refused for change in each["changes"] if change["field"] == "operation"}
    assert operations >= {"deleteOrganization"}
    assert all(each["actor"] == by_key for each in refused)
    for person in (member, await sign_up(platform, organizationName=unique("Other "))):
        query = "query ($id: ID!) { organization(id: $id) { auditEvents { totalCount } } }"
        answer = await person.execute(query, {"id": boss.organization_id})
        assert not (answer.body["data"]["organization"] or {}).get("auditEvents")


async def test_v10_failed_sign_ins_stand_in_the_log(platform: Server, founder: Person) -> None:
    """Of the account that somebody tried to enter; only its own person reads that."""
    person = await sign_up(platform)
    assert entry(await enter(person, password="not the password")) == ("WRONG_CREDENTIALS", None)
    found = """SELECT e.id FROM audit_event e JOIN "user" u ON u.id = e.chain_id
        WHERE u.email = $1 AND e.action = 'session.refused'"""
    [row] = await sql(platform, found, person.email)
    query = "query ($id: ID!) { node(id: $id) { ... on AuditEvent { action actor { type } target { label } } } }"
    id = {"id": type_id(AuditEvent.prefix, row["id"])}
    event = {"action": "session.refused", "actor": {"type": "ANONYMOUS"}, "target": {"label": person.email}}
    assert (await person.query(query, id))["node"] == event
    assert (await founder.query(query, id))["node"] is None


async def test_v10_tampering_is_evident(platform: Server, mailbox: Mailbox) -> None:
    """A tamper-evident audit log: `orgraph audit verify` names the event that somebody with the database altered."""
    boss = await owner(platform, mailbox)
    verify = ("audit", "verify", "--organization", (await boss.organization("slug"))["slug"])
    assert (await orgraph(platform, CATALOGUE, *verify))[0] == 0
    async with altered_event(platform, verify[-1], 2):
        code, output = await orgraph(platform, CATALOGUE, *verify)
        assert (code, "event 2 is altered" in output) == (1, True), output
    code, output = await orgraph(platform, CATALOGUE, *verify)
    assert (code, "events verified" in output) == (0, True), output
