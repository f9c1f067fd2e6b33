"""Another catalogue's roles under the data of a former one: what moves along, and what is refused."""

from datetime import datetime

import pytest

from server.models import ApiKey, Grant, Invitation, InvitationStatus, Member, Organization, Role
from tests.catalogues import GONE, Edits
from tests.installations import (
    CHIEF,
    EDITOR,
    LATER,
    NOW,
    PAST,
    RENAMED,
    SOON,
    Stage,
    built_in,
    found,
    held,
    install,
    refused,
)


async def test_a_renamed_role_takes_everything_along(stage: Stage) -> None:
    place = await stage.workspace()
    wide, narrow, other = (
        await stage.member("member"),
        await stage.member("member", workspace=place, expires_at=LATER),
        await stage.member("viewer"),
    )
    pending, accepted = await stage.invitation("member"), await stage.invitation("member", InvitationStatus.ACCEPTED)
    key = await stage.api_key("member")
    elsewhere = await found()
    theirs = await elsewhere.member("member")
    await Organization.filter(id=elsewhere.id).update(deleted_at=NOW, purge_at=LATER)
    await install(RENAMED)
    assert not await Role.exists(key="member", organization_id=None)
    editor = await built_in("editor")
    assert await held(wide) == [("editor", None, None)]
    assert await held(narrow) == [("editor", place.id, LATER)]
    assert await held(other) == [("viewer", None, None)]
    assert await held(theirs) == [("editor", None, None)], "even of what can be restored"
    assert (await Invitation.get(id=pending.id)).role_id == editor.id
    assert (await Invitation.get(id=pending.id)).status == InvitationStatus.PENDING
    assert (await Invitation.get(id=accepted.id)).role_id is None, "as of any role that is gone"
    assert (await ApiKey.get(id=key.id)).role_id == editor.id

    replaced = await stage.events("grant.replaced")
    assert {(event.target_id, event.workspace_id) for event in replaced} == {(wide.id, None), (narrow.id, place.id)}
    (of_invitation,) = await stage.events("invitation.updated")
    (of_key,) = await stage.events("api_key.updated")
    assert (of_invitation.target_id, of_key.target_id) == (pending.id, key.id)
    for event in (*replaced, of_invitation, of_key):
        assert event.changes == [{"field": "role", "before": "member", "after": "editor"}]
        assert (event.actor_type, event.actor_id, event.actor_label) == ("system", None, "Orgraph")
    assert len(await elsewhere.events("grant.replaced")) == 1


async def test_the_name_goes_to_the_successor(stage: Stage) -> None:
    member = await stage.member("member")
    await install({**RENAMED, "roles/editor": {**EDITOR, "name": "Member"}})
    assert await held(member) == [("editor", None, None)]
    assert (await built_in("editor")).name == "Member"


DOUBLES: dict[str, tuple[datetime | None, datetime | None, datetime | None]] = {
    "both for good": (None, None, None),
    "the former for good": (None, SOON, None),
    "the successor for good": (SOON, None, None),
    "the former for longer": (LATER, SOON, LATER),
    "the successor for longer": (SOON, LATER, LATER),
    "the successor is over": (SOON, PAST, SOON),
    "the former is over": (PAST, SOON, SOON),
}


async def test_doubles_become_one_with_the_longer_expiry(stage: Stage) -> None:
    place = await stage.workspace()
    edits: Edits = {"roles/member": GONE, "former/roles": {"member": "viewer"}}
    members = {}
    for what, (former, successor, _) in DOUBLES.items():
        members[what] = await stage.member("member", workspace=place, expires_at=former)
        await stage.grant(members[what], "viewer", place, successor)
    apart = await stage.member("member", workspace=place)
    await stage.grant(apart, "viewer")
    await install(edits)
    for what, (_, _, expected) in DOUBLES.items():
        assert await held(members[what]) == [("viewer", place.id, expected)], what
    assert sorted(await held(apart), key=str) == sorted([("viewer", place.id, None), ("viewer", None, None)], key=str)
    assert len(await stage.events("grant.replaced")) == len(DOUBLES), "not of the one that was over"


