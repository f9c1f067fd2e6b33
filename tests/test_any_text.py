"""Any text in any argument: answered or refused, never an unforeseen error."""

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.factories import PYTHON, Person

pytestmark = pytest.mark.usefixtures("quiet")

MUTATION = """mutation (
    $x: String!, $id: ID!, $org: ID!, $mem: ID!
) {
    updateProfile(input: {name: $x}) { userErrors { code } }
    updateOrganization(input: {organizationId: $org, name: $x}) { userErrors { code } }
    slug: updateOrganization(input: {organizationId: $org, slug: $x}) { userErrors { code } }
    description: updateOrganization(input: {organizationId: $org, description: $x}) { userErrors { code } }
    foreign: updateOrganization(input: {organizationId: $id, name: $x}) { userErrors { code } }
    createOrganization(input: {name: $x, switch: false}) { userErrors { code } }
    createOrganizationSlug: createOrganization(input: {name: "A", slug: $x, switch: false}) { userErrors { code } }
    deleteOrganization(input: {organizationId: $org, confirmName: $x}) { userErrors { code } }
    restoreOrganization(input: {organizationId: $id}) { userErrors { code } }
    switchOrganization(input: {organizationId: $id}) { userErrors { code } }
    createWorkspace(input: {organizationId: $org, name: $x}) { userErrors { code } }
    createWorkspaceSlug: createWorkspace(input: {organizationId: $org, name: "A", slug: $x}) { userErrors { code } }
    environment: createWorkspace(input: {organizationId: $org, name: "A", environment: $x}) { userErrors { code } }
    updateWorkspace(input: {workspaceId: $id, name: $x}) { userErrors { code } }
    switchWorkspace(input: {workspaceId: $id}) { userErrors { code } }
    deleteWorkspace(input: {workspaceId: $id, confirmName: $x}) { userErrors { code } }
    restoreWorkspace(input: {workspaceId: $id}) { userErrors { code } }
    leaveWorkspace(input: {workspaceId: $id}) { userErrors { code } }
    inviteMembers(input: {organizationId: $org, message: $x, invitations: [
        {email: $x, role: "viewer"}, {email: "a@example.com", role: $x},
        {email: "b@example.com", role: "viewer", workspaceIds: [$id]}
    ]}) { results { email userErrors { code } } userErrors { code } }
    resendInvitation(input: {invitationId: $id}) { userErrors { code } }
    revokeInvitation(input: {invitationId: $id}) { userErrors { code } }
    acceptInvitation(input: {token: $x}) { userErrors { code } }
    acceptById: acceptInvitation(input: {invitationId: $id}) { userErrors { code } }
    declineInvitation(input: {token: $x}) { userErrors { code } }
    removeMember(input: {memberId: $id}) { userErrors { code } }
    setMemberRole(input: {memberId: $mem, role: $x}) { userErrors { code } }
    grantRole(input: {memberId: $mem, role: $x, workspaceId: $id}) { userErrors { code } }
    grantRoleEverywhere: grantRole(input: {memberId: $mem, role: $x}) { userErrors { code } }
    transferOwnership(input: {memberId: $id, ownRole: $x}) { userErrors { code } }
    revokeGrant(input: {grantId: $id}) { userErrors { code } }
    verifyEmail(input: {token: $x}) { userErrors { code } }
    resetPassword(input: {token: $x, password: $x}) { userErrors { code } }
    requestPasswordReset(input: {email: $x}) { userErrors { code } }
    signUpEmail: signUp(input: {email: $x, name: "A", password: "short"}) { userErrors { code } }
    signUpName: signUp(input: {email: "a@example.com", name: $x, password: "short"}) { userErrors { code } }
    revokeSession(input: {sessionId: $id}) { userErrors { code } }
}"""

