"""Workspaces: created, changed, entered, left, deleted and restored."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.factories import ACTIVE, Person, closed, founder, join, owner, refusal
from tests.servers import Mailbox, Server

NOWHERE = "ws_01h455vb4pex5vsknk084sn02q"
BY_ID = "query ($id: ID!) { workspace(id: $id) { id name slug environment } node(id: $id) { id } }"
HIDDEN = {"workspace": None, "node": None}


async def create(person: Person, name: str = "Workspace", **input: Any) -> dict[str, Any]:
    named = {"organizationId": person.organization_id, "name": name} | input
    return dict((await person.do("createWorkspace", named, "workspace { id name slug environment }"))["workspace"])


async def grant(owner: Person, member: Person, workspace: str, role: str = "member") -> None:
    await owner.do("grantRole", {"memberId": member.member_id, "role": role, "workspaceId": workspace})


async def active(person: Person, **headers: str) -> tuple[str | None, str | None]:
    """The active organization's and workspace's ids."""
    viewer = (await person.query(ACTIVE, **headers))["viewer"]
    return tuple(viewer[name] and viewer[name]["id"] for name in ("organization", "workspace"))  # type: ignore[return-value]


async def listed(person: Person) -> list[str]:
    """The workspaces of the person's organization that the person is shown."""
    found = await person.organization("workspaces { totalCount nodes { id } }")
    ids = [workspace["id"] for workspace in found["workspaces"]["nodes"]]
    assert found["workspaces"]["totalCount"] == len(ids)
    return ids


def everything_about(workspace: str) -> list[tuple[str, dict[str, Any]]]:
    """Every mutation that names a workspace by the input's `workspaceId`."""
    id = {"workspaceId": workspace}
    return [
        ("updateWorkspace", id | {"name": "Renamed"}),
        ("switchWorkspace", id),
        ("leaveWorkspace", id),
        ("deleteWorkspace", id | {"confirmName": "Workspace"}),
        ("restoreWorkspace", id),
    ]


# Creation


async def test_create(server: Server) -> None:
    person = await founder(server)
    workspace = await create(person, "  Über uns ", environment=" Production (EU) ")
    assert workspace == {
        "id": workspace["id"],
        "name": "Über uns",
        "slug": "uber-uns",
        "environment": "Production (EU)",
    }
    assert await active(person) == (person.organization_id, None), "it becomes active only where asked"
    assert await person.query(BY_ID, {"id": workspace["id"]}) == {
        "workspace": workspace,
        "node": {"id": workspace["id"]},
    }
    assert await listed(person) == [workspace["id"]]
    newest = await person.organization("auditEvents(first: 1) { nodes { action workspace { id } } }")
    assert newest["auditEvents"]["nodes"] == [{"action": "workspace.created", "workspace": {"id": workspace["id"]}}]


async def test_create_and_switch_at_once(server: Server) -> None:
    person = await founder(server)
    other = await person.do("createOrganization", {"name": "Other"}, "organization { id }")
    input = {"organizationId": person.organization_id, "name": "Workspace", "switch": True}
    selection = "workspace { id } viewer { organization { id } workspace { id } }"
    payload = await person.do("createWorkspace", input, selection)
    there = (person.organization_id, payload["workspace"]["id"])
    assert payload["viewer"] == {"organization": {"id": there[0]}, "workspace": {"id": there[1]}}
    assert await active(person) == there
    elsewhere = await person.do("createWorkspace", {"name": "Default"}, "workspace { organization { id } }")
    assert elsewhere["workspace"]["organization"]["id"] == person.organization_id != other["organization"]["id"]