async def test_several_roles_become_one(stage: Stage) -> None:
    both = await stage.member("member", "viewer")
    await install(
        {
            "roles/member": GONE,
            "roles/viewer": GONE,
            "roles/editor": EDITOR,
            "former/roles": {"member": "editor", "viewer": "editor"},
        }
    )
    assert await held(both) == [("editor", None, None)]


USES = ("grant", "pending invitation", "API key")


@pytest.mark.parametrize("use", USES)
async def test_a_dropped_role_in_use_is_refused(use: str, stage: Stage) -> None:
    match use:
        case "grant":
            await stage.member("viewer", expires_at=LATER)
        case "pending invitation":
            await stage.invitation("viewer")
        case _:
            await stage.api_key("viewer")
    said = await refused({"roles/viewer": GONE, "roles/admin/permissions": ["members:*"], "roles/admin/name": "Boss"})
    assert said == (
        "roles: 'viewer' is gone, and in use in 1 organizations. Put it back, or say which role takes its place: "
        '[former.roles] viewer = "…"'
    )


async def test_a_dropped_role_not_in_use_disappears(stage: Stage) -> None:
    over = await stage.member("viewer", expires_at=PAST)
    late = await stage.invitation("viewer", expires_at=PAST)
    declined = await stage.invitation("viewer", InvitationStatus.DECLINED)
    await install({"roles/viewer": GONE})
    assert not await Role.exists(key="viewer")
    assert await held(over) == []
    assert (await Invitation.get(id=late.id)).status == InvitationStatus.EXPIRED
    assert (await Invitation.get(id=declined.id)).status == InvitationStatus.DECLINED
    await install({})
    assert (await built_in("viewer")).name == "Viewer"


async def test_custom_roles_stay_whatever_their_keys_are(stage: Stage) -> None:
    own = await stage.custom("content:read")
    await Role.filter(id=own.id).update(key="guest", name="Guest", normalized_name="guest")
    member = await stage.member()
    await Grant.create(organization_id=stage.id, member=member, role_id=own.id)
    await install({"roles/guest": {"name": "Guest", "permissions": []}})
    await install({})
    (grant,) = await Grant.filter(member_id=member.id)
    assert grant.role_id == own.id
    assert (await Role.get(id=own.id)).permissions == ["content:read"]


# The creator


async def test_another_creator_would_leave_nobody(stage: Stage) -> None:
    await stage.member("admin")
    swapped: Edits = {
        "roles/owner/creator": False,
        "roles/owner/manages": ["member"],
        "roles/admin/creator": True,
        "roles/admin/permissions": ["*"],
        "roles/admin/manages": ["*"],
    }
    assert (await refused({"roles/owner/creator": False, "roles/owner/manages": [], "roles/chief": CHIEF})) == (
        "roles: nobody in 1 organizations has the creator's role 'chief'. Keep the former creator's role as it is, or "
        "rename it: [former.roles]"
    )
    await install(swapped)
    assert (await built_in("admin")).manages == ["*"]


@pytest.mark.parametrize("why", ["suspended", "expiring", "in a workspace"])
async def test_who_does_not_count_as_creator(why: str, stage: Stage) -> None:
    place = await stage.workspace() if why == "in a workspace" else None
    member = await stage.member("admin", workspace=place, expires_at=LATER if why == "expiring" else None)
    if why == "suspended":
        await Member.filter(id=member.id).update(status="suspended")
    said = await refused(
        {
            "roles/owner": GONE,
            "former/roles": {"owner": "member"},
            "roles/admin/creator": True,
            "roles/admin/permissions": ["*"],
            "roles/admin/manages": ["*"],
        }
    )
    assert "nobody in 1 organizations has the creator's role 'admin'" in said


async def test_a_renamed_creator(stage: Stage) -> None:
    (member,) = await Member.filter(organization_id=stage.id)
    await install({"roles/owner": GONE, "roles/chief": CHIEF, "former/roles": {"owner": "chief"}})
    assert await held(member) == [("chief", None, None)]