QUERY = """query ($x: String!, $id: ID!, $org: ID!) {
    node(id: $id) { id }
    nodes(ids: [$id, $id]) { id }
    workspace(id: $id) { id }
    invitation(token: $x) { id }
    byId: organization(id: $id) { id }
    bySlug: organization(slug: $x) { id }
    viewer { can(permission: $x) canOn: can(permission: $x, on: $id) memberships(after: $x) { totalCount } }
    organization(id: $org) {
        role: members(filter: {role: $x}) { totalCount }
        search: members(filter: {search: $x}) { totalCount }
        workspace: members(filter: {workspaceId: $id}) { totalCount }
        after: members(after: $x) { totalCount }
        before: members(before: $x) { totalCount }
        workspaces(after: $x) { totalCount }
        roles(after: $x) { totalCount }
        invitations(filter: {email: $x}) { totalCount }
        action: auditEvents(filter: {action: $x}) { totalCount }
        actor: auditEvents(filter: {actorId: $id}) { totalCount }
        target: auditEvents(filter: {targetId: $id}) { totalCount }
        events: auditEvents(after: $x) { totalCount }
    }
}"""

SENSITIVE = [
    "\0",
    "a\0b",
    "\x1f",
    "\x7f",
    "\u2028",
    "\ufeff",
    "\ud7ff",
    "\U0010ffff",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "$1",
    "{}",
    "{0}",
]

PREFIXES = ["", "org_", "ws_", "mem_", "grant_", "inv_", "ses_", "user_", "evt_", "role_"]
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=130)
ids = st.builds(
    lambda prefix, rest: prefix + rest,
    st.sampled_from(PREFIXES),
    st.text("0123456789abcdefghjkmnpqrstvwxyzILO", min_size=25, max_size=27) | any_text,
)
anything = settings(max_examples=40, deadline=None, database=None, derandomize=True)


async def internal(boss: Person, http: httpx.AsyncClient, query: str, text: str, id: str) -> list[str]:
    """The paths of the fields that failed in an unforeseen way."""
    variables = {"x": text, "id": id, "org": boss.organization_id}
    if "$mem" in query:
        variables["mem"] = boss.member_id
    headers = {"Authorization": f"Bearer {boss.token}"}
    response = await http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    assert response.status_code == 200, response.text
    assert response.json()["data"] is not None, response.text
    errors = response.json().get("errors", [])
    assert not any(PYTHON.search(error["message"]) for error in errors)
    return [".".join(map(str, error["path"])) for error in errors if error["extensions"]["code"] == "INTERNAL"]


@anything
@given(any_text, ids)
async def test_any_text_in_any_mutation(boss: Person, http: httpx.AsyncClient, text: str, id: str) -> None:
    assert await internal(boss, http, MUTATION, text, id) == []


@pytest.mark.parametrize("text", [*SENSITIVE, "a" * 100_000, "é" * 300, "a@b\0.example", "\0@example.com", "org_\0"])
async def test_difficult_text_in_any_mutation(boss: Person, http: httpx.AsyncClient, text: str) -> None:
    assert await internal(boss, http, MUTATION, text, text) == []


@anything
@given(any_text, ids)
@example("\0", "\0")
async def test_any_text_in_any_query(boss: Person, http: httpx.AsyncClient, text: str, id: str) -> None:
    assert await internal(boss, http, QUERY, text, id) == []


@pytest.mark.parametrize("text", [*SENSITIVE, "a" * 100_000, "org_" + "7" + "z" * 25, "org_" + "8" + "0" * 25])
async def test_difficult_text_in_any_query(boss: Person, http: httpx.AsyncClient, text: str) -> None:
    assert await internal(boss, http, QUERY, text, text) == []


@pytest.mark.parametrize(
    "moment",
    [
        "2100-01-01T00:00:00",
        "2100-01-01",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00Z",
    ],
)
async def test_times_at_the_edges(boss: Person, moment: str) -> None:
    """Without a time zone, or out of what Python or PostgreSQL can say in UTC."""
    mutation = """mutation ($member: ID!, $moment: DateTime) {
        grantRole(input: {memberId: $member, role: "viewer", expiresAt: $moment}) { userErrors { code field } } }"""
    answer = await boss.execute(mutation, {"member": boss.member_id, "moment": moment})
    assert set(answer.codes) <= {"BAD_REQUEST"}
