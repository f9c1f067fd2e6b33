"""Operations by hand: each thing that GraphQL lets a document do, and what clients get wrong."""

from dataclasses import dataclass, field
from typing import Any

from tests.differential import Operation
from tests.differential_world import IDS, World


@dataclass(frozen=True)
class Example:
    """A document, whose variables of the names in `common` have values already."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def operation(self, world: World, principal: str) -> Operation:
        known = {name: value for name, value in common(world).items() if f"${name}:" in self.query}
        return Operation(self.query, known | self.variables or None, self.name, principal, self.headers)


def common(world: World) -> dict[str, Any]:
    first = {kind: world.values[kind][0] for kind in IDS}
    return first | {
        "second": world.values["org"][1],
        "foreign": world.values["org"][-2],
        "slug": world.values["slug"][0],
        "token": world.values["invitation"][-1],
        "after": world.values["cursor:members"][2],
        "events": world.values["cursor:auditEvents"][3],
        "ids": [id for kind in IDS for id in world.values[kind][:4]],
        "junk": ["", "x", "org_", first["org"].upper(), f" {first['org']}", first["org"].replace("org", "mem"), "\0"],
    }


def connection(parent: str, field: str, selection: str = "id", order: str = "") -> str:
    """Every way to page through one."""
    page = f"totalCount edges {{ cursor node {{ {selection} }} }} nodes {{ {selection} }} pageInfo {{ ...P }}"
    pages = (
        *("", "first: 1", "first: 100", "last: 1", "last: 100", "first: 1, last: null", "first: null"),
        *("first: 0", "first: -1", "first: 101", "last: 0", "last: 101", "first: 1, last: 1", "first: 2147483647"),
        *('after: ""', 'before: "x"', 'after: "WyJ4Il0"', 'after: "\\u0000"', "after: null, before: null"),
    )
    given = [f"({order} {arguments})" if order or arguments else "" for arguments in pages]
    fields = " ".join(f"p{index}: {field}{arguments} {{ {page} }}" for index, arguments in enumerate(given))
    info = "fragment P on PageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    declared = " ".join(f"${name}: ID!" for name in ("org", "ws", "mem") if f"${name}" in parent)
    head = f"query ({declared}) " if declared else ""
    return f"{head}{{ {parent} {{ {fields} {'}' * (parent.count('{') + 2)} {info}"


ORGANIZATION, WORKSPACE = "organization(id: $org)", "workspace(id: $ws)"

CONNECTIONS = {
    "members": connection(ORGANIZATION, "members"),
    "members by name": connection(ORGANIZATION, "members", "id", "orderBy: {field: NAME, direction: DESC}"),
    "workspaces": connection(ORGANIZATION, "workspaces", "id name environment createdAt deletedAt"),
    "roles": connection(ORGANIZATION, "roles", "id key builtIn memberCount permissions { key description }"),
    "invitations": connection(ORGANIZATION, "invitations", "id email status workspaces { id } invitedBy { name }"),
    "auditEvents": connection(ORGANIZATION, "auditEvents", "id sequence workspace { id } actor { id label type }"),
    "apiKeys": connection(ORGANIZATION, "apiKeys", "id prefix role { key } createdBy { id } lastUsedAt expiresAt"),
    "workspace.members": connection(WORKSPACE, "members", "id user { name }"),
    "workspace.apiKeys": connection(WORKSPACE, "apiKeys"),
    "member.workspaces": connection("node(id: $mem) { ... on Member", "workspaces"),
    "memberships": connection("viewer", "memberships", "id joinedAt organization { name slug } roles { key }"),
}

SELECTIONS = {
    "one field": "{ __typename }",
    "aliases": "{ a: __typename b: __typename viewer { a: permissions permissions b: user { c: id c2: id id } } }",
    "alias like a name within": """query ($org: ID!) { organization(id: $org) { row: name data: slug x: id key_0: name
        None: name class: slug def: name self: id import: name __class__: id user_id: name p: slug n: id
        select: members(first: 1) { from: edges { where: cursor } count: totalCount } } }""",
    "another field's name as alias": "query ($org: ID!) { organization(id: $org) { id: name name: slug slug: id } }",
    "the same field twice": """query ($org: ID!) { organization(id: $org) { members(first: 2) { nodes { id } }
        members(first: 2) { nodes { status user { name } } totalCount } } organization(id: $org) { name } }""",
    "fields of two fragments": """query ($org: ID!) { organization(id: $org) { ...A name ...B } }
        fragment A on Organization { members(first: 2) { nodes { user { id } } } slug ...B }
        fragment B on Organization { members(first: 2) { nodes { user { email } id } pageInfo { endCursor } } }""",
    "a fragment in many places": """query ($org: ID!, $ws: ID!) { organization(id: $org) { workspaces(first: 2) {
        nodes { ...W } } } workspace(id: $ws) { ...W organization { workspaces(first: 1) { nodes { ...W } } } } }
        fragment W on Workspace { id name settings { key value inherited } }""",
    "an inline fragment without condition": "{ ... { viewer { ... @include(if: true) { permissions } } } }",
    "a fragment on the interface": """query ($mem: ID!) { node(id: $mem) { ...N ... on Member { status ...N } } }
        fragment N on Node { id ... on Member { user { ... on Node { id } name } } ... on Workspace { name } }""",
    "typename everywhere": """query ($org: ID!, $mem: ID!) { __typename viewer { __typename user { __typename }
        memberships(first: 1) { __typename edges { __typename node { __typename } } pageInfo { __typename } } }
        node(id: $mem) { __typename ... on Member { grants { __typename role { __typename } } } }
        organization(id: $org) { viewerCan { __typename inviteMembers { __typename allowed } }
        auditEvents(first: 3) { nodes { __typename actor { __typename } changes { __typename } } } } }""",
    "nothing is left": "{ viewer { id: permissions @skip(if: true) } catalogue @include(if: false) { __typename } }",
    "an object of which nothing is left": "{ viewer { user { id @skip(if: true) } memberships { edges { cursor } } } }",
    "all kinds of nodes": """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id
        ... on Organization { name logoUrl region purgeAt } ... on Workspace { name environment } ... on Member {
        status joinedAt availability lastSeenAt } ... on Role { key builtIn memberCount } ... on Grant { expiresAt
        grantedBy { id } createdAt } ... on Invitation { email message expiresAt } ... on ApiKey { prefix lastUsedIp }
        ... on User { email mfaEnabled emailVerified } ... on Session { current ip userAgent }
        ... on AuditEvent { action changes { field before after } hash } } }""",
    "nodes in another order": """query ($org: ID!, $mem: ID!, $user: ID!) {
        nodes(ids: [$user, $org, $mem, $org, "x", $mem]) { id __typename } none: nodes(ids: []) { id } }""",
    "key order": """query ($mem: ID!) { node(id: $mem) { ... on Member { user { name id email } status
        organization { slug id name } } id ... on Member { user { createdAt } joinedAt } __typename } }""",
    "everything of a member": """query ($org: ID!) { organization(id: $org) { members(first: 15) { nodes {
        id status availability joinedAt lastSeenAt user { id name email emailVerified createdAt mfaEnabled }
        organization { id } grants { id role { id name manages: key } workspace { id name } expiresAt grantedBy { name }
        createdAt } roles { id key name description permissions { key } viewerCan { updateRole { allowed reason } } }
        workspaces(first: 3) { totalCount nodes { id } } permissions { permission grants { id } }
        viewerCan { removeMember { allowed reason permission } grantRole { allowed reason } } } } } }""",
    "everything of an invitation": """query ($org: ID!) { organization(id: $org) { invitations(first: 30) { nodes {
        id email status message expiresAt createdAt organization { name } role { id name } workspaces { id name }
        invitedBy { id name } viewerCan { resendInvitation { allowed reason permission } } } } } }""",
    "everything of an event": """query ($org: ID!) { organization(id: $org) { auditEvents(first: 30) { nodes {
        id sequence action actor { type id label } target { type id label } workspace { id name } ip userAgent requestId
        changes { field before after } createdAt previousHash hash } } } }""",
    "everything of a key": """query ($org: ID!) { organization(id: $org) { apiKeys(first: 30) { nodes { id name prefix
        workspace { id } role { key } createdBy { id email } createdAt expiresAt previousSecretExpiresAt lastUsedAt
        lastUsedIp viewerCan { rotateApiKey { allowed reason } revokeApiKey { allowed reason } } } } } }""",
    "everything of an organization": """query ($org: ID!, $second: ID!, $foreign: ID!) { organization(id: $org) { ...O }
        second: organization(id: $second) { ...O } foreign: organization(id: $foreign) { ...O } }
        fragment O on Organization { id name slug description logoUrl createdAt deletedAt purgeAt region
        plan { key seats features { key } } seats { used pending free total } checklist { key done }
        settings { key name value inherited feature available } restorableWorkspaces { id deletedAt purgeAt }
        viewerCan { updateOrganization { allowed reason permission } leaveOrganization { allowed reason } } }""",
    "everything of the viewer": """{ viewer { user { id name email } apiKey { id role { key } } session { id ip }
        sessions { id current expiresAt } organization { id name } workspace { id name } permissions
        restorableOrganizations { id name deletedAt members { totalCount } } organizationsRequiringMfa { id name slug }
        invitations { id email organization { id name } } memberships { nodes { id organization { name seats { used } }
        grants { role { permissions { key } } } } } } }""",
    "the catalogue": """{ catalogue { product { name region environments restoreWindowDays } labels { member {
        singular plural } } areas { key permissions { key } } roles { key permissions manages creator invitable }
        plans { key seats default features { key } } settings { key type default minimum choices workspace } } }""",
    "the schema with data": """query ($org: ID!) { __schema { queryType { name } } organization(id: $org) { name
        __typename } __type(name: "Member") { kind fields { name } } }""",
    "a deep walk": """query ($org: ID!) { organization(id: $org) { members(first: 2) { nodes { organization {
        workspaces(first: 2) { nodes { members(first: 2) { nodes { user { id } workspaces(first: 1) { nodes {
        organization { members(last: 1) { nodes { grants { role { id } } } } } } } } } } } } } } } }""",
    "an invitation by its token": """query ($token: String!) { invitation(token: $token) { id email organization { name
        members { totalCount } } role { key memberCount } workspaces { name } invitedBy { name email } status } }""",
    "pages of pages": """query ($org: ID!) { organization(id: $org) { members(first: 5, orderBy: {field: EMAIL,
        direction: DESC}) { edges { cursor node { workspaces(last: 2, orderBy: {field: NAME}) { totalCount edges {
        cursor node { members(first: 1, filter: {status: ACTIVE}) { totalCount nodes { id } } } } } } } } } }""",
}


def each(query: str, name: str, *values: Any) -> list[Example]:
    """The document with each of the values for a variable."""
    return [Example(query, {name: value}) for value in values]


NODE = "query ($id: ID!) { node(id: $id) { id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } __typename }"
SKIPPED = "query ($a: Boolean = true) { viewer @skip(if: $a) { permissions } __typename }"
BOTH = """query ($a: Boolean!) { viewer { ...V @include(if: $a) ...V @skip(if: $a) ...W @skip(if: $a) } }
    fragment V on Viewer { permissions @include(if: $a) user { id @skip(if: $a) name } }
    fragment W on Viewer { user { email } session @include(if: $a) { id } organization @skip(if: $a) { id } }"""
SIZED = "query ($n: Int = 2) { viewer { memberships(first: $n) { totalCount nodes { id } } } }"
SIZED_BOTH_WAYS = "query ($n: Int) { viewer { memberships(first: $n, last: $n) { nodes { id } } } }"
FILTERED = """query ($org: ID!, $f: MemberFilter) { organization(id: $org) {
    name members(first: 3, filter: $f) { totalCount nodes { id status } } } }"""
ORDERED = """query ($org: ID!, $o: MemberOrder) { organization(id: $org) {
    members(first: 3, orderBy: $o) { edges { cursor } } } }"""
ORDERED_BOTH = """query ($org: ID!, $d: OrderDirection! = DESC) { organization(id: $org) {
    auditEvents(first: 2, orderBy: {direction: $d}) { nodes { sequence } }
    members(first: 2, orderBy: {field: NAME, direction: $d}) { nodes { id } } } }"""
SINCE = """query ($org: ID!, $t: DateTime) { organization(id: $org) {
    auditEvents(first: 3, filter: {createdAfter: $t}) { totalCount nodes { createdAt } }
    before: auditEvents(first: 3, filter: {createdBefore: $t}) { totalCount } } }"""
EVENTS = """query ($org: ID!, $f: AuditEventFilter) { organization(id: $org) {
    auditEvents(first: 2, filter: $f) { totalCount nodes { id } } other: members(first: 1) { nodes { id } } } }"""
STATUS = """query ($org: ID!, $s: InvitationStatus) { organization(id: $org) {
    invitations(first: 9, filter: {status: $s}) { totalCount nodes { id status } } } }"""
INVITED = """query ($org: ID!, $e: String) { organization(id: $org) {
    invitations(first: 9, filter: {email: $e}) { totalCount nodes { id email } } } }"""
CHECKS = "query ($c: [PermissionCheckInput!]!) { checkPermissions(checks: $c) { allowed reason } }"
AT_LEAST = """query ($a: String) {
    checkPermissions(checks: [{permission: "members:read"}], atLeast: $a) { allowed reason } }"""
PLACES = """query ($mem: ID!, $ws: ID!, $p: String!) { node(id: $mem) { ... on Member {
    permissions(workspaceId: $ws) { permission grants { id } } none: permissions(workspaceId: $p) { permission } } }
    viewer { can(permission: $p) on: can(permission: "members:read", on: $ws) off: can(permission: $p, on: $p) } }"""
FROM_CURSOR = """query ($org: ID!, $after: String, $events: String) { organization(id: $org) {
    a: members(after: $after, first: 2) { ...M } b: members(after: $after, last: 2) { ...M }
    c: members(before: $after, last: 2) { ...M } d: members(before: $after, first: 1) { ...M }
    e: members(after: $after, before: $after) { ...M } f: members(after: $after, orderBy: {field: NAME}) { ...M }
    g: auditEvents(after: $events, first: 2) { ...E } h: auditEvents(before: $events) { ...E }
    i: auditEvents(after: $after) { ...E } j: auditEvents(after: $events, orderBy: {direction: ASC}) { ...E } } }
    fragment M on MemberConnection { totalCount edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } }
    fragment E on AuditEventConnection { nodes { sequence } pageInfo { hasNextPage hasPreviousPage startCursor } }"""

VARIABLES = [
    Example("query ($id: ID!, $a: Boolean!) { node(id: $id) @include(if: $a) { id } }", {"id": "x", "a": False}),
    Example(SKIPPED),
    *each(SKIPPED, "a", None, False, True, 1),
    *each(BOTH, "a", True, False),
    Example(SIZED),
    *each(SIZED, "n", None, 1, 2.0, 2.5, "2", True, 2**31, 10**30, [2], [], {}),
    Example(SIZED_BOTH_WAYS),
    *each(SIZED_BOTH_WAYS, "n", None, 2),
    Example(NODE),
    *each(NODE, "id", 1, 1.5, None, True, ["x"], {}, "\0", "é" * 300, "😀", 10**30, -1),
    *(Example(f"{{ node(id: {value}) {{ id }} organization {{ id }} }}") for value in ("1", "true", "a", "[]", "1.5")),
    *each(NODES, "ids", "x", ["x", None], ["x"] * 101, [1, "2"], [[]], None, {"a": 1}),
    Example("query ($junk: [ID!]!) { nodes(ids: $junk) { id } }"),
    Example('query ($org: ID!) { nodes(ids: $org) { id } one: nodes(ids: "x") { id } }'),
    Example("query ($org: ID!) { nodes(ids: [$org, null]) { id } }"),
    Example("query ($id: ID) { node(id: $id) { id } }"),
    Example("query ($x: String) { organization(slug: $x) { id } }"),
    Example("query ($x: String) { organization(slug: $x, id: null) { id } }", {"x": None}),
    Example("query ($x: ID, $org: ID!) { organization(id: $x) { id } b: organization(id: $org, slug: null) { id } }"),
    Example("query ($org: ID!, $slug: String!) { organization(id: $org, slug: $slug) { id } }"),
    Example('query ($org: ID!) { organization(id: $org, slug: "no") { id } c: organization { id } }'),
    Example("query ($org: ID!, $extra: Int) { node(id: $org) { id } }", {"unknown": 1}),
    Example(FILTERED),
    *each(FILTERED, "f", None, {}, {"status": None}, {"status": "ACTIVE"}, {"status": "active"}, {"status": 1}),
    *each(FILTERED, "f", {"nope": 1}, {"role": "owner"}, {"role": ""}, {"role": "\0"}, {"role": None}, {"role": 5}),
    *each(FILTERED, "f", {"search": "%"}, {"search": "_"}, {"search": "\\"}, {"search": " \0"}, {"search": "  "}),
    *each(FILTERED, "f", {"search": "ZULU"}, {"search": "é"}, {"workspaceId": "x"}, {"permission": "a\0b"}),
    *each(FILTERED, "f", {"status": "SUSPENDED", "availability": "BUSY"}, {"role": "viewer", "search": "z"}),
    *each(ORDERED, "o", None, {}, {"field": "NAME"}, {"field": "NAME", "direction": None}, {"field": "x"}, "NAME"),
    *each(ORDERED_BOTH, "d", "ASC", "DESC", None, "asc"),
    *each(SINCE, "t", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00.123", "2024-02-29", "0001-01-01T00:00:00+14:00", 5),
    *each(SINCE, "t", "9999-12-31T23:59:59.999999-01:00", "9999-12-31T23:59:59.999999Z", "x", "", None, "2024-02-30"),
    *each(EVENTS, "f", {"actorId": "x"}, {"targetId": "\0"}, {"action": "a\0"}, {"action": "grant.created"}),
    *each(
        EVENTS, "f", {"actorId": 7}, {"actorId": None, "action": None}, {"targetId": "org_00000000000000000000000000"}
    ),
    *each(STATUS, "s", None, "PENDING", "EXPIRED", "DECLINED", "ACCEPTED", "REVOKED", "pending"),
    *each(INVITED, "e", None, "", "INVITED", " x", "%", "\0", "'", "\\"),
    *each(CHECKS, "c", [], {"permission": "members:read"}, [{"permission": "\0"}, {"permission": "x", "userId": "x"}]),
    *each(CHECKS, "c", [{"permission": "members:read", "organizationId": 7}] * 101, [{"permission": None}], [{}]),
    *each(AT_LEAST, "a", None, "x", "", "A" * 32, "\0"),
    *each(PLACES, "p", "content:read", "", "\0", "x" * 10_000),
    Example(FROM_CURSOR),
]

REQUESTS = [
    Example("query A { __typename } query B { viewer { permissions } }", name="B"),
    Example("query A { __typename } query B { viewer { permissions } }"),
    Example("query A { __typename } query B { viewer { permissions } }", name="C"),
    Example("query A { __typename }", name=""),
    Example("query A { viewer { user { id } } } mutation B { __typename }", name="A"),
    Example("query A($a: Int!) { __typename } query B { viewer { permissions } }", name="B"),
    Example("subscription { membershipChanges { type } }"),
    Example("{ viewer { permissions } }", headers={"Accept": "application/graphql-response+json"}),
    Example("{ nope }", headers={"Accept": "application/graphql-response+json"}),
    Example("{ viewer { permissions } }", headers={"Accept": "application/json", "X-Request-Id": "mine"}),
    Example("{ viewer { organization { id } workspace { id } } }", headers={"Orgraph-Organization": "x"}),
    *(
        Example(document)
        for document in (
            *("", " ", "{", "{ }", "{ viewer }", "{ nope }", "{ viewer { nope } }", "query ($a: Nope) { __typename }"),
            *("{ viewer { ...X } }", "{ ...X } fragment X on Query { ...X }", "fragment X on Query { __typename }"),
            *("{ viewer { permissions { x } } }", "{ a: viewer { user { id } } a: catalogue { areas { key } } }"),
            '{ organization(id: "a") { id } organization(id: "b") { id } }',
            '{ node(id: "x") { name } }',
            "{ viewer { permissions @nope } } # comment",
            "\ufeff{ viewer { permissions } } # é \u2028",
            '{ viewer { can(permission: """block " \\""" text""") } }',
            '{ viewer { can(permission: "\\uD83D\\uDE00\\u{1F600}") } }',
            '{ viewer { can(permission: "\\uD83D") } }',
            "query ($a: Int, $a: Int) { __typename }",
            "{ organization(slug: 5) { id } workspace { id } }",
            "{ " + "a: __typename " * 2000 + "}",
            "{ viewer " + "{ organization " * 30 + "{ id }" + " }" * 31,
            "{ viewer { memberships { nodes { workspaces { nodes { members { nodes { id user { id } } } } } } } } }",
        )
    ),
]

CORPUS: dict[str, Example] = {
    **{f"connection {name}": Example(query) for name, query in CONNECTIONS.items()},
    **{name: Example(query) for name, query in SELECTIONS.items()},
    **{f"variables {index}": example for index, example in enumerate(VARIABLES)},
    **{f"request {index}": example for index, example in enumerate(REQUESTS)},
}
