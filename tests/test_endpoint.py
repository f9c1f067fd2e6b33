"""The endpoint as any HTTP client may use or misuse it: always JSON with a code, never an unforeseen error."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.factories import PYTHON, Client, Person
from tests.servers import Server

pytestmark = pytest.mark.usefixtures("quiet")


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
    timing = re.fullmatch(
        r'total;dur=([\d.]+), compiled, db;dur=([\d.]+);desc="(\d+)"', answer.headers["server-timing"]
    )
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
