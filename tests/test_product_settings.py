"""Settings that a catalogue declares: their values, what is inherited, whose plan has them, and who may change them."""

import asyncio
import json
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from server.catalogue import SHIPPED
from tests.catalogues import edited, write
from tests.factories import Client, Person, cast, join, owner, unique
from tests.organizations import NOWHERE
from tests.product_settings import EDITS, SETTINGS, assign, event, full, put, rows, seen, update
from tests.servers import Mailbox, Server

Products = Callable[[str], Awaitable[Server]]


@pytest.fixture(scope="module")
async def shop(product: Products, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server of a product that has settings of every kind."""
    document = edited(tomllib.loads((SHIPPED / "default.toml").read_text()), EDITS)
    return await product(str(write(tmp_path_factory.mktemp("catalogue") / "settings.toml", document)))


@pytest.fixture(scope="module")
async def keeper(shop: Server, mailbox: Mailbox) -> Person:
    """An owner of an organization of that product."""
    return await owner(shop, mailbox)


# Values

JUNK: list[Any] = [
    *json.loads(
        r"""[true, false, 0, 1, -1, -5, -6, 9, 10, 1.0, 1.5, -0.0, 1e300, 2147483647, 2147483648, -2147483648,
        -2147483649, 9007199254740992, 18446744073709551616, 1000000000000000000000000000000, "", " ", "\n", "a\nb",
        "\na", "a\t", "a\u0000b", "\u0000", "\u2028", "\u200b", "é", "🙂", "true", "5", "red", "RED", "blue",
        "red, blue", "@", "a@b", "name@example.com",
        "Name <name@example.com>", "a@b\n", {}, {"red": 1}, {"a": {"b": [1, {"c": null}]}}, [], [1],
        ["red"], [[["red"]]], [null], [true], {"key": "quiet", "value": true}, {"__proto__": 1}, {"": ""}]"""
    ),
    *("x" * length for length in (254, 255, 100_000)),
    "a" * 250 + "@b.de",
]


def _is_int(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


GOOD: dict[str, Callable[[Any], bool]] = {
    "quiet": lambda value: type(value) is bool,
    "limit": lambda value: _is_int(value, -5, 9),
    "count": lambda value: _is_int(value, -(2**31), 2**31 - 1),
    "colour": lambda value: value in ("red", "blue"),
    "motto": lambda value: (
        isinstance(value, str)
        and len(value) <= 254
        and value not in ("", " ", "\n", "a\nb", "\na", "a\t", "a\0b", "\0", "\u2028", "\u200b", "a@b\n")
    ),
    "contact": lambda value: value in ("name@example.com", "a@b"),
}


@pytest.mark.parametrize("key", GOOD)
async def test_values_of_each_type(keeper: Person, key: str) -> None:
    """What is good comes back as it was; all else is refused, and leaves what was there."""
    id, now = keeper.organization_id, await seen(keeper, keeper.organization_id, key)
    accepted = 0
    for value in JUNK:
        if GOOD[key](value):
            assert await put(keeper, id, **{key: value}) == [], value
            now, accepted = (value, False), accepted + 1
            found = await seen(keeper, id, key)
            assert (found, type(found[0])) == (now, type(value))
        else:
            assert await put(keeper, id, **{key: value}) == [("INVALID", f"settings.{key}")], value
    assert await seen(keeper, id, key) == now
    assert 0 < accepted < len(JUNK)
    assert await put(keeper, id, **{key: None}) == []


@pytest.mark.parametrize(
    "literal",
    [
        "1e999",
        "-1e999",
        "9" * 400,
        "9" * 5000,
        '"\\u0000"',
        '"\\ud800"',
        "RED",
        "{a: {b: $value}}",
        "[[[$value]]]",
        "$no",
    ],
)
async def test_literals_in_the_document(keeper: Person, literal: str) -> None:
    """Refused, in whatever way, and nothing is amiss."""
    query = f"""mutation ($value: JSON) {{ a: updateOrganizationSettings(input: {{
        organizationId: "{keeper.organization_id}",
        settings: [{{key: "limit", value: {literal}}}]}}) {{ userErrors {{ code field }} }} }}"""
    answer = await keeper.execute(query, {"value": {"deep": [1]}})
    if "errors" in answer.body:
        assert set(answer.codes) == {"BAD_REQUEST"}, answer.body
    else:
        assert answer.data["a"]["userErrors"] == [{"code": "INVALID", "field": "settings.limit"}]
    assert await seen(keeper, keeper.organization_id, "limit") == (5, True)


@pytest.mark.parametrize(
    "key", ["", " ", "nothing", "Limit", "limit ", "a\0b", "ü", "x" * 10_000, "__class__", "settings.limit", "limit\n"]
)
async def test_unknown_settings(keeper: Person, key: str) -> None:
    place = await keeper.workspace()
    before = await event(keeper)
    for id in (keeper.organization_id, place):
        for value in (1, None, {"a": 1}):
            assert await put(keeper, id, **{key: value}) == [("NOT_FOUND", f"settings.{key[:63]}")]
    assert await event(keeper) == before


async def test_a_setting_given_twice(keeper: Person) -> None:
    place = await keeper.workspace()
    for id in (keeper.organization_id, place):
        for twice in ([1, 2], [1, 1], [None, None]):
            given: list[dict[str, Any]] = [
                {"key": "quiet", "value": False},
                *({"key": "limit", "value": value} for value in twice),
            ]
            (error,) = (await update(keeper, id, given))["userErrors"]
            assert (error["code"], error["field"]) == ("INVALID", "settings.2.key")
        assert await seen(keeper, id, "quiet") == (True, True)


@pytest.mark.parametrize(
    "bad",
    [{"limit": "x"}, {"nothing": 1}, {"recorded": True}, {"colour": []}, {"session_timeout_minutes": 0}],
    ids=["a bad value", "an unknown one", "one beyond the plan", "a list", "below the minimum"],
)
async def test_all_or_nothing(keeper: Person, bad: dict[str, Any]) -> None:
    """Wherever the bad one stands."""
    before = await event(keeper)
    for given in ({"quiet": False, "motto": "Yes"} | bad, bad | {"quiet": False, "motto": "Yes"}):
        (error,) = await put(keeper, keeper.organization_id, **given)
        assert error[1] == f"settings.{next(iter(bad))}"
    assert await seen(keeper, keeper.organization_id, "quiet") == (True, True)
    assert await seen(keeper, keeper.organization_id, "motto") == (None, True)
    assert await event(keeper) == before


# Inheritance


async def test_what_is_inherited(shop: Server, mailbox: Mailbox) -> None:
    """From the organization, else from the default; null brings it back, and false is a value like others."""
    boss = await owner(shop, mailbox)
    id, place, other = boss.organization_id, await boss.workspace(), await boss.workspace()

    async def three(key: str) -> list[tuple[Any, bool]]:
        return [await seen(boss, where, key) for where in (id, place, other)]

    assert await three("quiet") == [(True, True)] * 3
    assert await put(boss, place, quiet=False, limit=0) == []
    assert await three("quiet") == [(True, True), (False, False), (True, True)]
    assert await three("limit") == [(5, True), (0, False), (5, True)]
    assert await put(boss, id, quiet=False, limit=7) == []
    assert await three("quiet") == [(False, False), (False, False), (False, True)]
    assert await three("limit") == [(7, False), (0, False), (7, True)]
    assert await put(boss, place, quiet=None) == []
    assert await put(boss, id, quiet=None) == []
    assert await three("quiet") == [(True, True)] * 3
    assert await three("limit") == [(7, False), (0, False), (7, True)]
    assert await put(boss, place, quiet=True) == []
    assert await three("quiet") == [(True, True), (True, False), (True, True)]
    # Without a default there is nothing
    assert await three("motto") == [(None, True)] * 3


async def test_a_workspace_has_only_what_it_can_have(keeper: Person) -> None:
    place = await keeper.workspace()
    assert list(await full(keeper, place)) == ["limit", "motto", "quiet", "recorded"]
    for key, value in {"colour": "blue", "mfa_required": True, "session_timeout_minutes": 5}.items():
        assert await put(keeper, place, **{key: value}) == [("NOT_FOUND", f"settings.{key}")]


async def test_settings_say_what_they_are(keeper: Person) -> None:
    """In the catalogue's order, with the plan's say."""
    settings = await full(keeper, keeper.organization_id)
    declared = (await Client(keeper.server).query("{ catalogue { settings { key name } } }"))["catalogue"]["settings"]
    assert [(each["key"], each["name"]) for each in settings.values()] == [(d["key"], d["name"]) for d in declared]
    recorded, limit = settings["recorded"], settings["limit"]
    assert (recorded["feature"], recorded["available"]) == ("recording", False)
    assert (limit["feature"], limit["available"]) == (None, True)


# What is written down


async def test_the_audit_log_tells_of_it(shop: Server, mailbox: Mailbox) -> None:
    boss = await owner(shop, mailbox)
    id, place = boss.organization_id, await boss.workspace()
    selection = "organization { settings { key value } }"
    payload = await update(boss, id, rows({"limit": 7, "quiet": True, "motto": None}), selection)
    assert {"key": "limit", "value": 7} in payload["organization"]["settings"]
    told = await event(boss)
    assert (told["action"], told["workspace"], told["target"]) == ("organization.settings_updated", None, {"id": id})
    assert told["changes"] == [
        {"field": "limit", "before": None, "after": 7},
        {"field": "quiet", "before": None, "after": True},
    ]
    payload = await update(boss, place, rows({"limit": 8}), "workspace { settings { key value } }")
    assert {"key": "limit", "value": 8} in payload["workspace"]["settings"]
    told = await event(boss)
    assert (told["action"], told["workspace"]) == ("workspace.settings_updated", {"id": place})
    assert told["target"] == {"id": place}
    assert told["changes"] == [{"field": "limit", "before": None, "after": 8}]
    assert await put(boss, id, limit=None, quiet=False) == []
    assert (await event(boss))["changes"] == [
        {"field": "limit", "before": 7, "after": None},
        {"field": "quiet", "before": True, "after": False},
    ]
    # Nothing changed, nothing told
    before = await event(boss)
    for where, given in ((id, {"quiet": False, "limit": None}), (id, {}), (place, {"limit": 8}), (place, {})):
        assert await put(boss, where, **given) == []
        assert await event(boss) == before


@pytest.mark.parametrize("at", ["organization", "workspace"])
async def test_updates_of_the_same_moment_both_stay(keeper: Person, at: str) -> None:
    id = keeper.organization_id if at == "organization" else await keeper.workspace()
    for number in range(20):
        answers: Any = await asyncio.gather(
            put(keeper, id, limit=number % 9), put(keeper, id, motto=f"Number {number}")
        )
        assert list(answers) == [[], []]
        assert await seen(keeper, id, "limit") == (number % 9, False)
        assert await seen(keeper, id, "motto") == (f"Number {number}", False)
    await put(keeper, id, limit=None, motto=None)


# Who may


async def test_who_reads_and_who_changes(shop: Server, mailbox: Mailbox) -> None:
    boss = await owner(shop, mailbox)
    id, place = boss.organization_id, await boss.workspace()
    admin, member, viewer = await cast(boss, mailbox, "admin", "member", "viewer")
    for reader in (boss, admin):
        assert (await seen(reader, id, "limit"))[0] == 5
        for where in (id, place):
            assert await put(reader, where, limit=6) == []
            assert await put(reader, where, limit=None) == []
    await boss.do("grantRole", {"memberId": viewer.member_id, "role": "viewer", "workspaceId": place})
    before = await event(boss)
    for person in (member, viewer):
        answer = await person.execute(f"query ($id: ID!) {{ organization(id: $id) {{ name {SETTINGS} }} }}", {"id": id})
        assert answer.codes == ["FORBIDDEN"]
        assert answer.body["errors"][0]["extensions"]["permission"] == "settings:read"
        assert answer.body["data"]["organization"]["settings"] is None
        assert answer.body["data"]["organization"]["name"]
        (error,) = (await update(person, id, rows({"limit": 9})))["userErrors"]
        assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
        assert error["details"] == {"permission": "settings:update"}
    answer = await viewer.execute(f"query ($id: ID!) {{ workspace(id: $id) {{ name {SETTINGS} }} }}", {"id": place})
    assert answer.codes == ["FORBIDDEN"]
    assert answer.body["data"]["workspace"]["settings"] is None
    (error,) = (await update(viewer, place, rows({"limit": 9})))["userErrors"]
    assert (error["code"], error["details"]) == ("FORBIDDEN", {"permission": "settings:update"})
    assert await put(member, place, limit=9) == [("NOT_FOUND", "workspaceId")]
    assert await seen(boss, id, "limit") == await seen(boss, place, "limit") == (5, True)
    assert (await event(boss))["count"] > before["count"], "refusals are told"
    assert (await event(boss))["action"] == "access.refused"


async def test_a_role_in_one_workspace(shop: Server, mailbox: Mailbox) -> None:
    """An admin of a single workspace changes that one's settings, and sees none but its."""
    boss = await owner(shop, mailbox)
    id, place, other = boss.organization_id, await boss.workspace(), await boss.workspace()
    local = await join(boss, mailbox, "admin", workspaceIds=[place])
    await boss.do("grantRole", {"memberId": local.member_id, "role": "viewer", "workspaceId": other})
    assert await put(local, place, limit=3) == []
    assert await seen(local, place, "limit") == (3, False)
    assert await put(local, other, limit=3) == [("FORBIDDEN", "workspaceId")]
    assert await put(local, id, limit=3) == [("FORBIDDEN", "organizationId")]
    for where in (id, other):
        parts = "... on Organization { settings { key } } ... on Workspace { settings { key } }"
        query = f"query ($id: ID!) {{ node(id: $id) {{ {parts} }} }}"
        assert (await local.execute(query, {"id": where})).codes == ["FORBIDDEN"]
    assert await seen(boss, other, "limit") == await seen(boss, id, "limit") == (5, True)


async def test_api_keys(shop: Server, mailbox: Mailbox) -> None:
    boss = await owner(shop, mailbox)
    id, place = boss.organization_id, await boss.workspace()
    for role, where, expected in (
        ("admin", None, ([], [])),
        ("admin", place, ([("FORBIDDEN", "organizationId")], [])),
        ("viewer", None, ([("FORBIDDEN", "organizationId")], [("NOT_FOUND", "workspaceId")])),
    ):
        input = {"organizationId": id, "workspaceId": where, "name": "Key", "role": role}
        key = Client(shop, (await boss.do("createApiKey", input, "secret"))["secret"])
        assert (await put(key, id, limit=2), await put(key, place, limit=2)) == expected
        for there in (id, place):
            assert await put(boss, there, limit=None) == []


async def test_what_is_foreign_does_not_exist(shop: Server, keeper: Person, mailbox: Mailbox) -> None:
    stranger = await owner(shop, mailbox)
    place = await keeper.workspace()
    for id in (keeper.organization_id, NOWHERE, keeper.user_id.replace("user", "org"), "org_junk", "org"):
        assert await put(stranger, id, limit=2) == [("NOT_FOUND", "organizationId")], id
    for id in (place, place.replace("ws", "org")[:-1], stranger.organization_id[3:], "", "\0"):
        input = {"workspaceId": id, "settings": rows({"limit": 2})}
        error = await stranger.refused("updateWorkspaceSettings", input)
        assert (error["code"], error["field"]) == ("NOT_FOUND", "workspaceId"), id
    query = "query ($id: ID!) { node(id: $id) { id } }"
    for id in (keeper.organization_id, place):
        assert await stranger.query(query, {"id": id}) == {"node": None}
    assert await seen(keeper, place, "limit") == (5, True)
    anonymous = replace(stranger, token=None)
    query = (
        "mutation ($input: UpdateOrganizationSettingsInput!) { updateOrganizationSettings(input: $input) { revision } }"
    )
    answer = await anonymous.execute(query, {"input": {"organizationId": keeper.organization_id, "settings": []}})
    assert answer.codes == ["UNAUTHENTICATED"]


async def test_the_active_organization_by_default(shop: Server, mailbox: Mailbox) -> None:
    boss = await owner(shop, mailbox)
    await boss.do("updateOrganizationSettings", {"settings": rows({"limit": 4})}, "organization { id }")
    assert await seen(boss, boss.organization_id, "limit") == (4, False)


# Plans


async def test_what_the_plan_does_not_have(shop: Server, mailbox: Mailbox) -> None:
    """The refusal names the plans that have it; once assigned it works; afterwards it can be turned off."""
    boss = await owner(shop, mailbox)
    id, place = boss.organization_id, await boss.workspace()
    for where, key, feature, names, having in (
        (id, "recorded", "recording", "Middle, Full", "It is part of Middle and Full."),
        (place, "recorded", "recording", "Middle, Full", "It is part of Middle and Full."),
        (id, "sealed", "sealing", "Full", "It is part of Full."),
        (id, "extinct", "extinct", "", "No plan has it."),
    ):
        (error,) = (await update(boss, where, rows({key: True})))["userErrors"]
        assert (error["code"], error["field"]) == ("FEATURE_NOT_IN_PLAN", f"settings.{key}")
        assert error["details"] == {"feature": feature, "plans": names}
        assert error["message"].endswith(having)
    # What it is without the feature can be said in so many words
    assert await put(boss, id, recorded=False) == []
    assert await put(boss, id, recorded=None, sealed=None) == []
    await assign(boss, "mid")
    assert (await full(boss, id))["recorded"]["available"] is True
    assert await put(boss, id, sealed=True) == [("FEATURE_NOT_IN_PLAN", "settings.sealed")]
    assert await put(boss, id, recorded=True) == []
    assert await seen(boss, place, "recorded") == (True, True)
    assert await put(boss, place, recorded=True) == []
    await assign(boss, "free")
    for where in (id, place):
        assert (await full(boss, where))["recorded"]["available"] is False
        assert await put(boss, where, recorded=True) == [("FEATURE_NOT_IN_PLAN", "settings.recorded")]
        assert await put(boss, where, recorded=False) == []
        assert await seen(boss, where, "recorded") == (False, False)
        assert await put(boss, where, recorded=None) == []


async def test_plans_are_told_of(product: Products, mailbox: Mailbox) -> None:
    """Of a shipped product, whose new organizations have the default plan."""
    boss = await owner(await product("voice-agents"), mailbox)
    assert await boss.organization("plan { key default }") == {"plan": {"key": "starter", "default": True}}
    (error,) = (await update(boss, boss.organization_id, rows({"call_recording": True})))["userErrors"]
    assert (error["code"], error["details"]["plans"]) == ("FEATURE_NOT_IN_PLAN", "Growth, Enterprise")
    await assign(boss, "growth", "--seats", "7")
    told = await event(boss)
    assert told["action"] == "organization.plan_changed"
    assert {"field": "plan", "before": "starter", "after": "growth"} in told["changes"]
    assert {"field": "seats", "before": None, "after": 7} in told["changes"]
    assert await put(boss, boss.organization_id, call_recording=True) == []
    refused = [("FEATURE_NOT_IN_PLAN", "settings.phi_redaction")]
    assert await put(boss, boss.organization_id, phi_redaction=True) == refused


async def test_workspaces_of_a_shipped_product(product: Products, mailbox: Mailbox) -> None:
    """Retention by environment, as a company with several has it; its developers read and do not change."""
    boss = await owner(await product("meeting-bots"), mailbox)
    place = await boss.workspace(unique("Production "), environment="production")
    developer = await join(boss, mailbox, "developer", workspaceIds=[place])
    assert await put(boss, boss.organization_id, retention_days=90) == []
    assert await put(boss, place, retention_days=366) == [("INVALID", "settings.retention_days")]
    assert await put(boss, place, retention_days=365, webhook_retries=0) == []
    assert await seen(developer, place, "retention_days") == (365, False)
    assert await put(developer, place, retention_days=None) == [("FORBIDDEN", "workspaceId")]
    assert await put(boss, place, retention_days=None) == []
    assert await seen(developer, place, "retention_days") == (90, True)


# What Orgraph itself acts upon


async def test_nobody_requires_of_others_what_they_lack(boss: Person) -> None:
    """Two-factor authentication. Also after other settings of the same call nothing is changed."""
    given = {"session_timeout_minutes": 60, "mfa_required": True}
    refused = [("MFA_REQUIRED", "settings.mfa_required")]
    assert await put(boss, boss.organization_id, **given) == refused
    assert await seen(boss, boss.organization_id, "session_timeout_minutes") == (None, True)
    assert await put(boss, boss.organization_id, mfa_required=False) == []
    for minutes in (0, -1, 43201, True, "60"):
        refused = [("INVALID", "settings.session_timeout_minutes")]
        assert await put(boss, boss.organization_id, session_timeout_minutes=minutes) == refused
