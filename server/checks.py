"""The product's backend asks: may this user, or this API key, do that here?"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from server.access import (
    ACCESS_TABLES,
    PLACE_COLUMNS,
    ROLE_COLUMNS,
    Actor,
    HeldRole,
    Membership,
    memberships_from,
)
from server.audit import Revision
from server.authentication import API_KEYS, key_membership
from server.catalogue import catalogue
from server.database import read
from server.errors import BadRequest
from server.models import MemberStatus

PERMISSION = "access:check"
"""To ask about others than oneself."""
BATCH = 100


class Reason(StrEnum):
    GRANTED = "GRANTED"
    NOT_GRANTED = "NOT_GRANTED"
    ABOVE_CREATOR = "ABOVE_CREATOR"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    SUSPENDED = "SUSPENDED"
    WORKSPACE_NOT_ENTERED = "WORKSPACE_NOT_ENTERED"
    MFA_REQUIRED = "MFA_REQUIRED"
    NOT_FOUND = "NOT_FOUND"
    NO_ORGANIZATION = "NO_ORGANIZATION"
    UNKNOWN_PERMISSION = "UNKNOWN_PERMISSION"
    FORBIDDEN = "FORBIDDEN"


class Check(NamedTuple):
    """Without user and key it is about the one who asks; without organization, in the workspace's or the active one."""

    permission: str
    organization_id: UUID | None = None
    workspace_id: UUID | None = None
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    junk: bool = False
    """One of the ids is none at all, or it names both a user and a key."""


# What is asked about, in one statement: one snapshot. A role's permissions come once, however many have it.
_NO_KEY = """NULL::uuid AS key_workspace_id, NULL::uuid AS key_role_id, NULL::text AS key_role_key,
    NULL::text[] AS key_permissions, NULL::text[] AS key_manages"""
_NO_PLACE = """NULL::uuid AS member_id, {organization} AS organization_id, NULL::boolean AS organization_deleted,
    NULL::boolean AS mfa_required, NULL::integer AS idle_minutes"""
_NO_ROLE = "NULL::uuid AS role_id, NULL::text AS role_key, NULL::text[] AS permissions, NULL::text[] AS manages"
_FACTS = f"""
    WITH asked AS (
        SELECT DISTINCT coalesce(a.organization_id, w.organization_id) AS organization_id, a.user_id
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) a (organization_id, workspace_id, user_id)
        LEFT JOIN workspace w ON w.id = a.workspace_id
    ), held AS MATERIALIZED (
        SELECT m.user_id, m.status, t.id IS NOT NULL AS has_mfa, {PLACE_COLUMNS}, g.role_id, g.workspace_id
        FROM asked JOIN ({ACCESS_TABLES}) ON m.organization_id = asked.organization_id AND m.user_id = asked.user_id
        LEFT JOIN totp t ON t.user_id = m.user_id AND t.confirmed_at IS NOT NULL
    )
    SELECT 'user' AS kind, h.user_id AS id, h.status, h.has_mfa, NULL::bigint AS sequence, {_NO_KEY}, h.member_id,
        h.organization_id, h.organization_deleted, h.mfa_required, h.idle_minutes, h.role_id, NULL::text AS role_key,
        NULL::text[] AS permissions, NULL::text[] AS manages, h.workspace_id
    FROM held h
    UNION ALL
    SELECT 'role', r.id, NULL, NULL, NULL, {_NO_KEY}, {_NO_PLACE.format(organization="NULL::uuid")}, {ROLE_COLUMNS},
        NULL::uuid
    FROM role r WHERE r.id = ANY (ARRAY (SELECT DISTINCT h.role_id FROM held h))
    UNION ALL
    SELECT 'key', k.api_key_id, NULL, true, NULL, k.key_workspace_id, k.key_role_id, k.key_role_key,
        k.key_permissions, k.key_manages, k.member_id, k.organization_id, k.organization_deleted, k.mfa_required,
        k.idle_minutes, k.role_id, k.role_key, k.permissions, k.manages, k.workspace_id
    FROM ({API_KEYS} k.id = ANY ($4::uuid[])) k
    UNION ALL
    SELECT 'workspace', w.id, NULL, NULL, NULL, {_NO_KEY}, {_NO_PLACE.format(organization="w.organization_id")},
        {_NO_ROLE}, NULL::uuid
    FROM workspace w WHERE w.id = ANY ($2::uuid[]) AND w.deleted_at IS NULL
    UNION ALL
    SELECT 'chain', c.id, NULL, NULL, c.sequence, {_NO_KEY}, {_NO_PLACE.format(organization="NULL::uuid")},
        {_NO_ROLE}, NULL::uuid
    FROM audit_chain c WHERE c.id = $5 AND (c.id = ANY ($6::uuid[]) OR EXISTS (
        SELECT 1 FROM member m WHERE m.user_id = c.id AND m.organization_id = ANY ($7::uuid[])))
"""  # noqa: S608


class HeldRoles:
    """Roles that were read apart from who holds them, and where."""

    def __init__(self) -> None:
        self._at: dict[tuple[UUID, UUID | None], HeldRole] = {}

    def add(self, role: HeldRole) -> None:
        self._at[role.role_id, None] = role

    def at(self, role_id: UUID, workspace_id: UUID | None) -> HeldRole:
        key = (role_id, workspace_id)
        if key not in self._at:
            self._at[key] = replace(self._at[role_id, None], workspace_id=workspace_id)
        return self._at[key]


