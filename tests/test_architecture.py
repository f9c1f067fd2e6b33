"""What must hold everywhere, walked over the registry instead of remembered."""

import ast
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLNamedType, GraphQLObjectType, GraphQLSchema, is_introspection_type
from strawberry.types.base import get_object_definition

from schema import Mutation, schema
from schema.door import Door
from server import accounts
from server.access import Actor
from server.audit import change
from server.events import MEMBERSHIP_CHANGES, MembershipChangeType
from server.models import User
from tests.factories import PASSWORD, Person, invite, join, owner, sign_up, sql, unique, verify
from tests.mfa import turn_on
from tests.servers import ROOT, Mailbox, Server

CORE: GraphQLSchema = schema._schema

LAYERS = ["settings", "errors", "rows", "models"]
"""Modules of the server that import none but those before them."""

WRITES = {"save", "create", "bulk_create", "update", "delete", "get_or_create", "update_or_create", "execute_query"}


def imports(path: Path) -> set[str]:
    """Names of modules of this project that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found if name.split(".")[0] in ("server", "schema", "tests", "strawberry", "graphql")}


@pytest.mark.parametrize("path", sorted((ROOT / "server").glob("*.py")), ids=lambda path: path.name)
def test_rules_know_nothing_of_the_graph(path: Path) -> None:
    allowed = {"schema", "schema.schema", "schema.endpoint"} if path.name in ("app.py", "cli.py") else set()
    foreign = {name for name in imports(path) if not name.startswith("server")}
    assert {name for name in foreign if not any(name.startswith(prefix) for prefix in allowed)} == set()


@pytest.mark.parametrize("name", LAYERS)
def test_lowest_modules_import_only_what_is_below(name: str) -> None:
    below = {f"server.{layer}" for layer in LAYERS[: LAYERS.index(name)]}
    modules = {".".join(found.split(".")[:2]) for found in imports(ROOT / "server" / f"{name}.py")}
    assert modules - {"server"} <= below


@pytest.mark.parametrize("path", sorted((ROOT / "schema").glob("*.py")), ids=lambda path: path.name)
def test_the_graph_writes_no_row(path: Path) -> None:
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "rules")
    }
    assert calls & WRITES == set()


def test_every_mutation_is_behind_the_door() -> None:
    for field in get_object_definition(Mutation, strict=True).fields:
        assert isinstance(field.extensions[0], Door), field.name


def described(types: dict[str, GraphQLNamedType]) -> list[str]:
    """Paths of whatever has no description."""
    missing = []
    for name, type_ in types.items():
        if is_introspection_type(type_):
            continue
        if not type_.description:
            missing.append(name)
        members: dict[str, Any] = getattr(type_, "fields", {}) | getattr(type_, "values", {})
        for member_name, member in members.items():
            if not member.description:
                missing.append(f"{name}.{member_name}")
            arguments = getattr(member, "args", {}) or {}
            missing += [f"{name}.{member_name}({key})" for key, value in arguments.items() if not value.description]
    return missing


def test_everything_has_a_description() -> None:
    assert described(CORE.type_map) == []


def test_inputs_and_payloads_are_named_after_the_mutation() -> None:
    mutation = CORE.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    for name, field in mutation.fields.items():
        title = name[0].upper() + name[1:]
        assert str(field.type) == f"{title}Payload"
        assert list(field.args) in ([], ["input"])
        assert all(str(argument.type) == f"{title}Input!" for argument in field.args.values())


async def test_a_change_that_records_nothing_does_not_commit(database: str) -> None:
    actor = Actor()
    with pytest.raises(RuntimeError, match="must record"):  # noqa: PT012
        async with change(actor) as unit:
            await unit.begin()
            await User.create(email="a@example.com", name="A", password_hash="x")
    assert not await User.exists()


async def test_hashing_inside_a_transaction_is_refused(database: str) -> None:
    with pytest.raises(RuntimeError, match="slow"):  # noqa: PT012
        async with change(Actor()) as unit:
            await unit.begin()
            await accounts.hash_password(PASSWORD)


class Stage:
    """An owner with a member, a workspace and an invitation, for a mutation to work on."""

    def __init__(self, owner: Person, member: Person, mailbox: Mailbox) -> None:
        self.owner, self.member, self.mailbox = owner, member, mailbox

    @property
    def about(self) -> dict[str, Any]:
        return {"memberId": self.member.member_id}

    async def invited(self) -> tuple[Person, str]:
        """Somebody with an account, and the token that invites them."""
        invitation = await invite(self.owner)
        token = await self.mailbox.token(invitation["email"], path="/accept-invitation")
        return await sign_up(self.owner.server, invitation["email"]), token

    async def deleted_organization(self) -> str:
        payload = await self.owner.do(
            "createOrganization", {"name": unique("Gone "), "switch": False}, "organization { id name }"
        )
        organization = payload["organization"]
        confirmed = {"organizationId": organization["id"], "confirmName": organization["name"]}
        await self.owner.do("deleteOrganization", confirmed)
        return str(organization["id"])

    async def deleted_workspace(self) -> str:
        workspace = await self.owner.workspace("Gone")
        await self.owner.do("deleteWorkspace", {"workspaceId": workspace, "confirmName": "Gone"})
        return workspace

    async def grant(self) -> str:
        workspace = await self.owner.workspace()
        granted = await self.owner.do(
            "grantRole", self.about | {"role": "viewer", "workspaceId": workspace}, "grant { id }"
        )
        return str(granted["grant"]["id"])

    async def role(self) -> str:
        created = await self.owner.do("createRole", {"name": unique("Role "), "permissions": []}, "role { id }")
        return str(created["role"]["id"])

    async def api_key(self) -> str:
        created = await self.owner.do("createApiKey", {"name": "CI", "role": "viewer"}, "apiKey { id }")
        return str(created["apiKey"]["id"])

    async def own_workspace(self) -> str:
        workspace = await self.owner.workspace()
        await self.owner.do("grantRole", self.about | {"role": "viewer", "workspaceId": workspace})
        return workspace


async def _sign_up(s: Stage) -> None:
    await sign_up(s.owner.server)


async def _sign_in(s: Stage) -> None:
    await s.owner.do("signIn", {"email": s.owner.email, "password": PASSWORD})


async def _issue_access_token(s: Stage) -> None:
    await s.owner.do("issueAccessToken", {})


async def _verify(s: Stage) -> None:
    await verify(await sign_up(s.owner.server), s.mailbox)


async def _request_verification(s: Stage) -> None:
    await (await sign_up(s.owner.server)).do("requestEmailVerification")


async def _request_reset(s: Stage) -> None:
    await s.owner.do("requestPasswordReset", {"email": s.owner.email})


async def _reset(s: Stage) -> None:
    await s.owner.do("requestPasswordReset", {"email": s.owner.email})
    token = await s.mailbox.token(s.owner.email, 2, "/reset-password")
    await s.owner.do("resetPassword", {"token": token, "password": "another password"})


async def _accept(s: Stage) -> None:
    person, token = await s.invited()
    await person.do("acceptInvitation", {"token": token})


async def _decline(s: Stage) -> None:
    person, token = await s.invited()
    await person.do("declineInvitation", {"token": token})


async def _revoke_session(s: Stage) -> None:
    payload = await s.owner.do(
        "signIn", {"email": s.owner.email, "password": PASSWORD}, "viewer { sessions { id current } }"
    )
    other = next(session["id"] for session in payload["viewer"]["sessions"] if session["current"])
    await s.owner.do("revokeSession", {"sessionId": other})


async def _revoke_others(s: Stage) -> None:
    await _sign_in(s)
    await s.owner.do("revokeOtherSessions")


async def _turn_on(s: Stage) -> None:
    await turn_on(s.member)


async def _turn_off(s: Stage) -> None:
    device = await turn_on(s.member)
    await s.member.do("disableTotp", {"password": PASSWORD, "code": device.code()})


async def _update_workspace(s: Stage) -> None:
    await s.owner.do("updateWorkspace", {"workspaceId": await s.owner.workspace(), "name": unique("New ")})


async def _delete_workspace(s: Stage) -> None:
    await s.owner.do("deleteWorkspace", {"workspaceId": await s.owner.workspace("Bye"), "confirmName": "Bye"})


async def _delete_organization(s: Stage) -> None:
    name = (await s.owner.organization("name"))["name"]
    await s.owner.do("deleteOrganization", {"confirmName": name})


async def _reactivate(s: Stage) -> None:
    await s.owner.do("suspendMember", s.about)
    await s.owner.do("reactivateMember", s.about)


def _simple(mutation: str, actor: str = "owner", /, **input: Any) -> Callable[[Stage], Awaitable[None]]:
    """A mutation whose input needs no preparation; values that are functions are called with the stage."""

    async def run(s: Stage) -> None:
        values = {key: await value(s) if callable(value) else value for key, value in input.items()}
        await getattr(s, actor).do(mutation, values or None)

    return run


async def _update_workspace_settings(s: Stage) -> None:
    settings = [{"key": "retention_days", "value": 7}]
    await s.owner.do("updateWorkspaceSettings", {"workspaceId": await s.owner.workspace(), "settings": settings})


async def _member_id(s: Stage) -> str:
    return s.member.member_id


async def _organization_id(s: Stage) -> str:
    return s.owner.organization_id


async def _invitation_id(s: Stage) -> str:
    return str((await invite(s.owner))["id"])


WORKS: dict[str, tuple[str | None, Callable[[Stage], Awaitable[None]]]] = {
    "signUp": ("account.created", _sign_up),
    "issueAccessToken": ("access_token.issued", _issue_access_token),
    "signIn": ("session.opened", _sign_in),
    "signOut": ("session.closed", _simple("signOut")),
    "verifyEmail": ("account.email_verified", _verify),
    "requestEmailVerification": (None, _request_verification),
    "requestPasswordReset": (None, _request_reset),
    "resetPassword": ("account.password_reset", _reset),
    "changePassword": (
        "account.password_changed",
        _simple("changePassword", currentPassword=PASSWORD, newPassword="another password"),
    ),
    "updateProfile": ("account.updated", _simple("updateProfile", name="Another Name")),
    "revokeSession": ("session.revoked", _revoke_session),
    "revokeOtherSessions": ("session.others_revoked", _revoke_others),
    "enrolTotp": (None, _simple("enrolTotp")),
    "confirmTotp": ("account.mfa_enabled", _turn_on),
    "disableTotp": ("account.mfa_disabled", _turn_off),
    "deleteAccount": ("account.deleted", _simple("deleteAccount", "member", password=PASSWORD)),
    "createOrganization": ("organization.created", _simple("createOrganization", name="Another")),
    "updateOrganization": ("organization.updated", _simple("updateOrganization", name="Renamed")),
    "switchOrganization": ("session.switched", _simple("switchOrganization", organizationId=_organization_id)),
    "deleteOrganization": ("organization.deleted", _delete_organization),
    "restoreOrganization": (
        "organization.restored",
        _simple("restoreOrganization", organizationId=Stage.deleted_organization),
    ),
    "leaveOrganization": ("member.left", _simple("leaveOrganization", "member", organizationId=_organization_id)),
    "transferOwnership": ("grant.created", _simple("transferOwnership", memberId=_member_id)),
    "createWorkspace": ("workspace.created", _simple("createWorkspace", name="Workspace")),
    "updateWorkspace": ("workspace.updated", _update_workspace),
    "switchWorkspace": ("session.switched", _simple("switchWorkspace", workspaceId=lambda s: s.owner.workspace())),
    "leaveWorkspace": ("member.workspace_left", _simple("leaveWorkspace", "member", workspaceId=Stage.own_workspace)),
    "deleteWorkspace": ("workspace.deleted", _delete_workspace),
    "restoreWorkspace": ("workspace.restored", _simple("restoreWorkspace", workspaceId=Stage.deleted_workspace)),
    "inviteMembers": ("invitation.sent", _simple("resendInvitation", invitationId=_invitation_id)),
    "resendInvitation": ("invitation.resent", _simple("resendInvitation", invitationId=_invitation_id)),
    "revokeInvitation": ("invitation.revoked", _simple("revokeInvitation", invitationId=_invitation_id)),
    "acceptInvitation": ("invitation.accepted", _accept),
    "declineInvitation": ("invitation.declined", _decline),
    "removeMember": ("member.removed", _simple("removeMember", memberId=_member_id)),
    "suspendMember": ("member.suspended", _simple("suspendMember", memberId=_member_id)),
    "reactivateMember": ("member.reactivated", _reactivate),
    "grantRole": ("grant.created", _simple("grantRole", memberId=_member_id, role="viewer")),
    "revokeGrant": ("grant.revoked", _simple("revokeGrant", grantId=Stage.grant)),
    "createRole": ("role.created", _simple("createRole", name="Desk", permissions=["content:read"])),
    "updateRole": ("role.updated", _simple("updateRole", roleId=Stage.role, name="Counter")),
    "deleteRole": ("role.deleted", _simple("deleteRole", roleId=Stage.role)),
    "createApiKey": ("api_key.created", _simple("createApiKey", name="CI", role="viewer")),
    "rotateApiKey": ("api_key.rotated", _simple("rotateApiKey", apiKeyId=Stage.api_key)),
    "revokeApiKey": ("api_key.revoked", _simple("revokeApiKey", apiKeyId=Stage.api_key)),
    "updateOrganizationSettings": (
        "organization.settings_updated",
        _simple("updateOrganizationSettings", settings=[{"key": "session_timeout_minutes", "value": 60}]),
    ),
    "updateWorkspaceSettings": ("workspace.settings_updated", _update_workspace_settings),
    "setAvailability": ("member.availability_changed", _simple("setAvailability", availability="BUSY")),
    "setMemberRole": ("grant.revoked", _simple("setMemberRole", memberId=_member_id, role="viewer")),
}
"""For each mutation, what it records when it works (None: it changes nothing of record) and a way to do so."""


def test_every_mutation_has_a_row() -> None:
    assert CORE.mutation_type is not None
    assert set(WORKS) == set(CORE.mutation_type.fields)


OF_PRODUCT = {"setAvailability": "voice-agents", "updateWorkspaceSettings": "meeting-bots"}
"""Mutations that the default catalogue gives nobody anything to do with."""


@pytest.mark.parametrize("name", sorted(WORKS))
async def test_every_mutation_leaves_its_event(
    name: str, server: Server, product: Callable[[str], Awaitable[Server]], mailbox: Mailbox
) -> None:
    action, run = WORKS[name]
    if name in OF_PRODUCT:
        server = await product(OF_PRODUCT[name])
    ann = await owner(server, mailbox)
    member = await join(ann, mailbox, "developer" if OF_PRODUCT.get(name) == "meeting-bots" else "member")
    told = "SELECT count(*) AS events FROM audit_event WHERE action = $1"
    before = (await sql(server, told, action))[0]["events"]
    await run(Stage(ann, member, mailbox))
    after = (await sql(server, told, action))[0]["events"]
    assert action is None or after > before


def test_every_membership_change_has_an_action() -> None:
    assert set(MEMBERSHIP_CHANGES.values()) == set(MembershipChangeType)
