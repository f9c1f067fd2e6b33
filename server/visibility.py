"""What an actor can see, as SQL: said once, for every way in which rows are read."""

from collections.abc import Callable, Mapping
from functools import cache
from string import Formatter

from server.models import ApiKey, AuditEvent, Grant, Invitation, Member, Organization, Role, Session, User, Workspace
from server.rows import Row

ENTER_ALL = "workspaces:enter_all"


def in_force(alias: str) -> str:
    """Of a grant or an API key: that it has not expired."""
    return f"({alias}.expires_at IS NULL OR {alias}.expires_at > statement_timestamp())"


def _living(workspace_id: str) -> str:
    return f"EXISTS (SELECT 1 FROM workspace living WHERE living.id = {workspace_id} AND living.deleted_at IS NULL)"  # noqa: S608


def _member(alias: str) -> str:
    """Oneself, everybody where one reads members, and else whoever enters a workspace in which one does."""
    of_entered = "ANY (ARRAY (SELECT shared.organization_id FROM workspace shared WHERE shared.id = ANY ({read})))"
    return f"""(
        {alias}.organization_id = ANY ({{organizations_where[members:read]}}::uuid[])
        OR ({alias}.user_id = {{user_id}}::uuid AND {alias}.organization_id = ANY ({{memberships}}::uuid[]))
        OR EXISTS (
            SELECT 1 FROM "grant" neighbour WHERE neighbour.member_id = {alias}.id AND {in_force("neighbour")} AND (
                neighbour.workspace_id = ANY ({{read}})
                OR (neighbour.workspace_id IS NULL AND neighbour.organization_id = {of_entered} AND EXISTS (
                    SELECT 1 FROM role opening
                    WHERE opening.id = neighbour.role_id AND opening.permissions @> ARRAY['{ENTER_ALL}']
                ))
            )
        )
    )""".replace("{read}", "{workspaces_where[members:read]}::uuid[]")  # noqa: S608


VISIBLE: Mapping[type[Row], str] = {
    User: """(x.id = {user_id}::uuid OR EXISTS (
        SELECT 1 FROM member colleague WHERE colleague.user_id = x.id
            AND colleague.organization_id = ANY ({organizations_where[members:read]}::uuid[])
    ))""",
    Session: "(x.user_id = {user_id}::uuid AND x.expires_at > statement_timestamp())",
    Organization: "x.id = ANY ({memberships}::uuid[])",
    Workspace: """(x.deleted_at IS NULL AND (
        x.organization_id = ANY ({wholly}::uuid[]) OR x.id = ANY ({entered}::uuid[])
    ))""",
    Member: _member("x"),
    Grant: f"""((
        x.workspace_id IS NULL OR x.workspace_id = ANY ({{entered}}::uuid[])
        OR (x.organization_id = ANY ({{wholly}}::uuid[]) AND {_living("x.workspace_id")})
    ) AND EXISTS (SELECT 1 FROM member holder WHERE holder.id = x.member_id AND {_member("holder")}))""",  # noqa: S608
    Role: "(x.organization_id IS NULL OR x.organization_id = ANY ({memberships}::uuid[]))",
    Invitation: "x.organization_id = ANY ({memberships}::uuid[])",
    ApiKey: f"""(
        x.id = {{api_key_id}}::uuid
        OR (x.organization_id = ANY ({{organizations_where[api_keys:read]}}::uuid[]) AND (
            x.workspace_id IS NULL OR (x.organization_id = ANY ({{wholly}}::uuid[]) AND {_living("x.workspace_id")})
        ))
        OR (x.workspace_id = ANY ({{workspaces_where[api_keys:read]}}::uuid[]) AND {_living("x.workspace_id")})
    )""",
    AuditEvent: "x.chain_id = ANY (array_append({organizations_where[audit:read]}::uuid[], {user_id}::uuid))",
}
"""A condition on a model's row `x`, in which a format field is a value of the actor (`Actor.value`)."""


def with_parameters(text: str, parameter: Callable[[str], str]) -> str:
    """The text with what `parameter` gives (`$1`) in place of each format field."""
    parts = Formatter().parse(text)
    return "".join(literal + (parameter(name) if name is not None else "") for literal, name, _, _ in parts)


@cache
def numbered(text: str, first: int) -> tuple[str, tuple[str, ...]]:
    """The text with parameters from `$first` on, and what they stand for."""
    places: dict[str, str] = {}
    sql = with_parameters(text, lambda name: places.setdefault(name, f"${first + len(places)}"))
    return sql, tuple(places)
