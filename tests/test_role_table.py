"""Who may do what: every role of every catalogue, times every mutation and every protected field."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from schema import schema
from server.catalogue import Catalogue, load_catalogue
from server.models import ApiKey, Grant, Invitation, Member, Organization, Role, Workspace
from server.rows import type_id, uuid7
from tests.factories import Person, cast, owner, unique
from tests.role_tables import FIELDS, MANAGING, OPERATIONS
from tests.servers import Mailbox, Postgres, Server

CATALOGUES = ("default", "meeting-bots", "voice-agents", "meetings", "phone-agents")
PERSONAL = {
    "signUp", "signIn", "signOut", "verifyEmail", "requestEmailVerification", "requestPasswordReset", "resetPassword",
    "changePassword", "updateProfile", "deleteAccount", "revokeSession", "revokeOtherSessions", "enrolTotp",
    "confirmTotp", "disableTotp", "createOrganization", "switchOrganization", "leaveOrganization", "switchWorkspace",
    "leaveWorkspace", "acceptInvitation", "declineInvitation", "issueAccessToken",
}  # fmt: skip
"""What everybody may, whatever their role: it is about themselves."""

SYMBOLS = {"FORBIDDEN": "F", "ABOVE_YOUR_ROLE": "A", "NOT_FOUND": "N", None: "+"}
PAST_THE_RULE = {"deleteOrganization": "CONFIRMATION_MISMATCH", "transferOwnership": "ALREADY_DONE"}
"""What says that a mutation which would end the stage is allowed: it fails for another reason."""

SELECTIONS = {
    "members": "{ nodes { id } }",
    "invitations": "{ nodes { id } }",
    "auditEvents": "{ nodes { id } }",
    "apiKeys": "{ nodes { id } }",
    "restorableWorkspaces": "{ id }",
    "settings": "{ key }",
    "seats": "{ used }",
    "checklist": "{ key }",
}
"""What is below a protected field, if it is an object."""

Make = Callable[["Stage", Person], Awaitable[dict[str, Any]]]


@dataclass
class Stage:
    """An organization with somebody of every role, and targets made for each attempt."""

    founder: Person
    actors: dict[str, Person]
    connection: asyncpg.Connection
    product: Catalogue
    workspace: UUID
    gone: UUID
    """A deleted organization that everybody is in."""

    @cached_property
    def organization(self) -> UUID:
        return _uuid(self.founder.organization_id)

    @cached_property
    def lowest(self) -> str:
        return list(self.product.roles)[-1]

    async def insert(self, table: str, **values: Any) -> UUID:
        id = uuid7()
        columns = ["id", *values]
        numbers = ", ".join(f"${index}" for index in range(1, len(columns) + 1))
        await self.connection.execute(
            f'INSERT INTO "{table}" (created_at, {", ".join(columns)}) VALUES (now(), {numbers})', id, *values.values()
        )
        return id

    async def role_id(self, key: str) -> UUID:
        sql = "SELECT id FROM role WHERE key = $1 AND organization_id IS NULL"
        return UUID(str(await self.connection.fetchval(sql, key)))

    async def member(self, role: str | None = None, status: str = "active") -> tuple[str, str]:
        """A member's id and their grant's."""
        email = f"{unique('spare')}@example.com"
        user = await self.insert("user", email=email, name="Spare", password_hash="x")
        member = await self.insert("member", organization_id=self.organization, user_id=user, status=status)
        role_id = await self.role_id(role or self.lowest)
        grant = await self.insert("grant", organization_id=self.organization, member_id=member, role_id=role_id)
        return type_id(Member.prefix, member), type_id(Grant.prefix, grant)

    async def custom_role(self) -> str:
        name = unique("custom")
        values = {"key": name, "name": name, "normalized_name": name, "permissions": []}
        return type_id(Role.prefix, await self.insert("role", organization_id=self.organization, **values))

    async def api_key(self) -> str:
        values = {"name": "Key", "secret_prefix": "orgraph_", "secret_hash": unique("hash")}
        role_id, creator = await self.role_id(self.lowest), _uuid(self.founder.user_id)
        key = await self.insert(
            "api_key", organization_id=self.organization, role_id=role_id, created_by_id=creator, **values
        )
        return type_id(ApiKey.prefix, key)

    async def invitation(self) -> str:
        row = await self.connection.fetchrow(
            "INSERT INTO invitation (id, created_at, organization_id, email, role_id, status, organization_wide, "
            "invited_by_id, expires_at) VALUES ($1, now(), $2, $3, $4, 'pending', true, $5, now() + interval '1 day') "
            "RETURNING id",
            *(uuid7(), self.organization, f"{unique('invited')}@example.com", await self.role_id(self.lowest)),
            _uuid(self.founder.user_id),
        )
        return type_id(Invitation.prefix, row["id"])

    async def place(self, deleted: bool = False) -> str:
        workspace = await self.insert(
            "workspace", organization_id=self.organization, name="Place", slug=unique("place")
        )
        if deleted:
            await self.connection.execute(
                "UPDATE workspace SET deleted_at = now(), purge_at = now() + interval '1 day' WHERE id = $1", workspace
            )
        return type_id(Workspace.prefix, workspace)

    async def deleted_organization(self) -> str:
        await self.connection.execute(
            "UPDATE organization SET deleted_at = now(), purge_at = now() + interval '1 day' WHERE id = $1", self.gone
        )
        return type_id(Organization.prefix, self.gone)


def _uuid(id: str) -> UUID:
    from schema.scalars import parse_any_id

    found = parse_any_id(id)
    assert found is not None
    return found


def _of(**input: Any) -> Make:
    """An input; values that are functions make something of this attempt's own."""

    async def make(stage: Stage, actor: Person) -> dict[str, Any]:
        return {name: await value(stage) if callable(value) else value for name, value in input.items()}

    return make


