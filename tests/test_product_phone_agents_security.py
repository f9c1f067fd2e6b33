"""The product `phone-agents`, P7 to P11: settings, deletion, the switcher and security, and who is refused."""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import asyncpg
import pyotp
import pytest

from schema.scalars import parse_any_id
from tests.accounts import viewer
from tests.factories import (
    PASSWORD,
    Client,
    Person,
    cast,
    closed,
    invite,
    join,
    owner,
    refusal,
    sign_in,
    sign_up,
    sql,
    unique,
)
from tests.invitations import letter_token, newcomer
from tests.mfa import MISSING, WRONG, Device, set_totp, tries, turn_on
from tests.organizations import NOWHERE, active, found
from tests.phone_agents import EVERYTHING, MEMBERS, PROFILE, in_two
from tests.products import NODE, checked, custom_role, idle, keyed, permissions, settings_input, settings_of
from tests.servers import Mailbox, Server
from tests.streams import by_websocket
from tests.streams import refusal as end_of

DEFAULTS = {
    "billing_email": None,
    "notifications_email": None,
    "newsletter": False,
    "session_timeout_minutes": None,
    "public_recordings": False,
    "mfa_required": False,
}
HERE = """{ viewer { organization { id settings { key value } members { nodes { user { email } } }
    auditEvents(first: 100) { nodes { actor { label } } } } } }"""


@pytest.fixture(scope="module")
async def phone(product: Callable[[str], Awaitable[Server]]) -> Server:
    return await product("phone-agents")


async def test_p7_workspace_settings(phone: Server, mailbox: Mailbox) -> None:
    """Workspace settings: name, billing e-mail, notifications e-mail, newsletter, session timeout in minutes
    (enforced: a session idle for longer is over), public recordings.
    """
    boss = await owner(phone, mailbox)
    reader, nobody = await custom_role(boss, "settings:read"), await custom_role(boss, "calls:view")
    admin, user, other = await cast(boss, mailbox, "admin", reader, nobody)
    assert await settings_of(boss) == DEFAULTS
    values = {
        "billing_email": "billing@example.com",
        "notifications_email": "news@example.com",
        "newsletter": True,
        "session_timeout_minutes": 43200,
        "public_recordings": True,
    }
    for person, (key, value) in zip((boss, admin, boss, admin, boss), values.items(), strict=True):
        await person.do("updateOrganizationSettings", settings_input(boss, **{key: value}))
    assert await settings_of(user) == DEFAULTS | values
    bad: dict[str, tuple[Any, ...]] = {
        "billing_email": ("nobody", "a@b@c", "", True, 7),
        "notifications_email": ("two@example.com, three@example.com", ["a@example.com"]),
        "newsletter": ("true", 1, 0),
        "session_timeout_minutes": (0, -5, 43201, 1.5, "30", True),
        "public_recordings": ("no", {}),
    }
    for key, wrong in bad.items():
        for value in wrong:
            input = settings_input(boss, mfa_required=False, **{key: value})
            assert await refusal(boss, "updateOrganizationSettings", input) == ("INVALID", f"settings.{key}"), value
    unknown = settings_input(boss, colour="red")
    assert await refusal(boss, "updateOrganizationSettings", unknown) == ("NOT_FOUND", "settings.colour")
    for person in (user, other):
        for key, value in values.items():
            input = settings_input(boss, **{key: value})
            assert await refusal(person, "updateOrganizationSettings", input) == ("FORBIDDEN", "organizationId")
        renamed = {"organizationId": boss.organization_id, "name": "Mine"}
        assert await refusal(person, "updateOrganization", renamed) == ("FORBIDDEN", "organizationId")
    assert (await other.execute("{ viewer { organization { settings { key } } } }")).codes == ["FORBIDDEN"]
    assert await settings_of(user) == DEFAULTS | values
    await boss.do("updateOrganizationSettings", settings_input(boss, **dict.fromkeys(values)))
    assert await settings_of(user) == DEFAULTS
    name = unique("Renamed ")
    await admin.do("updateOrganization", {"name": f"  {name} "})
    assert await other.organization("name") == {"name": name}
    assert await refusal(admin, "updateOrganization", {"name": " "}) == ("REQUIRED", "name")


COLUMNS = "FROM information_schema.columns WHERE table_schema = 'public'"


async def _ids_of(server: Server, organization_id: str) -> dict[str, list[Any]]:
    """The ids of all rows that name the organization, by table."""
    found = {}
    for [table] in await sql(server, f"SELECT table_name {COLUMNS} AND column_name = 'organization_id'"):
        rows = await sql(server, f'SELECT id FROM "{table}" WHERE organization_id = $1', parse_any_id(organization_id))
        found[table] = [row["id"] for row in rows]
    return found


