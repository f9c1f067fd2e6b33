"""Roles: those that the catalogue builds in, and how one is named."""

from uuid import UUID

from server.catalogue import Catalogue, catalogue
from server.database import fetch
from server.errors import not_found
from server.models import Role, uuid7

KEY_LENGTH = 63


async def install(product: Catalogue = catalogue) -> None:
    """Bring the rows of built-in roles in line with the catalogue; safe when several servers do."""
    for key, role in product.roles.items():
        await fetch(
            "INSERT INTO role (id, created_at, key, name, description, permissions, manages) "
            "VALUES ($1, now(), $2, $3, $4, $5, $6) "
            "ON CONFLICT (organization_id, key) DO UPDATE SET name = excluded.name, "
            "description = excluded.description, permissions = excluded.permissions, manages = excluded.manages",
            uuid7(),
            key,
            role.name,
            role.description,
            product.permissions_of(key),
            role.manages,
        )


async def find(organization_id: UUID, reference: str | UUID, field: str = "role") -> Role:
    """The role of a key or id, built in or the organization's own. Raises NOT_FOUND."""
    if isinstance(reference, str) and len(reference) > KEY_LENGTH:
        raise not_found(Role.noun, field)
    named = Role.filter(id=reference) if isinstance(reference, UUID) else Role.filter(key=reference)
    for role in await named:
        if role.organization_id in (None, organization_id):
            return role
    raise not_found(Role.noun, field)


async def creator_role() -> Role:
    return await Role.get(key=catalogue.creator, organization_id=None)
