"""The demo: what it holds, that its chains verify, and that it comes out the same every time."""

from collections import Counter
from random import Random
from typing import Any
from uuid import UUID

import pytest

from server import audit, demo, demo_world
from server.authentication import password_matches
from server.catalogue import catalogue
from server.database import fetch
from server.models import (
    AuditChain,
    AuditEvent,
    ChainKind,
    Grant,
    Invitation,
    Member,
    Organization,
    Role,
    User,
    Workspace,
)


def generated(seed: int, sizes: list[int], role_id: str = "r", more: int = 500) -> dict[str, list[tuple[Any, ...]]]:
    """All records by table, without a database."""
    roles = {key: (f"{role_id} {key}", role.name) for key, role in catalogue.roles.items()}
    rows: demo.Rows = {table: [] for table in demo.COLUMNS}
    events = list(demo.records(demo.World(sizes, seed, roles), more, seed, "hash", rows))
    return rows | {"audit_event": events}


async def test_holds_what_was_asked_for(database: object) -> None:
    account = await demo.load(6, 120, 3000, progress=False)
    assert await Organization.all().count() == 6
    assert await Member.all().count() == 120
    assert await AuditEvent.all().count() == 3000
    assert await Workspace.all().count() == 6 * demo_world.WORKSPACES
    assert await User.all().count() < 120
    assert await Invitation.filter(status="pending").exists()
    assert await Member.filter(status="suspended").exists()
    assert await Grant.filter(workspace_id=None).exists()
    assert await Grant.exclude(workspace_id=None).exclude(expires_at=None).exists()
    user = await User.get(email=account.email)
    assert user.email_verified_at is not None
    assert await password_matches(account.password, user.password_hash)


async def test_each_organization_has_an_active_owner(database: object) -> None:
    await demo.load(6, 120, 3000, progress=False)
    owner = await Role.get(key=catalogue.creator, organization_id=None)
    owned = await Grant.filter(role=owner, workspace_id=None, expires_at=None, member__status="active")
    assert {grant.organization_id for grant in owned} == {row.id for row in await Organization.all()}


async def test_demo_account_is_owner_admin_and_member(database: object) -> None:
    await demo.load(3, 25, 300, progress=False)
    memberships = await Member.filter(user__email=demo.EMAIL).order_by("created_at").prefetch_related("grants__role")
    held = {m.organization_id: {grant.role.key for grant in m.grants if not grant.workspace_id} for m in memberships}
    assert sorted(held.values(), key=sorted) == [{"admin"}, {"member"}, {"owner"}]
    acme = await Organization.get(slug="acme")
    assert held[acme.id] == {"owner"}
    counts = await fetch("SELECT organization_id, count(*) FROM member GROUP BY 1 ORDER BY 2 DESC")
    assert counts[0]["organization_id"] == acme.id


async def test_every_chain_verifies(database: object) -> None:
    await demo.load(5, 60, 2000, progress=False)
    checked = 0
    for chain in await AuditChain.exclude(kind=ChainKind.INSTALLATION):
        verification = await audit.verify(chain.id)
        assert verification == audit.Verification(chain.sequence)
        checked += verification.checked
    assert checked == 2000
    chains = await AuditChain.filter(kind=ChainKind.ORGANIZATION).values_list("id", flat=True)
    assert set(chains) == set(await Organization.all().values_list("id", flat=True))
    accounts = await AuditChain.filter(kind=ChainKind.ACCOUNT).values_list("id", flat=True)
    assert set(accounts) == set(await User.all().values_list("id", flat=True))
    gaps = await fetch("SELECT 1 FROM audit_event GROUP BY chain_id HAVING max(sequence) <> count(*)")
    assert not gaps


async def test_history_tells_of_everything_that_exists(database: object) -> None:
    await demo.load(5, 60, 2000, progress=False)
    for table, action in (
        ("user", "account.created"),
        ("organization", "organization.created"),
        ("workspace", "workspace.created"),
        ("member", "member.joined"),
        ("grant", "grant.created"),
        ("invitation", "invitation.sent"),
    ):
        target = "t.member_id" if table == "grant" else "t.id"
        untold = await fetch(
            f'SELECT 1 FROM "{table}" t WHERE NOT EXISTS (SELECT 1 FROM audit_event e '
            f"WHERE e.action = $1 AND e.target_id = {target} AND e.created_at = t.created_at)",
            action,
        )
        assert not untold, table
    unordered = await fetch(
        "SELECT 1 FROM audit_event e JOIN audit_event n ON n.chain_id = e.chain_id "
        "AND n.sequence = e.sequence + 1 WHERE n.created_at < e.created_at"
    )
    assert not unordered


