"""The endpoint as any HTTP client may use or misuse it: always JSON with a code, never an unforeseen error."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.factories import Client, Person, owner
from tests.servers import Mailbox, Server

PYTHON = re.compile(r"Traceback|\b0x[0-9a-f]{6}|[a-z](Error|Exception)\b|<class|<object|NoneType|asyncpg|tortoise")
"""What only Python says."""


@pytest.fixture(scope="module")
async def boss(server: Server, mailbox: Mailbox) -> Person:
    return await owner(server, mailbox)


@pytest.fixture(scope="module")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, verify=False, timeout=30) as client:  # noqa: S501
        yield client


@pytest.fixture(autouse=True)
def quiet(server: Server) -> Any:
    """Whatever a client sends, the server's log tells of no failure."""
    before = len(server.output())
    yield
    assert "Traceback" not in server.output()[before:]


def refused(response: httpx.Response, *statuses: int) -> list[str]:
    """The codes of an answer in which nothing was executed."""
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"].partition(";")[0] in (
        "application/json",
        "application/graphql-response+json",
    )
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body.get("data") is None
    for error in body["errors"]:
        assert error["message"]
        assert not PYTHON.search(error["message"]), error["message"]
    return [error["extensions"]["code"] for error in body["errors"]]


def body(query: Any = "{ __typename }", **more: Any) -> bytes:
    return json.dumps({"query": query, **more}).encode()


