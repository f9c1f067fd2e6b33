"""What the database enforces beyond the models: CHECKs, composite foreign keys, triggers.

A migration carries the same text, and a test compares the two databases.
"""


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


def _role_of_organization(table: str) -> str:
    """A custom role is given in its own organization only."""
    return f"""
    CREATE TRIGGER {table}_role_organization BEFORE INSERT OR UPDATE OF role_id, organization_id ON "{table}"
    FOR EACH ROW EXECUTE FUNCTION role_of_organization()
    """


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
    _text("api_key", "name", 1),
    _of_same_organization("api_key", "workspace_id", "workspace"),
    """
    CREATE FUNCTION role_of_organization() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.role_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM role
            WHERE id = NEW.role_id AND (organization_id IS NULL OR organization_id = NEW.organization_id)
        ) THEN
            RAISE foreign_key_violation USING MESSAGE = 'The role is not one of the organization';
        END IF;
        RETURN NEW;
    END $$
    """,
    _role_of_organization("grant"),
    _role_of_organization("invitation"),
    _role_of_organization("api_key"),
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
