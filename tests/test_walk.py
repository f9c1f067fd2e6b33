"""The README's walk, run as it is written there."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.factories import Client
from tests.servers import ROOT, Mailbox, Postgres, Server, start_server

Block = tuple[str, str]


def blocks() -> list[Block]:
    """The walk's operations and answers, as (language, text)."""
    section = (ROOT / "README.md").read_text().split("## A walk through it")[1].split("\n## ")[0]
    return re.findall(r"```(graphql|json)\n(.*?)```", section, re.DOTALL)


def remembered(value: Any, memory: dict[str, str]) -> None:
    """Keep the ids of an answer by the names of the variables that later operations use."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "workspace" and inner and "id" in inner:
                memory["workspaceId"] = inner["id"]
            if key == "role" and inner and "id" in inner:
                memory["roleId"] = inner["id"]
            if key == "memberships":
                memory["memberId"] = inner["nodes"][0]["id"]
                memory["userId"] = inner["nodes"][0]["user"]["id"]
            remembered(inner, memory)


class Live:
    """A subscription over SSE."""

    def __init__(self, url: str, token: str, query: str) -> None:
        self.url, self.token, self.query = url, token, query
        self.changes: list[dict[str, Any]] = []
        self.begun = asyncio.Event()

    async def lines(self) -> AsyncIterator[str]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        async with (
            httpx.AsyncClient(timeout=60) as http,
            http.stream("POST", self.url, json={"query": self.query}, headers=headers) as response,
        ):
            self.begun.set()
            async for line in response.aiter_lines():
                yield line

    async def follow(self, count: int) -> None:
        async for line in self.lines():
            if line.startswith("data: {"):
                self.changes.append(json.loads(line[6:])["data"]["membershipChanges"])
            if len(self.changes) == count:
                return


async def test_the_walk(postgres: Postgres, template: str, mailbox: Mailbox, tmp_path_factory: Any) -> None:
    url = await postgres.create("orgraph_walk", template)
    server: Server = start_server(tmp_path_factory.mktemp("walk"), url, smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
    people = {"nobody": Client(server)}
    letters = {"verifyEmail": "ann@example.com", "invitation(": "bob@example.com", "invitationToken": "bob@example.com"}
    memory: dict[str, str] = {}
    answer: dict[str, Any] = {}
    compared = 0
    try:
        for language, text in blocks():
            if language == "json":
                assert answer == json.loads(text)
                compared += 1
                continue
            who, _, live = text.splitlines()[0].removeprefix("# ").partition(", ")
            if live:
                feed = Live(f"{server.url}/graphql", people[who].token or "", text)
                following = asyncio.create_task(feed.follow(5))
                await feed.begun.wait()
                await asyncio.sleep(0.3)
                continue
            for mark, address in letters.items():
                if mark in text and "$token" in text:
                    memory["token"] = await mailbox.token(address)
            declared = re.findall(r"\$(\w+):", text.split("{")[0])
            answer = (await people[who].execute(text, {name: memory[name] for name in declared})).body
            assert "errors" not in answer
            remembered(answer["data"], memory)
            for payload in answer["data"].values():
                if isinstance(payload, dict) and payload.get("token"):
                    people["Bob" if "Bob" in text else "Ann"] = Client(server, payload["token"])
                if isinstance(payload, dict) and payload.get("secret"):
                    people["backend"] = Client(server, payload["secret"])
            if "auditEvents" in text:
                audit = answer["data"]["viewer"]["organization"]["auditEvents"]["nodes"]
        await asyncio.wait_for(following, 20)
    finally:
        server.stop()

    assert compared == 7
    assert [event["action"] for event in audit] == [
        "access.refused",
        "member.workspace_entered",
        "grant.created",
        "session.opened",
    ]
    assert [event["sequence"] for event in audit] == sorted((event["sequence"] for event in audit), reverse=True)
    assert [change["type"] for change in feed.changes] == [
        "JOINED",
        "ROLE_GRANTED",
        "INVITATION_ACCEPTED",
        "ROLE_GRANTED",
        "WORKSPACE_ENTERED",
    ]
