"""Every table, with its constraints and indexes.

What Tortoise cannot express (CHECKs, composite foreign keys, triggers) stands in `CONSTRAINTS` at
the end of the page; a migration carries the same text, and a test compares the two databases.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.models import Model
from typeid.codecs import base32
from uuid_utils.compat import uuid7 as uuid7  # the key of every row, to those who make some


class TableIndex(Index):
    """An index by the fields' columns; unique, over some of the rows, or both, as Tortoise's cannot be."""

    def __init__(self, *columns: str, name: str, unique: bool = False, tail: str = "") -> None:
        super().__init__(fields=columns, name=name)
        self.unique = unique
        self.tail = tail

    def get_sql(self, schema_generator: Any, model: type[Model], safe: bool) -> str:
        unique = "UNIQUE " if self.unique else ""
        exists = "IF NOT EXISTS " if safe else ""
        columns = ", ".join(f'"{model._meta.fields_db_projection.get(name, name + "_id")}"' for name in self.fields)
        return f'CREATE {unique}INDEX {exists}"{self.name}" ON "{model._meta.db_table}" ({columns}){self.tail};'


def primary_key() -> UUID:
    return fields.UUIDField(primary_key=True, default=uuid7)


def type_id(prefix: str, id: UUID) -> str:
    """TypeID 0.3: a prefix and the UUID in Crockford's base 32, `org_01h455vb4pex5vsknk084sn02q`."""
    return f"{prefix}_{base32.encode(id.bytes)}"


class Row(Model):
    """What every table has. `prefix` is that of the TypeIDs by which the outside knows a row."""

    prefix = ""
    noun = ""
    id: UUID = primary_key()
    created_at: datetime = fields.DatetimeField(auto_now_add=True)

    class Meta:
        abstract = True


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
    deleted_at = fields.DatetimeField(null=True)
    purge_at = fields.DatetimeField(null=True, db_index=True, description="End of the restore window")

    class Meta:
        table = "organization"


class Workspace(Row):
    prefix, noun = "ws", "workspace"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="workspaces"
    )
    organization_id: UUID
    name = fields.CharField(100)
    slug = fields.CharField(63)
    environment = fields.CharField(63, null=True)
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
        ]


class MemberStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Member(Row):
    prefix, noun = "mem", "member"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="members"
    )
    organization_id: UUID
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name="memberships")
    user_id: UUID
    status = fields.CharEnumField(MemberStatus, max_length=16, default=MemberStatus.ACTIVE)
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
        "models.Role", on_delete=fields.RESTRICT, related_name="grants"
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
            TableIndex("workspace", "member", name="grant_by_workspace"),
        ]


class InvitationStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invitation(Row):
    """A pending one is over when `expires_at` is past, whether or not its status says so yet."""

    prefix, noun = "inv", "invitation"
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "models.Organization", related_name="invitations"
    )
    organization_id: UUID
    email = fields.CharField(254, description="Normalized by text.normalize_email", db_index=True)
    role: fields.ForeignKeyRelation[Role] = fields.ForeignKeyField(
        "models.Role", on_delete=fields.RESTRICT, related_name="invitations"
    )
    role_id: UUID
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


def _text(table: str, column: str, least: int) -> str:
    """Trimmed, and free of control characters."""
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{column}_text" CHECK ('
        f"char_length({column}) >= {least} AND {column} = btrim({column}) AND {column} !~ '[\\u0001-\\u001F\\u007F]')"
    )


def _slug(table: str) -> str:
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_slug_text" CHECK (slug ~ \'^[a-z0-9]([a-z0-9-]*[a-z0-9])?$\')'
    )


def _of_same_organization(table: str, column: str, referenced: str) -> str:
    """A row and what it names belong to one organization, whatever the code above gets wrong."""
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{column}_organization" '
        f'FOREIGN KEY ("{column}", "organization_id") REFERENCES "{referenced}" ("id", "organization_id") '
        "ON DELETE CASCADE"
    )


CONSTRAINTS = (
    _text("user", "name", 1),
    _text("organization", "name", 1),
    _text("workspace", "name", 1),
    _text("role", "name", 1),
    _slug("organization"),
    _slug("workspace"),
    """ALTER TABLE "user" ADD CONSTRAINT "user_email_normalized" """
    "CHECK (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' AND email !~ '[A-Z]')",
    """ALTER TABLE "invitation" ADD CONSTRAINT "invitation_email_normalized" """
    "CHECK (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' AND email !~ '[A-Z]')",
    """ALTER TABLE "member" ADD CONSTRAINT "member_organization_key" UNIQUE ("id", "organization_id")""",
    """ALTER TABLE "workspace" ADD CONSTRAINT "workspace_organization_key" UNIQUE ("id", "organization_id")""",
    _of_same_organization("grant", "member_id", "member"),
    _of_same_organization("grant", "workspace_id", "workspace"),
    """ALTER TABLE "organization" ADD CONSTRAINT "organization_purge_follows_deletion" """
    "CHECK ((deleted_at IS NULL) = (purge_at IS NULL))",
    """ALTER TABLE "workspace" ADD CONSTRAINT "workspace_purge_follows_deletion" """
    "CHECK ((deleted_at IS NULL) = (purge_at IS NULL))",
    """ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_sequence_positive" CHECK (sequence > 0)""",
    """
    CREATE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The audit log is append-only: % refused', TG_OP;
    END $$
    """,
    """
    CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_append_only()
    """,
    """
    CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_append_only()
    """,
    # The chain of what concerns no organization and no account
    "INSERT INTO audit_chain (id, kind) VALUES ('00000000-0000-0000-0000-000000000000', 'installation')",
)
