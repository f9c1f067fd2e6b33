"""Organizations: founded, changed, left, deleted, restored and looked up."""

import asyncio

import asyncpg

from tests.factories import (
    ACTIVE,
    closed,
    founder,
    join,
    owner,
    sign_up,
    unique,
)
from tests.organizations import NOWHERE, actions, active, found, name_of
from tests.servers import Mailbox, Server

BY_SLUG = "query ($slug: String!) { organization(slug: $slug) { id } }"


# Creation


async def test_create(server: Server) -> None:
    person = await founder(server)
    word = unique("x")
    selection = "organization { id name slug description deletedAt } viewer { organization { id } permissions }"
    payload = await person.do("createOrganization", {"name": f"  Müller & Söhne {word} "}, selection)
    organization = payload["organization"]
    assert organization["name"] == f"Müller & Söhne {word}"
    assert organization["slug"] == f"muller-sohne-{word}"
    assert (organization["description"], organization["deletedAt"]) == ("", None)
    assert payload["viewer"]["organization"]["id"] == organization["id"] == await active(person)
    assert "organization:delete" in payload["viewer"]["permissions"]
    found = await person.query(BY_SLUG, {"slug": organization["slug"]})
    assert found["organization"]["id"] == organization["id"]


async def test_create_without_switching(server: Server) -> None:
    person = await founder(server)
    other = await found(person, switch=False)
    assert await active(person) == person.organization_id
    await person.do("switchOrganization", {"organizationId": other["id"]})
    assert await active(person) == other["id"]


async def test_same_name_gets_another_slug(server: Server) -> None:
    first, second = await founder(server), await founder(server)
    name = unique("Acme ")
    one, two, three = await found(first, name=name), await found(first, name=name), await found(second, name=name)
    assert one["slug"] == name.lower().replace(" ", "-")
    assert len({one["slug"], two["slug"], three["slug"]}) == 3
    assert two["slug"].startswith(f"{one['slug']}-")


async def test_given_slug(server: Server) -> None:
    person, other = await founder(server), await founder(server)
    slug = unique("slug-")
    assert (await found(person, slug=slug))["slug"] == slug
    for who in (person, other):
        renamed = {"organizationId": who.organization_id, "slug": slug}
        for name, input in (("createOrganization", {"name": "Acme", "slug": slug}), ("updateOrganization", renamed)):
            error = await who.refused(name, input)
            assert (error["code"], error["field"]) == ("TAKEN", "slug")
    memberships = await other.query("{ viewer { memberships { totalCount } } }")
    assert memberships["viewer"]["memberships"]["totalCount"] == 1, "nothing is half done"
    longest = unique("s").ljust(63, "0")
    assert (await found(person, slug=longest))["slug"] == longest


BAD_SLUGS = [
    ("", "REQUIRED"),
    (" ", "INVALID"),
    ("Acme", "INVALID"),
    ("ac me", "INVALID"),
    ("ac_me", "INVALID"),
    ("ac.me", "INVALID"),
    ("ac/me", "INVALID"),
    ("äcme", "INVALID"),
    ("-acme", "INVALID"),
    ("acme-", "INVALID"),
    ("-", "INVALID"),
    ("acme\n", "INVALID"),
    ("acme\0", "INVALID"),
    ("٣", "INVALID"),
    ("a" * 64, "TOO_LONG"),
]

BAD_NAMES = [
    ("", "REQUIRED"),
    (" \u200b ", "REQUIRED"),
    ("x" * 101, "TOO_LONG"),
    ("a\nb", "INVALID"),
    ("a\0b", "INVALID"),
]


async def test_bad_slugs_and_names(server: Server) -> None:
    person = await founder(server)
    before = await person.organization("name slug")
    for slug, code in BAD_SLUGS:
        for name, rest in (("createOrganization", {"name": "Acme"}), ("updateOrganization", {"name": "Acme"})):
            error = await person.refused(name, rest | {"slug": slug})
            assert (error["code"], error["field"]) == (code, "slug"), (name, slug)
    for text, code in BAD_NAMES:
        for name in ("createOrganization", "updateOrganization"):
            error = await person.refused(name, {"name": text})
            assert (error["code"], error["field"]) == (code, "name"), (name, text)
    error = await person.refused("updateOrganization", {"description": "x" * 1001})
    assert (error["code"], error["field"]) == ("TOO_LONG", "description")
    assert await person.organization("name slug") == before