BODIES = {
    "string": b'"x"',
    "number": b"5",
    "null": b"null",
    "true": b"true",
    "empty list": b"[]",
    "list of numbers": b"[1]",
    "batch": b'[{"query": "{ __typename }"}]',
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "nested in variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "long integer": b"9" * 5000,
    "long integer in variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5000 + b"}}",
    "empty": b"",
    "blank": b"  \n",
    "cut off": b'{"query": "{ __typ',
    "invalid UTF-8": b'{"query": "{ __typename }", "variables": {"a": "\xff\xfe"}}',
    "lone surrogate": b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
    "lone surrogate in UTF-8": b'{"query": "{ __typename }", "variables": {"a": "\xed\xa0\x80"}}',
    "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "no query": b"{}",
    "null query": body(None),
    "empty query": body(""),
    "query is a number": body(5),
    "query is a list": body(["{ __typename }"]),
    "variables are a list": body(variables=[]),
    "variables are text": body(variables="{}"),
    "extensions are a number": body(extensions=5),
    "operationName is a number": body(operationName=5),
    "operationName is a list": body(operationName=["a"]),
    "unknown operation": body(operationName="x"),
    "subscription": body("subscription { membershipChanges { type } }"),
    "subscription of two": body(
        "query a { __typename } subscription b { membershipChanges { type } }", operationName="b"
    ),
    "two operations, none named": body("query a { __typename } query b { __typename }"),
}


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("accept", ["*/*", "application/json, text/event-stream"], ids=["any", "stream last"])
async def test_a_bad_body(http: httpx.AsyncClient, content: bytes, accept: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": accept}
    response = await http.post("/graphql", content=content, headers=headers)
    assert refused(response, 400) == ["BAD_REQUEST"]


QUERIES = {
    "blank": "  ",
    "comment": "# nothing",
    "syntax": "{",
    "unknown field": "{ nothing }",
    "missing argument": "{ node { id } }",
    "wrong type": "{ node(id: [1, 2]) { id } }",
    "unknown type": "query ($a: Nothing) { __typename }",
    "no subselection": "{ viewer }",
    "nul": "{ \0 }",
    "lone surrogate": '{ node(id: "\\uD800") { id } }',
    "unknown variable": "{ node(id: $id) { id } }",
    "unknown directive": "{ __typename @nothing }",
    "recursive fragment": "{ ...a } fragment a on Query { ...a }",
    "too long": "{ " + "__typename " * 5000 + "}",
    "nested": "{ viewer " * 500 + "}" * 500,
    "nested value": "{ node(id: " + "[" * 1500 + "]" * 1500 + ") { id } }",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_a_document_that_cannot_be_executed(http: httpx.AsyncClient, query: str) -> None:
    response = await http.post("/graphql", json={"query": query})
    assert set(refused(response, 200, 400)) == {"BAD_REQUEST"}


async def test_no_suggestion_of_fields(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ vieWer { user { id } } }"})
    assert refused(response, 200, 400) == ["BAD_REQUEST"]
    assert "viewer" not in response.text


@pytest.mark.parametrize("protocol", ["post", "sse"])
@pytest.mark.parametrize("variables", [{}, {"id": None}, {"id": []}, {"id": {}}, {"id": 1.5}, {"id": True}])
async def test_bad_variables(http: httpx.AsyncClient, variables: dict[str, Any], protocol: str) -> None:
    headers = {"Accept": "text/event-stream"} if protocol == "sse" else {}
    sent = {"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": variables}
    response = await http.post("/graphql", json=sent, headers=headers)
    answer = json.loads(response.text.split("data: ", 1)[1].splitlines()[0]) if protocol == "sse" else response.json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]


STREAMED = {
    "no query": {},
    "empty": {"query": ""},
    "syntax": {"query": "{"},
    "unknown field": {"query": "subscription { nothing }"},
    "unknown operation": {"query": "{ __typename }", "operationName": "x"},
    "anonymous": {"query": "subscription { membershipChanges { type } }"},
}


@pytest.mark.parametrize("sent", STREAMED.values(), ids=STREAMED)
async def test_a_stream_that_cannot_begin(http: httpx.AsyncClient, sent: dict[str, Any]) -> None:
    response = await http.post("/graphql", json=sent, headers={"Accept": "text/event-stream"})
    expected = "UNAUTHENTICATED" if sent.get("query", "").endswith("{ type } }") else "BAD_REQUEST"
    if response.headers["content-type"] == "application/json":
        assert refused(response, 400) == [expected]
        return
    first, *others = re.findall(r"^event: next\ndata: (.*)$", response.text, re.MULTILINE)
    assert [error["extensions"]["code"] for error in json.loads(first)["errors"]] == [expected]
    assert others == []
    assert response.text.rstrip().endswith("event: complete\ndata:")


async def test_a_query_may_come_as_a_stream(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ __typename }"}, headers={"Accept": "text/event-stream"})
    assert response.text == 'event: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata: \n\n'


async def test_get(http: httpx.AsyncClient) -> None:
    good = await http.get("/graphql", params={"query": "query a($x: Boolean!) { __typename @skip(if: $x) }",
                                              "variables": '{"x": false}', "operationName": "a"})  # fmt: skip
    assert good.json() == {"data": {"__typename": "Query"}}
    for parameters in (
        {},
        {"query": ""},
        {"query": "mutation { signOut { userErrors { code } } }"},
        {"query": "subscription { membershipChanges { type } }"},
        {"query": "{ __typename }", "variables": "junk"},
        {"query": "{ __typename }", "variables": "5"},
        {"query": "{ __typename }", "variables": "[]"},
        {"query": "{ __typename }", "extensions": "["},
        {"query": "{ __typename }", "operationName": "x"},
    ):
        assert refused(await http.get("/graphql", params=parameters), 400, 405) == ["BAD_REQUEST"], parameters


async def test_a_mutation_by_get_changes_nothing(http: httpx.AsyncClient, boss: Person) -> None:
    headers = {"Authorization": f"Bearer {boss.token}"}
    query = 'mutation { updateProfile(input: {name: "By GET"}) { userErrors { code } } }'
    for accept in ("*/*", "text/event-stream"):
        response = await http.get("/graphql", params={"query": query}, headers=headers | {"Accept": accept})
        assert "INTERNAL" not in response.text
        assert "BAD_REQUEST" in response.text
    assert (await boss.query("{ viewer { user { name } } }"))["viewer"]["user"]["name"] != "By GET"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "x",
    ],
)
async def test_a_wrong_content_type(http: httpx.AsyncClient, content_type: str) -> None:
    """Those that a foreign page's form can send among them."""
    response = await http.post("/graphql", content=body(), headers={"Content-Type": content_type})
    assert refused(response, 400, 415) == ["BAD_REQUEST"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_a_wrong_method(http: httpx.AsyncClient, method: str) -> None:
    assert refused(await http.request(method, "/graphql", json={"query": "{ __typename }"}), 405) == ["BAD_REQUEST"]


async def test_a_body_that_is_too_large(http: httpx.AsyncClient) -> None:
    large = body(variables={"a": "x" * 2_000_000})
    headers = {"Content-Type": "application/json"}
    assert refused(await http.post("/graphql", content=large, headers=headers), 413) == ["BAD_REQUEST"]
    fitting = await http.post("/graphql", content=body(variables={"a": "x" * 1_000_000}), headers=headers)
    assert fitting.json() == {"data": {"__typename": "Query"}}


async def test_a_body_of_unknown_length_that_is_too_large(http: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000
        yield body()

    response = await http.post("/graphql", content=chunks(), headers={"Content-Type": "application/json"})
    assert refused(response, 413) == ["BAD_REQUEST"]


async def test_an_organization_that_cannot_be_entered(http: httpx.AsyncClient, boss: Person) -> None:
    for headers in (
        {"Orgraph-Organization": "junk"},
        {"Orgraph-Organization": "org_01h455vb4pex5vsknk084sn02q"},
        {"Orgraph-Workspace": boss.organization_id},
        {"Orgraph-Organization": boss.organization_id, "Orgraph-Workspace": "ws_01h455vb4pex5vsknk084sn02q"},
    ):
        sent = headers | {"Authorization": f"Bearer {boss.token}"}
        assert refused(await http.post("/graphql", json={"query": "{ __typename }"}, headers=sent), 403) == [
            "FORBIDDEN"
        ]


@pytest.mark.parametrize("token", ["junk", "x" * 5000, "\x80", "a b"])
async def test_a_wrong_token_is_nobody(http: httpx.AsyncClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    query = {"query": "{ viewer { user { id } } }"}
    response = await http.post("/graphql", json=query, headers=headers)  # type: ignore[arg-type]
    assert response.json()["data"] == {"viewer": None}
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAUTHENTICATED"]


async def test_headers_of_an_answer(http: httpx.AsyncClient, boss: Person) -> None:
    answer = await boss.execute("{ viewer { user { id } } }")
    timing = re.fullmatch(r'total;dur=([\d.]+), db;dur=([\d.]+);desc="(\d+)"', answer.headers["server-timing"])
    assert timing
    total, database, statements = timing.groups()
    assert 0 < float(database) < float(total)
    assert 1 <= int(statements) <= 3
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    first, second = [(await boss.execute("{ __typename }")).headers["x-request-id"] for _ in range(2)]
    assert first != second
    for wished, kept in (
        ("abc-1", True),
        ("a.b:c_D-9", True),
        ("a b", False),
        ("", False),
        ("x" * 65, False),
        ("é", False),
    ):
        sent = {"X-Request-Id": wished.encode("latin-1")}
        response = await http.post("/graphql", json={"query": "{ __typename }"}, headers=sent)  # type: ignore[arg-type]
        assert (response.headers["x-request-id"] == wished) is kept
        assert re.fullmatch(r"[\w.:-]{1,64}", response.headers["x-request-id"])


async def test_everything_is_described(server: Server) -> None:
    query = """{ __schema { types { name description enumValues(includeDeprecated: true) { name description }
        inputFields { name description }
        fields(includeDeprecated: true) { name description args { name description } } }
        directives { name description args { name description } } } }"""
    schema = (await Client(server).query(query))["__schema"]
    silent = []
    for type_ in schema["types"]:
        if type_["name"].startswith("__"):
            continue
        parts = [type_, *(type_["enumValues"] or []), *(type_["inputFields"] or []), *(type_["fields"] or [])]
        parts += [argument for field in type_["fields"] or [] for argument in field["args"]]
        silent += [f"{type_['name']}.{part['name']}" for part in parts if not part["description"]]
    silent += [f"@{directive['name']}" for directive in schema["directives"] if not directive["description"]]
    assert silent == []


# Any text anywhere

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
