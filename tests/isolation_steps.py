"""The steps that are tried: who does or asks what, of which organization."""

import json
from collections.abc import Callable
from typing import Any, Protocol

from hypothesis import strategies as st

from tests.factories import unique
from tests.isolation_model import BUILT_IN, LATER, OVER, PERMISSIONS, SOON, Given
from tests.isolation_rules import Rules
from tests.isolation_world import never

NEVER = "what never was"
NAMES = ["Alpha", "Beta", "Gamma", "Admin"]
"""Of roles; the last is taken everywhere."""


class Known(Protocol):
    """What there is to choose from; `places`: of every id that there ever was, the organization."""

    model: Rules
    organizations: list[str]
    places: dict[str, str | None]

    def known(self, prefix: str) -> list[str]:
        """The ids of a type."""


class Pick:
    """Whom and what a step is about: mostly of one organization, sometimes anything at all."""

    def __init__(self, machine: Known, data: st.DataObject) -> None:
        self.machine, self.model, self.data = machine, machine.model, data
        self.organization: str = self.one(machine.organizations)
        everybody = [*self.model.users, *machine.known("key"), None]
        crowd = [who for who in everybody if self.model.standing(who, self.organization)]
        self.who: str | None = self.one(crowd if crowd and self.mostly() else everybody)

    def one(self, choices: Any) -> Any:
        return self.data.draw(st.sampled_from(list(choices)))

    def some(self, choices: Any, most: int) -> list[Any]:
        return self.data.draw(st.lists(st.sampled_from(list(choices)), unique=True, max_size=most))

    def mostly(self) -> bool:
        return self.data.draw(st.integers(0, 5)) < 5

    def id(self, prefix: str) -> str:
        known = self.machine.known(prefix)
        near = [id for id in known if self.machine.places[id] in (self.organization, None)]
        if near and self.mostly():
            return str(self.one(near))
        chosen = self.one([NEVER, *known, "junk", f"{prefix}_{'z' * 26}", self.organization])
        return never(prefix) if chosen == NEVER else str(chosen)

    def perhaps(self, prefix: str) -> str | None:
        return self.id(prefix) if self.one([True, True, False]) else None

    def received(self) -> str:
        """Mostly an invitation of whoever asks."""
        pending = [id for id, row in self.model.rows.invitations.items() if row.status == "pending"]
        if not pending or not self.mostly():
            return self.id("inv")
        chosen: str = self.one(pending)
        email = self.model.rows.invitations[chosen].email
        self.who = next(id for id, user in self.model.users.items() if user.email == email)
        return chosen

    def role(self) -> str:
        return str(self.one([*BUILT_IN, "no-such-role"])) if self.one([True, False]) else self.id("role")

    def permissions(self) -> list[str]:
        """Mostly some that whoever asks has."""
        own = self.model.standing(self.who, self.organization)
        held = sorted(own.permissions()) if own else []
        return self.some(held if held and self.mostly() else [*PERMISSIONS, "no:such"], 6)

    def title(self, id: str, table: dict[str, Any]) -> str:
        return table[id].name if id in table and self.one([True, False]) else "Something else"


def _on(field: str, prefix: str) -> Callable[[Pick], Given]:
    return lambda pick: {field: pick.id(prefix)}


def _deletion(field: str, prefix: str, table: str) -> Callable[[Pick], Given]:
    def given(pick: Pick) -> Given:
        id = pick.id(prefix)
        return {field: id, "confirmName": pick.title(id, getattr(pick.model.rows, table))}

    return given


def _invitation(pick: Pick) -> Given:
    email = pick.one([user.email for user in pick.model.users.values()])
    row = {"email": email, "role": pick.role(), "workspaceIds": [pick.id("ws") for _ in range(pick.one([0, 0, 1, 2]))]}
    return {"organizationId": pick.perhaps("org"), "invitations": [row]}


def _key(pick: Pick) -> Given:
    place = {"organizationId": pick.perhaps("org"), "workspaceId": pick.perhaps("ws")}
    return place | {"name": "Key", "role": pick.role(), "expiresAt": pick.one([None, None, SOON, OVER])}