async def test_who_may_create(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    input = {"organizationId": ann.organization_id, "name": "Workspace"}
    bob = await join(ann, mailbox)
    workspace = await ann.workspace()
    await grant(ann, bob, workspace, "admin")
    error = await bob.refused("createWorkspace", input)
    assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
    assert error["details"] == {"permission": "workspaces:create"}
    assert await refusal(stranger, "createWorkspace", input) == ("NOT_FOUND", "organizationId")
    for id in ("junk", "", workspace):
        assert await refusal(ann, "createWorkspace", input | {"organizationId": id}) == ("NOT_FOUND", "organizationId")
    assert await listed(ann) == [workspace]

    admin = await join(ann, mailbox, "admin")
    created = await create(admin)
    assert await listed(ann) == [workspace, created["id"]]


async def test_environment_is_free_text(server: Server) -> None:
    person = await founder(server)
    for given, stored in [
        (None, None),
        ("", None),
        ("  ", None),
        ("生产", "生产"),
        ("e\u0301", "é"),
        ("x" * 63, "x" * 63),
    ]:
        workspace = await create(person, environment=given)
        assert workspace["environment"] == stored
        input = {"workspaceId": workspace["id"]}
        selection = "workspace { environment }"
        kept = await person.do("updateWorkspace", input | {"name": "Renamed"}, selection)
        assert kept["workspace"]["environment"] == stored
        cleared = await person.do("updateWorkspace", input | {"environment": " "}, selection)
        assert cleared["workspace"]["environment"] is None


@pytest.mark.parametrize("length", [64, 100, 101, 1000])
async def test_overlong_environment(server: Server, length: int) -> None:
    person = await founder(server)
    text = "x" * length
    payload = await person.mutate("createWorkspace", {"name": "W", "environment": text}, "workspace { environment }")
    if payload["userErrors"]:
        assert await refusal(person, "createWorkspace", {"name": "W", "environment": text}) == (
            "TOO_LONG",
            "environment",
        )
        input = {"workspaceId": await person.workspace(), "environment": text}
        assert await refusal(person, "updateWorkspace", input) == ("TOO_LONG", "environment")
    else:
        assert payload["workspace"] == {"environment": text}
        assert length <= 100


async def test_bad_names_slugs_and_environments(server: Server) -> None:
    person = await founder(server)
    workspace = await create(person)
    bad = [
        ("name", "", "REQUIRED"),
        ("name", "\u200b", "REQUIRED"),
        ("name", "x" * 101, "TOO_LONG"),
        ("name", "a\rb", "INVALID"),
        ("slug", "", "REQUIRED"),
        ("slug", "Work", "INVALID"),
        ("slug", "-work", "INVALID"),
        ("slug", "work\0", "INVALID"),
        ("slug", "x" * 64, "TOO_LONG"),
        ("environment", "a\nb", "INVALID"),
        ("environment", "a\0b", "INVALID"),
    ]
    for field, value, code in bad:
        for name, input in (("createWorkspace", {"name": "W"}), ("updateWorkspace", {"workspaceId": workspace["id"]})):
            assert await refusal(person, name, input | {field: value}) == (code, field), (name, value)
    assert (await person.query(BY_ID, {"id": workspace["id"]}))["workspace"] == workspace
    assert await listed(person) == [workspace["id"]]


async def test_slugs_are_unique_in_an_organization_only(server: Server) -> None:
    ann, stranger = await founder(server), await founder(server)
    first = await create(ann, "Work Space")
    second = await create(ann, "Work Space")
    assert first["slug"] == "work-space"
    assert second["slug"].startswith("work-space-")
    assert (await create(stranger, "Work Space"))["slug"] == "work-space"
    assert (await create(stranger, slug="given"))["slug"] == "given"
    assert (await create(ann, slug="given"))["slug"] == "given"
    assert await refusal(ann, "createWorkspace", {"name": "W", "slug": "given"}) == ("TAKEN", "slug")
    renamed = {"workspaceId": second["id"], "slug": "work-space"}
    assert await refusal(ann, "updateWorkspace", renamed) == ("TAKEN", "slug")


async def test_race_for_one_slug(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    admin = await join(ann, mailbox, "admin")
    third = await create(ann)
    for number in range(10):
        slug = f"race-{number}"
        input = {"organizationId": ann.organization_id, "name": "Workspace", "slug": slug}
        payloads = await asyncio.gather(
            ann.mutate("createWorkspace", input),
            admin.mutate("createWorkspace", input),
            ann.mutate("updateWorkspace", {"workspaceId": third["id"], "slug": slug}),
        )
        errors = [error for payload in payloads for error in payload["userErrors"]]
        assert [(error["code"], error["field"]) for error in errors] == [("TAKEN", "slug")] * 2


# Change


async def test_update(server: Server) -> None:
    person = await founder(server)
    workspace = await create(person)
    input = {"workspaceId": workspace["id"], "name": " Renamed ", "slug": "renamed", "environment": "staging"}
    payload = await person.do("updateWorkspace", input, "workspace { id name slug environment }")
    expected = {"id": workspace["id"], "name": "Renamed", "slug": "renamed", "environment": "staging"}
    assert payload["workspace"] == expected
    newest = "auditEvents(first: 1) { nodes { id action changes { field before after } } }"
    [event] = (await person.organization(newest))["auditEvents"]["nodes"]
    assert event["action"] == "workspace.updated"
    assert {change["field"]: change["after"] for change in event["changes"]} == {
        name: expected[name] for name in ("name", "slug", "environment")
    }
    for same in (input, {"workspaceId": workspace["id"]}):
        payload = await person.do("updateWorkspace", same, "workspace { id name slug environment }")
        assert payload["workspace"] == expected
    assert (await person.organization(newest))["auditEvents"]["nodes"] == [event], "nothing changed, no event"


async def test_who_may_update_and_delete(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox)
    plain, managed = await create(ann), await create(ann)
    await grant(ann, bob, plain["id"])
    await grant(ann, bob, managed["id"], "admin")
    for name, permission, input in [
        ("updateWorkspace", "workspaces:update", {"name": "Renamed"}),
        ("deleteWorkspace", "workspaces:delete", {"confirmName": "Workspace"}),
    ]:
        error = await bob.refused(name, input | {"workspaceId": plain["id"]})
        assert (error["code"], error["field"]) == ("FORBIDDEN", "workspaceId")
        assert error["details"] == {"permission": permission}
    assert await listed(ann) == [plain["id"], managed["id"]]

    # An admin of one workspace is one there
    await bob.do("updateWorkspace", {"workspaceId": managed["id"], "name": "Bobs"})
    await bob.do("deleteWorkspace", {"workspaceId": managed["id"], "confirmName": "Bobs"})
    assert await listed(ann) == [plain["id"]]


# Entering


async def test_who_enters(server: Server, mailbox: Mailbox, database_of_server: asyncpg.Connection) -> None:
    ann = await owner(server, mailbox)
    one, two = (await create(ann))["id"], (await create(ann))["id"]
    admin, bob = await join(ann, mailbox, "admin"), await join(ann, mailbox)
    guest = await join(ann, mailbox, "viewer", workspaceIds=[two])
    await grant(ann, bob, one)
    for person, entered in [(ann, [one, two]), (admin, [one, two]), (bob, [one]), (guest, [two])]:
        assert await listed(person) == entered
        for id in (one, two):
            seen = await person.query(BY_ID, {"id": id})
            assert (seen != HIDDEN) is (id in entered)
            if id in entered:
                await person.do("switchWorkspace", {"workspaceId": id})
                assert await active(person) == (ann.organization_id, id)
                assert await active(person, Orgraph_Workspace=id) == (ann.organization_id, id)
            else:
                assert seen == HIDDEN
                assert closed(await person.execute(ACTIVE, Orgraph_Workspace=id))

    await database_of_server.execute(
        """UPDATE "grant" SET expires_at = now() - interval '1 s'
        WHERE workspace_id = (SELECT g.workspace_id FROM "grant" g JOIN member m ON m.id = g.member_id
        JOIN "user" u ON u.id = m.user_id WHERE u.email = $1 AND g.workspace_id IS NOT NULL)""",
        bob.email,
    )
    assert await listed(bob) == []
    assert await active(bob) == (ann.organization_id, None), "an expired grant opens nothing"


async def test_closed_to_whoever_has_no_grant(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    bob = await join(ann, mailbox)
    workspace = (await create(ann))["id"]
    for person in (bob, stranger):
        assert await person.query(BY_ID, {"id": workspace}) == HIDDEN
        answers = {name: await refusal(person, name, input) for name, input in everything_about(workspace)}
        assert answers == dict.fromkeys(answers, ("NOT_FOUND", "workspaceId"))
        answers = {name: await person.refused(name, input) for name, input in everything_about(workspace)}
        assert answers == {name: await person.refused(name, input) for name, input in everything_about(NOWHERE)}
    assert await listed(bob) == []
    assert await listed(ann) == [workspace]
    can = 'query ($on: ID!) { viewer { can(permission: "content:read", on: $on) } }'
    assert [(await p.query(can, {"on": workspace}))["viewer"]["can"] for p in (ann, bob, stranger)] == [
        True,
        False,
        False,
    ]


async def test_deleted_one_is_closed_to_whoever_has_no_grant(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    bob = await join(ann, mailbox)
    workspace = (await create(ann))["id"]
    await ann.do("deleteWorkspace", {"workspaceId": workspace, "confirmName": "Workspace"})
    for person in (stranger, bob):
        restored = await refusal(person, "restoreWorkspace", {"workspaceId": workspace})
        assert restored == ("NOT_FOUND", "workspaceId"), "FORBIDDEN tells that there is one"


async def test_switch(server: Server) -> None:
    person, stranger = await founder(server), await founder(server)
    here, there = await person.workspace(), await person.workspace()
    foreign = await stranger.workspace()
    home = person.organization_id
    selection = "viewer { organization { id } workspace { id } permissions }"
    payload = await person.do("switchWorkspace", {"workspaceId": here}, selection)
    assert payload["viewer"]["workspace"] == {"id": here}
    assert "content:write" in payload["viewer"]["permissions"]
    for id in (foreign, NOWHERE, "junk", "", home):
        assert await refusal(person, "switchWorkspace", {"workspaceId": id}) == ("NOT_FOUND", "workspaceId"), id
    assert await active(person) == (home, here)

    other = (await person.do("createOrganization", {"name": "Other"}, "organization { id }"))["organization"]["id"]
    assert await active(person) == (other, None)
    await person.do("switchWorkspace", {"workspaceId": there})
    assert await active(person) == (home, there), "the organization comes with the workspace"
    for nothing in ({"workspaceId": None}, {}):
        await person.do("switchWorkspace", {"workspaceId": here})
        payload = await person.do("switchWorkspace", nothing, selection)
        assert payload["viewer"]["workspace"] is None
        assert await active(person) == (home, None)
    await person.do("switchWorkspace", {"workspaceId": here})
    await person.do("switchOrganization", {"organizationId": home})
    assert await active(person) == (home, None), "an organization is entered without a workspace"


async def test_two_tabs_in_two_workspaces(server: Server) -> None:
    person = await founder(server)
    workspaces = [await person.workspace() for _ in range(2)]
    seen = await asyncio.gather(*(active(person, Orgraph_Workspace=id) for id in workspaces * 5))
    assert seen == [(person.organization_id, id) for id in workspaces * 5]
    assert await active(person) == (person.organization_id, None)


# Leaving


async def test_leave(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox)
    left, kept, gone = [(await create(ann, name))["id"] for name in ("Left", "Kept", "Gone")]
    for workspace in (left, kept, gone):
        await grant(ann, bob, workspace)
    await grant(ann, bob, left, "viewer")
    await ann.do("deleteWorkspace", {"workspaceId": gone, "confirmName": "Gone"})
    await bob.do("switchWorkspace", {"workspaceId": left})
    payload = await bob.do("leaveWorkspace", {"workspaceId": left}, "viewer { organization { id } workspace { id } }")
    assert payload["viewer"] == {"organization": {"id": ann.organization_id}, "workspace": None}
    assert await listed(bob) == [kept]
    assert await bob.query(BY_ID, {"id": left}) == HIDDEN
    assert await refusal(bob, "leaveWorkspace", {"workspaceId": left}) == ("NOT_FOUND", "workspaceId")
    events = (await ann.organization("auditEvents(first: 3) { nodes { action } }"))["auditEvents"]["nodes"]
    assert [event["action"] for event in events] == ["member.workspace_left", "grant.revoked", "grant.revoked"]

    assert await refusal(ann, "leaveWorkspace", {"workspaceId": left}) == ("ALREADY_DONE", "workspaceId")
    assert await listed(ann) == [left, kept]


# Deletion


async def test_deleted_workspace_is_gone_at_once(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox)
    workspace, kept = await create(ann, "Gone"), await create(ann, "Kept")
    await grant(ann, bob, workspace["id"], "viewer")
    await grant(ann, bob, kept["id"])
    for person in (ann, bob):
        await person.do("switchWorkspace", {"workspaceId": workspace["id"]})
    input = {"workspaceId": workspace["id"]}
    for typed in ("", "gone", "Gon", "Gone!", "Kept"):
        error = await refusal(ann, "deleteWorkspace", input | {"confirmName": typed})
        assert error == ("CONFIRMATION_MISMATCH", "confirmName"), typed
    assert await active(bob) == (ann.organization_id, workspace["id"])

    selection = "workspace { id deletedAt purgeAt } viewer { workspace { id } }"
    deleted = await ann.do("deleteWorkspace", input | {"confirmName": " Gone "}, selection)
    assert deleted["workspace"]["id"] == workspace["id"]
    assert deleted["workspace"]["deletedAt"] < deleted["workspace"]["purgeAt"]
    assert deleted["viewer"]["workspace"] is None
    for person in (ann, bob):
        assert await listed(person) == [kept["id"]]
        assert await person.query(BY_ID, {"id": workspace["id"]}) == HIDDEN
        assert await active(person) == (ann.organization_id, None)
        assert closed(await person.execute(ACTIVE, Orgraph_Workspace=workspace["id"]))
        for name in ("updateWorkspace", "switchWorkspace", "leaveWorkspace"):
            assert await refusal(person, name, input) == ("NOT_FOUND", "workspaceId"), name
        again = await refusal(person, "deleteWorkspace", input | {"confirmName": "Gone"})
        assert again == ("NOT_FOUND", "workspaceId")
        held = await person.organization(
            "members(orderBy: {field: JOINED_AT}) "
            "{ nodes { grants { workspace { id } } roles { key } workspaces { nodes { id } } } }"
        )
        of_bob = held["members"]["nodes"][1]
        assert [grant["workspace"] for grant in of_bob["grants"]] == [None, {"id": kept["id"]}]
        assert [role["key"] for role in of_bob["roles"]] == ["member"]
        assert of_bob["workspaces"]["nodes"] == [{"id": kept["id"]}]
    granted = {"memberId": bob.member_id, "role": "member"} | input
    assert await refusal(ann, "grantRole", granted) == ("NOT_FOUND", "workspaceId")


async def test_restore(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    admin, bob = await join(ann, mailbox, "admin"), await join(ann, mailbox)
    workspace = await create(ann, environment="staging")
    input = {"workspaceId": workspace["id"]}
    await grant(ann, bob, workspace["id"])
    living = await refusal(ann, "restoreWorkspace", input)
    assert living == ("NOT_FOUND", "workspaceId")
    await ann.do("deleteWorkspace", input | {"confirmName": "Workspace"})
    taken = {"organizationId": ann.organization_id, "name": "W", "slug": workspace["slug"]}
    assert await refusal(ann, "createWorkspace", taken) == ("TAKEN", "slug")
    assert await refusal(stranger, "restoreWorkspace", input) == ("NOT_FOUND", "workspaceId")
    assert (await refusal(bob, "restoreWorkspace", input))[0] in ("FORBIDDEN", "NOT_FOUND")
    assert await listed(ann) == []

    restored = await admin.do("restoreWorkspace", input, "workspace { id name slug environment deletedAt purgeAt }")
    assert restored["workspace"] == workspace | {"deletedAt": None, "purgeAt": None}
    for person in (ann, admin, bob):
        assert await listed(person) == [workspace["id"]]
    assert await refusal(ann, "restoreWorkspace", input) == living


async def test_workspace_of_a_deleted_organization_is_gone(server: Server) -> None:
    person = await founder(server)
    name = (await person.organization("name"))["name"]
    workspace, deleted = (await create(person))["id"], (await create(person))["id"]
    await person.do("deleteWorkspace", {"workspaceId": deleted, "confirmName": "Workspace"})
    await person.do("deleteOrganization", {"organizationId": person.organization_id, "confirmName": name})
    assert await person.query(BY_ID, {"id": workspace}) == HIDDEN
    for id in (workspace, deleted):
        for name, input in everything_about(id):
            assert await refusal(person, name, input) == ("NOT_FOUND", "workspaceId"), name
