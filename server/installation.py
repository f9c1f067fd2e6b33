"""Brings the database in line with the catalogue, and refuses where something would be lost by that."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from uuid import UUID

import orjson
from tortoise.exceptions import IntegrityError

from server import roles
from server.access import SYSTEM
from server.audit import Change, change, difference
from server.catalogue import Catalogue, CatalogueError, catalogue
from server.database import fetch, take_turns, transaction
from server.models import Organization, Role, Workspace
from server.rows import uuid7
from server.settings import settings
from server.text import normalize_name

AT_ONCE = 8
"""In how many organizations something is changed at a time, each in a transaction of its own."""


async def install(product: Catalogue = catalogue) -> None:
    """Safe when several servers do it at once, and when it was cut off.

    Raises CatalogueError, and then has changed nothing.
    """
    if losses := await _losses(product):
        raise CatalogueError(
            f"The catalogue {settings.catalogue} does not fit the data in the database.\n" + "\n".join(losses)
        )
    async with transaction():
        await take_turns("installation")
        await _write_roles(product)
    await _replace_former_roles(product)
    await _rename_former_permissions(product)
    await _rename_former_plans(product)
    await _rename_former_settings(product)
    await _drop_roles(product)


async def _write_roles(product: Catalogue) -> None:
    installed = {
        row.key: (row.name, row.description, row.permissions, row.manages)
        for row in await Role.filter(organization_id=None)
    }
    wanted = {
        key: (role.name, role.description, product.permissions_of(key), role.manages)
        for key, role in product.roles.items()
    }
    if wanted.items() <= installed.items():
        return
    # Names may have been swapped between roles, and no two are alike at any moment.
    await fetch("UPDATE role SET normalized_name = id::text WHERE organization_id IS NULL")
    for key, (name, description, permissions, manages) in wanted.items():
        await fetch(
            "INSERT INTO role (id, created_at, key, name, normalized_name, description, permissions, manages) "
            "VALUES ($1, now(), $2, $3, $4, $5, $6, $7) "
            "ON CONFLICT (organization_id, key) DO UPDATE SET name = excluded.name, "
            "normalized_name = excluded.normalized_name, description = excluded.description, "
            "permissions = excluded.permissions, manages = excluded.manages",
            uuid7(),
            key,
            name,
            normalize_name(name),
            description,
            permissions,
            manages,
        )


async def _organizations(sql: str, *values: object) -> list[UUID]:
    return [row["organization_id"] for row in await fetch(sql, *values)]


async def _in_each(organization_ids: Iterable[UUID], work: Callable[[Change, UUID], Awaitable[None]]) -> None:
    """Where another server was faster, there is nothing left to do."""
    remaining = iter(organization_ids)

    async def worker() -> None:
        for organization_id in remaining:
            async with change(SYSTEM) as unit:
                await unit.lock_organization(organization_id)
                unit.unchanged()
                await work(unit, organization_id)

    ended = await asyncio.gather(*(worker() for _ in range(AT_ONCE)), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error


HOLDERS_OF_ROLE = """
    SELECT organization_id FROM "grant" WHERE role_id = $1
    UNION SELECT organization_id FROM invitation WHERE role_id = $1 AND status = 'pending'
    UNION SELECT organization_id FROM api_key WHERE role_id = $1
"""
USERS_OF_ROLE = """
    SELECT organization_id FROM "grant" WHERE role_id = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp())
    UNION SELECT organization_id FROM invitation
        WHERE role_id = $1 AND status = 'pending' AND expires_at > clock_timestamp()
    UNION SELECT organization_id FROM api_key WHERE role_id = $1