OPERATIONS: dict[str, tuple[Callable[[Pick], Given], str]] = {
    "createWorkspace": (lambda p: {"organizationId": p.perhaps("org"), "name": unique("Place ")}, "workspace { id }"),
    "updateWorkspace": (lambda p: {"workspaceId": p.id("ws"), "environment": unique("for ")}, ""),
    "deleteWorkspace": (_deletion("workspaceId", "ws", "workspaces"), ""),
    "restoreWorkspace": (_on("workspaceId", "ws"), ""),
    "switchWorkspace": (lambda p: {"workspaceId": p.perhaps("ws")}, ""),
    "leaveWorkspace": (_on("workspaceId", "ws"), ""),
    "deleteOrganization": (_deletion("organizationId", "org", "organizations"), ""),
    "restoreOrganization": (_on("organizationId", "org"), ""),
    "switchOrganization": (_on("organizationId", "org"), ""),
    "leaveOrganization": (lambda p: {"organizationId": p.perhaps("org")}, ""),
    "inviteMembers": (_invitation, "results { invitation { id } userErrors { code message field details } }"),
    "resendInvitation": (_on("invitationId", "inv"), ""),
    "revokeInvitation": (_on("invitationId", "inv"), ""),
    "acceptInvitation": (lambda p: {"invitationId": p.received()}, "member { id }"),
    "declineInvitation": (lambda p: {"invitationId": p.received()}, ""),
    "grantRole": (
        lambda p: {
            "memberId": p.id("mem"),
            "role": p.role(),
            "workspaceId": p.perhaps("ws"),
            "expiresAt": p.one([None, None, SOON, LATER, OVER]),
        },
        "grant { id }",
    ),
    "revokeGrant": (_on("grantId", "grant"), ""),
    "setMemberRole": (lambda p: {"memberId": p.id("mem"), "role": p.role()}, ""),
    "transferOwnership": (lambda p: {"memberId": p.id("mem"), "ownRole": p.role()}, ""),
    "suspendMember": (_on("memberId", "mem"), ""),
    "reactivateMember": (_on("memberId", "mem"), ""),
    "removeMember": (_on("memberId", "mem"), ""),
    "createRole": (
        lambda p: {"organizationId": p.perhaps("org"), "name": p.one(NAMES), "permissions": p.permissions()},
        "role { id }",
    ),
    "updateRole": (
        lambda p: {
            "roleId": p.id("role"),
            "name": p.one([None, *NAMES]),
            "permissions": p.one([None, p.permissions()]),
        },
        "",
    ),
    "deleteRole": (lambda p: {"roleId": p.id("role"), "replacementRoleId": p.perhaps("role")}, ""),
    "createApiKey": (_key, "apiKey { id } secret"),
    "rotateApiKey": (_on("apiKeyId", "key"), "secret"),
    "revokeApiKey": (_on("apiKeyId", "key"), ""),
}
"""With what each is tried, and what it is asked for."""

PAGE = "(first: 100) { nodes { id } }"
LOOK = f"""query ($ids: [ID!]!, $in: ID!, $at: ID!, $may: String!, $checks: [PermissionCheckInput!]!) {{
    nodes(ids: $ids) {{ id }}
    organization(id: $in) {{ id workspaces{PAGE} roles{PAGE} members{PAGE} invitations{PAGE} apiKeys{PAGE}
        restorableWorkspaces {{ id }} auditEvents(first: 1) {{ totalCount }} }}
    workspace(id: $at) {{ id members{PAGE} apiKeys{PAGE} }}
    viewer {{ permissions organization {{ id }} workspace {{ id }} memberships{PAGE} here: can(permission: $may)
        inside: can(permission: $may, on: $in) there: can(permission: $may, on: $at) }}
    checkPermissions(checks: $checks) {{ reason }}
}}"""


def as_json(given: Given) -> str:
    return json.dumps(given, default=lambda moment: moment.isoformat())


Powers = dict[tuple[Any, ...], frozenset[str]]
"""What somebody may do, by who, organization and place."""


def ids(answered: Any) -> Any:
    """Of a list or connection, sorted; of an object its own."""
    if isinstance(answered, dict) and "nodes" in answered:
        answered = answered["nodes"]
    return sorted(each["id"] for each in answered) if isinstance(answered, list) else answered and answered["id"]
