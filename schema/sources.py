"""Where connections and lists find their rows: the graph's SQL on one page (its words: schema/sql.py).

Each source says too which of the rows the actor sees. A statement is prepared for organizations of
all sizes, so that each order has an index that begins with what ties rows to their parent.
"""

from schema.pagination import ROW_ID, Source, id_key, integer_key, text_key, time_key
from server import models
from server.visibility import ENTER_ALL, VISIBLE, in_force

BY_CREATION = {"CREATED_AT": (time_key("x.created_at"), ROW_ID)}
BY_ID = {"ID": (ROW_ID,)}

ENTERED = "(x.organization_id = ANY ({wholly}::uuid[]) OR x.id = ANY ({entered}::uuid[]))"
"""Of workspaces: those that the actor can enter, deleted ones too."""


def can_enter(member: str, workspace: str) -> str:
    """Whether a member can enter a workspace of its organization, by the expressions of their ids."""
    return f"""EXISTS (
        SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id
        WHERE g.member_id = {member} AND {in_force("g")}
        AND (g.workspace_id = {workspace} OR (g.workspace_id IS NULL AND '{ENTER_ALL}' = ANY (r.permissions)))
    )"""  # noqa: S608


# Workspaces

WORKSPACE_ORDERS = {**BY_CREATION, "NAME": (text_key("x.name"), ROW_ID)}

WORKSPACES_OF_ORGANIZATION = Source(
    name="workspaces",
    model=models.Workspace,
    parent=models.Organization,
    of_parent=f"x.organization_id = p.id AND {VISIBLE[models.Workspace]}",
    orders=WORKSPACE_ORDERS,
)
WORKSPACES_OF_MEMBER = Source(
    name="member.workspaces",
    model=models.Workspace,
    parent=models.Member,
    # What depends on the member only is found out once for all workspaces.
    of_parent=f"""x.organization_id = p.organization_id AND p.status = 'active' AND {VISIBLE[models.Workspace]} AND (
        x.id = ANY (ARRAY (
            SELECT g.workspace_id FROM "grant" g
            WHERE g.member_id = p.id AND g.workspace_id IS NOT NULL AND {in_force("g")}
        )) OR EXISTS (
            SELECT 1 FROM "grant" g JOIN role r ON r.id = g.role_id
            WHERE g.member_id = p.id AND g.workspace_id IS NULL AND {in_force("g")}
            AND '{ENTER_ALL}' = ANY (r.permissions)
        ))""",  # noqa: S608
    orders=WORKSPACE_ORDERS,
)
RESTORABLE_WORKSPACES = Source(
    name="restorableWorkspaces",
    model=models.Workspace,
    parent=models.Organization,
    of_parent=f"x.organization_id = p.id AND x.deleted_at IS NOT NULL AND {ENTERED}",
    orders=BY_ID,
)
INVITED_WORKSPACES = Source(
    name="invitation.workspaces",
    model=models.Workspace,
    parent=models.Invitation,
    of_parent="i.invitation_id = p.id AND x.deleted_at IS NULL",
    joins={"i": "JOIN invitation_workspace i ON i.workspace_id = x.id"},
    orders={"INVITATION": (id_key("i.id"),)},
)

# Members

USER = {"u": 'JOIN "user" u ON u.id = x.user_id'}
MEMBER_ORDERS = {
    "JOINED_AT": (time_key("x.created_at"), ROW_ID),
    "NAME": (text_key("u.name"), ROW_ID),
    "EMAIL": (text_key("u.email"), ROW_ID),
}

MEMBERS_OF_ORGANIZATION = Source(
    name="members",
    model=models.Member,
    parent=models.Organization,
    of_parent="x.organization_id = p.id",
    joins=USER,
    orders=MEMBER_ORDERS,
)
MEMBERS_OF_WORKSPACE = Source(
    name="workspace.members",
    model=models.Member,
    parent=models.Workspace,
    of_parent=f"x.organization_id = p.organization_id AND x.status = 'active' AND {can_enter('x.id', 'p.id')}",
    joins=USER,
    orders=MEMBER_ORDERS,
)
MEMBERSHIPS = Source(
    name="memberships",
    model=models.Member,
    parent=models.User,
    of_parent="""x.user_id = p.id AND x.status = 'active' AND x.organization_id <> ALL ({closed}::uuid[])
        AND EXISTS (SELECT 1 FROM organization o WHERE o.id = x.organization_id AND o.deleted_at IS NULL)""",
    orders={"JOINED_AT": (time_key("x.created_at"), ROW_ID)},
)

