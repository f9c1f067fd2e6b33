"""What the acceptance tests of the product `phone-agents` share."""

from tests.factories import Person, cast, invite, owner
from tests.invitations import letter_token
from tests.products import custom_role, settings_input
from tests.servers import Mailbox, Server

AREAS = {
    "Pearls": {"pearls:create", "pearls:edit"},
    "Activities": {"activities:moderate"},
    "Analytics": {"analytics:view"},
    "Leads": {"leads:view", "leads:moderate"},
    "Calls": {"calls:view"},
    "Resources": {
        *("phone_numbers:manage", "agents:manage", "api_keys:read", "api_keys:manage", "access:check"),
        *("members:read", "members:invite", "members:remove", "members:suspend", "members:grant", "roles:manage"),
    },
    "Advanced settings": {
        *("organization:update", "organization:delete", "organization:transfer", "settings:read", "settings:update"),
    },
    "Audit log": {"audit:read"},
    "Billing": {"billing:manage"},
}
EVERYTHING = set().union(*AREAS.values())

MEMBERS = """query ($id: ID!, $filter: MemberFilter) {
    organization(id: $id) { members(filter: $filter) { nodes { id } } } }"""
PROFILE = "{ viewer { user { id name email } organizationsRequiringMfa { id } organization { id } } }"


async def token_for(inviter: Person, mailbox: Mailbox, email: str, role: str) -> str:
    """Of a new invitation to somebody who has had one before."""
    had = sum("/accept-invitation?token=" in letter.as_string() for letter in mailbox.to(email))
    await invite(inviter, role, email)
    return await letter_token(mailbox, email, had + 1)


async def in_two(server: Server, mailbox: Mailbox) -> tuple[Person, Person, Person]:
    """A user, admin of a first workspace and reader of settings, log and users of a second; and the two owners."""
    first, second = await owner(server, mailbox), await owner(server, mailbox)
    [user] = await cast(first, mailbox, "admin")
    reader = await custom_role(second, "settings:read", "audit:read", "members:read")
    await user.do("acceptInvitation", {"token": await token_for(second, mailbox, user.email, reader)})
    await user.do("switchOrganization", {"organizationId": first.organization_id})
    for place, minutes in ((first, 60), (second, 120)):
        await place.do("updateOrganizationSettings", settings_input(place, session_timeout_minutes=minutes))
    return user, first, second
