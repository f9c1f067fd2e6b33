"""Another catalogue under the data of a former one: what moves along, and what is refused."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server import accounts, installation, plans
from server.database import Statements, statements
from server.models import AuditEvent, Organization, Role, User, Workspace
from tests.catalogues import GONE, Edits, default, product, write
from tests.factories import PASSWORD, sign_in
from tests.installations import CHIEF, RENAMED, Stage, built_in, everything, found, held, install, loss, refused
from tests.servers import start_server
from tests.test_serve import ending, orgraph

# Nothing to do


async def test_installing_twice_changes_nothing(stage: Stage) -> None:
    await stage.member("member")
    await stage.custom("content:read")
    before = await everything()
    await install({})
    assert await everything() == before
    await install(RENAMED)
    before = await everything()
    await install(RENAMED)
    assert await everything() == before


async def test_roles_of_the_catalogue_are_there(stage: Stage) -> None:
    made = product()
    rows = {role.key: role for role in await Role.filter(organization_id=None)}
    assert rows.keys() == made.roles.keys()
    for key, row in rows.items():
        declared = made.roles[key]
        assert (row.name, row.description, row.manages) == (declared.name, declared.description, declared.manages)
        assert row.permissions == made.permissions_of(key)


async def test_changed_roles_take_effect(stage: Stage) -> None:
    viewer = await built_in("viewer")
    await install(
        {
            "roles/viewer/permissions": ["audit:read"],
            "roles/viewer/name": "Auditor",
            "roles/viewer/description": "Audits",
            "roles/viewer/manages": [],
            "roles/guest": {"name": "Viewer", "permissions": []},
        }
    )
    changed = await built_in("viewer")
    assert changed.id == viewer.id
    assert (changed.name, changed.normalized_name, changed.description) == ("Auditor", "auditor", "Audits")
    assert (changed.permissions, changed.manages) == (["audit:read"], [])
    assert (await built_in("guest")).permissions == []
    await install({})
    assert (await built_in("viewer")).permissions == ["content:read", "members:read"]
    assert await Role.filter(organization_id=None).count() == 4


async def test_names_can_be_swapped(stage: Stage) -> None:
    await install({"roles/member/name": "Viewer", "roles/viewer/name": "Member"})
    assert [(await built_in(key)).name for key in ("member", "viewer")] == ["Viewer", "Member"]
    assert [(await built_in(key)).normalized_name for key in ("member", "viewer")] == ["viewer", "member"]


# Permissions


async def test_a_permission_gone_from_custom_roles_is_refused(stage: Stage) -> None:
    await stage.custom("access:check", "content:read")
    await stage.custom("access:check")
    gone: Edits = {
        "areas/api/permissions/access:check": GONE,
        "roles/admin/permissions": ["members:*", "roles:*", "workspaces:*"],
    }
    assert await refused(gone) == (
        "areas: the permission 'access:check' is gone, and custom roles of 1 organizations have it. Put it back, or "
        'say what it is now (blank: nothing): [former.permissions] "access:check" = "…"'
    )


async def test_renamed_and_dropped_permissions(stage: Stage) -> None:
    first = await stage.custom("access:check", "audit:read", "content:read")
    second = await stage.custom("access:check", "members:read")
    third = await stage.custom("content:read")
    elsewhere = await found()
    fourth = await elsewhere.custom("audit:read")
    await install(
        {
            "areas/api/permissions/access:check": GONE,
            "areas/api/permissions/access:ask": "Ask",
            "areas/organization/permissions/audit:read": GONE,
            "roles/admin/permissions": ["members:*", "access:*"],
            "former/permissions": {"access:check": "access:ask", "audit:read": ""},
        }
    )
    now = [(await Role.get(id=role.id)).permissions for role in (first, second, third, fourth)]
    assert now == [["access:ask", "content:read"], ["access:ask", "members:read"], ["content:read"], []]
    assert (await built_in("admin")).permissions[0] == "access:ask"
    assert "audit:read" not in (await built_in("owner")).permissions
    updated = await stage.events("role.updated")
    assert {event.target_id for event in updated} == {first.id, second.id}
    last = [event for event in updated if event.target_id == second.id]
    assert [event.changes for event in last] == [
        [
            {
                "field": "permissions",
                "before": ["access:check", "members:read"],
                "after": ["access:ask", "members:read"],
            }
        ]
    ]
    assert len(await elsewhere.events("role.updated")) == 1


async def test_two_permissions_become_one(stage: Stage) -> None:
    role = await stage.custom("settings:read", "settings:update")
    await install(
        {
            "areas/organization/permissions/settings:read": GONE,
            "former/permissions": {"settings:read": "settings:update"},
        }
    )
    assert (await Role.get(id=role.id)).permissions == ["settings:update"]


# Plans

PLANS: Edits = {"plans": {"free": {"name": "Free"}, "full": {"name": "Full"}}, "product/plan": "free"}


async def plan_of(stage: Stage) -> str | None:
    return (await Organization.get(id=stage.id)).plan


async def test_plans(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await install(PLANS)
    assert await plan_of(stage) is None, "the default one"
    monkeypatch.setattr(plans, "catalogue", product(PLANS))
    await plans.assign(stage.organization.slug, "full", 5)
    gone: Edits = {"plans": {"free": {"name": "Free"}}, "product/plan": "free"}
    assert await refused(gone) == (
        "plans: 'full' is gone, and 1 organizations have it. Put it back, or say which plan takes its place: "
        '[former.plans] full = "…"'
    )
    renamed: Edits = {
        "plans": {"free": {"name": "Free"}, "whole": {"name": "Whole"}},
        "product/plan": "free",
        "former/plans": {"full": "whole"},
    }
    await install(renamed)
    assert (await Organization.get(id=stage.id)).seats == 5
    assert await plan_of(stage) == "whole"
    await install(renamed)
    assigned, replaced = await stage.events("organization.plan_changed")
    assert [change["after"] for change in assigned.changes] == ["full", 5]
    assert replaced.changes == [{"field": "plan", "before": "full", "after": "whole"}]


async def test_a_plan_that_nobody_has_can_go(stage: Stage) -> None:
    await install(PLANS)
    await install({})


# Settings

MFA, TIMEOUT = "settings/mfa_required", "settings/session_timeout_minutes"


async def set_to(stage: Stage, **values: Any) -> None:
    await Organization.filter(id=stage.id).update(settings=values)


async def settings_of(stage: Stage) -> dict[str, Any]:
    return dict((await Organization.get(id=stage.id)).settings)


async def test_settings_that_are_set_do_not_go_unnoticed(stage: Stage) -> None:
    """Least of all those that protect."""
    await install({MFA: GONE, TIMEOUT: GONE})
    await install({})
    await set_to(stage, mfa_required=True)
    assert await refused({MFA: GONE}) == (
        "settings: 'mfa_required' is gone, and 1 organizations have set it. Put it back, or say what it is now "
        '(blank: nothing): [former.settings] mfa_required = "…"'
    )
    await install({MFA: GONE, "former/settings": {"mfa_required": ""}})
    assert await settings_of(stage) == {}
    (event,) = await stage.events("organization.settings_updated")
    assert event.changes == [{"field": "mfa_required", "before": True, "after": None}]


async def test_a_setting_is_renamed_everywhere(stage: Stage) -> None:
    place = await Workspace.create(organization_id=stage.id, name="Place", slug="place", settings={"old": "a"})
    await set_to(stage, old="b")
    new = {"name": "New", "type": "text", "workspace": True}
    renamed: Edits = {"settings/new": new, "former/settings": {"old": "new"}}
    for _ in range(2):
        await install(renamed)
        assert await settings_of(stage) == {"new": "b"}
        assert (await Workspace.get(id=place.id)).settings == {"new": "a"}
    (event,) = await stage.events("workspace.settings_updated")
    assert event.workspace_id == place.id


async def test_values_that_a_setting_cannot_have_any_more(stage: Stage) -> None:
    await set_to(stage, session_timeout_minutes=90, note="kept")
    note: Edits = {"settings/note": {"name": "Note", "type": "text"}}
    await install(note)
    assert await refused(note | {f"{TIMEOUT}/maximum": 60}) == (
        "settings: 'session_timeout_minutes' is 90 in 1 organizations, which it cannot be any more: This is a whole "
        "number from 1 to 60. Allow it again, or have it changed first."
    )
    assert "settings: 'note' is \"kept\"" in await refused({"settings/note": {"name": "Note", "type": "boolean"}})


# Together


async def test_all_losses_are_told_at_once(stage: Stage) -> None:
    await stage.member("viewer")
    await stage.custom("access:check")
    await Organization.filter(id=stage.id).update(plan="gold")
    said = await refused(
        {
            "roles/viewer": GONE,
            "areas/api/permissions/access:check": GONE,
            "roles/admin/permissions": ["members:*"],
            "roles/owner/creator": False,
            "roles/owner/manages": [],
            "roles/chief": CHIEF,
        }
    )
    assert [line.partition(":")[0] for line in said.splitlines()] == ["roles", "areas", "plans", "roles"]


async def test_two_servers_at_once(stage: Stage) -> None:
    """Each change is made once, and told of once."""
    others = [await found() for _ in range(4)]
    for each in (stage, *others):
        await each.member("member")
        await each.custom("access:check")
        await Organization.filter(id=each.id).update(plan="old")
    edits: Edits = {
        **RENAMED,
        "plans": {"new": {"name": "New"}},
        "product/plan": "new",
        "areas/api/permissions/access:check": GONE,
        "roles/admin/permissions": ["members:*"],
        "former": {"roles": {"member": "editor"}, "permissions": {"access:check": ""}, "plans": {"old": "new"}},
    }
    await asyncio.gather(*(install(edits) for _ in range(3)))
    for each in (stage, *others):
        for action in ("grant.replaced", "role.updated", "organization.plan_changed"):
            assert len(await each.events(action)) == 1, action
    keys = [role.key for role in await Role.filter(organization_id=None).order_by("key")]
    assert keys == ["admin", "editor", "owner", "viewer"]


async def test_going_on_where_another_was_cut_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    members = [await stage.member("member"), *[await (await found()).member("member") for _ in range(3)]]
    replace, calls = installation.roles.replace, 0

    async def cut_off(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionError
        await replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(installation.roles, "replace", cut_off)
        with pytest.raises(ConnectionError):
            await install(RENAMED)
    assert await Role.exists(key="member", organization_id=None)
    await install(RENAMED)
    assert [await held(member) for member in members] == [[("editor", None, None)]] * 4
    assert await AuditEvent.filter(action="grant.replaced").count() == 4


async def test_what_stays_costs_the_same_however_many_there_are(stage: Stage) -> None:
    """A start does not become slow with the number of organizations."""
    counts = []
    for number in (0, 20):
        for _ in range(number):
            await (await found()).member("member")
        counter = statements.set(counted := Statements())
        await install({"roles/viewer/description": f"{number}"})
        statements.reset(counter)
        counts.append(counted.count)
    assert counts[0] == counts[1] < 30
    assert "in 20 organizations" in await loss({"roles/member": GONE})


# As operators see it


async def test_a_server_with_another_catalogue(tmp_path: Path, stage: Stage, database: str) -> None:
    member = await stage.member("member")
    hashed = await accounts.hash_password(PASSWORD)
    await User.filter(id__in=[stage.owner.id, member.user_id]).update(password_hash=hashed)
    emails = [user.email for user in await User.filter(id__in=[stage.owner.id, member.user_id]).order_by("id")]

    dropped = write(tmp_path / "dropped.toml", default({"roles/member": GONE}))
    ended = await asyncio.to_thread(orgraph, "migrate", database_url=database, catalogue=dropped)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(
        f"Error: The catalogue {dropped} does not fit the data in the database.\nroles: 'member' is gone"
    )

    server = start_server(tmp_path, database, catalogue=write(tmp_path / "renamed.toml", default(RENAMED)))
    with ending(server):
        boss, editor = [await sign_in(server, email) for email in emails]
        mine = await editor.query("{ viewer { permissions } catalogue { roles { key } } }")
        assert sorted(mine["viewer"]["permissions"]) == ["content:read", "content:write", "members:read"]
        assert [role["key"] for role in mine["catalogue"]["roles"]] == ["owner", "admin", "viewer", "editor"]
        members = (await boss.organization("members { nodes { roles { key } } }"))["members"]["nodes"]
        assert [[role["key"] for role in each["roles"]] for each in members] == [["owner"], ["editor"]]
        assert server.stop() == 0