async def test_p8_deleting_a_workspace(phone: Server, mailbox: Mailbox) -> None:
    """Deleting a workspace is permanent, takes its name typed as confirmation, and removes all its data."""
    boss = await owner(phone, mailbox, "Acme Calls")
    custom = await custom_role(boss, "calls:view", "members:read")
    admin, user = await cast(boss, mailbox, "admin", custom)
    stranger = await owner(phone, mailbox)
    program, key = await keyed(boss, "owner")
    invitation = await invite(boss, custom)
    token = await letter_token(mailbox, invitation["email"])
    slug = await boss.organization("slug")
    named = {"organizationId": boss.organization_id}
    confirmed = named | {"confirmName": "Acme Calls"}
    for typed in ("", "acme calls", "Acme", slug["slug"], "Acme  Calls"):
        error = await refusal(boss, "deleteOrganization", named | {"confirmName": typed})
        assert error == ("CONFIRMATION_MISMATCH", "confirmName"), typed
    for person, code in ((admin, "FORBIDDEN"), (user, "FORBIDDEN"), (stranger, "NOT_FOUND")):
        assert await refusal(person, "deleteOrganization", confirmed) == (code, "organizationId")
    assert (await admin.organization("viewerCan { deleteOrganization { allowed } }"))["viewerCan"] == {
        "deleteOrganization": {"allowed": False}
    }
    before = await _ids_of(phone, boss.organization_id)
    filled = {"member", "grant", "role", "invitation", "api_key", "session"}
    assert {table for table, rows in before.items() if rows} == filled
    ids = [id for table, rows in before.items() if table != "session" for id in rows]
    log = "SELECT count(*) AS events FROM audit_event WHERE chain_id = $1"
    [[events]] = await sql(phone, log, parse_any_id(boss.organization_id))

    payload = await boss.do("deleteOrganization", confirmed, "viewer { organization { id } }")
    assert payload["viewer"] == {"organization": None}
    tables = set()
    for table, column in await sql(phone, f"SELECT table_name, column_name {COLUMNS} AND data_type = 'uuid'"):
        if table in ("audit_event", "audit_chain"):
            continue
        left = f'SELECT 1 FROM "{table}" WHERE "{column}" = ANY ($1::uuid[])'
        assert not await sql(phone, left, [*ids, parse_any_id(boss.organization_id)]), (table, column)
        tables.add(table)
    assert tables >= {"organization", "letter", "logo", "workspace", "invitation_workspace", *before}
    assert not await sql(phone, "SELECT 1 FROM letter WHERE recipient = $1", invitation["email"])
    assert await sql(phone, log, parse_any_id(boss.organization_id)) == [(events + 1,)], "history stays"

    by_slug = "query ($slug: String!) { organization(slug: $slug) { id } }"
    for person in (boss, admin, user, stranger):
        assert (await person.query(by_slug, slug))["organization"] is None
        for id in (boss.organization_id, boss.member_id, custom, invitation["id"], key):
            assert (await person.query(NODE, {"id": id}))["node"] is None
        assert closed(await person.execute(PROFILE, Orgraph_Organization=boss.organization_id))
        assert await refusal(person, "restoreOrganization", named) == ("NOT_FOUND", "organizationId")
        assert await refusal(person, "switchOrganization", named) == ("NOT_FOUND", "organizationId")
        restorable = "{ viewer { restorableOrganizations { id } memberships { nodes { organization { name } } } } }"
        assert "Acme Calls" not in str(seen := (await person.query(restorable))["viewer"])
        assert seen["restorableOrganizations"] == []
    assert await viewer(program) is None
    assert await Client(phone).query(f'{{ invitation(token: "{token}") {{ id }} }}') == {"invitation": None}
    given = {"email": invitation["email"], "password": PASSWORD, "name": "Late", "invitationToken": token}
    assert (await Client(phone).refused("signUp", given))["code"] == "EXPIRED"
    await sign_up(phone, organizationName="Acme Calls")


async def test_p9_founding_another(phone: Server, mailbox: Mailbox) -> None:
    """Anyone creates a new workspace and owns it; each workspace has its own subscription."""
    boss = await owner(phone, mailbox)
    nothing = await custom_role(boss)
    [user] = await cast(boss, mailbox, nothing)
    assert await permissions(user) == set()
    for person in (user, await newcomer(phone, mailbox)):
        made = await found(person, name=unique("Mine "))
        assert await active(person) == made["id"]
        assert await permissions(person) == EVERYTHING
        query = "query ($id: ID!) { organization(id: $id) { members { nodes { user { email } roles { key } } } } }"
        listed = (await person.query(query, {"id": made["id"]}))["organization"]["members"]["nodes"]
        assert listed == [{"user": {"email": person.email}, "roles": [{"key": "owner"}]}]
        assert (await boss.query(NODE, {"id": made["id"]}))["node"] is None, "nothing to those whom they work for"
    assert await permissions(user, Orgraph_Organization=boss.organization_id) == set()
    program, _ = await keyed(boss, "owner")
    assert (await program.refused("createOrganization", {"name": "Robots"}))["code"] == "FORBIDDEN"
    mutation = 'mutation { createOrganization(input: {name: "Nobody"}) { organization { id } } }'
    assert (await Client(phone).execute(mutation)).codes == ["UNAUTHENTICATED"]
    assert await refusal(user, "createOrganization", {"name": ""}) == ("REQUIRED", "name")


