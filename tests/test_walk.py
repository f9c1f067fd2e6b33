"""The README's walk: from sign-up to a live change, as two people and a mailbox."""

from tests.factories import join, owner
from tests.servers import Mailbox, Server


async def test_main_job(server: Server, mailbox: Mailbox) -> None:
    ann = await owner(server, mailbox)
    bob = await join(ann, mailbox, "member")
    assert bob.organization_id == ann.organization_id
    workspace = await ann.workspace()
    granted = await ann.do(
        "grantRole", {"memberId": bob.member_id, "role": "viewer", "workspaceId": workspace}, "grant { id }"
    )
    assert granted["grant"]["id"]
    await bob.do("switchWorkspace", {"workspaceId": workspace}, "viewer { workspace { id } }")
    events = await ann.organization("auditEvents(first: 50) { nodes { action sequence } }")
    print(events)
