"""Catalogues: what can be wrong with one, and what the shipped ones say."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.catalogue import SHIPPED, Catalogue, CatalogueError, Setting, load_catalogue
from tests.catalogues import GONE, SMALL, Edits, edited, toml, write

NAMES = sorted(path.stem for path in SHIPPED.glob("*.toml"))


def faults(path: Path, edits: Edits) -> list[str]:
    """What is said of the small catalogue after the edits, a line for each fault."""
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(str(write(path / "mine.toml", edited(SMALL, edits))))
    return str(caught.value).splitlines()


def loaded(path: Path, edits: Edits | None = None) -> Catalogue:
    return load_catalogue(str(write(path / "mine.toml", edited(SMALL, edits or {}))))


# Faults

ROLE: dict[str, Any] = {"name": "Other", "permissions": ["work:read"]}

FAULTS: dict[str, tuple[Edits, str, str]] = {
    # Shapes
    "a missing table": ({"roles": GONE}, "roles", "Field required"),
    "another missing table": ({"areas": GONE}, "areas", "Field required"),
    "a missing key": ({"plans/free/name": GONE}, "plans.free.name", "Field required"),
    "an unknown table": ({"rolls": {}}, "rolls", "Extra inputs"),
    "an unknown key": ({"roles/admin/manage": []}, "roles.admin.manage", "Extra inputs"),
    "another type": ({"plans/free/seats": "3"}, "plans.free.seats", "valid integer"),
    "yes in words": ({"roles/admin/creator": "yes"}, "roles.admin.creator", "valid boolean"),
    "a table for a list": ({"roles/admin/permissions": {"a": 1}}, "roles.admin.permissions", "valid list"),
    "a number for a table": ({"areas/team": 1}, "areas.team", "valid dictionary"),
    "a role's key with a capital": ({"roles/Admin": ROLE}, "roles.Admin", "'Admin' is not a key here"),
    "a role's key with a hyphen": ({"roles/top-admin": ROLE}, "roles.top-admin", "it looks like support_agent"),
    "a role's key that starts with a digit": ({"roles/1st": ROLE}, "roles.1st", "not a key"),
    "a role's key with a line break": ({"roles/a\n": ROLE}, "roles.'a\\n'", "not a key"),
    "a role's key that is too long": ({f"roles/{'a' * 64}": ROLE}, f"roles.{'a' * 64}", "at most 63"),
    "a permission without an area": ({"areas/work/permissions/work": ""}, "areas.work.permissions.work", "not a key"),
    "a permission with a capital": (
        {"areas/work/permissions/work:Do": ""},
        "areas.work.permissions.work:Do",
        "it looks like members:invite",
    ),
    "a restore window of years": ({"product/restore_window_days": 1000}, "product.restore_window_days", "equal to 365"),
    "a negative restore window": ({"product/restore_window_days": -1}, "product.restore_window_days", "equal to 0"),
    "no seats": ({"plans/free/seats": 0}, "plans.free.seats", "equal to 1"),
    "a blank name": ({"roles/admin/name": "  "}, "roles.admin.name", "blank"),
    "a name with a line break": ({"roles/admin/name": "Ad\nmin"}, "roles.admin.name", "line breaks"),
    "a name that is too long": ({"product/name": "a" * 101}, "product.name", "at most 100"),
    "a region that is too long": ({"product/region": "a" * 64}, "product.region", "at most 63"),
    "an environment that is too long": ({"product/environments": ["a", "a" * 64]}, "product.environments.1", "63"),
    "a description with NUL": ({"roles/admin/description": "a\0"}, "roles.admin.description", "control characters"),
    "a description that is too long": ({"features/recording": "a" * 1001}, "features.recording", "at most 1000"),
    "a setting of an unknown type": ({"settings/limit/type": "number"}, "settings.limit.type", "'boolean', 'integer'"),
    "a limit beyond 32 bits": ({"settings/limit/maximum": 2**31}, "settings.limit.maximum", "less than or equal"),
    # Permissions
    "an unknown permission": ({"roles/member/permissions": ["work:rest"]}, "roles.member.permissions", "'work:rest'"),
    "a wildcard that matches nothing": (
        {"roles/member/permissions": ["work:*", "rest:*"]},
        "roles.member.permissions",
        "'rest:*' matches no permission",
    ),
    "a wildcard of a kind there is not": (
        {"roles/member/permissions": ["work:[rw]*"]},
        "roles.member.permissions",
        "'work:[rw]*' matches no permission",
    ),
    "a permission in two areas": (
        {"areas/team/permissions/work:read": ""},
        "areas.work.permissions",
        "'work:read' stands in areas.team already",
    ),
    # Roles
    "no creator": (
        {"roles/owner/creator": GONE},
        "roles",
        "exactly one role must have creator = true; these have it: none",
    ),
    "two creators": (
        {"roles/chief": {"name": "Chief", "permissions": ["*"], "manages": ["*"], "creator": True}},
        "roles",
        "these have it: owner, chief",
    ),
    "a creator who lacks something": (
        {"roles/owner/permissions": ["members:*", "work:*"]},
        "roles.owner.permissions",
        "lacks 'audit:read'",
    ),
    "a creator who does not manage all": (
        {"roles/owner/manages": ["owner", "admin", "member"]},
        "roles.owner.manages",
        'manages = ["*"]',
    ),
    "a creator who manages by default": ({"roles/owner/manages": GONE}, "roles.owner.manages", 'manages = ["*"]'),
    "managing nobody who is there": ({"roles/admin/manages": ["guest"]}, "roles.admin.manages", "no role 'guest'"),
    "roles that manage each other": (
        {"roles/member/manages": ["admin"]},
        "roles.admin.manages",
        "a cycle: admin manages member manages admin",
    ),
    "a role that manages the creator": (
        {"roles/admin/manages": ["owner", "member"]},
        "roles.owner.manages",
        "a cycle: owner manages admin manages owner",
    ),
    "another role that manages all": (
        {"roles/admin/manages": ["*"]},
        "roles.owner.manages",
        "a cycle: owner manages admin manages owner",
    ),
    "a role that manages one that manages it by default": (
        {"roles/admin/manages": GONE, "roles/member/manages": ["admin"]},
        "roles.admin.manages",
        "a cycle: admin manages member manages admin",
    ),
    "names alike": ({"roles/member/name": "ADMIN"}, "roles.member.name", "'ADMIN' is the name of 'admin' already"),
    "names that look alike": ({"roles/member/name": "Ａｄｍｉｎ"}, "roles.member.name", "the name of 'admin' already"),
    # Plans
    "a plan with an unknown feature": (
        {"plans/free/features": ["fax"]},
        "plans.free.features",
        "'fax' matches no feature",
    ),
    "a plan with all of no features": (
        {"features": GONE, "settings/recorded": GONE},
        "plans.full.features",
        "'*' matches no feature",
    ),
    "plans, and none for the new": ({"product/plan": GONE}, "product.plan", "one must be named"),
    "an unknown plan for the new": ({"product/plan": "gold"}, "product.plan", "no plan 'gold'"),
    "a plan for the new, and no plans": ({"plans": GONE}, "product.plan", "no plan 'free'"),
    # Settings
    "a setting with an unknown feature": (
        {"settings/limit/feature": "fax"},
        "settings.limit.feature",
        "no feature 'fax'",
    ),
    "a choice without choices": (
        {"settings/colour/choices": GONE, "settings/colour/default": GONE},
        "settings.colour.choices",
        "needed with type = 'choice'",
    ),
    "choices without a choice": ({"settings/limit/choices": ["a"]}, "settings.limit.choices", "only with it"),
    "a default of another type": ({"settings/limit/default": "5"}, "settings.limit.default", "from 1 to 9"),
    "a default that is a float": ({"settings/limit/default": 5.0}, "settings.limit.default", "from 1 to 9"),
    "a default that is a list": ({"settings/recorded/default": [True]}, "settings.recorded.default", "true or false"),
    "a default out of range": ({"settings/limit/default": 10}, "settings.limit.default", "from 1 to 9"),
    "a default that is no choice": ({"settings/colour/default": "green"}, "settings.colour.default", "red, blue"),
    "a minimum above the maximum": (
        {"settings/limit/minimum": 10, "settings/limit/default": GONE},
        "settings.limit.minimum",
        "10 is above the maximum, 9",
    ),
    "a minimum of no number": ({"settings/colour/minimum": 1}, "settings.colour.minimum", "only"),
    "a maximum of no number": ({"settings/colour/maximum": 1}, "settings.colour.minimum", "only"),
    "an enforced setting of another type": (
        {"settings/mfa_required/type": "text"},
        "settings.mfa_required.type",
        "type = 'boolean'",
    ),
    "another enforced setting of another type": (
        {"settings/session_timeout_minutes": {"name": "Timeout", "type": "text"}},
        "settings.session_timeout_minutes.type",
        "type = 'integer'",
    ),
    "an enforced setting of workspaces": (
        {"settings/mfa_required/workspace": True},
        "settings.mfa_required.type",
        "of organizations only",
    ),
    "a session that times out at once": (
        {"settings/session_timeout_minutes/minimum": 0},
        "settings.session_timeout_minutes.minimum",
        "at least 1",
    ),
    "a session timeout without a minimum": (
        {"settings/session_timeout_minutes/minimum": GONE},
        "settings.session_timeout_minutes.minimum",
        "at least 1",
    ),
    # The rest
    "an action that nothing is": ({"checklist/invite/done_by": "fax.sent"}, "checklist.invite.done_by", "'fax.sent'"),
    "a former role that is in use": ({"former/roles/admin": "owner"}, "former.roles.admin", "still in use"),
    "a former permission that is in use": (
        {"former/permissions/work:read": "work:write"},
        "former.permissions.work:read",
        "still in use",
    ),
    "a former plan that is in use": ({"former/plans": {"free": "full"}}, "former.plans.free", "still in use"),
    "a former role without a successor": ({"former/roles/boss": "chief"}, "former.roles.boss", "no 'chief'"),
    "a former role with a blank successor": ({"former/roles/boss": ""}, "former.roles.boss", "no ''"),
    "a former permission without a successor": (
        {"former/permissions/work:see": "work:look"},
        "former.permissions.work:see",
        "no 'work:look'",
    ),
    "a former plan without a successor": ({"former/plans": {"gold": "silver"}}, "former.plans.gold", "no 'silver'"),
    "a former role followed by a former one": ({"former/roles/chief": "boss"}, "former.roles.chief", "no 'boss'"),
    "a former key that is none": ({"former/roles/Boss": "owner"}, "former.roles.Boss", "not a key"),
}


TWOFOLD = {"two creators", "another enforced setting of another type"}
"""Two who manage all are a cycle too, and a text has no minimum."""


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_names_its_place(what: str, tmp_path: Path) -> None:
    edits, place, said = FAULTS[what]
    lines = faults(tmp_path, edits)
    assert all(line.startswith(f"{tmp_path}/mine.toml: ") for line in lines)
    assert [line for line in lines if f" {place}: " in line and said in line], lines
    assert len(lines) == 1 or what in TWOFOLD, "one fault, one line"


RIGHT: dict[str, Edits] = {
    "as it is": {},
    "without plans": {"plans": GONE, "product/plan": GONE},
    "without anything that can be left out": {
        **dict.fromkeys(("features", "plans", "settings", "checklist", "former", "product/plan"), GONE),
    },
    "a role that manages its own kind": {"roles/admin/manages": ["admin", "member"]},
    "a role that manages nobody": {"roles/admin/manages": []},
    "a role without permissions": {"roles/guest": {"name": "Guest", "permissions": []}},
    "two roles with the same permissions": {"roles/helper": {"name": "Helper", "permissions": ["work:*"]}},
    "an area without permissions": {"areas/rest": {"name": "Rest", "permissions": {}}},
    "a wildcard at the front": {"roles/member/permissions": ["*:read"]},
    "a plan for the new that is not the first": {"product/plan": "full"},
    "a number without limits": {"settings/limit": {"name": "Limit", "type": "integer", "default": -5}},
    "a key of 63 characters": {f"roles/{'a' * 63}": ROLE},
    "deleted for good": {"product/restore_window_days": 0},
    "a former plan": {"former/plans": {"gold": "full"}},
    "a region of 63 characters": {"product/region": "a" * 63},
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right(what: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, RIGHT[what]).creator == "owner"


def test_names_are_trimmed(tmp_path: Path) -> None:
    """The database keeps no others."""
    made = loaded(tmp_path, {"roles/admin/name": " Admin ", "roles/admin/description": " Manages.\n"})
    assert (made.roles["admin"].name, made.roles["admin"].description) == ("Admin", "Manages.")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    shapes = faults(tmp_path, {"product/name": 1, "roles/Admin": ROLE, "rolls": {}, "plans/free/seats": 0})
    assert len(shapes) == 4
    places = ["roles.member.permissions", "roles.admin.manages", "product.plan", "settings.limit.feature"]
    edits: Edits = {
        "roles/member/permissions": ["rest:*", "work:rest"],
        "roles/admin/manages": ["guest"],
        "product/plan": "gold",
        "settings/limit/feature": "fax",
    }
    lines = faults(tmp_path, edits)
    assert len(lines) == 5
    assert all(any(f" {place}: " in line for line in lines) for place in places)


@pytest.mark.parametrize(
    "content",
    [
        b"product",
        b"[product]\nname = 'a'\nname = 'b'",
        b"\xff\xfe",
        b"a = " + b"9" * 5000,
        b"a = " + b"[" * 100_000,
        b"a = 2026-13-45",
        b"\0",
    ],
    ids=lambda content: repr(content[:20]),
)
def test_not_toml(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match="not TOML") as caught:
        load_catalogue(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_an_empty_file_lacks_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(str(tmp_path / "mine.toml"))
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["product", "areas", "roles"]


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("nothing", str(tmp_path / "nothing.toml"), str(tmp_path), "", "../catalogues/nothing"):
        with pytest.raises(
            CatalogueError, match="default, meeting-bots, meetings, phone-agents, voice-agents"
        ) as caught:
            load_catalogue(name)
        assert repr(name) in str(caught.value)
    for name in ("a" * 5000, "default/a", "a\0"):
        with pytest.raises(CatalogueError, match=r"cannot be read|There is no catalogue"):
            load_catalogue(name)


def test_a_mark_of_windows_editors_is_no_fault(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", SMALL)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_catalogue(str(path)).product.name == "Small"


# Whatever somebody makes of a catalogue

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["*", "a:b", "members:*", "owner", "admin", "boolean", "choice", "", "a b", "1", "[", "[!a]*", "Owner"]
    ),
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "B", "a:b", "", "name"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def places(document: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [found for key, value in inner for found in [(*place, key), *places(value, (*place, key))]]


DOCUMENTS = {name: tomllib.loads((SHIPPED / f"{name}.toml").read_text("utf-8")) for name in NAMES}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mutilated_catalogue_loads_or_says_why_not(tmp_path: Path, data: st.DataObject) -> None:
    document = edited(DOCUMENTS[data.draw(st.sampled_from(NAMES))], {})
    for _ in range(data.draw(st.integers(1, 3))):
        *tables, key = data.draw(st.sampled_from(places(document) or [("product",)]))
        inner = document
        for table in tables:
            inner = inner[table]
        match data.draw(st.sampled_from(["drop", "replace", "rename"])):
            case "drop":
                inner.pop(key, None) if isinstance(inner, dict) else inner.pop(key)
            case "rename" if isinstance(inner, dict) and key in inner:
                inner[data.draw(st.text("aB1_: -\n", max_size=5))] = inner.pop(key)
            case _:
                inner[key] = data.draw(junk)
    path = write(tmp_path / "mutilated.toml", document)
    try:
        usable = load_catalogue(str(path))
    except CatalogueError as error:
        lines = str(error).splitlines()
    else:
        lines = []
        assert set(usable.permissions_of(usable.creator)) == set(usable.permissions)
        assert all(usable.roles.keys() >= set(usable.manages_of(key) or []) for key in usable.roles)
        assert all(setting.fault(setting.default) is None for setting in usable.settings.values())
    assert all(line.startswith(f"{path}: ") for line in lines), lines


@given(junk)
def test_any_value_can_be_written(value: Any) -> None:
    """The tests' own writer of TOML is right."""
    assert repr(tomllib.loads(f"a = {toml(value)}")["a"]) == repr(value)


