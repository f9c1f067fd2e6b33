"""People, organizations and members, made through the API as a frontend would."""

import asyncio
import itertools
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from tests.servers import Mailbox, Server

PASSWORD = "correct horse battery"
ROLES = ("owner", "admin", "member", "viewer")
LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
ACTIVE = "{ viewer { organization { id } workspace { id } } }"

PYTHON = re.compile(r"Traceback|\b0x[0-9a-f]{6}|[a-z](Error|Exception)\b|<class|<object|NoneType|asyncpg|tortoise")
"""What only Python says."""

_numbers = itertools.count(1)

# Made once: loading certificates takes longer than any request here.
_tls = httpx.create_ssl_context()


def unique(word: str) -> str:
    """The word with a number that no other test of this run has."""
    return f"{word}{next(_numbers)}p{os.getpid()}"


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def data(self) -> Any:
        """Fails if there are errors."""
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def codes(self) -> list[str]:
        """Of the top-level errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]

    @property
    def statements(self) -> int:
        """How many SQL statements the request took."""
        return int(self.headers["server-timing"].rpartition('desc="')[2].rstrip('"'))


@dataclass
class Client:
    """Somebody with a GraphQL client: anonymous without a token."""

    server: Server
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def execute(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> Answer:
        """`headers`: further HTTP headers, with _ for -."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        async with httpx.AsyncClient(timeout=60, verify=_tls) as http:
            response = await http.post(
                f"{self.server.url}/graphql", json={"query": query, "variables": variables or {}}, headers=sent
            )
        return Answer(response.status_code, response.json(), response.headers)

    async def query(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> Any:
        """The data; fails if there are errors."""
        return (await self.execute(query, variables, **headers)).data

    async def mutate(self, name: str, input: dict[str, Any] | None, selection: str = "", **headers: str) -> Any:
        """The payload of a mutation, with its userErrors."""
        type_name = name[0].upper() + name[1:] + "Input"
        declared, passed = (f"($input: {type_name}!)", "(input: $input)") if input is not None else ("", "")
        query = (
            f"mutation {declared} {{ {name}{passed} {{ {selection} userErrors {{ code message field details }} }} }}"
        )
        variables = {"input": input} if input is not None else {}
        return (await self.query(query, variables, **headers))[name]

    async def do(self, name: str, input: dict[str, Any] | None = None, selection: str = "", **headers: str) -> Any:
        """The payload of a mutation that must work."""
        payload = await self.mutate(name, input, selection, **headers)
        assert payload["userErrors"] == [], payload["userErrors"]
        return payload

    async def refused(self, name: str, input: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The one error of a mutation that must be refused."""
        errors = (await self.mutate(name, input, **headers))["userErrors"]
        assert len(errors) == 1, errors
        assert errors[0]["message"]
        return dict(errors[0])


@dataclass
class Person(Client):
    """Somebody who is signed in, and, in `organization_id`, a member."""

    email: str = ""
    user_id: str = ""
    member_id: str = ""
    organization_id: str = ""

    async def organization(self, selection: str, variables: str = "", **values: Any) -> Any:
        """A selection on the person's organization; fails if there are errors."""
        query = f"query ($id: ID!{variables}) {{ organization(id: $id) {{ {selection} }} }}"
        return (await self.query(query, {"id": self.organization_id, **values}))["organization"]

    async def workspace(self, name: str | None = None, **input: Any) -> str:
        """A new workspace's id."""
        named = {"name": name or unique("Workspace "), "organizationId": self.organization_id} | input
        return str((await self.do("createWorkspace", named, "workspace { id }"))["workspace"]["id"])


VIEWER = """viewer { user { id email emailVerified } organization { id name slug }
    memberships(first: 100) { nodes { id organization { id } } } }"""


def _person(server: Server, token: str, viewer: dict[str, Any]) -> Person:
    person = Person(server, token, email=viewer["user"]["email"], user_id=viewer["user"]["id"])
    if viewer["organization"]:
        person.organization_id = viewer["organization"]["id"]
        for member in viewer["memberships"]["nodes"]:
            if member["organization"]["id"] == person.organization_id:
                person.member_id = member["id"]
    return person


async def sign_up(server: Server, email: str | None = None, **input: Any) -> Person:
    """A new account; `organizationName` or `invitationToken` as in SignUpInput."""
    given = {"email": email or f"{unique('person')}@example.com", "password": PASSWORD, "name": "Some Body"} | input
    payload = await Client(server).do("signUp", given, f"token {VIEWER}")
    return _person(server, payload["token"], payload["viewer"])


async def sign_in(server: Server, email: str, password: str = PASSWORD) -> Person:
    payload = await Client(server).do("signIn", {"email": email, "password": password}, f"token {VIEWER}")
    return _person(server, payload["token"], payload["viewer"])


async def verify(person: Person, mailbox: Mailbox) -> Person:
    """Follow the link that proves the person's address."""
    await person.do("verifyEmail", {"token": await mailbox.token(person.email, path="/verify-email")})
    return person


async def owner(server: Server, mailbox: Mailbox, name: str | None = None) -> Person:
    """A verified owner of a new organization."""
    return await verify(await sign_up(server, organizationName=name or unique("Organization ")), mailbox)


async def invite(inviter: Person, role: str = "member", email: str | None = None, **row: Any) -> dict[str, Any]:
    """A sent invitation's id and email."""
    rows = [{"email": email or f"{unique('invited')}@example.com", "role": role} | row]
    payload = await inviter.do(
        "inviteMembers",
        {"organizationId": inviter.organization_id, "invitations": rows},
        "results { email invitation { id } userErrors { code message field } }",
    )
    result = payload["results"][0]
    assert result["userErrors"] == [], result["userErrors"]
    return {"id": result["invitation"]["id"], "email": result["email"]}


async def join(inviter: Person, mailbox: Mailbox, role: str = "member", **row: Any) -> Person:
    """A new member of the inviter's organization, by a real invitation's letter."""
    invitation = await invite(inviter, role, **row)
    token = await mailbox.token(invitation["email"], path="/accept-invitation")
    return await sign_up(inviter.server, invitation["email"], invitationToken=token)


async def refusal(client: Client, mutation: str, input: dict[str, Any]) -> tuple[str, str | None]:
    error = await client.refused(mutation, input)
    return error["code"], error["field"]


async def cast(inviter: Person, mailbox: Mailbox, *roles: str, **row: Any) -> list[Person]:
    """New members with these roles, invited in one call."""
    emails = [f"{unique('cast')}@example.com" for _ in roles]
    rows = [{"email": email, "role": role} | row for email, role in zip(emails, roles, strict=True)]
    payload = await inviter.do(
        "inviteMembers",
        {"organizationId": inviter.organization_id, "invitations": rows},
        "results { userErrors { code field } }",
    )
    assert all(not result["userErrors"] for result in payload["results"]), payload

    async def arrive(email: str) -> Person:
        token = await mailbox.token(email, path="/accept-invitation")
        return await sign_up(inviter.server, email, invitationToken=token, name=email.partition("@")[0])

    return list(await asyncio.gather(*(arrive(email) for email in emails)))


async def sql(server: Server, statement: str, *values: Any) -> list[asyncpg.Record]:
    """Past every rule, straight in the server's database."""
    connection = await asyncpg.connect(server.database_url.replace("asyncpg://", "postgresql://"))
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


async def grants_of(viewer: Person, member_id: str) -> list[dict[str, Any]]:
    query = "query ($id: ID!) { node(id: $id) { ... on Member { grants { id role { key } workspace { id } } } } }"
    return list((await viewer.query(query, {"id": member_id}))["node"]["grants"])


async def founder(server: Server) -> Person:
    """An owner, of an address that is not verified."""
    return await sign_up(server, organizationName=unique("Organization "))


def closed(answer: Answer) -> bool:
    """Whether a request was refused as a whole, for what its headers name."""
    return answer.status == 403 and answer.codes == ["FORBIDDEN"] and not answer.body.get("data")