"""
"""As `roles.delete` sees it: not those for whom it is over."""


async def _replace_former_roles(product: Catalogue) -> None:
    for old_key, new_key in product.former.roles.items():
        old = await Role.get_or_none(key=old_key, organization_id=None)
        if old is not None:
            new = await Role.get(key=new_key, organization_id=None)
            await _in_each(await _organizations(HOLDERS_OF_ROLE, old.id), partial(_replace_role, old, new))


async def _replace_role(old: Role, new: Role, unit: Change, organization_id: UUID) -> None:
    await roles.replace(unit, organization_id, old, new)


async def _drop_roles(product: Catalogue) -> None:
    dropped = [role.id for role in await Role.filter(organization_id=None).exclude(key__in=list(product.roles))]
    if not dropped:
        return
    try:
        async with transaction():
            await fetch(
                'DELETE FROM "grant" WHERE role_id = ANY ($1::uuid[]) AND expires_at <= clock_timestamp()', dropped
            )
            await fetch(
                "UPDATE invitation SET status = 'expired' "
                "WHERE role_id = ANY ($1::uuid[]) AND status = 'pending' AND expires_at <= clock_timestamp()",
                dropped,
            )
            await Role.filter(id__in=dropped).delete()
    except IntegrityError as error:
        raise CatalogueError(
            "While this server started, another one with a former catalogue gave somebody a role that is gone. "
            "Stop the other, and start this one again."
        ) from error


async def _rename_former_permissions(product: Catalogue) -> None:
    for old, new in product.former.permissions.items():
        sql = "SELECT DISTINCT organization_id FROM role WHERE organization_id IS NOT NULL AND $1 = ANY (permissions)"
        await _in_each(await _organizations(sql, old), partial(_rename_permission, old, new))


async def _rename_permission(old: str, new: str, unit: Change, organization_id: UUID) -> None:
    for role in await Role.filter(organization_id=organization_id, permissions__contains=[old]):
        before = role.permissions
        role.permissions = sorted({new if key == old else key for key in before} - {""})
        await role.save(update_fields=["permissions"])
        unit.record("role.updated", role, changes=difference(permissions=(before, role.permissions)))


async def _rename_former_plans(product: Catalogue) -> None:
    for old, new in product.former.plans.items():
        sql = "SELECT id AS organization_id FROM organization WHERE plan = $1"
        await _in_each(await _organizations(sql, old), partial(_rename_plan, old, new))


async def _rename_plan(old: str, new: str, unit: Change, organization_id: UUID) -> None:
    for organization in await Organization.filter(id=organization_id, plan=old):
        await Organization.filter(id=organization_id).update(plan=new)
        unit.record("organization.plan_changed", organization, changes=difference(plan=(old, new)))


STORED_SETTINGS = """
    SELECT id AS organization_id, key, value FROM organization, jsonb_each(settings)
    UNION ALL SELECT organization_id, key, value FROM workspace, jsonb_each(settings)
