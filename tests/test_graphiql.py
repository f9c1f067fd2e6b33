"""GraphiQL in a real browser: signs in, queries, sees a change live, and asks no other host for anything."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

BUILT = Path(__file__).parents[1] / "schema" / "graphiql" / "dist" / "stamp"
TABS = ["1 Sign in", "2 Viewer", "3 Members", "4 Invite", "5 Grant", "6 Switch", "7 Live changes"]
CHROMIUM_OPTIONS = [
    "--no-sandbox",  # needed by root in a container
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
# Typing would make the editor add closing quotes of its own.
PASTE = """(text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""
SIGN_UP = "mutation($i: SignUpInput!){ signUp(input:$i){ token userErrors{ code message } } }"
OWN_MEMBER = "{ viewer { organization { members(first: 1) { edges { node { id } } } } } }"
CREATE_WORKSPACE = """mutation($i: CreateWorkspaceInput!){
    createWorkspace(input:$i){ workspace{ id } userErrors{ code message } } }"""
GRANT_ROLE = "mutation($i: GrantRoleInput!){ grantRole(input:$i){ grant{ id } userErrors{ code message } } }"


def unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        unavailable("chromium is not installed: GraphiQL is not tried in a browser")
    if not BUILT.is_file():
        unavailable("GraphiQL is not built: run `python schema/graphiql/build.py`")
    expect.set_options(timeout=20_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        yield browser
        await browser.close()


class Client:
    """Somebody else's HTTP client, with the same person's token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def execute(self, query: str, **values: Any) -> Any:
        response = await self.http.post("/graphql", json={"query": query, "variables": {"i": values}})
        answer = response.json()
        assert "errors" not in answer, answer
        (result,) = answer["data"].values()
        assert not result.get("userErrors"), answer
        return result

    async def cause_change(self) -> None:
        viewer = await self.execute(OWN_MEMBER)
        (edge,) = viewer["organization"]["members"]["edges"]
        created = await self.execute(CREATE_WORKSPACE, name=f"Live {uuid4().hex[:8]}")
        await self.execute(
            GRANT_ROLE, memberId=edge["node"]["id"], role="viewer", workspaceId=created["workspace"]["id"]
        )


async def wait_for_editor() -> None:
    await asyncio.sleep(0.7)  # GraphiQL takes over what was typed some 300 ms later


async def open_tab(page: Page, name: str) -> None:
    await page.get_by_role("tab", name=name).click()
    await wait_for_editor()


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


async def test_signs_in_queries_and_sees_changes_live(server: Any, browser: Browser) -> None:
    email, password = f"{uuid4().hex}@example.com", f"Correct-horse-{uuid4().hex}"
    complaints: list[str] = []

    page = await browser.new_page(viewport={"width": 1280, "height": 1000})
    host = httpx.URL(server.url).netloc.decode()

    def check_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text[:300])

    def check_host(url: str) -> None:
        address = httpx.URL(url)
        if address.scheme not in ("data", "blob") and address.netloc.decode() != host:
            complaints.append(f"another host: {url}")

    page.on("console", check_message)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: check_host(request.url))
    page.on("websocket", lambda socket: check_host(socket.url))

    async with httpx.AsyncClient(base_url=server.url) as http:
        client = Client(http)
        signed_up = await client.execute(
            SIGN_UP,
            email=email,
            password=password,
            name="Ada Lovelace",
            organizationName="Analytical Engines",
        )
        http.cookies.clear()
        http.headers["authorization"] = f"Bearer {signed_up['token']}"

        await page.goto(f"{server.url}/graphql")
        identity, response = page.locator("#identity"), page.locator(".graphiql-response")
        await expect(page.get_by_role("tab")).to_have_text(TABS, use_inner_text=True)
        await expect(page.locator(".graphiql-query-editor")).to_contain_text("mutation SignIn")
        await expect(identity).to_have_text("Not signed in")

        await page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines").click()
        await page.keyboard.press("ControlOrMeta+A")
        await page.evaluate(PASTE, json.dumps({"input": {"email": email, "password": password}}))
        await wait_for_editor()
        await run(page)
        await expect(response).to_contain_text('"token"')
        await expect(identity).to_have_text(f"Signed in as Ada Lovelace ({email}) in Analytical Engines")

        await open_tab(page, "2 Viewer")
        await run(page)
        await expect(response).to_contain_text('"name": "Analytical Engines"')

        await open_tab(page, "7 Live changes")
        await run(page)
        for _ in range(5):  # the subscription may not have begun when the first change is made
            await client.cause_change()
            try:
                await expect(response).to_contain_text('"ROLE_GRANTED"', timeout=3_000)
                break
            except AssertionError:
                continue
        await expect(response).to_contain_text('"ROLE_GRANTED"')

    assert not complaints, "\n".join(complaints)