async def test_p10_the_switcher(phone: Server, mailbox: Mailbox) -> None:
    """The switcher lists a user's workspaces; the chosen one decides which settings, billing, users and logs are
    seen.
    """
    user, first, second = await in_two(phone, mailbox)
    switcher = "{ viewer { organization { id } memberships { nodes { organization { id name } } } } }"
    names = [(place.organization_id, (await place.organization("name"))["name"]) for place in (first, second)]
    listed = (await user.query(switcher))["viewer"]["memberships"]["nodes"]
    assert [(each["organization"]["id"], each["organization"]["name"]) for each in listed] == names

    async def shown(place: Person, **headers: str) -> None:
        seen = (await user.query(HERE, None, **headers))["viewer"]["organization"]
        minutes = {first.organization_id: 60, second.organization_id: 120}[place.organization_id]
        assert seen["id"] == place.organization_id
        assert {"key": "session_timeout_minutes", "value": minutes} in seen["settings"]
        assert {each["user"]["email"] for each in seen["members"]["nodes"]} == {place.email, user.email}
        actors = {each["actor"]["label"] for each in seen["auditEvents"]["nodes"]}
        assert place.email in actors
        assert not actors & ({first.email, second.email} - {place.email})

    for place, other in ((second, first), (first, second)):
        await user.do("switchOrganization", {"organizationId": place.organization_id})
        await shown(place)
        await shown(other, Orgraph_Organization=other.organization_id)
        await shown(place)
    stranger = await owner(phone, mailbox)
    for id in (stranger.organization_id, NOWHERE, "junk"):
        assert await refusal(user, "switchOrganization", {"organizationId": id}) == ("NOT_FOUND", "organizationId")
        assert closed(await user.execute(HERE, Orgraph_Organization=id))
    await shown(first)
    listed = await second.query(MEMBERS, {"id": second.organization_id, "filter": {"search": user.email}})
    [member] = listed["organization"]["members"]["nodes"]
    await second.do("removeMember", {"memberId": member["id"]})
    listed = (await user.query(switcher))["viewer"]["memberships"]["nodes"]
    assert [each["organization"]["id"] for each in listed] == [first.organization_id]
    gone = {"organizationId": second.organization_id}
    assert await refusal(user, "switchOrganization", gone) == ("NOT_FOUND", "organizationId")


async def test_p11_session_timeout(phone: Server, mailbox: Mailbox) -> None:
    """Session timeout (P7: in minutes; enforced: a session idle for longer is over)."""
    boss = await owner(phone, mailbox)
    early, late, elsewhere, spared = await cast(boss, mailbox, "admin", "admin", "admin", "admin")
    await found(elsewhere)
    for person in (early, late, elsewhere):
        await idle(person, 31)
        assert await viewer(person) is not None, "none is set"
    early, late = await sign_in(phone, early.email), await sign_in(phone, late.email)
    await boss.do("updateOrganizationSettings", settings_input(boss, session_timeout_minutes=30))
    await idle(early, 29)
    assert (await viewer(early))["organization"]["id"] == boss.organization_id
    await idle(late, 31)
    assert await viewer(late) is None
    assert (await late.execute("mutation { signOut { userErrors { code } } }")).codes == ["UNAUTHENTICATED"]
    assert (await viewer(await sign_in(phone, late.email)))["organization"]["id"] == boss.organization_id
    # A session that is elsewhere goes on there, and opens nothing here
    await idle(elsewhere, 31)
    here = {"Orgraph_Organization": boss.organization_id}
    assert await viewer(elsewhere, **here) is None
    assert (await viewer(elsewhere))["organization"]["id"] != boss.organization_id
    async with by_websocket(spared) as stream:
        await idle(spared, 31)
        await invite(boss, "admin")
        assert await end_of(stream) == "UNAUTHENTICATED"