# Values of settings

VALUES: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({"type": "boolean"}, [True, False], [0, 1, "true", "", 1.0, [], {}]),
    ({"type": "integer"}, [0, -5, 2**31 - 1, -(2**31)], [True, 2**31, -(2**31) - 1, 1.0, "1", [1]]),
    ({"type": "integer", "minimum": 1, "maximum": 9}, [1, 9], [0, 10]),
    ({"type": "integer", "minimum": 1}, [1, 2**31 - 1], [0, 2**31]),
    (
        {"type": "text"},
        ["a", "a" * 254, "Zoë 😀", "10\N{NO-BREAK SPACE}000", "👩\N{ZERO WIDTH JOINER}🚀"],
        ["", "  ", "a" * 255, "a\nb", "a\0", "\ud800", 1, True, ["a"]],
    ),
    (
        {"type": "email"},
        ["name@example.com", "zoë@example.com", "name@mail.internal"],
        ["", "name", "name@", "@example.com", "a b@example.com", "name@example.com\n", "a" * 250 + "@a.com", 1, {}],
    ),
    ({"type": "choice", "choices": ["red", "5 %"]}, ["red", "5 %"], ["", "Red", "blue", "red ", 1, ["red"], {}]),
]


@pytest.mark.parametrize(("declared", "right", "wrong"), VALUES, ids=lambda value: str(value)[:60])
def test_values_of_settings(declared: dict[str, Any], right: list[Any], wrong: list[Any]) -> None:
    setting = Setting(name="Setting", **declared)
    assert [value for value in [None, *right] if setting.fault(value)] == []
    for value in wrong:
        fault = setting.fault(value)
        assert fault, value
        assert fault.startswith("This is"), fault


def test_a_fault_of_a_value_says_what_it_should_be() -> None:
    assert Setting(name="A", type="integer", minimum=1, maximum=9).fault(0) == "This is a whole number from 1 to 9."
    assert Setting(name="A", type="choice", choices=["a", "b"]).fault("c") == "This is one of: a, b."


# What a catalogue says


def test_wildcards_are_resolved(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert made.permissions_of("owner") == sorted(made.permissions)
    assert made.permissions_of("admin") == ["members:invite", "members:read", "work:read", "work:write"]
    assert made.manages_of("owner") == ["owner", "admin", "member"]
    assert made.manages_of("admin") == ["member"]
    assert made.manages_of("member") is None
    assert made.features_of("free") == frozenset()
    assert made.features_of("full") == made.features_of(None) == {"recording"}
