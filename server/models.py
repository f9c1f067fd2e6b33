"""Every table, with its indexes. What Tortoise cannot express stands in server/constraints.py."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model

from server.rows import Row, TableIndex, primary_key


class User(Row):
    prefix, noun = "user", "user"
    email = fields.CharField(254, unique=True, description="Normalized by text.normalize_email")
    email_verified_at = fields.DatetimeField(null=True)
    name = fields.CharField(100)
    password_hash = fields.CharField(255)

    class Meta:
        table = "user"


class Session(Row):
    prefix, noun = "ses", "session"
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name="sessions")
    user_id: UUID
    token_hash = fields.CharField(64, unique=True, description="SHA-256, hexadecimal")
    organization: fields.ForeignKeyNullableRelation["Organization"] = fields.ForeignKeyField(
        "models.Organization", null=True, on_delete=fields.SET_NULL, related_name="sessions"
    )
    organization_id: UUID | None
    workspace: fields.ForeignKeyNullableRelation["Workspace"] = fields.ForeignKeyField(
        "models.Workspace", null=True, on_delete=fields.SET_NULL, related_name="sessions"
    )
    workspace_id: UUID | None
    ip = fields.CharField(45, null=True)
    user_agent = fields.CharField(512, null=True)
    last_used_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(db_index=True)
    timed_out: list[UUID] | None = ArrayField(
        element_type="uuid", null=True, description="Organizations that it was unused too long for"
    )

    class Meta:
        table = "session"


class TokenPurpose(StrEnum):
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105


class AccountToken(Row):
    """The secret in a mailed link that verifies an address or resets a password; gone once used."""

    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name="tokens")
    user_id: UUID
    purpose = fields.CharEnumField(TokenPurpose, max_length=16)
    token_hash = fields.CharField(64, unique=True, description="SHA-256, hexadecimal")
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "account_token"
        indexes = [TableIndex("user", "purpose", name="account_token_one_per_purpose", unique=True)]


class Organization(Row):
    prefix, noun = "org", "organization"
    name = fields.CharField(100)
    slug = fields.CharField(63, unique=True)
    description = fields.CharField(1000, db_default="", default="")
    region = fields.CharField(63, null=True, description="Where its data lives, as the catalogue called it then")
    plan = fields.CharField(63, null=True, description="A key of the catalogue; null: its default plan")
    seats = fields.IntField(null=True, description="Licences; null: as many as the plan has")
    settings: dict[str, Any] = fields.JSONField(
        default=dict, db_default="{}", description="Those that were set, by key"
    )
    deleted_at = fields.DatetimeField(null=True)
    purge_at = fields.DatetimeField(null=True, db_index=True, description="End of the restore window")

    class Meta:
        table = "organization"


class Logo(Row):
    """An organization's picture; a new one gets another id, so that each can be cached for ever."""

    organization: fields.OneToOneRelation[Organization] = fields.OneToOneField(
        "models.Organization", related_name="logo"
    )
    organization_id: UUID
    content: bytes = fields.BinaryField(description="WebP, made anew from what was uploaded")

    class Meta:
        table = "logo"


class Workspace(Row):
    prefix, noun = "ws", "workspace"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="workspaces"
    )
    organization_id: UUID
    name = fields.CharField(100)
    slug = fields.CharField(63)
    environment = fields.CharField(63, null=True)
    settings: dict[str, Any] = fields.JSONField(
        default=dict, db_default="{}", description="Those that were set here; the others are the organization's"
    )
    deleted_at = fields.DatetimeField(null=True)
    purge_at = fields.DatetimeField(null=True, db_index=True, description="End of the restore window")

    class Meta:
        table = "workspace"
        indexes = [
            TableIndex("organization", "slug", name="workspace_slug", unique=True),
            TableIndex("organization", "name", "id", name="workspace_by_name"),
            TableIndex("organization", "created_at", "id", name="workspace_by_creation"),
        ]


class Role(Row):
    """Built-in (of the catalogue, without an organization) or custom."""

    prefix, noun = "role", "role"
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", null=True, related_name="roles"
    )
    organization_id: UUID | None
    key = fields.CharField(63)
    name = fields.CharField(100)
    normalized_name = fields.CharField(400, description="By text.normalize_name; no two are alike")
    description = fields.CharField(1000, db_default="", default="")
    permissions: list[str] = ArrayField(element_type="text")
    manages: list[str] | None = ArrayField(
        element_type="text",
        null=True,
        description="Keys of the roles whose members it manages; null: those of strictly fewer permissions",
    )

    class Meta:
        table = "role"
        indexes = [
            TableIndex("organization", "key", name="role_key", unique=True, tail=" NULLS NOT DISTINCT"),
            TableIndex("organization", "normalized_name", name="role_name", unique=True, tail=" NULLS NOT DISTINCT"),
        ]


class MemberStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Availability(StrEnum):
    AVAILABLE = "available"
    BUSY = "busy"
    OFFLINE = "offline"


class Member(Row):
    prefix, noun = "mem", "member"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="members"
    )
    organization_id: UUID
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name="memberships")
    user_id: UUID
    status = fields.CharEnumField(MemberStatus, max_length=16, default=MemberStatus.ACTIVE)
    availability = fields.CharEnumField(
        Availability, max_length=16, default=Availability.OFFLINE, db_default=Availability.OFFLINE.value
    )
    last_seen_at = fields.DatetimeField(null=True)

    class Meta:
        table = "member"
        indexes = [
            TableIndex("user", "organization", name="member_once", unique=True),
            TableIndex("organization", "created_at", "id", name="member_by_creation"),
        ]


class Grant(Row):
    """A member has a role, in the whole organization or in one workspace of it."""

    prefix, noun = "grant", "grant"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="grants"
    )
    organization_id: UUID
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField("models.Member", related_name="grants")
    member_id: UUID
    role: fields.ForeignKeyRelation[Role] = fields.ForeignKeyField(
        "models.Role", on_delete=fields.NO_ACTION, related_name="grants"
    )
    role_id: UUID
    workspace: fields.ForeignKeyNullableRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", null=True, related_name="grants"
    )
    workspace_id: UUID | None
    expires_at = fields.DatetimeField(null=True)
    granted_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "models.User", null=True, on_delete=fields.SET_NULL, related_name="granted"
    )
    granted_by_id: UUID | None

    class Meta:
        table = "grant"
        indexes = [
            TableIndex("member", "role", "workspace", name="grant_once", unique=True, tail=" NULLS NOT DISTINCT"),
            TableIndex("organization", "role", name="grant_by_role"),
            TableIndex("member", "id", name="grant_by_member"),
            TableIndex("workspace", "member", name="grant_by_workspace"),
        ]


class ApiKey(Row):
    """A principal of its own, in the whole organization or in one workspace of it.

    It has what its role and the person who answers for it both have.
    """

    prefix, noun = "key", "API key"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="api_keys"
    )
    organization_id: UUID
    workspace: fields.ForeignKeyNullableRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", null=True, related_name="api_keys"
    )
    workspace_id: UUID | None
    role: fields.ForeignKeyRelation[Role] = fields.ForeignKeyField(
        "models.Role", on_delete=fields.NO_ACTION, related_name="api_keys"
    )
    role_id: UUID
    name = fields.CharField(100)
    secret_prefix = fields.CharField(24, description="The secret's beginning, by which people recognize it")
    secret_hash = fields.CharField(64, unique=True, description="SHA-256, hexadecimal")
    previous_hash = fields.CharField(64, null=True, unique=True, description="Of the secret before the last rotation")
    previous_expires_at = fields.DatetimeField(null=True, description="Until when that one still works")
    created_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "models.User", null=True, on_delete=fields.SET_NULL, related_name="api_keys"
    )
    created_by_id: UUID | None
    expires_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)
    last_used_ip = fields.CharField(45, null=True)

    class Meta:
        table = "api_key"
        indexes = [
            TableIndex("organization", "created_at", "id", name="api_key_by_creation"),
            TableIndex("workspace", "created_at", "id", name="api_key_by_workspace"),
            TableIndex("role", name="api_key_by_role"),
        ]


class Totp(Row):
    """What makes an account's one-time codes (RFC 6238), in force once a code of it has been given."""

    user: fields.OneToOneRelation[User] = fields.OneToOneField("models.User", related_name="totp")
    user_id: UUID
    secret = fields.CharField(64, description="Base 32")
    confirmed_at = fields.DatetimeField(null=True)
    last_step = fields.BigIntField(db_default=0, default=0, description="Of the last code used: none works twice")
    failures = fields.IntField(db_default=0, default=0, description="Wrong codes since the last right one")
    locked_until = fields.DatetimeField(null=True)
    recovery_hashes: list[str] = ArrayField(element_type="text", description="SHA-256 of recovery codes not yet used")

    class Meta:
        table = "totp"


class SigningKey(Row):
    """Signs access tokens from `signs_from` until its successor does."""

    prefix = "sig"
    private_key: dict[str, Any] = fields.JSONField(description="Ed25519, as a JWK (RFC 8037)")
    signs_from = fields.DatetimeField()

    class Meta:
        table = "signing_key"


class InvitationStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invitation(Row):
    """A pending one is over when `expires_at` is past, whether or not its status says so yet, and has a role."""

    prefix, noun = "inv", "invitation"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="invitations"
    )
    organization_id: UUID
    email = fields.CharField(254, description="Normalized by text.normalize_email", db_index=True)
    role: fields.ForeignKeyNullableRelation[Role] = fields.ForeignKeyField(
        "models.Role", null=True, on_delete=fields.SET_NULL, related_name="invitations"
    )
    role_id: UUID | None
    organization_wide = fields.BooleanField(description="Else limited to workspaces, even when those are gone by now")
    status = fields.CharEnumField(InvitationStatus, max_length=16, default=InvitationStatus.PENDING)
    token_hash = fields.CharField(
        64, null=True, unique=True, description="SHA-256, hexadecimal; null until the letter is written"
    )
    message = fields.CharField(1000, db_default="", default="")
    invited_by: fields.ForeignKeyNullableRelation[User] = fields.ForeignKeyField(
        "models.User", null=True, on_delete=fields.SET_NULL, related_name="invited"
    )
    invited_by_id: UUID | None
    expires_at = fields.DatetimeField()

    class Meta:
        table = "invitation"
        indexes = [
            TableIndex(
                "organization",
                "email",
                name="invitation_one_pending",
                unique=True,
                tail=" WHERE status = 'pending'",
            ),
            TableIndex("organization", "created_at", "id", name="invitation_by_creation"),
        ]


class InvitationWorkspace(Model):
    """A workspace that an invitation is limited to."""

    id: UUID = primary_key()
    invitation: fields.ForeignKeyRelation[Invitation] = fields.ForeignKeyField(
        "models.Invitation", related_name="invited_workspaces"
    )
    invitation_id: UUID
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="invitations"
    )
    workspace_id: UUID

    class Meta:
        table = "invitation_workspace"
        indexes = [TableIndex("invitation", "workspace", name="invitation_workspace_once", unique=True)]


class ChainKind(StrEnum):
    ORGANIZATION = "organization"
    ACCOUNT = "account"
    INSTALLATION = "installation"


class AuditChain(Model):
    """The head of a chain of audit events. Its row is the lock under which an organization (or an
    account) changes: who holds it sees the last committed state, and events get gap-free numbers.
    """

    id: UUID = fields.UUIDField(primary_key=True, description="That of the organization or user")
    kind = fields.CharEnumField(ChainKind, max_length=16)
    sequence = fields.BigIntField(db_default=0, default=0)
    hash = fields.CharField(64, db_default="0" * 64, default="0" * 64)

    class Meta:
        table = "audit_chain"


class PrincipalType(StrEnum):
    USER = "user"
    API_KEY = "api_key"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


class AuditEvent(Row):
    """Append-only, by trigger. No foreign keys: history outlives what it tells of."""

    prefix, noun = "evt", "audit event"
    chain_id = fields.UUIDField()
    sequence = fields.BigIntField()
    action = fields.CharField(63)
    actor_type = fields.CharEnumField(PrincipalType, max_length=16)
    actor_id = fields.UUIDField(null=True)
    actor_label = fields.CharField(254)
    target_type = fields.CharField(16)
    target_id = fields.UUIDField(null=True)
    target_label = fields.CharField(254)
    workspace_id = fields.UUIDField(null=True)
    changes: list[dict[str, Any]] = fields.JSONField(default=list)
    ip = fields.CharField(45, null=True)
    user_agent = fields.CharField(512, null=True)
    request_id = fields.CharField(64, null=True)
    created_at = fields.DatetimeField()
    previous_hash = fields.CharField(64)
    hash = fields.CharField(64)

    class Meta:
        table = "audit_event"
        indexes = [
            TableIndex("chain_id", "sequence", name="audit_event_sequence", unique=True),
            TableIndex("chain_id", "action", "sequence", name="audit_event_by_action"),
            TableIndex("chain_id", "actor_id", "sequence", name="audit_event_by_actor"),
            TableIndex("chain_id", "target_id", "sequence", name="audit_event_by_target"),
            TableIndex("chain_id", "created_at", name="audit_event_by_time"),
        ]


class LetterStatus(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


class Letter(Row):
    """A mail to be written and sent. Secrets are not in it: the link's token is made when it is sent."""

    kind = fields.CharField(32)
    recipient = fields.CharField(254)
    invitation: fields.ForeignKeyNullableRelation[Invitation] = fields.ForeignKeyField(
        "models.Invitation", null=True, related_name="letters"
    )
    invitation_id: UUID | None
    status = fields.CharEnumField(LetterStatus, max_length=16, default=LetterStatus.QUEUED)
    attempts = fields.IntField(db_default=0, default=0)
    next_attempt_at = fields.DatetimeField()
    last_error = fields.CharField(500, null=True)
    sent_at = fields.DatetimeField(null=True)
    content: dict[str, str] | None = fields.JSONField(
        null=True, description="What the development mailbox shows; null wherever SMTP is configured"
    )

    class Meta:
        table = "letter"
        indexes = [TableIndex("status", "next_attempt_at", name="letter_queue")]