async def test_p11_audit_log(phone: Server, mailbox: Mailbox) -> None:
    """Audit log."""
    boss = await owner(phone, mailbox)
    reader, nothing = await custom_role(boss, "audit:read"), await custom_role(boss, "calls:view")
    auditor, user, admin = await cast(boss, mailbox, reader, nothing, "admin")
    await admin.do("updateOrganizationSettings", settings_input(boss, public_recordings=True))
    await boss.do("setMemberRole", {"memberId": user.member_id, "role": "admin"})
    await boss.do("setMemberRole", {"memberId": user.member_id, "role": nothing})
    await sign_in(phone, user.email)
    refused = {"organizationId": boss.organization_id, "confirmName": "X"}
    assert (await refusal(user, "deleteOrganization", refused))[0] == "FORBIDDEN"
    await keyed(boss, "owner")
    query = """{ viewer { organization { auditEvents(first: 100, orderBy: {field: SEQUENCE, direction: ASC}) { nodes {
        sequence action actor { label } target { label } changes { field before after } previousHash hash } } } } }"""
    for person in (boss, admin, auditor):
        events = (await person.query(query))["viewer"]["organization"]["auditEvents"]["nodes"]
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        assert all(one["hash"] == two["previousHash"] for one, two in pairwise(events))
        told = {(event["action"], event["actor"]["label"], event["target"]["label"]) for event in events}
        assert {
            ("session.opened", user.email, user.email),
            ("member.joined", auditor.email, auditor.email),
            ("grant.revoked", boss.email, user.email),
        } <= told
        actions = {action for action, _, _ in told}
        assert actions >= {"organization.created", "role.created", "invitation.sent", "api_key.created"}
        [change] = [event["changes"] for event in events if event["action"] == "organization.settings_updated"]
        assert change == [{"field": "public_recordings", "before": None, "after": True}]
        assert ("access.refused", user.email) in {(action, actor) for action, actor, _ in told}
    answer = await user.execute(query)
    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"]["viewer"]["organization"] == {"auditEvents": None}
    stranger = await owner(phone, mailbox)
    assert closed(await stranger.execute(query, Orgraph_Organization=boss.organization_id))
    own = "SELECT id FROM audit_event WHERE chain_id = $1 LIMIT 1"
    [event] = await sql(phone, own, parse_any_id(boss.organization_id))
    for change in ("UPDATE audit_event SET action = 'x' WHERE id = $1", "DELETE FROM audit_event WHERE id = $1"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await sql(phone, change, event["id"])


async def test_p11_two_factor_authentication(phone: Server, mailbox: Mailbox) -> None:
    """Two-factor authentication, of an account or required of all users of a workspace."""
    boss = await owner(phone, mailbox)
    user, other = await cast(boss, mailbox, "admin", await custom_role(boss, "calls:view"))
    assert await tries(user, None) == ["signed in"]
    enrolled = await user.do("enrolTotp", None, "secret uri")
    device = Device(enrolled["secret"], [])
    parsed = pyotp.parse_uri(enrolled["uri"])
    assert (parsed.secret, parsed.name, parsed.issuer) == (device.secret, user.email, "Phone Agents")
    assert await refusal(user, "confirmTotp", {"code": device.wrong}) == WRONG
    assert await tries(user, None) == ["signed in"], "nothing is in force yet"
    await user.do("confirmTotp", {"code": device.code()})
    await set_totp(user, "last_step = 0")
    code = device.code()
    assert await tries(user, None, device.wrong, code, code) == [MISSING, WRONG, "signed in", WRONG]

    required = settings_input(boss, mfa_required=True)
    assert await refusal(boss, "updateOrganizationSettings", required) == ("MFA_REQUIRED", "settings.mfa_required")
    assert await refusal(other, "updateOrganizationSettings", required) == ("FORBIDDEN", "organizationId")
    program, _ = await keyed(boss, "owner")
    await turn_on(boss)
    await boss.do("updateOrganizationSettings", required)
    late = await join(boss, mailbox, "owner")
    asked = {"permission": "calls:view", "organizationId": boss.organization_id}
    place = {"organizationId": boss.organization_id}
    for locked in (other, late, await sign_in(phone, other.email)):
        seen = (await locked.query(PROFILE))["viewer"]
        assert (seen["organization"], seen["organizationsRequiringMfa"]) == (None, [{"id": boss.organization_id}])
        assert (await locked.query(NODE, {"id": boss.organization_id}))["node"] is None
        assert closed(await locked.execute(PROFILE, Orgraph_Organization=boss.organization_id))
        assert await refusal(locked, "switchOrganization", place) == ("MFA_REQUIRED", "organizationId")
        assert await checked(program, asked | {"userId": locked.user_id}) == ["MFA_REQUIRED"]
    assert (await permissions(user), await checked(program, asked | {"userId": user.user_id})) == (
        EVERYTHING - {"organization:delete", "organization:transfer"},
        ["GRANTED"],
    )
    for locked, allowed in ((other, {"calls:view"}), (late, EVERYTHING)):
        await turn_on(locked)
        await locked.do("switchOrganization", place)
        assert await permissions(locked) == allowed
        assert await checked(program, asked | {"userId": locked.user_id}) == ["GRANTED"]