async def test_last_update_is_what_the_workspace_is(database: object) -> None:
    await demo.load(2, 20, 2000, progress=False)
    for workspace in await Workspace.all():
        last = await AuditEvent.filter(target_id=workspace.id, action="workspace.updated").order_by("-sequence").first()
        assert last is not None
        assert last.changes[0]["after"] == workspace.environment


async def test_lent_grants_are_taken_back(database: object) -> None:
    await demo.load(2, 20, 2000, progress=False)
    left: Counter[tuple[object, ...]] = Counter()
    for event in await AuditEvent.filter(action="grant.created"):
        left[event.target_id, event.workspace_id, event.changes[0]["after"]] += 1
    revoked = await AuditEvent.filter(action="grant.revoked")
    assert revoked
    for event in revoked:
        left[event.target_id, event.workspace_id, event.changes[0]["before"]] -= 1
    assert +left == Counter(await Grant.all().values_list("member_id", "workspace_id", "role__key"))


async def test_second_load_is_refused(database: object) -> None:
    await demo.load(2, 10, 100, progress=False)
    with pytest.raises(demo.DemoError, match="holds the demo already"):
        await demo.load(2, 10, 100, seed=1, progress=False)
    assert await Organization.all().count() == 2


async def test_what_is_in_the_way_leaves_nothing_half_done(database: object) -> None:
    await Organization.create(name="Acme", slug="acme")
    with pytest.raises(demo.DemoError, match="acme"):
        await demo.load(2, 10, 100, progress=False)
    assert not await User.all().exists()
    assert not await AuditEvent.all().exists()


async def test_log_is_as_long_as_it_must_be(database: object) -> None:
    await demo.load(2, 10, 0, progress=False)
    assert await AuditEvent.all().count() > 10
    assert not await AuditEvent.filter(action="session.opened").exists()


async def test_one_large_organization(database: object) -> None:
    await demo.load(2, 200, 0, largest=150, progress=False)
    counts = await fetch("SELECT count(*) FROM member GROUP BY organization_id ORDER BY 1 DESC")
    assert [row["count"] for row in counts] == [150, 50]


def test_same_seed_gives_the_same() -> None:
    first, second = generated(7, [9, 5, 3]), generated(7, [9, 5, 3])
    assert first == second
    assert generated(8, [9, 5, 3])["audit_event"] != first["audit_event"]


def test_history_does_not_depend_on_the_database() -> None:
    first, second = generated(7, [9, 5, 3], "here"), generated(7, [9, 5, 3], "there")
    assert first["audit_event"] == second["audit_event"]
    assert first["audit_chain"] == second["audit_chain"]
    assert first["grant"] != second["grant"]


def test_ids_are_uuids_of_their_time() -> None:
    columns = demo.COLUMNS["audit_event"].split()
    for record in generated(7, [4])["audit_event"]:
        event = dict(zip(columns, record, strict=True))
        id = UUID(event["id"])
        assert (id.version, id.variant) == (7, "specified in RFC 4122")
        assert id.int >> 80 == int(event["created_at"].timestamp() * 1_000_000) // 1000


@pytest.mark.parametrize(
    ("organizations", "members", "largest"), [(0, 0, None), (3, 2, None), (1, 10, 5), (3, 10, 9), (3, 10, 0)]
)
def test_numbers_that_do_not_fit(organizations: int, members: int, largest: int | None) -> None:
    with pytest.raises(demo.DemoError):
        demo.sizes_of(organizations, members, largest, Random(1))


@pytest.mark.parametrize(
    ("organizations", "members"), [(1, 1), (1, 50), (2, 2), (2, 3), (3, 3), (3, 4), (3, 25), (40, 41), (50, 2000)]
)
def test_members_are_spread(organizations: int, members: int) -> None:
    sizes = demo.sizes_of(organizations, members, None, Random(1))
    assert len(sizes) == organizations
    assert sum(sizes) == members
    assert min(sizes) >= 1
