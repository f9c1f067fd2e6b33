"""Data of a catalogue, and another catalogue installed on it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from server import audit, installation
from server.authentication import new_api_key_secret, token_hash
from server.catalogue import CatalogueError
from server.database import fetch
from server.models import (
    ApiKey,
    AuditEvent,
    Grant,
    Invitation,
    InvitationStatus,
    Member,
    Organization,
    Role,
    User,
    Workspace,
)
from server.organizations import create
from server.text import normalize_name
from tests.catalogues import GONE, Edits, product
from tests.factories import unique

NOW = datetime.now(UTC)
SOON, LATER, PAST = NOW + timedelta(hours=1), NOW + timedelta(days=1), NOW - timedelta(hours=1)

TABLES = ("organization", "workspace", "role", "member", "grant", "invitation", "api_key", "audit_event", "audit_chain")


async def everything() -> dict[str, list[str]]:
    """All rows of all tables that an installation could touch."""
    return {table: [row["t"] for row in await fetch(f'SELECT t::text FROM "{table}" t ORDER BY 1')] for table in TABLES}


@dataclass
class Stage:
    """An organization with an owner, by the rules; and further rows of it, past them."""

    organization: Organization
    owner: User

    @property
    def id(self) -> UUID:
        return self.organization.id

    async def role(self, reference: str) -> Role:
        """Built-in, or the organization's own."""
        return (
            await Role.get(key=reference, organization_id__in=[self.id])
            if "-" in reference
            else await built_in(reference)
        )

    async def custom(self, *permissions: str) -> Role:
        name = unique("custom-")
        return await Role.create(
            organization_id=self.id,
            key=name,
            name=name,
            normalized_name=normalize_name(name),
            permissions=sorted(permissions),
        )

    async def member(
        self, *held: str, workspace: Workspace | None = None, expires_at: datetime | None = None
    ) -> Member:
        user = await User.create(email=f"{unique('user')}@example.com", name="User", password_hash="")
        member = await Member.create(organization_id=self.id, user=user)
        for key in held:
            await self.grant(member, key, workspace, expires_at)
        return member

    async def grant(
        self, member: Member, key: str, workspace: Workspace | None = None, expires_at: datetime | None = None
    ) -> Grant:
        role = await self.role(key)
        return await Grant.create(
            organization_id=self.id, member=member, role=role, workspace=workspace, expires_at=expires_at
        )

    async def workspace(self) -> Workspace:
        slug = unique("workspace-")
        return await Workspace.create(organization_id=self.id, name=slug, slug=slug)

    async def invitation(
        self, key: str, status: InvitationStatus = InvitationStatus.PENDING, expires_at: datetime = LATER
    ) -> Invitation:
        return await Invitation.create(
            organization_id=self.id,
            email=f"{unique('invited')}@example.com",
            role=await self.role(key),
            organization_wide=True,
            status=status,
            expires_at=expires_at,
        )

    async def api_key(self, key: str) -> ApiKey:
        secret = new_api_key_secret()
        return await ApiKey.create(
            organization_id=self.id,
            role=await self.role(key),
            name="Key",
            secret_prefix=secret[:12],
            secret_hash=token_hash(secret),
            created_by_id=self.owner.id,
        )

    async def events(self, action: str) -> list[AuditEvent]:
        return await AuditEvent.filter(chain_id=self.id, action=action).order_by("sequence")


async def built_in(key: str) -> Role:
    return await Role.get(key=key, organization_id=None)


async def found() -> Stage:
    user = await User.create(email=f"{unique('owner')}@example.com", name="Owner", password_hash="")
    async with audit.change(installation.SYSTEM) as unit:
        return Stage(await create(unit, user, unique("Organization ")), user)


async def install(edits: Edits) -> None:
    await installation.install(product(edits))


async def refused(edits: Edits) -> str:
    """Why; and nothing has changed."""
    before = await everything()
    with pytest.raises(CatalogueError) as caught:
        await install(edits)
    assert await everything() == before
    first, *losses = str(caught.value).splitlines()
    assert first == "The catalogue default does not fit the data in the database."
    return "\n".join(losses)


async def held(member: Member) -> list[tuple[str, UUID | None, datetime | None]]:
    grants = await Grant.filter(member_id=member.id).select_related("role").order_by("id")
    return [(grant.role.key, grant.workspace_id, grant.expires_at) for grant in grants]


async def loss(edits: Edits) -> str:
    with pytest.raises(CatalogueError) as caught:
        await install(edits)
    return str(caught.value)


EDITOR = {"name": "Editor", "permissions": ["members:read", "content:*"]}
RENAMED: Edits = {"roles/member": GONE, "roles/editor": EDITOR, "former/roles": {"member": "editor"}}
"""The built-in role `member` is called `editor` from now on."""


CHIEF = {"name": "Chief", "permissions": ["*"], "manages": ["*"], "creator": True}