async def test_simultaneous_creation_with_one_name(server: Server) -> None:
    people = [await founder(server) for _ in range(3)]
    for _ in range(10):
        name = unique("Acme ")
        organizations = await asyncio.gather(*(found(person, name=name) for person in people))
        assert len({organization["slug"] for organization in organizations}) == 3
        assert name.lower().replace(" ", "-") in {organization["slug"] for organization in organizations}


async def test_race_for_one_slug(server: Server, database_of_server: asyncpg.Connection) -> None:
    """Two who found an organization and one who renames theirs."""
    people = [await founder(server) for _ in range(3)]
    for _ in range(30):
        slug = unique("race-")
        payloads = await asyncio.gather(
            people[0].mutate("createOrganization", {"name": "Acme", "slug": slug}),
            people[1].mutate("createOrganization", {"name": "Acme", "slug": slug}),
            people[2].mutate("updateOrganization", {"organizationId": people[2].organization_id, "slug": slug}),
        )
        errors = [error for payload in payloads for error in payload["userErrors"]]
        assert [(error["code"], error["field"]) for error in errors] == [("TAKEN", "slug")] * 2
        assert await database_of_server.fetchval("SELECT count(*) FROM organization WHERE slug = $1", slug) == 1


# Change


async def test_update(server: Server) -> None:
    person = await founder(server)
    other = await found(person)
    slug, text = unique("slug-"), "  What we do:\n\teverything  "
    input = {"organizationId": person.organization_id, "name": "Renamed", "slug": slug, "description": text}
    payload = await person.do("updateOrganization", input, "organization { id name slug description }")
    assert payload["organization"] == {
        "id": person.organization_id,
        "name": "Renamed",
        "slug": slug,
        "description": text.strip(),
    }
    newest = "auditEvents(first: 1) { nodes { action changes { field before after } } }"
    [event] = (await person.organization(newest))["auditEvents"]["nodes"]
    assert event["action"] == "organization.updated"
    assert {change["field"]: change["after"] for change in event["changes"]} == {
        "name": "Renamed",
        "slug": slug,
        "description": text.strip(),
    }
    before = await actions(person)
    for same in (input, {"organizationId": person.organization_id}, input | {"name": None, "slug": None}):
        await person.do("updateOrganization", same)
    assert await actions(person) == before, "what changes nothing leaves no event"

    # By default it is about the active one
    renamed = await person.do("updateOrganization", {"name": "By default"}, "organization { id }")
    assert renamed["organization"]["id"] == other["id"]