async def _own_member(stage: Stage, actor: Person) -> dict[str, Any]:
    return {"memberId": actor.member_id}


async def _spare(stage: Stage) -> str:
    return (await stage.member())[0]


async def _suspended(stage: Stage) -> str:
    return (await stage.member(status="suspended"))[0]


async def _grant(stage: Stage) -> str:
    return (await stage.member())[1]


async def _lowest(stage: Stage) -> str:
    return stage.lowest


async def _invitee(stage: Stage) -> list[dict[str, str]]:
    return [{"email": f"{unique('row')}@example.com", "role": stage.lowest}]


async def _workspace(stage: Stage) -> str:
    return type_id(Workspace.prefix, stage.workspace)


async def _word(stage: Stage) -> str:
    return unique("word")


ATTEMPTS: dict[str, Make] = {
    "updateOrganization": _of(description=_word),
    "updateOrganizationSettings": _of(settings=[]),
    "deleteOrganization": _of(confirmName="not its name"),
    "restoreOrganization": _of(organizationId=Stage.deleted_organization),
    "transferOwnership": _own_member,
    "createWorkspace": _of(name="New"),
    "updateWorkspace": _of(workspaceId=_workspace, name=_word),
    "updateWorkspaceSettings": _of(workspaceId=_workspace, settings=[]),
    "deleteWorkspace": _of(workspaceId=Stage.place, confirmName="Place"),
    "restoreWorkspace": _of(workspaceId=lambda stage: stage.place(deleted=True)),
    "inviteMembers": _of(invitations=_invitee),
    "resendInvitation": _of(invitationId=Stage.invitation),
    "revokeInvitation": _of(invitationId=Stage.invitation),
    "removeMember": _of(memberId=_spare),
    "suspendMember": _of(memberId=_spare),
    "reactivateMember": _of(memberId=_suspended),
    "setMemberRole": _of(memberId=_spare, role=_lowest),
    "setAvailability": _of(availability="BUSY"),
    "grantRole": _of(memberId=_spare, role=_lowest, expiresAt="2100-01-01T00:00:00Z"),
    "revokeGrant": _of(grantId=_grant),
    "createRole": _of(name=_word, permissions=[]),
    "updateRole": _of(roleId=Stage.custom_role, name=_word),
    "deleteRole": _of(roleId=Stage.custom_role),
    "createApiKey": _of(name="Key", role=_lowest),
    "rotateApiKey": _of(apiKeyId=Stage.api_key),
    "revokeApiKey": _of(apiKeyId=Stage.api_key),
}


def table(text: str) -> dict[str, dict[str, str]]:
    """`{row: {column: symbol}}` of a table as tests/role_tables.py writes it."""
    header, *rows = [line.split() for line in text.strip().splitlines()]
    assert all(len(row) == len(header) + 1 for row in rows)
    return {name: dict(zip(header, symbols, strict=True)) for name, *symbols in rows}


@pytest.fixture(scope="module", params=CATALOGUES)
async def stage(
    request: pytest.FixtureRequest, product: Callable[[str], Awaitable[Server]], mailbox: Mailbox
) -> AsyncIterator[Stage]:
    server = await product(request.param)
    loaded = load_catalogue(request.param)
    founder = await owner(server, mailbox)
    connection = await Postgres(server.database_url).connect()
    await connection.execute("UPDATE organization SET seats = 10000 WHERE id = $1", _uuid(founder.organization_id))
    actors = dict(zip(loaded.roles, await cast(founder, mailbox, *loaded.roles), strict=True))
    gone = uuid7()
    await connection.execute(
        "INSERT INTO organization (id, created_at, name, slug) VALUES ($1, now(), 'Gone', $2)", gone, unique("gone")
    )
    await connection.execute("INSERT INTO audit_chain (id, kind) VALUES ($1, 'organization')", gone)
    stage = Stage(founder, actors, connection, loaded, uuid7(), gone)
    stage.workspace = _uuid(await stage.place())
    for key, actor in [*actors.items(), (loaded.creator, founder)]:
        member = await stage.insert("member", organization_id=gone, user_id=_uuid(actor.user_id), status="active")
        await stage.insert("grant", organization_id=gone, member_id=member, role_id=await stage.role_id(key))
    yield stage
    await connection.close()


