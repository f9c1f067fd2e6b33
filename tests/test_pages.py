"""A letter's link leads somewhere even before the product has a frontend."""

import html
import re

import httpx
import pytest

from server.pages import LINKS
from tests.factories import Client, sign_up
from tests.servers import Mailbox, Server


@pytest.mark.parametrize("path", LINKS)
async def test_links_lead_to_a_page(server: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        page = await http.get(path, params={"token": 'a-b_C1"<script>{x}'})
    assert page.status_code == 200
    assert "a-b_C1scriptx" in page.text
    assert "<script" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_what_the_page_says_works(server: Server, mailbox: Mailbox) -> None:
    person = await sign_up(server)
    token = await mailbox.token(person.email)
    async with httpx.AsyncClient(base_url=server.url) as http:
        page = await http.get("/verify-email", params={"token": token})
    [operation] = re.findall(r"<pre>(.*?)</pre>", page.text, re.DOTALL)
    answer = await Client(server).query(html.unescape(operation))
    assert answer == {"verifyEmail": {"user": {"email": person.email}, "userErrors": []}}