async def test_who_may_update(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    name = await name_of(ann)
    input = {"organizationId": ann.organization_id, "name": "Renamed"}
    for role in ("member", "viewer"):
        error = await (await join(ann, mailbox, role)).refused("updateOrganization", input)
        assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
        assert error["details"] == {"permission": "organization:update"}
    foreign = await stranger.refused("updateOrganization", input)
    assert (foreign["code"], foreign["field"]) == ("NOT_FOUND", "organizationId")
    for id in (NOWHERE, "junk", "", ann.user_id):
        assert await ann.refused("updateOrganization", input | {"organizationId": id}) == foreign
    assert await name_of(ann) == name

    admin = await join(ann, mailbox, "admin")
    await admin.do("updateOrganization", input)
    assert await name_of(ann) == "Renamed"
    assert "access.refused" in await actions(ann)


async def test_without_an_active_organization_it_must_be_named(server: Server) -> None:
    person = await sign_up(server)
    for name, input in [
        ("updateOrganization", {"name": "Acme"}),
        ("createWorkspace", {"name": "Acme"}),
        ("deleteOrganization", {"confirmName": "Acme"}),
        ("leaveOrganization", {}),
    ]:
        error = await person.refused(name, input)
        assert (error["code"], error["field"]) == ("REQUIRED", "organizationId"), name


# Leaving


async def test_leave(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    bob = await join(ann, mailbox)
    organization = {"organizationId": ann.organization_id}
    error = await ann.refused("leaveOrganization", organization)
    assert error["code"] == "LAST_OWNER"
    assert await ann.organization("id")
    error = await stranger.refused("leaveOrganization", organization)
    assert (error["code"], error["field"]) == ("NOT_FOUND", "organizationId")

    payload = await bob.do("leaveOrganization", {}, "viewer { organization { id } memberships { totalCount } }")
    assert payload["viewer"] == {"organization": None, "memberships": {"totalCount": 0}}
    assert await bob.organization("id") is None
    assert await active(bob) is None
    assert closed(await bob.execute(ACTIVE, Orgraph_Organization=ann.organization_id))
    assert (await bob.refused("leaveOrganization", organization))["code"] == "NOT_FOUND"
    members = (await ann.organization("members { nodes { id } }"))["members"]["nodes"]
    assert members == [{"id": ann.member_id}]
    assert (await actions(ann))[0] == "member.left"


async def test_one_of_two_owners_can_leave(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox, "owner")
    left = await asyncio.gather(
        *(person.mutate("leaveOrganization", {"organizationId": ann.organization_id}) for person in (ann, bob))
    )
    assert sorted(error["code"] for payload in left for error in payload["userErrors"]) == ["LAST_OWNER"]


# Deletion


async def test_who_may_delete(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    name = await name_of(ann)
    input = {"organizationId": ann.organization_id, "confirmName": name}
    for role in ("admin", "member"):
        error = await (await join(ann, mailbox, role)).refused("deleteOrganization", input)
        assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
        assert error["details"] == {"permission": "organization:delete"}
    error = await stranger.refused("deleteOrganization", input)
    assert (error["code"], error["field"]) == ("NOT_FOUND", "organizationId")
    for typed in ("", name.lower(), name[:-1], f"{name}x", ann.organization_id):
        error = await ann.refused("deleteOrganization", input | {"confirmName": typed})
        assert (error["code"], error["field"]) == ("CONFIRMATION_MISMATCH", "confirmName"), typed
    assert await name_of(ann) == name


async def test_deleted_organization_is_gone_at_once(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    admin = await join(ann, mailbox, "admin")
    workspace = await ann.workspace()
    await admin.do("switchWorkspace", {"workspaceId": workspace})
    before = await ann.organization("name slug")
    organization = {"organizationId": ann.organization_id}
    deleted = await ann.do(
        "deleteOrganization",
        organization | {"confirmName": before["name"]},
        "organization { id deletedAt purgeAt } viewer { organization { id } memberships { totalCount } }",
    )
    assert deleted["organization"]["id"] == ann.organization_id
    assert deleted["organization"]["deletedAt"] < deleted["organization"]["purgeAt"]
    assert deleted["viewer"] == {"organization": None, "memberships": {"totalCount": 0}}

    for person in (ann, admin):
        assert await person.organization("id") is None
        assert await person.query(BY_SLUG, {"slug": before["slug"]}) == {"organization": None}
        seen = await person.query(
            "query ($ids: [ID!]!, $workspace: ID!) { nodes(ids: $ids) { id } workspace(id: $workspace) { id } "
            "viewer { organization { id } workspace { id } permissions memberships { nodes { id } } } }",
            {"ids": [ann.organization_id, workspace, ann.member_id, admin.member_id], "workspace": workspace},
        )
        assert seen["nodes"] == [None] * 4
        assert seen["workspace"] is None
        assert seen["viewer"] == {
            "organization": None,
            "workspace": None,
            "permissions": [],
            "memberships": {"nodes": []},
        }
        for headers in ({"Orgraph_Organization": ann.organization_id}, {"Orgraph_Workspace": workspace}):
            assert closed(await person.execute(ACTIVE, **headers))
        for name, input in [
            ("updateOrganization", {"name": "Renamed"}),
            ("switchOrganization", {}),
            ("leaveOrganization", {}),
            ("createWorkspace", {"name": "Workspace"}),
            ("deleteOrganization", {"confirmName": before["name"]}),
        ]:
            error = await person.refused(name, organization | input)
            assert (error["code"], error["field"]) == ("NOT_FOUND", "organizationId"), name
        error = await person.refused("updateWorkspace", {"workspaceId": workspace, "name": "Renamed"})
        assert (error["code"], error["field"]) == ("NOT_FOUND", "workspaceId")


async def test_restore(server: Server, mailbox: Mailbox) -> None:
    ann, stranger = await owner(server, mailbox), await founder(server)
    admin = await join(ann, mailbox, "admin")
    workspace = await ann.workspace()
    before = await ann.organization("name slug")
    organization = {"organizationId": ann.organization_id}
    restorable = "{ viewer { restorableOrganizations { id } } }"
    not_yet = await ann.refused("restoreOrganization", organization)
    assert (not_yet["code"], not_yet["field"]) == ("NOT_FOUND", "organizationId")
    await ann.do("deleteOrganization", organization | {"confirmName": before["name"]})

    for person in (admin, stranger):
        assert (await person.query(restorable))["viewer"]["restorableOrganizations"] == []
    error = await admin.refused("restoreOrganization", organization)
    assert (error["code"], error["details"]) == ("FORBIDDEN", {"permission": "organization:delete"})
    assert await stranger.refused("restoreOrganization", organization) == not_yet
    assert await ann.refused("restoreOrganization", {"organizationId": "junk"}) == not_yet
    taken = await stranger.refused("createOrganization", {"name": "Acme", "slug": before["slug"]})
    assert (taken["code"], taken["field"]) == ("TAKEN", "slug")

    assert (await ann.query(restorable))["viewer"]["restorableOrganizations"] == [{"id": ann.organization_id}]
    restored = await ann.do("restoreOrganization", organization, "organization { id name slug deletedAt purgeAt }")
    assert restored["organization"] == before | {"id": ann.organization_id, "deletedAt": None, "purgeAt": None}
    assert (await ann.query(restorable))["viewer"]["restorableOrganizations"] == []
    for person in (ann, admin):
        assert (await person.organization("workspaces { nodes { id } }"))["workspaces"]["nodes"] == [{"id": workspace}]
        assert await person.query(BY_SLUG, {"slug": before["slug"]}) == {"organization": {"id": ann.organization_id}}
    happened = ["organization.restored", "access.refused", "organization.deleted"]
    assert (await actions(ann))[:3] == happened
    assert await ann.refused("restoreOrganization", organization) == not_yet


async def test_removed_member_restores_nothing(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox, "owner")
    name = await name_of(ann)
    await ann.do("suspendMember", {"memberId": bob.member_id})
    await ann.do("deleteOrganization", {"organizationId": ann.organization_id, "confirmName": f" {name} "})
    assert (await bob.query("{ viewer { restorableOrganizations { id } } }"))["viewer"]["restorableOrganizations"] == []
    assert (await bob.refused("restoreOrganization", {"organizationId": ann.organization_id}))["code"] == "NOT_FOUND"


# Look-up


async def test_organization_by_slug(server: Server) -> None:
    person, stranger = await founder(server), await founder(server)
    slug = (await person.organization("slug"))["slug"]
    both = "query ($id: ID!, $slug: String!) { organization(id: $id, slug: $slug) { id } }"
    found = {"organization": {"id": person.organization_id}}
    assert await person.query(BY_SLUG, {"slug": slug}) == found
    assert await person.query(both, {"id": person.organization_id, "slug": slug}) == found
    assert await person.query(both, {"id": person.organization_id, "slug": "another"}) == {"organization": None}
    assert await stranger.query(BY_SLUG, {"slug": slug}) == {"organization": None}
    for junk in ("", slug.upper(), f" {slug}", "%", "\0", "x" * 1000):
        assert await person.query(BY_SLUG, {"slug": junk}) == {"organization": None}, junk
    assert await person.query("{ organization { id } }") == {"organization": None}


async def test_junk_ids_are_nothing(server: Server) -> None:
    person = await founder(server)
    good = person.organization_id
    junk = [
        "",
        "_",
        "org_",
        "junk",
        NOWHERE,
        good.upper(),
        good[:-1],
        f"{good}0",
        f"{good}\n",
        good.replace("org", "user"),
    ]
    junk += [
        good.replace("org_", ""),
        good.replace("org_", "foo_"),
        "org_8" + "z" * 25,
        "org_" + "u" * 26,
        "\0",
        "ü" * 30,
    ]
    query = "query ($id: ID!) { node(id: $id) { id } organization(id: $id) { id } workspace(id: $id) { id } }"
    for id in junk:
        seen = await person.query(query, {"id": id})
        assert seen == {"node": None, "organization": None, "workspace": None}, id
    nodes = (await person.query("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [*junk, good]}))["nodes"]
    assert nodes == [None] * len(junk) + [{"id": good}]
