"""Attempts at more than one may, and what must be left of them: nothing but a line in the log."""

import json
from typing import Any

from schema.scalars import parse_any_id
from tests.api_keys import Key
from tests.factories import Person, sql

TABLES = ("member", "grant", "role", "workspace", "invitation", "api_key", "organization")
VOLATILE = "'{last_seen_at, last_used_at, last_used_ip, token_hash}'::text[]"
"""What being there changes, and the sending of a letter."""

STATE = " UNION ALL ".join(
    f"""SELECT '{table}' AS kind, (to_jsonb(x) - {VOLATILE})::text AS row FROM "{table}" x
    WHERE {"id" if table == "organization" else "organization_id"} = $1"""
    for table in TABLES
)
NEWEST = """(SELECT '~' AS kind, jsonb_build_object('action', action, 'actor', actor_id, 'changes', changes,
    'sequence', sequence)::text AS row FROM audit_event WHERE chain_id = $1 ORDER BY sequence DESC LIMIT 1)"""
AUDITED = {"FORBIDDEN", "ABOVE_YOUR_ROLE", "LAST_OWNER"}
SELECTIONS = {
    "inviteMembers": "results { invitation { id } userErrors { code field } }",
    "createApiKey": "secret",
    "rotateApiKey": "secret",
}
ABOVE = "ABOVE_YOUR_ROLE"
Attempt = tuple[str, dict[str, Any]]


async def state(person: Person) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Every row of the person's organization, and the newest event of its log."""
    rows = await sql(person.server, f"{STATE} UNION ALL {NEWEST} ORDER BY 1, 2", parse_any_id(person.organization_id))
    (event,) = [json.loads(row["row"]) for row in rows if row["kind"] == "~"]
    return [tuple(row) for row in rows if row["kind"] != "~"], event


async def resisted(actor: Person, mutation: str, input: dict[str, Any], audited: bool = True) -> tuple[str, str | None]:
    """Code and field of the refusal.

    Every row of the organization is as it was, no secret was shown, and the log tells of the attempt if it was
    privileged; `audited` is False where it failed before it was about the organization at all.
    """
    before, last = await state(actor)
    payload = await actor.mutate(mutation, input, SELECTIONS.get(mutation, ""))
    errors = [*payload["userErrors"], *(error for row in payload.get("results") or [] for error in row["userErrors"])]
    assert len(errors) == 1, (mutation, input, errors)
    assert payload.get("secret") is None
    after, event = await state(actor)
    assert after == before, (mutation, input)
    code = errors[0]["code"]
    if code in AUDITED and audited:
        assert (event["action"], event["sequence"]) == ("access.refused", last["sequence"] + 1), (mutation, input)
        assert event["actor"] == str(parse_any_id(actor.id if isinstance(actor, Key) else actor.user_id))
        told = {change["field"]: change["after"] for change in event["changes"]}
        assert told == {"operation": mutation, "code": code}
    else:
        assert event["sequence"] == last["sequence"], (mutation, input)
    return code, errors[0]["field"]


def inviting(actor: Person, role: str, email: str, *workspaces: str) -> Attempt:
    row = {"email": email, "role": role} | ({"workspaceIds": list(workspaces)} if workspaces else {})
    return "inviteMembers", {"organizationId": actor.organization_id, "invitations": [row]}
