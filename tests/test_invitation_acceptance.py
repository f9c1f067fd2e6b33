"""Who may accept an invitation, and the one answer for those that are over."""

import pytest

from schema.scalars import parse_any_id
from tests.factories import PASSWORD, Client, invite, join, owner, refusal, sign_up, sql
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
from tests.servers import Mailbox, Server

# Accepting


async def test_accepting_as_a_new_user(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    email, id, token = await invited(founder, mailbox, "viewer")
    preview = (await Client(server).query(PREVIEW, {"token": token}))["invitation"]
    assert preview["organization"]["id"] == founder.organization_id
    assert (preview["status"], preview["role"], preview["workspaces"]) == ("PENDING", {"key": "viewer"}, [])
    person = await sign_up(server, f" {email.upper()} ", invitationToken=token)
    assert person.organization_id == founder.organization_id
    (member,) = await members_named(founder, email)
    assert member["user"] == {"email": email, "emailVerified": True}
    assert member["grants"] == [{"role": {"key": "viewer"}, "workspace": None}]
    assert await invitation_status(founder, id) == "ACCEPTED"
    assert len(mailbox.to(email)) == 1  # no letter that asks to verify what is proven
    actions = await founder.organization("auditEvents(first: 10) { nodes { action } }")
    recorded = {event["action"] for event in actions["auditEvents"]["nodes"]}
    assert recorded >= {"member.joined", "grant.created", "invitation.accepted"}


async def test_who_has_the_link_sees_no_more_than_what_it_is_to(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    await founder.workspace()
    _, _, token = await invited(founder, mailbox)
    inside = """query ($token: String!) { invitation(token: $token) { organization { id
        roles { nodes { key } } workspaces { nodes { id } } members { nodes { id } }
        invitations { nodes { id } } auditEvents { nodes { id } } } } }"""
    answer = await Client(server).execute(inside, {"token": token})
    assert answer.codes == ["FORBIDDEN"] * 3
    assert answer.body["data"]["invitation"]["organization"] == {
        "id": founder.organization_id,
        "roles": None,
        "workspaces": {"nodes": []},
        "members": None,
        "invitations": None,
        "auditEvents": None,
    }


async def test_signing_up_with_another_address(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    email, id, token = await invited(founder, mailbox)
    input = {"email": address("other"), "password": PASSWORD, "name": "X", "invitationToken": token}
    error = await Client(server).refused("signUp", input)
    assert (error["code"], error["field"]) == ("FORBIDDEN", "email")
    masked = f"{email[0]}•••@e•••.com"
    assert error["details"] == {"email": masked}
    assert masked in error["message"]
    assert email not in str(error)
    assert await invitation_status(founder, id) == "PENDING"
    wrong = {"email": input["email"], "password": PASSWORD}
    assert (await Client(server).refused("signIn", wrong))["code"] == "WRONG_CREDENTIALS"  # no account was made
    await sign_up(server, email, invitationToken=token)


async def test_signing_up_with_a_link_that_is_over(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    email, id, token = await invited(founder, mailbox)
    await founder.do("revokeInvitation", {"invitationId": id})
    for bad in (token, "nothing", ""):
        input = {"email": email, "password": PASSWORD, "name": "X", "invitationToken": bad}
        assert await refusal(Client(server), "signUp", input) == ("EXPIRED", "invitationToken")
    assert await members_named(founder, email) == []
    await sign_up(server, email)  # without it they can


async def test_accepting_as_an_existing_user(server: Server, mailbox: Mailbox) -> None:
    founder, bob = await owner(server, mailbox), await owner(server, mailbox)
    _, id, token = await invited(founder, mailbox, "admin", email=bob.email)
    payload = await bob.do(
        "acceptInvitation",
        {"token": token},
        "member { id organization { id } roles { key } } viewer { organization { id } permissions }",
    )
    assert payload["member"]["organization"]["id"] == founder.organization_id
    assert payload["member"]["roles"] == [{"key": "admin"}]
    assert payload["viewer"]["organization"]["id"] == founder.organization_id  # switched to it
    assert "members:invite" in payload["viewer"]["permissions"]
    assert await invitation_status(founder, id) == "ACCEPTED"
    assert await refusal(bob, "acceptInvitation", {"token": token}) == ("EXPIRED", "token")
    assert await refusal(bob, "acceptInvitation", {"invitationId": id}) == ("EXPIRED", "invitationId")
    assert len(await members_named(founder, bob.email)) == 1


async def test_a_mailed_token_verifies_an_existing_address(server: Server, mailbox: Mailbox) -> None:
    founder, bob = await owner(server, mailbox), await sign_up(server)
    _, _, token = await invited(founder, mailbox, email=bob.email)
    await bob.do("acceptInvitation", {"token": token}, "member { id }")
    (member,) = await members_named(founder, bob.email)
    assert member["user"]["emailVerified"] is True


async def test_another_user_is_told_for_whom_in_masked_form(server: Server, mailbox: Mailbox) -> None:
    founder, eve = await owner(server, mailbox), await newcomer(server, mailbox)
    email, id, token = await invited(founder, mailbox)
    error = await eve.refused("acceptInvitation", {"token": token})
    masked = f"{email[0]}•••@e•••.com"
    assert (error["code"], error["field"], error["details"]) == ("FORBIDDEN", "token", {"email": masked})
    assert email not in str(error)
    for client in (eve, Client(server)):
        assert (await client.query(PREVIEW, {"token": token}))["invitation"]["email"] == masked
    assert (await founder.query(PREVIEW, {"token": token}))["invitation"]["email"] == email
    assert await invitation_status(founder, id) == "PENDING"
    await sign_up(server, email, invitationToken=token)


async def test_accepting_takes_a_sign_in(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    _, id, token = await invited(founder, mailbox)
    query = "mutation ($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { userErrors { code } } }"
    for input in ({"token": token}, {"invitationId": id}):
        assert (await Client(server).execute(query, {"input": input})).codes == ["UNAUTHENTICATED"]
    assert await invitation_status(founder, id) == "PENDING"


async def test_accepting_by_id(server: Server, mailbox: Mailbox) -> None:
    founder, second = await owner(server, mailbox), await owner(server, mailbox)
    bob = await newcomer(server, mailbox)
    ids = [(await invite(inviter, email=bob.email))["id"] for inviter in (founder, second)]
    await invite(founder)  # somebody else's
    listed = (await bob.query("{ viewer { invitations { id email organization { id } } } }"))["viewer"]["invitations"]
    assert [invitation["id"] for invitation in listed] == ids[::-1]  # the newest first
    assert {invitation["email"] for invitation in listed} == {bob.email}
    payload = await bob.do("acceptInvitation", {"invitationId": ids[0]}, "member { organization { id } }")
    assert payload["member"]["organization"]["id"] == founder.organization_id
    (waiting,) = (await bob.query("{ viewer { invitations { id } } }"))["viewer"]["invitations"]
    assert waiting["id"] == ids[1]
    await bob.do("declineInvitation", {"invitationId": ids[1]}, "invitation { status }")
    assert (await bob.query("{ viewer { invitations { id } } }"))["viewer"]["invitations"] == []


async def test_by_id_the_address_must_be_verified(server: Server, mailbox: Mailbox) -> None:
    founder, bob = await owner(server, mailbox), await sign_up(server)
    id = (await invite(founder, email=bob.email))["id"]
    assert (await bob.query("{ viewer { invitations { id } } }"))["viewer"]["invitations"] == []
    for mutation in ("acceptInvitation", "declineInvitation"):
        assert (await bob.refused(mutation, {"invitationId": id}))["code"] == "EMAIL_NOT_VERIFIED"
    assert await members_named(founder, bob.email) == []
    token = (await bob.do("requestEmailVerification", None)) and await mailbox.token(bob.email, path="/verify-email")
    await bob.do("verifyEmail", {"token": token})
    await bob.do("acceptInvitation", {"invitationId": id}, "member { id }")


@pytest.mark.parametrize("mutation", ["acceptInvitation", "declineInvitation"])
async def test_ids_that_are_nothing_here(server: Server, mailbox: Mailbox, mutation: str) -> None:
    founder, eve = await owner(server, mailbox), await newcomer(server, mailbox)
    id = (await invite(founder))["id"]
    for other in (id, f"{id[:-4]}0000", f"inv_{'z' * 26}", founder.member_id, "junk", "", "a\0b"):
        assert await refusal(eve, mutation, {"invitationId": other}) == ("NOT_FOUND", "invitationId"), other
    assert await invitation_status(founder, id) == "PENDING"


async def test_either_a_token_or_an_id(server: Server, mailbox: Mailbox) -> None:
    bob = await newcomer(server, mailbox)
    for mutation in ("acceptInvitation", "declineInvitation"):
        assert (await bob.refused(mutation, {}))["code"] == "REQUIRED"
        both = {"token": "x", "invitationId": f"inv_{'0' * 26}"}
        assert (await bob.refused(mutation, both))["code"] == "REQUIRED"


async def test_an_invitation_to_workspaces_opens_only_them(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspaces = [await founder.workspace() for _ in range(3)]
    email, _, token = await invited(founder, mailbox, "admin", workspaceIds=[*workspaces[:2], workspaces[0]])
    preview = (await Client(server).query(PREVIEW, {"token": token}))["invitation"]
    assert [workspace["id"] for workspace in preview["workspaces"]] == workspaces[:2]
    bob = await sign_up(server, email, invitationToken=token)
    (member,) = await members_named(founder, email)
    assert member["grants"] == [{"role": {"key": "admin"}, "workspace": {"id": id}} for id in workspaces[:2]]
    assert (await bob.query("{ viewer { permissions } }"))["viewer"]["permissions"] == []
    for place, entered in zip(workspaces, (True, True, False), strict=True):
        answer = await bob.execute("{ viewer { permissions } }", Orgraph_Workspace=place)
        assert (answer.status == 200) is entered
    assert await refusal(bob, "updateOrganization", {"name": "Mine"}) == ("FORBIDDEN", "organizationId")


# Over: one answer for every reason


async def test_one_answer_for_every_link_that_is_over(server: Server, mailbox: Mailbox) -> None:
    founder, bob = await owner(server, mailbox), await newcomer(server, mailbox)
    used_by, _, used = await invited(founder, mailbox)
    await sign_up(server, used_by, invitationToken=used)
    tokens = {"unknown": "A" * 43, "empty": "", "odd": "é\0\n", "long": "x" * 5000, "used": used}
    _, id, tokens["expired"] = await invited(founder, mailbox)
    await expire(server, id)
    _, id, tokens["revoked"] = await invited(founder, mailbox)
    await founder.do("revokeInvitation", {"invitationId": id})
    _, id, tokens["declined"] = await invited(founder, mailbox)
    await Client(server).do("declineInvitation", {"token": tokens["declined"]}, "invitation { status }")
    _, id, tokens["superseded"] = await invited(founder, mailbox)
    await founder.do("resendInvitation", {"invitationId": id})
    gone = await owner(server, mailbox)
    _, _, tokens["of a deleted organization"] = await invited(gone, mailbox)
    await gone.do("deleteOrganization", {"confirmName": (await gone.organization("name"))["name"]})

    answers = {}
    for why, token in tokens.items():
        for client, mutation in (
            (bob, "acceptInvitation"),
            (bob, "declineInvitation"),
            (Client(server), "declineInvitation"),
        ):
            error = await client.refused(mutation, {"token": token})
            assert (error["code"], error["field"], error["details"]) == ("EXPIRED", "token", None), why
            answers[why] = error
        assert (await Client(server).query(PREVIEW, {"token": token}))["invitation"] is None, why
    assert len({str(error) for error in answers.values()}) == 1


async def test_declining_takes_only_the_token(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    email, id, token = await invited(founder, mailbox)
    payload = await Client(server).do("declineInvitation", {"token": token}, "invitation { status email }")
    assert payload["invitation"] == {"status": "DECLINED", "email": f"{email[0]}•••@e•••.com"}
    assert await invitation_status(founder, id) == "DECLINED"
    events = await founder.organization("auditEvents(first: 1) { nodes { action } }")
    assert events["auditEvents"]["nodes"] == [{"action": "invitation.declined"}]


@pytest.mark.parametrize("way", ["removeMember", "suspendMember", "setMemberRole", "leaveOrganization", "expiry"])
async def test_the_inviter_must_still_be_able_to(server: Server, mailbox: Mailbox, way: str) -> None:
    founder, bob = await owner(server, mailbox), await newcomer(server, mailbox)
    admin = await join(founder, mailbox, "admin")
    _, id, token = await invited(admin, mailbox, email=bob.email)
    new_email, _, new_token = await invited(admin, mailbox)
    if way == "leaveOrganization":
        await admin.do(way, {})
    elif way == "expiry":
        await sql(
            server,
            "UPDATE \"grant\" SET expires_at = now() - interval '1 s' WHERE member_id = $1",
            parse_any_id(admin.member_id),
        )
    else:
        role = {"role": "member"} if way == "setMemberRole" else {}
        await founder.do(way, {"memberId": admin.member_id} | role)
    assert await refusal(bob, "acceptInvitation", {"token": token}) == ("EXPIRED", "token")
    assert await refusal(bob, "acceptInvitation", {"invitationId": id}) == ("EXPIRED", "invitationId")
    input = {"email": new_email, "password": PASSWORD, "name": "X", "invitationToken": new_token}
    assert await refusal(Client(server), "signUp", input) == ("EXPIRED", "invitationToken")
    assert await members_named(founder, bob.email) == await members_named(founder, new_email) == []
    # No dead end: whoever sends it again answers for it
    await founder.do("resendInvitation", {"invitationId": id})
    await bob.do("acceptInvitation", {"token": await letter_token(mailbox, bob.email, 2)}, "member { id }")


async def test_an_inviter_who_is_no_longer_above_the_role(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    second = await join(founder, mailbox, "owner")
    email, id, token = await invited(second, mailbox, "admin")
    await founder.do("setMemberRole", {"memberId": second.member_id, "role": "admin"})
    input = {"email": email, "password": PASSWORD, "name": "X", "invitationToken": token}
    assert (await Client(server).refused("signUp", input))["code"] == "EXPIRED"
    await founder.do("setMemberRole", {"memberId": second.member_id, "role": "owner"})
    await sign_up(server, email, invitationToken=token)
    assert await invitation_status(founder, id) == "ACCEPTED"


async def test_workspaces_deleted_meanwhile(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    kept, gone = await founder.workspace("Kept"), await founder.workspace("Gone")
    email, _, token = await invited(founder, mailbox, workspaceIds=[gone])
    both, _, both_token = await invited(founder, mailbox, workspaceIds=[kept, gone])
    await founder.do("deleteWorkspace", {"workspaceId": gone, "confirmName": "Gone"})
    input = {"email": email, "password": PASSWORD, "name": "X", "invitationToken": token}
    assert (await Client(server).refused("signUp", input))["code"] == "EXPIRED"
    assert await members_named(founder, email) == []
    await sign_up(server, both, invitationToken=both_token)
    (member,) = await members_named(founder, both)
    assert member["grants"] == [{"role": {"key": "member"}, "workspace": {"id": kept}}]


async def test_a_purged_workspace_does_not_widen_its_invitations(server: Server, mailbox: Mailbox) -> None:
    founder = await owner(server, mailbox)
    workspace = await founder.workspace("Gone")
    email, _, token = await invited(founder, mailbox, workspaceIds=[workspace])
    await founder.do("deleteWorkspace", {"workspaceId": workspace, "confirmName": "Gone"})
    await sql(server, "DELETE FROM workspace WHERE id = $1", parse_any_id(workspace))  # the end of the restore window
    input = {"email": email, "password": PASSWORD, "name": "X", "invitationToken": token}
    assert (await Client(server).mutate("signUp", input))["userErrors"], "joined organization-wide"
    assert await members_named(founder, email) == []