class Facts:
    """Rows of _FACTS by what they are about."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.sequence: int | None = None
        self.workspaces: dict[UUID, UUID] = {}
        self.keys: defaultdict[UUID, list[Any]] = defaultdict(list)
        self._members: defaultdict[tuple[UUID, UUID], list[Any]] = defaultdict(list)
        self._roles = HeldRoles()
        self._found: dict[tuple[UUID, UUID], Membership | Reason] = {}
        for row in rows:
            match row["kind"]:
                case "user":
                    self._members[row["organization_id"], row["id"]].append(row)
                case "role":
                    self._roles.add(HeldRole.read(row))
                case "key":
                    self.keys[row["id"]].append(row)
                case "workspace":
                    self.workspaces[row["id"]] = row["organization_id"]
                case "chain":
                    self.sequence = row["sequence"]

    def member(self, organization_id: UUID, user_id: UUID) -> Membership | Reason:
        """What a user holds there, or why nothing."""
        key = (organization_id, user_id)
        if key not in self._found:
            self._found[key] = self._member(organization_id, self._members[key])
        return self._found[key]

    def _member(self, organization_id: UUID, rows: Sequence[Any]) -> Membership | Reason:
        if not rows:
            return Reason.NOT_A_MEMBER
        if rows[0]["status"] != MemberStatus.ACTIVE:
            return Reason.SUSPENDED
        found = memberships_from(rows, rows[0]["has_mfa"], self._roles.at)
        if organization_id in found.locked:
            return Reason.MFA_REQUIRED
        return found.living.get(organization_id, Reason.NOT_FOUND)


async def check(actor: Actor, checks: Sequence[Check], at_least: Revision | None = None) -> list[Reason]:
    """Why each is allowed (GRANTED) or not, all of them in one statement and as of one moment.

    Raises Unauthenticated, BadRequest for too many or for a revision that is not there yet.
    """
    actor.identified()
    if len(checks) > BATCH:
        raise BadRequest(f"checks: At most {BATCH} at once, not {len(checks)}.")
    resolved = [_resolved(actor, each) for each in checks]
    rows = await read(
        _FACTS,
        [each.organization_id for each in resolved],
        [each.workspace_id for each in resolved],
        [each.user_id for each in resolved],
        [each.api_key_id for each in resolved],
        at_least.chain_id if at_least else None,
        [*actor.memberships, *actor.locked, *actor.restorable, *([actor.user_id] if actor.user_id else [])],
        actor.organizations_where(PERMISSION),
    )
    facts = Facts(rows)
    if at_least is not None and (facts.sequence is None or facts.sequence < at_least.sequence):
        raise BadRequest("atLeast: This revision has not been reached. Pass on one that a mutation here gave.")
    return [_reason(actor, each, facts) for each in resolved]


def _resolved(actor: Actor, asked: Check) -> Check:
    """With the one who asks and the active organization where nothing else is named."""
    about_self = asked.user_id is None and asked.api_key_id is None
    return Check(
        permission=asked.permission,
        organization_id=asked.organization_id or (None if asked.workspace_id else actor.organization_id),
        workspace_id=asked.workspace_id,
        user_id=actor.user_id if about_self else asked.user_id,
        api_key_id=actor.api_key_id if about_self else asked.api_key_id,
        junk=asked.junk or (asked.user_id is not None and asked.api_key_id is not None),
    )


def _reason(actor: Actor, asked: Check, facts: Facts) -> Reason:
    if asked.permission not in catalogue.permissions:
        return Reason.UNKNOWN_PERMISSION
    organization_id = asked.organization_id
    if asked.workspace_id is not None:
        of_workspace = facts.workspaces.get(asked.workspace_id)
        if of_workspace is None or organization_id not in (None, of_workspace):
            return Reason.NOT_FOUND
        organization_id = of_workspace
    if asked.junk:
        return Reason.NOT_FOUND
    if organization_id is None:
        return Reason.NO_ORGANIZATION
    about_self = (asked.user_id, asked.api_key_id) == (actor.user_id, actor.api_key_id)
    if not about_self and (refusal := _refusal_to_tell(actor, organization_id, asked.workspace_id)):
        return refusal
    if asked.api_key_id is not None:
        reason = _of_key(actor, asked, organization_id, facts.keys[asked.api_key_id])
    elif asked.user_id is not None:
        member = facts.member(organization_id, asked.user_id)
        reason = member if isinstance(member, Reason) else _held(asked, member)
    if about_self and reason in (Reason.NOT_A_MEMBER, Reason.WORKSPACE_NOT_ENTERED):
        return Reason.NOT_FOUND  # as everywhere: what one cannot see does not exist
    return reason


def _refusal_to_tell(actor: Actor, organization_id: UUID, workspace_id: UUID | None) -> Reason | None:
    """Why the actor is not told about others there."""
    if organization_id not in actor.memberships:
        return Reason.NOT_FOUND
    if workspace_id is not None and not actor.enters(organization_id, workspace_id):
        return Reason.NOT_FOUND
    return None if actor.may(PERMISSION, organization_id, workspace_id) else Reason.FORBIDDEN


def _of_key(actor: Actor, asked: Check, organization_id: UUID, rows: Sequence[Any]) -> Reason:
    if not rows or rows[0]["organization_id"] != organization_id:
        return Reason.NOT_FOUND
    limited_to, itself = rows[0]["key_workspace_id"], asked.api_key_id == actor.api_key_id
    if limited_to is not None and not itself and not actor.enters(organization_id, limited_to):
        return Reason.NOT_FOUND
    return _held(asked, key_membership(rows))


def _held(asked: Check, membership: Membership) -> Reason:
    if asked.workspace_id is not None and not membership.enters(asked.workspace_id):
        return Reason.WORKSPACE_NOT_ENTERED
    if asked.permission in membership.permissions(asked.workspace_id):
        return Reason.GRANTED
    own = any(asked.permission in held.permissions for held in membership.at(asked.workspace_id))
    return Reason.ABOVE_CREATOR if own else Reason.NOT_GRANTED
