"""The made-up organizations and people of the demo, and the history that they have.

Everything follows from the seed and the numbers. Ids are strings (UUIDv7, made of the row's time
and seeded random bits) and times are whole microseconds since 1970, UTC.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from server.access import ENTER_ALL
from server.audit import Changes, difference, timestamp
from server.catalogue import catalogue
from server.models import InvitationStatus, MemberStatus
from server.text import slug_from

EMAIL = "demo@orgraph.example"
WORKSPACES = 5
"""Workspaces of an organization."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
NOW = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp()) * 1_000_000
"""The moment at which the demo's history ends, whenever it is loaded."""
EXPIRY = datetime(2036, 9, 1, tzinfo=UTC)
"""When its invitations and temporary grants run out: a fixed moment, and not soon."""

KNOWN = 2000
"""At most so many people are remembered to be members of further organizations."""
# Two lists of the words of a name; where slug_from would spell one badly, its ASCII form follows "/".
NAMES = (
    (
        "Amara Daniel Elena Grace Hannah Isaac José Leila Łukasz/lukasz Maya Noah Olivia Priya René Sofía Zoë",
        "Andersson Bennett Çelik Dubois Fernández Ibrahim Kowalski Müller Nakamura Novák O’Brien Okafor Patel Rossi",
    ),
    ("佐藤/sato 鈴木/suzuki 高橋/takahashi", "美咲/misaki 蓮/ren 結衣/yui 大翔/hiroto"),
    ("Анна/anna Олена/olena Іван/ivan", "Коваль/koval Мороз/moroz Шевченко/shevchenko"),
)
COMPANIES = (
    "Amber Blue Bright Café Élan Golden Grand Green Harbor Lumière Maple Nordic Northern Orion Québec Silver Über",
    "Atlas Birch Canyon Delta Ember Falcon Grove Horizon Jardín Lantern Meadow Peak River Signal Studio Tide",
    "Analytics Bakery Consulting Design Energy Foods GmbH Health Labs Logistics Media Robotics Software Travel",
)
WORKSPACE_NAMES = ("Customer Support", "Data Platform", "Finance", "Innovación", "Mobile App", "Public API", "Research")
ENVIRONMENTS = ("production", "staging", "development")
DESCRIPTIONS = ("We build it, we run it.", "Small team, long horizon.", "Qualité d’abord, since 1987.")
AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
)


class DemoError(Exception):
    """The demo cannot be loaded; the message says why and nothing was written."""


@dataclass(slots=True)
class Person:
    id: str
    email: str
    name: str
    since: int
    ip: str
    agent: str


@dataclass(slots=True)
class Workspace:
    id: str
    name: str
    slug: str
    environment: str
    since: int


@dataclass(slots=True)
class Member:
    """`role` is a key; `entered` holds the ids of the workspaces in which it has a grant."""

    id: str
    person: Person
    role: str
    since: int
    status: MemberStatus = MemberStatus.ACTIVE
    seen: int | None = None
    entered: list[str] = field(default_factory=list)


Target = tuple[str, str, str]
"""(type, id, label): the TypeID prefix of what an event is about, its id, what people call it."""


class Entry(NamedTuple):
    """An event before it is in a chain."""

    at: int
    action: str
    actor: Person
    target: Target
    workspace_id: str | None = None
    changes: Changes | tuple[()] = ()


@dataclass(slots=True)
class Organization:
    """With its people (the owner first, then as they joined), and how all of it came about.

    `newcomers` have no account before; `rows` are finished records of grants and invitations, by table.
    """

    id: str
    name: str
    slug: str
    since: int
    description: str = ""
    members: list[Member] = field(default_factory=list)
    workspaces: list[Workspace] = field(default_factory=list)
    newcomers: list[Person] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    rows: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def tell(
        self,
        at: int,
        action: str,
        actor: Person,
        target: Target,
        workspace_id: str | None = None,
        changes: Changes | tuple[()] = (),
    ) -> None:
        self.entries.append(Entry(at, action, actor, target, workspace_id, changes))


