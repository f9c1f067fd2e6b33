"""Invitations with the tokens of their letters."""

import asyncio
from typing import Any

from schema.scalars import parse_any_id
from tests.factories import Person, invite, sign_up, sql, unique, verify
from tests.servers import Mailbox, Server, link_token, text_of

PREVIEW = """query ($token: String!) { invitation(token: $token) {
    email status message role { key } organization { id name } workspaces { id } invitedBy { name } } }"""


async def expire(server: Server, invitation_id: str) -> None:
    statement = "UPDATE invitation SET expires_at = now() - interval '1 s' WHERE id = $1"
    await sql(server, statement, parse_any_id(invitation_id))


def address(word: str = "invited") -> str:
    return f"{unique(word)}@example.com"


async def letter_token(mailbox: Mailbox, email: str, count: int = 1) -> str:
    """Of the `count`th invitation to the address, which may have had other letters."""
    while True:
        found = [letter for letter in mailbox.to(email) if "/accept-invitation?token=" in text_of(letter)]
        if len(found) >= count:
            return link_token(text_of(found[count - 1]), "/accept-invitation")
        await asyncio.sleep(0.01)


async def invited(inviter: Person, mailbox: Mailbox, role: str = "member", **row: Any) -> tuple[str, str, str]:
    """A new invitation's address, id and token."""
    invitation = await invite(inviter, role, **row)
    return invitation["email"], invitation["id"], await letter_token(mailbox, invitation["email"])


async def newcomer(server: Server, mailbox: Mailbox) -> Person:
    """Somebody verified who belongs to nothing."""
    return await verify(await sign_up(server), mailbox)


async def invitation_status(viewer: Person, id: str) -> str:
    query = "query ($id: ID!) { node(id: $id) { ... on Invitation { status } } }"
    return str((await viewer.query(query, {"id": id}))["node"]["status"])


async def members_named(viewer: Person, email: str) -> list[dict[str, Any]]:
    selection = """members(filter: {search: $email}) { nodes {
        id user { email emailVerified } grants { role { key } workspace { id } } } }"""
    return list((await viewer.organization(selection, ", $email: String!", email=email))["members"]["nodes"])