"""


async def _rename_former_settings(product: Catalogue) -> None:
    for old, new in product.former.settings.items():
        sql = f"SELECT DISTINCT organization_id FROM ({STORED_SETTINGS}) stored WHERE key = $1"  # noqa: S608
        await _in_each(await _organizations(sql, old), partial(_rename_setting, old, new))


async def _rename_setting(old: str, new: str, unit: Change, organization_id: UUID) -> None:
    holders: list[Organization | Workspace] = [
        *await Organization.filter(id=organization_id),
        *await Workspace.filter(organization_id=organization_id),
    ]
    for row in holders:
        if old not in row.settings:
            continue
        before = dict(row.settings)
        value = row.settings.pop(old)
        if new:
            row.settings.setdefault(new, value)
        await row.save(update_fields=["settings"])
        keys = [key for key in (old, new) if key]
        changes = difference(**{key: (before.get(key), row.settings.get(key)) for key in keys})
        of_workspace = row.id if isinstance(row, Workspace) else None
        unit.record(f"{row.noun}.settings_updated", row, workspace_id=of_workspace, changes=changes)


async def _lost_settings(product: Catalogue) -> list[str]:
    """Values that would count no more, security settings among them. Of texts, only whether they are some."""
    texts = [key for key, setting in product.settings.items() if setting.type in ("text", "email")]
    rows = await fetch(
        f"""SELECT key, CASE WHEN key = ANY ($1::text[]) AND jsonb_typeof(value) = 'string' THEN NULL ELSE value END
            AS value, count(DISTINCT organization_id) AS organizations
        FROM ({STORED_SETTINGS}) stored WHERE key <> ALL ($2::text[]) GROUP BY 1, 2 ORDER BY 1, 2""",  # noqa: S608
        texts,
        list(product.former.settings),
    )
    losses = {}
    for row in rows:
        key, organizations = row["key"], row["organizations"]
        if key not in product.settings:
            losses[key] = (
                f"settings: {key!r} is gone, and {organizations} organizations have set it. Put it back, or say what "
                f'it is now (blank: nothing): [former.settings] {key} = "…"'
            )
        elif row["value"] is not None and (fault := product.settings[key].fault(orjson.loads(row["value"]))):
            losses[key] = (
                f"settings: {key!r} is {row['value'][:100]} in {organizations} organizations, which it cannot be any "
                f"more: {fault} Allow it again, or have it changed first."
            )
    return list(losses.values())


async def _losses(product: Catalogue) -> list[str]:
    """What the data has and the catalogue lacks, each with what to do."""
    losses = []
    dropped = Role.filter(organization_id=None).exclude(key__in=[*product.roles, *product.former.roles])
    for role in await dropped:
        if organizations := await _organizations(USERS_OF_ROLE, role.id):
            losses.append(
                f"roles: {role.key!r} is gone, and in use in {len(organizations)} organizations. Put it back, or say "
                f'which role takes its place: [former.roles] {role.key} = "…"'
            )
    unknown = await fetch(
        """SELECT permission, count(DISTINCT organization_id) AS organizations FROM role, unnest(permissions) permission
        WHERE organization_id IS NOT NULL AND permission <> ALL ($1::text[]) GROUP BY permission ORDER BY permission""",
        [*product.permissions, *product.former.permissions],
    )
    losses += [
        f"areas: the permission {row['permission']!r} is gone, and custom roles of {row['organizations']} "
        "organizations have it. Put it back, or say what it is now (blank: nothing): "
        f'[former.permissions] "{row["permission"]}" = "…"'
        for row in unknown
    ]
    plans = await fetch(
        """SELECT plan, count(*) AS organizations FROM organization
        WHERE plan IS NOT NULL AND plan <> ALL ($1::text[]) GROUP BY plan ORDER BY plan""",
        [*product.plans, *product.former.plans],
    )
    losses += [
        f"plans: {row['plan']!r} is gone, and {row['organizations']} organizations have it. Put it back, or say which "
        f'plan takes its place: [former.plans] {row["plan"]} = "…"'
        for row in plans
    ]
    losses += await _lost_settings(product)
    if ownerless := await _ownerless(product):
        losses.append(
            f"roles: nobody in {ownerless} organizations has the creator's role {product.creator!r}. Keep the former "
            "creator's role as it is, or rename it: [former.roles]"
        )
    return losses


async def _ownerless(product: Catalogue) -> int:
    """How many organizations another creator's role would leave without an owner."""
    creators = [product.creator, *(old for old, new in product.former.roles.items() if new == product.creator)]
    installed = await Role.filter(organization_id=None, manages__contains=["*"])  # as the creator's alone does
    if any(role.key in creators for role in installed):
        return 0
    rows = await fetch(
        """SELECT count(*) AS organizations FROM organization o WHERE o.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id JOIN member m ON m.id = g.member_id
            WHERE g.organization_id = o.id AND r.organization_id IS NULL AND r.key = ANY ($1::text[])
                AND m.status = 'active' AND g.workspace_id IS NULL AND g.expires_at IS NULL
        )""",
        creators,
    )
    return int(rows[0]["organizations"])