async def test_what_every_role_may_do(stage: Stage, request: pytest.FixtureRequest) -> None:
    expected = table(OPERATIONS[request.node.callspec.params["stage"]])
    found: dict[str, dict[str, str]] = {}
    for operation, make in ATTEMPTS.items():
        for role, actor in stage.actors.items():
            selection = "results { userErrors { code } }" if operation == "inviteMembers" else ""
            payload = await actor.mutate(operation, await make(stage, actor), selection)
            errors = payload["userErrors"] + [e for row in payload.get("results") or [] for e in row["userErrors"]]
            code = errors[0]["code"] if errors else None
            code = None if code is not None and code == PAST_THE_RULE.get(operation) else code
            found.setdefault(operation, {})[role] = SYMBOLS[code]
    assert found == expected


async def test_what_every_role_may_read(stage: Stage, request: pytest.FixtureRequest) -> None:
    expected = table(FIELDS[request.node.callspec.params["stage"]])
    found: dict[str, dict[str, str]] = {}
    of_workspace = type_id(Workspace.prefix, stage.workspace)
    for name in expected:
        type_name, field = name.split(".")
        for role, actor in stage.actors.items():
            selected = f"{field} {SELECTIONS.get(field, '')}"
            selection = {
                "Organization": f"object: organization(id: $organization) {{ {selected} }}",
                "Workspace": f"object: workspace(id: $workspace) {{ {selected} }}",
                "Role": f"organization(id: $organization) {{ roles(first: 1) {{ nodes {{ {selected} }} }} }}",
            }[type_name]
            used = "a: workspace(id: $workspace) { id } b: organization(id: $organization) { id }"
            query = f"query ($organization: ID!, $workspace: ID!) {{ {selection} {used} }}"
            answer = await actor.execute(query, {"organization": actor.organization_id, "workspace": of_workspace})
            codes = set(answer.codes)
            assert codes <= {"FORBIDDEN"}, answer.body
            missing = "object" in answer.body["data"] and answer.body["data"]["object"] is None
            found.setdefault(name, {})[role] = "N" if missing else "F" if codes else "+"
    assert found == expected


async def test_whom_every_role_manages(stage: Stage, request: pytest.FixtureRequest) -> None:
    """Suspending a member of a role, and inviting to it: rows act, columns suffer."""
    expected = table(MANAGING[request.node.callspec.params["stage"]])
    found: dict[str, dict[str, str]] = {}
    for role, actor in stage.actors.items():
        for target in stage.actors:
            errors = (await actor.mutate("suspendMember", {"memberId": (await stage.member(target))[0]}))["userErrors"]
            suspended = SYMBOLS[errors[0]["code"] if errors else None]
            rows = [{"email": f"{unique('row')}@example.com", "role": target}]
            payload = await actor.mutate("inviteMembers", {"invitations": rows}, "results { userErrors { code } }")
            errors = payload["userErrors"] or payload["results"][0]["userErrors"]
            invited = SYMBOLS[errors[0]["code"] if errors else None]
            found.setdefault(role, {})[target] = suspended + invited
    assert found == expected


def test_every_mutation_stands_in_the_tables() -> None:
    mutations = set(schema._schema.mutation_type.fields)  # type: ignore[union-attr]
    assert set(ATTEMPTS) | PERSONAL == mutations
    assert set(ATTEMPTS) & PERSONAL == set()
    for name in CATALOGUES:
        assert set(table(OPERATIONS[name])) == set(ATTEMPTS)
        for tables in (OPERATIONS, FIELDS, MANAGING):
            assert all(list(row) == list(load_catalogue(name).roles) for row in table(tables[name]).values())


def protected() -> set[str]:
    """`Type.field` of whatever the SDL shows with @requires, but mutations, and streams: see test_event_access.py."""
    found = set()
    type_name = ""
    for line in re.sub(r"\(\n.*?\n  \)", "", schema.as_str(), flags=re.DOTALL).splitlines():
        if opened := re.match(r"type (\w+)", line):
            type_name = opened[1]
        if field := re.match(r"  (\w+).* @requires\(permission:", line):
            found.add(f"{type_name}.{field[1]}")
    return {name for name in found if not name.startswith(("Mutation.", "Subscription."))}


def test_every_protected_field_stands_in_the_tables() -> None:
    assert len(protected()) > 10
    for name in CATALOGUES:
        assert set(table(FIELDS[name])) == protected()