def sizes_of(organizations: int, members: int, largest: int | None, random: Random) -> list[int]:
    """Members of each organization. Raises DemoError where the numbers do not fit together."""
    if organizations < 1 or members < organizations:
        raise DemoError(
            f"{members} members cannot be spread over {organizations} organizations: "
            "there is at least one organization, and each has at least its owner."
        )
    most = members - (organizations - 1)
    if largest is None:
        largest = members if organizations == 1 else min(most, max(members // 5, 2 * members // (organizations + 1)))
    elif not 1 <= largest <= most or (organizations == 1 and largest != members):
        raise DemoError(
            f"The largest organization cannot have {largest} of {members} members in {organizations} organizations."
        )
    sizes = [largest] + [1] * (organizations - 1)
    left = members - sum(sizes)
    for index in range(1, min(3, organizations)):  # where the demo account is, besides an owner
        sizes[index] += left > 0
        left -= left > 0
    if left:
        weights = [min(random.paretovariate(2), 4) for _ in sizes[1:]]
        for index, more in Counter(random.choices(range(1, organizations), weights, k=left)).items():
            sizes[index] += more
    return sizes


def new_id(random: Random, at: int) -> str:
    """A UUIDv7 of a time and 74 random bits."""
    bits = random.getrandbits(74)
    text = f"{at // 1000 << 80 | 7 << 76 | bits >> 62 << 64 | 2 << 62 | bits & (1 << 62) - 1:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


class World:
    """What exists at the end of the demo's history, one organization after another, always the same.

    `sizes` are members per organization; `roles` the built-in ones: key → (id, name).
    """

    def __init__(self, sizes: Sequence[int], seed: int, roles: Mapping[str, tuple[str, str]]) -> None:
        self.sizes, self.roles = sizes, roles
        self.random = Random(f"{seed} world")  # noqa: S311
        self.taken: Counter[str] = Counter()
        self.known: list[Person] = []
        permissions = {key: catalogue.permissions_of(key) for key in catalogue.roles}
        others = [key for key in permissions if key != catalogue.creator] or [catalogue.creator]
        self.admin = "admin" if "admin" in others else max(others, key=lambda key: len(permissions[key]))
        self.plain = "member" if "member" in others else others[len(others) // 2]
        self.frequency = dict.fromkeys(permissions, 20) | {self.plain: 100, self.admin: 10, catalogue.creator: 2}
        self.everywhere = {key for key in permissions if ENTER_ALL in permissions[key]}
        self.inviting = {key for key in permissions if "members:invite" in permissions[key]} | {catalogue.creator}
        since = NOW - 1000 * DAY
        self.demo = Person(new_id(self.random, since), EMAIL, "Demo Owner", since, "192.0.2.1", AGENTS[0])

    def organizations(self) -> Iterator[Organization]:
        for index in range(len(self.sizes)):
            yield self._organization(index)

    def _words(self, *lists: str) -> tuple[str, list[str]]:
        """A word of each list: as people write them, and in ASCII."""
        words = [self.random.choice(words.split()).partition("/") for words in lists]
        return " ".join(word for word, _, _ in words), [plain or slug_from(word) for word, _, plain in words]

    def _unique(self, text: str, joint: str) -> str:
        self.taken[text] += 1
        return f"{text}{joint}{self.taken[text]}" if self.taken[text] > 1 else text

    def _name(self) -> tuple[str, str]:
        """Somebody's name and e-mail address."""
        name, words = self._words(*self.random.choices(NAMES, (12, 1, 1))[0])
        return name, f"{self._unique('.'.join(words), '.')}@example.{self.random.choice(('com', 'org'))}"

    def _newcomer(self, organization: Organization, since: int) -> Person:
        name, email = self._name()
        host = self.random.randrange(1, 255)
        ip = f"198.51.100.{host}" if host % 5 else f"2001:db8::{host:x}"
        person = Person(new_id(self.random, since), email, name, since, ip, self.random.choice(AGENTS))
        organization.newcomers.append(person)
        return person

    def _organization(self, index: int) -> Organization:
        random = self.random
        since = self.demo.since + DAY if index == 0 else NOW - random.randrange(200 * DAY, 990 * DAY)
        name, words = ("Acme", ["acme"]) if index == 0 else self._words(*COMPANIES)
        organization = Organization(new_id(random, since), name, self._unique("-".join(words), "-"), since)
        if index == 0:
            organization.newcomers.append(self.demo)
        owner = self.demo if index == 0 else self._newcomer(organization, since - 30 * MINUTE)
        created = difference(name=(None, name), slug=(None, organization.slug))
        organization.tell(since, "organization.created", owner, ("org", organization.id, name), None, created)
        self._join(organization, owner, catalogue.creator, since + 100, owner)
        for number, title in enumerate(random.sample(WORKSPACE_NAMES, WORKSPACES), 1):
            at = since + number * 15 * MINUTE
            workspace = Workspace(new_id(random, at), title, slug_from(title), random.choice(ENVIRONMENTS), at)
            organization.workspaces.append(workspace)
            created = difference(name=(None, title), slug=(None, workspace.slug))
            organization.tell(at, "workspace.created", owner, ("ws", workspace.id, title), workspace.id, created)
        self._populate(index, organization)
        if index % 3 == 0:
            managers = [member.person for member in organization.members if member.role in self.inviting]
            for number in range(1 + min(self.sizes[index] // 10, 50)):
                email = EMAIL if index == 3 and number == 0 else self._name()[1]
                at = NOW - random.randrange(DAY, 6 * DAY)
                self._invite(organization, email, self.plain, at, random.choice(managers), InvitationStatus.PENDING)
        organization.entries.sort(key=lambda entry: entry.at)
        return organization

    def _populate(self, index: int, organization: Organization) -> None:
        """Everybody but the owner, some of whom belong to earlier organizations; a few get suspended."""
        random, managers = self.random, organization.members[:]
        owner = managers[0].person
        inside = {owner.id}
        days = range(organization.since + DAY, NOW - 8 * DAY)
        for number, at in enumerate(sorted(random.choices(days, k=self.sizes[index] - 1))):
            known = random.choice(self.known) if self.known and random.random() < 0.2 else None
            role = random.choices(list(self.frequency), list(self.frequency.values()))[0]
            demo = number == 0 and index in (1, 2)
            if demo:
                person, role = self.demo, self.admin if index == 1 else self.plain
            elif known and known.id not in inside and known.since + DAY < at:
                person = known
            else:
                person = self._newcomer(organization, at - 30 * MINUTE)
            inside.add(person.id)
            asked = at - random.randrange(40 * MINUTE, DAY // 2)
            before = bisect_left(managers, asked, key=lambda manager: manager.since)
            inviter = owner if role in self.inviting else managers[random.randrange(before)].person
            member = self._join(organization, person, role, at, inviter)
            if number % 3 == 0:
                status = InvitationStatus.ACCEPTED
                invitation = self._invite(organization, person.email, role, asked, inviter, status)
                accepted = difference(role=(None, role))
                organization.tell(at + 1000, "invitation.accepted", person, invitation, None, accepted)
            if role in self.inviting:
                managers.append(member)
            elif not demo and (number == 5 or random.random() < 0.03):
                member.status = MemberStatus.SUSPENDED
                then = random.randrange(at + DAY, NOW - DAY)
                changes = difference(status=(MemberStatus.ACTIVE.value, MemberStatus.SUSPENDED.value))
                organization.tell(then, "member.suspended", owner, ("mem", member.id, person.email), None, changes)
        for person in organization.newcomers:
            if len(self.known) < KNOWN and person is not self.demo:
                self.known.append(person)
            elif person is not self.demo:
                self.known[random.randrange(KNOWN)] = person

    def _join(self, organization: Organization, person: Person, role: str, at: int, granted_by: Person) -> Member:
        """As `members.join` does it; who cannot enter every workspace gets one or two of them."""
        random, (role_id, _) = self.random, self.roles[role]
        member = Member(new_id(random, at), person, role, at)
        organization.members.append(member)
        target = ("mem", member.id, person.email)
        organization.tell(at, "member.joined", person, target)
        if role not in self.everywhere and organization.workspaces:
            chosen = random.sample(organization.workspaces, random.choice((1, 1, 2)))
            member.entered = [workspace.id for workspace in chosen]
        places: list[str | None] = [*member.entered]
        if not places or person is self.demo or random.random() < 0.6:
            places.insert(0, None)
        for number, workspace_id in enumerate(places, 1):
            then = at + 100 * number
            grant_id = new_id(random, then)
            expires = EXPIRY if workspace_id and person is not self.demo and random.random() < 0.08 else None
            row = (grant_id, moment(then), organization.id, member.id, role_id, workspace_id, expires, granted_by.id)
            organization.rows.append(("grant", row))
            changes = difference(role=(None, role), expiresAt=(None, expires and timestamp(expires)))
            organization.tell(then, "grant.created", person, target, workspace_id, changes)
            if workspace_id:
                organization.tell(then + 50, "member.workspace_entered", person, target, workspace_id)
        return member

    def _invite(
        self, organization: Organization, email: str, role: str, at: int, by: Person, status: InvitationStatus
    ) -> Target:
        """An invitation, as the target of events; some of the pending ones are limited to a workspace."""
        id = new_id(self.random, at)
        limited = status is InvitationStatus.PENDING and self.random.random() < 0.5
        row = (id, moment(at), organization.id, email, self.roles[role][0], not limited, status.value, by.id, EXPIRY)
        organization.rows.append(("invitation", row))
        if limited:
            workspace = self.random.choice(organization.workspaces)
            organization.rows.append(("invitation_workspace", (new_id(self.random, at), id, workspace.id)))
        target = ("inv", id, email)
        organization.tell(at, "invitation.sent", by, target, None, difference(role=(None, role)))
        return target


def history(organization: Organization, more: int, world: World, random: Random) -> Iterator[Entry]:
    """How the organization came about, in the order of time, among `more` events of everyday life.

    Everyday life changes the organization: at the end it is what the last event of each thing says.
    """
    start = organization.since + 120 * MINUTE
    step = (NOW - start) / max(more, 1)
    joining = {member.id: member for member in organization.members}
    owner = organization.members[0].person
    present: list[Member] = []
    lent: list[tuple[Person, Target, str]] = []
    told = 0
    for number in range(more):
        at = start + int((number + random.random()) * step)
        while told < len(organization.entries) and organization.entries[told].at <= at:
            entry = organization.entries[told]
            if entry.action == "member.joined":
                present.append(joining[entry.target[1]])
            elif entry.action == "member.suspended":
                present.remove(joining[entry.target[1]])
            yield entry
            told += 1
        member, draw, left = random.choice(present), random.random(), more - number
        if lent and (len(lent) >= left or draw < 0.1):
            by, target, workspace_id = lent.pop(0)
            yield Entry(at, "grant.revoked", by, target, workspace_id, difference(role=(world.admin, None)))
        elif draw < 0.2 and len(lent) + 2 <= left and member.entered:
            target = ("mem", member.id, member.person.email)
            lent.append((owner, target, random.choice(member.entered)))
            yield Entry(at, "grant.created", owner, target, lent[-1][2], difference(role=(None, world.admin)))
        elif draw < 0.3:
            workspace = random.choice(organization.workspaces)
            before = workspace.environment
            workspace.environment = random.choice([name for name in ENVIRONMENTS if name != before])
            changes = difference(environment=(before, workspace.environment))
            target = ("ws", workspace.id, workspace.name)
            yield Entry(at, "workspace.updated", owner, target, workspace.id, changes)
        elif draw < 0.33:
            before = organization.description
            organization.description = random.choice([text for text in DESCRIPTIONS if text != before])
            changes = difference(description=(before, organization.description))
            target = ("org", organization.id, organization.name)
            yield Entry(at, "organization.updated", owner, target, None, changes)
        else:
            member.seen = at
            yield Entry(at, "session.opened", member.person, ("user", member.person.id, member.person.email))
    yield from islice(organization.entries, told, None)