# Grants and roles

GRANTS = Source(
    name="grants",
    model=models.Grant,
    parent=models.Member,
    of_parent=f"""x.member_id = p.id AND {in_force("x")} AND (x.workspace_id IS NULL OR EXISTS (
        SELECT 1 FROM workspace w WHERE w.id = x.workspace_id AND w.deleted_at IS NULL
    ) AND (x.organization_id = ANY ({{wholly}}::uuid[]) OR x.workspace_id = ANY ({{entered}}::uuid[])))""",  # noqa: S608
    orders=BY_ID,
)
ROLES_OF_MEMBER = Source(
    name="member.roles",
    model=models.Role,
    parent=models.Member,
    of_parent=f"""g.member_id = p.id AND {in_force("g")} AND (g.workspace_id IS NULL OR EXISTS (
        SELECT 1 FROM workspace w WHERE w.id = g.workspace_id AND w.deleted_at IS NULL
    ) AND (g.organization_id = ANY ({{wholly}}::uuid[]) OR g.workspace_id = ANY ({{entered}}::uuid[])))""",  # noqa: S608
    joins={"g": 'JOIN "grant" g ON g.role_id = x.id'},
    orders={"GRANT": (id_key("g.id"),)},
    distinct=("id", "key"),
)
ROLES_OF_ORGANIZATION = Source(
    name="roles",
    model=models.Role,
    parent=models.Organization,
    of_parent="(x.organization_id IS NULL OR x.organization_id = p.id)",
    # Built-in ones first, and those of more permissions before those of fewer
    orders={
        "RANK": (
            text_key("(x.organization_id IS NOT NULL)::text"),
            text_key("lpad((10000 - cardinality(x.permissions))::text, 5, '0')"),
            ROW_ID,
        )
    },
)

# Invitations

INVITATIONS_OF_ORGANIZATION = Source(
    name="invitations",
    model=models.Invitation,
    parent=models.Organization,
    of_parent="x.organization_id = p.id",
    orders=BY_CREATION,
    descending=True,
)
INVITATIONS_OF_USER = Source(
    name="viewer.invitations",
    model=models.Invitation,
    parent=models.User,
    of_parent="""x.email = p.email AND p.email_verified_at IS NOT NULL AND x.status = 'pending'
        AND x.expires_at > statement_timestamp()
        AND EXISTS (SELECT 1 FROM organization o WHERE o.id = x.organization_id AND o.deleted_at IS NULL)""",
    orders=BY_ID,
    descending=True,
)

# API keys

KEY_ENTERED = """(x.workspace_id IS NULL OR x.organization_id = ANY ({wholly}::uuid[])
    OR x.workspace_id = ANY ({entered}::uuid[]))"""

API_KEYS_OF_ORGANIZATION = Source(
    name="apiKeys",
    model=models.ApiKey,
    parent=models.Organization,
    of_parent=f"""x.organization_id = p.id AND {KEY_ENTERED} AND NOT EXISTS (
        SELECT 1 FROM workspace w WHERE w.id = x.workspace_id AND w.deleted_at IS NOT NULL)""",  # noqa: S608
    orders=BY_CREATION,
    descending=True,
)
API_KEYS_OF_WORKSPACE = Source(
    name="workspace.apiKeys",
    model=models.ApiKey,
    parent=models.Workspace,
    of_parent=f"x.workspace_id = p.id AND {KEY_ENTERED}",
    orders=BY_CREATION,
    descending=True,
)

# The audit log

AUDIT_EVENTS = Source(
    name="auditEvents",
    model=models.AuditEvent,
    parent=models.Organization,
    of_parent="x.chain_id = p.id",
    orders={"SEQUENCE": (integer_key("x.sequence"),)},
    descending=True,
)

# What the viewer has

SESSIONS = Source(
    name="sessions",
    model=models.Session,
    parent=models.User,
    of_parent="x.user_id = p.id AND x.expires_at > statement_timestamp()",
    orders=BY_ID,
    descending=True,
)
RESTORABLE_ORGANIZATIONS = Source(
    name="restorableOrganizations",
    model=models.Organization,
    parent=models.User,
    of_parent="x.id = ANY ({restorable}::uuid[])",
    orders=BY_ID,
)
LOCKED_ORGANIZATIONS = Source(
    name="organizationsRequiringMfa",
    model=models.Organization,
    parent=models.User,
    of_parent="x.id = ANY ({locked}::uuid[])",
    orders=BY_ID,
)
