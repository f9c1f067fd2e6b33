"""What is past its time is removed for good, and what is not stays."""

from datetime import UTC, datetime, timedelta

import pytest

from server import accounts, audit, mail, organizations, workspaces
from server.access import Actor
from server.audit import change
from server.models import (
    AccountToken,
    AuditEvent,
    Grant,
    Letter,
    LetterStatus,
    Member,
    Organization,
    Session,
    TokenPurpose,
    User,
    Workspace,
)

NOW = datetime.now(UTC)
PAST, FUTURE = NOW - timedelta(minutes=1), NOW + timedelta(days=1)


async def founded(name: str) -> Organization:
    """An organization with an owner and a workspace."""
    user = await User.create(email=f"{name}@example.com", name=name, password_hash="-")
    async with change(Actor(user_id=user.id, email=user.email)) as unit:
        organization = await organizations.create(unit, user, name)
    await Workspace.create(organization=organization, name="One", slug="one")
    return organization


@pytest.mark.parametrize(("purge_at", "remains"), [(PAST, False), (FUTURE, True)])
async def test_organizations(database: str, purge_at: datetime, remains: bool) -> None:
    deleted, living = await founded("deleted"), await founded("living")
    await Organization.filter(id=deleted.id).update(deleted_at=PAST, purge_at=purge_at)
    await organizations.purge()
    assert await Organization.exists(id=deleted.id) is remains
    for model in (Member, Grant, Workspace):
        assert await model.exists(organization_id=deleted.id) is remains
        assert await model.exists(organization_id=living.id)
    assert await AuditEvent.exists(chain_id=deleted.id, action="organization.purged") is not remains
    assert (await audit.verify(deleted.id)).broken_at is None


@pytest.mark.parametrize(("purge_at", "remains"), [(PAST, False), (FUTURE, True)])
async def test_workspaces(database: str, purge_at: datetime, remains: bool) -> None:
    organization = await founded("organization")
    deleted = await Workspace.create(
        organization=organization, name="Two", slug="two", deleted_at=PAST, purge_at=purge_at
    )
    await workspaces.purge()
    assert await Workspace.exists(id=deleted.id) is remains
    assert await Workspace.exists(slug="one")
    assert await AuditEvent.exists(action="workspace.purged", target_id=deleted.id) is not remains


@pytest.mark.parametrize(("expires_at", "remains"), [(PAST, False), (FUTURE, True)])
async def test_sessions_and_links(database: str, expires_at: datetime, remains: bool) -> None:
    user = await User.create(email="a@example.com", name="A", password_hash="-")
    await Session.create(user=user, token_hash="a", last_used_at=PAST, expires_at=expires_at)
    purpose = TokenPurpose.VERIFY_EMAIL
    await AccountToken.create(user=user, purpose=purpose, token_hash="b", expires_at=expires_at)
    await accounts.purge()
    assert await Session.exists() is remains
    assert await AccountToken.exists() is remains


async def test_letters(database: str) -> None:
    old = NOW - mail.KEPT - timedelta(minutes=1)
    for status in (LetterStatus.QUEUED, LetterStatus.SENT):
        for created_at in (old, NOW):
            letter = Letter(kind="verify_email", recipient="a@example.com", status=status, next_attempt_at=NOW)
            await letter.save()
            await Letter.filter(id=letter.id).update(created_at=created_at)
    await mail.purge()
    left = await Letter.all().values_list("status", "created_at")
    assert (LetterStatus.SENT, old) not in left
    assert len(left) == 3
