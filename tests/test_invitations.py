"""Invitations: who may send, withdraw and list them, and what the letter says."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.factories import (
    PASSWORD,
    Client,
    Person,
    invite,
    join,
    owner,
    refusal,
    sign_in,
    sign_up,
    sql,
    unique,
    verify,
)
from tests.invitations import (
    PREVIEW,
    address,
    expire,
    invitation_status,
    invited,
    letter_token,
    members_named,
    newcomer,
)
from tests.servers import Mailbox, Server, link_token, text_of

RESULTS = "results { email invitation { id status email role { key } } userErrors { code field message } }"


async def rows(inviter: Person, invitations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    input = {"organizationId": inviter.organization_id, "invitations": invitations}
    return list((await inviter.do("inviteMembers", input, RESULTS))["results"])


async def row_error(inviter: Person, role: str, **row: Any) -> tuple[str, str] | None:
    (result,) = await rows(inviter, [{"email": address(), "role": role} | row])
    assert (result["invitation"] is None) == bool(result["userErrors"])
    return (result["userErrors"][0]["code"], result["userErrors"][0]["field"]) if result["userErrors"] else None


# Sending


async def test_a_hundred_at_once_answered_row_by_row(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    bob = await join(founder, mailbox)
    pending = (await invite(founder))["email"]
    own, foreign = await founder.workspace(), await stranger.workspace()
    good = [f"{unique('good')}@example.com" for _ in range(92)]
    sent: list[dict[str, Any]] = [{"email": email, "role": "member"} for email in good]
    bad = {
        3: ({"email": "not an address", "role": "member"}, "INVALID", "email"),
        10: ({"email": good[0].upper() + " ", "role": "member"}, "INVALID", "email"),
        20: ({"email": bob.email, "role": "member"}, "ALREADY_DONE", "email"),
        33: ({"email": pending, "role": "member"}, "ALREADY_DONE", "email"),
        47: ({"email": address(), "role": "king"}, "NOT_FOUND", "role"),
        60: ({"email": address(), "role": "member", "workspaceIds": [own, foreign]}, "NOT_FOUND", "workspaceIds"),
        71: ({"email": address(), "role": "member", "workspaceIds": ["ws_junk"]}, "NOT_FOUND", "workspaceIds"),
        99: ({"email": "", "role": "member"}, "REQUIRED", "email"),
    }
    for index, (row, _, _) in sorted(bad.items()):
        sent.insert(index, row)
    results = await rows(founder, sent)
    assert len(results) == len(sent) == 100
    for index, (row, result) in enumerate(zip(sent, results, strict=True)):
        if index in bad:
            _, code, field = bad[index]
            (error,) = result["userErrors"]
            assert (error["code"], error["field"]) == (code, f"invitations.{index}.{field}")
            assert error["message"]
            assert (result["email"], result["invitation"]) == (row["email"], None)
        else:
            assert result["userErrors"] == []
            assert result["email"] == result["invitation"]["email"] == row["email"]
            assert result["invitation"]["status"] == "PENDING"
    await asyncio.gather(*(letter_token(mailbox, email) for email in good))
    listed = await founder.organization("invitations(filter: {status: PENDING}) { totalCount }")
    assert listed["invitations"]["totalCount"] == len(good) + 1
    assert len(mailbox.to(bob.email)) == len(mailbox.to(pending)) == 1  # the one that invited them


async def test_how_many_at_once(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    assert await refusal(founder, "inviteMembers", {"invitations": []}) == ("REQUIRED", "invitations")
    many = [{"email": address(), "role": "member"} for _ in range(101)]
    error = await founder.refused("inviteMembers", {"invitations": many})
    assert (error["code"], error["field"], error["details"]) == ("TOO_LONG", "invitations", {"limit": 100})
    listed = await founder.organization("invitations { totalCount }")
    assert listed["invitations"]["totalCount"] == 0


async def test_addresses_are_one_when_normalized(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    name = unique("straße")
    sent = [f" {name}@BÜCHER.example ", f"{name.replace('ß', 'SS')}@xn--bcher-kva.example", f"{name}+1@bücher.example"]
    results = await rows(founder, [{"email": email, "role": "viewer"} for email in sent])
    assert [[error["code"] for error in result["userErrors"]] for result in results] == [[], ["INVALID"], []]
    assert results[0]["email"] == f"{name.replace('ß', 'ss')}@xn--bcher-kva.example"


async def test_the_inviters_own_address_must_be_verified(server: Server, mailbox: Mailbox) -> None:
    founder = await sign_up(server, organizationName=unique("Organization "))
    input = {"invitations": [{"email": address(), "role": "member"}]}
    assert await refusal(founder, "inviteMembers", input) == ("EMAIL_NOT_VERIFIED", None)
    await verify(founder, mailbox)
    await founder.do("inviteMembers", input)


async def test_who_may_not_invite(server: Server, mailbox: Mailbox) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    input = {"organizationId": founder.organization_id, "invitations": [{"email": address(), "role": "viewer"}]}
    for role in ("member", "viewer"):
        actor = await join(founder, mailbox, role)
        error = await actor.refused("inviteMembers", input)
        assert (error["code"], error["field"]) == ("FORBIDDEN", "organizationId")
        assert error["details"] == {"permission": "members:invite"}
    assert await refusal(stranger, "inviteMembers", input) == ("NOT_FOUND", "organizationId")
    query = """mutation ($input: InviteMembersInput!) { inviteMembers(input: $input) { userErrors { code } } }"""
    assert (await Client(server).execute(query, {"input": input})).codes == ["UNAUTHENTICATED"]
    for id in ("junk", founder.member_id, f"org_{'z' * 26}"):
        assert await refusal(founder, "inviteMembers", input | {"organizationId": id}) == (
            "NOT_FOUND",
            "organizationId",
        )


async def test_nobody_invites_above_themselves(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    admin = await join(founder, mailbox, "admin")
    above = ("ABOVE_YOUR_ROLE", "invitations.0.role")
    expected = {"owner": above, "admin": above, "member": None, "viewer": None}
    assert {role: await row_error(admin, role) for role in expected} == expected
    assert {role: await row_error(founder, role) for role in expected} == dict.fromkeys(expected)


async def test_an_admin_of_one_workspace_invites_to_it_only(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace, other = await founder.workspace(), await founder.workspace()
    admin = await join(founder, mailbox, "admin", workspaceIds=[workspace])
    assert await row_error(admin, "member", workspaceIds=[workspace]) is None
    assert await row_error(admin, "admin", workspaceIds=[workspace]) == ("ABOVE_YOUR_ROLE", "invitations.0.role")
    assert await row_error(admin, "member", workspaceIds=[other]) == ("NOT_FOUND", "invitations.0.workspaceIds")
    assert await row_error(admin, "member", workspaceIds=[workspace, other]) == (
        "NOT_FOUND",
        "invitations.0.workspaceIds",
    )
    assert await row_error(admin, "viewer") == ("FORBIDDEN", "invitations.0")


async def test_the_letter(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox, name=unique("Müller & <Sons> "))
    workspace = await founder.workspace("Depth <1>")
    row = {"email": address(), "role": "viewer", "workspaceIds": [workspace]}
    message = 'Come & see <script>alert("x")</script>\nTomorrow'
    await founder.do("inviteMembers", {"invitations": [row], "message": message}, RESULTS)
    letter = await mailbox.wait(row["email"])
    name = (await founder.organization("name"))["name"]
    assert name in str(letter["Subject"])
    html = letter.get_body(("html",))
    assert html is not None
    text, markup = text_of(letter), str(html.get_content())
    for word in ('<script>alert("x")</script>', "Tomorrow", name, "Depth <1>", "Viewer", "Some Body"):
        assert word in text
    assert "<script>" not in markup
    assert "&lt;script&gt;" in markup
    assert "Depth &lt;1&gt;" in markup
    assert "Tomorrow" in markup
    assert link_token(text, "/accept-invitation") in markup

    too_long = {"invitations": [row], "message": "x" * 1001}
    assert await refusal(founder, "inviteMembers", too_long) == ("TOO_LONG", "message")
    control = {"invitations": [row], "message": "a\x1bb"}
    assert await refusal(founder, "inviteMembers", control) == ("INVALID", "message")


# Sending again, withdrawing


async def test_resending(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    email, id, first = await invited(founder, mailbox)
    await expire(server, id)
    assert await invitation_status(founder, id) == "EXPIRED"
    payload = await founder.do("resendInvitation", {"invitationId": id}, "invitation { id status email }")
    assert payload["invitation"] == {"id": id, "status": "PENDING", "email": email}
    second = await letter_token(mailbox, email, 2)
    assert second != first
    assert (await Client(server).query(PREVIEW, {"token": first}))["invitation"] is None
    assert (await Client(server).query(PREVIEW, {"token": second}))["invitation"]["status"] == "PENDING"
    input = {"email": email, "password": PASSWORD, "name": "X", "invitationToken": first}
    assert (await Client(server).refused("signUp", input))["code"] == "EXPIRED"
    await sign_up(server, email, invitationToken=second)
    for mutation in ("resendInvitation", "revokeInvitation"):
        assert await refusal(founder, mutation, {"invitationId": id}) == ("ALREADY_DONE", "invitationId")


async def test_revoking(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    bob = await newcomer(server, mailbox)
    _, id, token = await invited(founder, mailbox, email=bob.email)
    payload = await founder.do("revokeInvitation", {"invitationId": id}, "invitation { id status }")
    assert payload["invitation"] == {"id": id, "status": "REVOKED"}
    assert await refusal(bob, "acceptInvitation", {"token": token}) == ("EXPIRED", "token")
    assert await refusal(bob, "acceptInvitation", {"invitationId": id}) == ("EXPIRED", "invitationId")
    for mutation in ("revokeInvitation", "resendInvitation"):
        assert await refusal(founder, mutation, {"invitationId": id}) == ("ALREADY_DONE", "invitationId")


@pytest.mark.parametrize("mutation", ["resendInvitation", "revokeInvitation"])
async def test_who_may_not_resend_or_revoke(server: Server, mailbox: Mailbox, mutation: str) -> None:
    founder, stranger = await owner(server, mailbox), await owner(server, mailbox)
    admin, member, viewer = [await join(founder, mailbox, role) for role in ("admin", "member", "viewer")]
    id, of_admin = [(await invite(founder, role))["id"] for role in ("member", "admin")]
    for actor in (member, viewer):
        error = await actor.refused(mutation, {"invitationId": id})
        assert (error["code"], error["field"]) == ("FORBIDDEN", "invitationId")
        assert error["details"] == {"permission": "members:invite"}
        assert (await actor.query("query ($id: ID!) { node(id: $id) { id } }", {"id": id}))["node"] is None
    for other in (id, f"{id[:-4]}0000", "junk", founder.member_id):
        assert await refusal(stranger, mutation, {"invitationId": other}) == ("NOT_FOUND", "invitationId")
    # The ceiling holds for what others have sent, too
    assert await refusal(admin, mutation, {"invitationId": of_admin}) == ("ABOVE_YOUR_ROLE", "invitationId")
    assert await invitation_status(founder, of_admin) == "PENDING"
    await admin.do(mutation, {"invitationId": id})


async def _revoked(founder: Person, mailbox: Mailbox, id: str, token: str) -> None:
    await founder.do("revokeInvitation", {"invitationId": id})


async def _declined(founder: Person, mailbox: Mailbox, id: str, token: str) -> None:
    await Client(founder.server).do("declineInvitation", {"token": token})


async def _expired(founder: Person, mailbox: Mailbox, id: str, token: str) -> None:
    await expire(founder.server, id)


async def _accepted_and_removed(founder: Person, mailbox: Mailbox, id: str, token: str) -> None:
    preview = (await founder.query(PREVIEW, {"token": token}))["invitation"]
    bob = await sign_up(founder.server, preview["email"], invitationToken=token)
    await founder.do("removeMember", {"memberId": bob.member_id})


@pytest.mark.parametrize("end", [_revoked, _declined, _expired, _accepted_and_removed])
async def test_inviting_again(
    server: Server, mailbox: Mailbox, end: Callable[[Person, Mailbox, str, str], Awaitable[None]]
) -> None:
    founder = await owner(server, mailbox)
    email, id, token = await invited(founder, mailbox, "viewer")
    assert await row_error(founder, "member", email=email) == ("ALREADY_DONE", "invitations.0.email")
    await end(founder, mailbox, id, token)
    again = await invite(founder, "member", email)
    assert again["id"] != id
    second = await letter_token(mailbox, email, 2)
    if end is _accepted_and_removed:
        bob = await sign_in(server, email)
        await bob.do("acceptInvitation", {"token": second}, "member { id }")
    else:
        await sign_up(server, email, invitationToken=second)
    (member,) = await members_named(founder, email)
    assert [grant["role"]["key"] for grant in member["grants"]] == ["member"]
    assert await invitation_status(founder, id) != "PENDING"


# Lists and secrets


async def test_the_list_and_its_filters(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    made = {status: await invited(founder, mailbox) for status in ("PENDING", "ACCEPTED", "DECLINED", "REVOKED")}
    made["EXPIRED"] = await invited(founder, mailbox)
    await sign_up(server, made["ACCEPTED"][0], invitationToken=made["ACCEPTED"][2])
    await Client(server).do("declineInvitation", {"token": made["DECLINED"][2]})
    await founder.do("revokeInvitation", {"invitationId": made["REVOKED"][1]})
    await expire(server, made["EXPIRED"][1])
    selection = "invitations(filter: $filter) { nodes { id status email } totalCount }"

    async def listed(filter: dict[str, str] | None) -> list[dict[str, str]]:
        variables = ", $filter: InvitationFilter"
        invitations = (await founder.organization(selection, variables, filter=filter))["invitations"]
        assert invitations["totalCount"] == len(invitations["nodes"])
        return list(invitations["nodes"])

    for status, (email, id, _) in made.items():
        assert await listed({"status": status}) == [{"id": id, "status": status, "email": email}]
        assert [row["id"] for row in await listed({"email": email[:-4].upper()})] == [id]
    assert [row["id"] for row in await listed(None)] == [id for _, id, _ in made.values()][::-1]
    assert await listed({"email": "%"}) == await listed({"email": "a\0b"}) == []


async def test_the_list_is_for_those_who_may_invite(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    await invite(founder)
    query = "query ($id: ID!) { organization(id: $id) { id invitations { totalCount nodes { email } } } }"
    for role in ("member", "viewer"):
        answer = await (await join(founder, mailbox, role)).execute(query, {"id": founder.organization_id})
        assert answer.codes == ["FORBIDDEN"]
        assert answer.body["errors"][0]["extensions"]["permission"] == "members:invite"
        assert answer.body["data"]["organization"] == {"id": founder.organization_id, "invitations": None}
    admin = await join(founder, mailbox, "admin")
    assert (await admin.organization("invitations(filter: {status: PENDING}) { totalCount }"))["invitations"][
        "totalCount"
    ] == 1


async def test_tokens_are_nowhere_to_be_had(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    email, id, token = await invited(founder, mailbox)
    tables = await sql(server, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = ""
    for (table,) in tables:
        dump += "\n".join(row[0] for row in await sql(server, f'SELECT t::text FROM "{table}" t'))
    assert email in dump  # it is the server's database
    assert token not in dump
    assert token not in server.output()
    fields = """query ($id: ID!) { node(id: $id) { ... on Invitation { id email status expiresAt createdAt message } }
        __type(name: "Invitation") { fields { name } } }"""
    answer = await founder.query(fields, {"id": id})
    assert token not in str(answer)
    assert not [field["name"] for field in answer["__type"]["fields"] if "token" in field["name"].lower()]
    types = await founder.query("{ __schema { types { name fields { name } } } }")
    holders = {
        type["name"]
        for type in types["__schema"]["types"]
        for field in type["fields"] or []
        if "token" in field["name"].lower() or "secret" in field["name"].lower()
    }
    shown_once = {"CreateApiKeyPayload", "RotateApiKeyPayload", "ApiKeySecretPayload", "EnrolTotpPayload"}
    named_only = {"ApiKey", "Mutation"}  # previousSecretExpiresAt, issueAccessToken
    assert holders <= {"SignUpPayload", "SignInPayload", "IssueAccessTokenPayload"} | shown_once | named_only
