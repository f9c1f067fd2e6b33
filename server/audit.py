"""The unit of work, and the log that it writes.

`change(actor)` is the only way to write: it locks the chain of the organization (or account) it is
about, reads the actor's access anew under that lock, and commits only with what was recorded.
"""

import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from asyncpg import DeadlockDetectedError

from server import events
from server.access import ORGANIZATION_COLUMN, RELATED, Actor, load, place, require, require_member
from server.actions import ACTIONS
from server.authentication import Unconfirmed, confirming, is_unchanged, refresh
from server.chains import HASHED_COLUMNS, LOCK, WRITE_EVENT, WRITE_SHEET, Chain, lock_and_read, read_as
from server.database import fetch, transaction
from server.errors import BadRequest, Problem, ProblemCode, Uncertain, forbidden, not_found
from server.models import AuditChain, ChainKind, Invitation, Member, Organization, PrincipalType, User
from server.reading import selection
from server.rows import Row, uuid7
from server.visibility import VISIBLE, numbered
from server.writing import Writes

R = TypeVar("R", bound=Row)

INSTALLATION = UUID(int=0)
"""The chain of what concerns no organization and no account, such as failed sign-ins of unknown addresses."""

AUDITED_REFUSALS = frozenset({ProblemCode.FORBIDDEN, ProblemCode.ABOVE_YOUR_ROLE, ProblemCode.LAST_OWNER})

FIRST_HASH = "0" * 64

Changes = list[dict[str, Any]]


def difference(**fields: tuple[Any, Any]) -> Changes:
    """`changes` of an event, from field=(before, after); what stayed the same is left out."""
    return [
        {"field": name, "before": before, "after": after} for name, (before, after) in fields.items() if before != after
    ]


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, the form that is hashed."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def event_hash(previous_hash: str, event: dict[str, Any]) -> str:
    """SHA-256 of the previous hash and the event's canonical JSON (RFC 8785: keys sorted, no white space).

    `event` is a row of audit_event; its hashes are not part of the JSON.
    """
    body = {**event, "created_at": timestamp(event["created_at"])}
    body.pop("previous_hash", None)
    body.pop("hash", None)
    json = orjson.dumps(body, str, orjson.OPT_SORT_KEYS)  # asyncpg's UUIDs are none to orjson
    return hashlib.sha256(previous_hash.encode() + json).hexdigest()


@dataclass(frozen=True)
class Revision:
    """A state of a chain: whoever has seen it asks for answers that are `atLeast` as new."""

    chain_id: UUID
    sequence: int

    def encode(self) -> str:
        packed = self.chain_id.bytes + self.sequence.to_bytes(8)
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def decode(cls, text: str) -> "Revision":
        """Raises BadRequest."""
        try:
            packed = base64.b64decode(text, altchars=b"-_", validate=True)
        except ValueError:
            packed = b""
        if len(packed) != 24:
            raise BadRequest("atLeast: This is not a revision. Pass on one that a mutation gave.")
        return cls(UUID(bytes=packed[:16]), int.from_bytes(packed[16:]))


@dataclass(slots=True)
class Recorded:
    action: str
    target: Row | None
    target_label: str
    workspace_id: UUID | None
    changes: Changes
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Change:
    """One transaction and its audit sheet.

    The transaction opens at the first lock, so that slow preparation (hashing a password) is done
    before it. Chains are locked in one order: an organization's, then an account's.
    """

    actor: Actor
    remembered: bool = False
    """Whether the actor is of a moment ago: until the access is confirmed under a lock, nothing else may begin."""
    organization_id: UUID | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _chains: dict[UUID, Chain] = field(default_factory=dict)
    _sheet: dict[UUID, list[Recorded]] = field(default_factory=dict)
    _unchanged: bool = False
    _open: bool = False
    writes: Writes = field(default_factory=Writes)
    """What waits for the sheet, to be written in one statement with it."""
    _after_commit: list[Callable[[], None]] = field(default_factory=list)

    async def begin(self) -> None:
        if self.remembered:
            raise Unconfirmed
        await self._begin()

    async def _begin(self) -> None:
        if not self._open:
            await self._stack.enter_async_context(transaction())
            self._open = True

    async def _lock(self, condition: str, *values: Any) -> UUID | None:
        """Lock the chain `c` for which an SQL condition holds, if there is one."""
        await self.begin()
        return await self._wait_for(condition, *values)

    async def _wait_for(self, condition: str, *values: Any) -> UUID | None:
        rows = await fetch(LOCK.format(condition=condition), *values)
        return self._hold(*rows[0]) if rows else None

    def _hold(self, chain_id: UUID, sequence: int, hash: str) -> UUID:
        self._chains[chain_id] = Chain(chain_id, sequence, hash)
        return chain_id

    async def _begin_chain(self, chain_id: UUID, kind: ChainKind) -> None:
        await self.begin()
        chain = await AuditChain.create(id=chain_id, kind=kind)
        self._hold(chain.id, chain.sequence, chain.hash)

    async def found(self, organization: Organization) -> None:
        """The change is about an organization that it has just created."""
        await self._begin_chain(organization.id, ChainKind.ORGANIZATION)
        self.organization_id = organization.id

    async def lock_organization(self, organization_id: UUID) -> None:
        """Hold the lock of the organization that the change is about."""
        if self.organization_id not in (None, organization_id):
            raise RuntimeError("A change is about one organization")
        await self.lock_organizations([organization_id])
        self.organization_id = organization_id

    async def lock_organizations(self, organization_ids: Iterable[UUID]) -> None:
        """Hold several organizations' locks, in the one order that cannot deadlock, before an account's."""
        missing = sorted(set(organization_ids) - self._chains.keys())
        if missing:
            self._require_order()
        for organization_id in missing:
            if await self._lock("c.id = $1", organization_id) is None:
                raise not_found(Organization.noun, "organizationId")

    def _require_order(self) -> None:
        if self._chains:
            raise RuntimeError("Organizations are locked at once, and before any account")

    async def enter(
        self, organization_id: UUID, permission: str | None = None, field: str | None = None
    ) -> Organization:
        """Lock an organization that the actor belongs to, and read the actor's access under the lock.

        Raises NOT_FOUND, or FORBIDDEN without the (organization-wide) permission.
        """
        self.actor.identified()
        require_member(self.actor, organization_id, field)
        return await self.load(Organization, organization_id, permission, field)

    async def read_locked(self, model: type[Row], id: UUID, query: str, values: dict[str, Any]) -> Sequence[Any] | None:
        """Lock the organization that an object belongs to, if the actor does too, and under the lock read the one
        row, if any, that a query finds. The actor has the access of that moment from then on.

        The query's format fields are the values, `organization` (the locked one's id, else null) and the actor's.
        Raises Unconfirmed of somebody remembered whose access has changed.
        """
        self.actor.identified()

        def given(names: Iterable[str]) -> list[Any]:
            return [known[name] if name in known else self.actor.value(name) for name in names]

        known = values | {"organization": self.organization_id}
        locking = self.organization_id is None and model in ORGANIZATION_COLUMN
        if locking:
            self._require_order()
            await self._begin()
            confirm, by = confirming(self.actor)
            sql, names = lock_and_read(model, query, confirm)
            rows = await fetch(sql, by, id, self.actor.value("memberships"), *given(names))
            if rows:
                self.organization_id = self._hold(*rows[0][:3])
            else:
                belongs = f'(SELECT x.{ORGANIZATION_COLUMN[model]} FROM "{model._meta.db_table}" x WHERE x.id = $1)'  # noqa: S608
                own = self.actor.value("memberships")
                self.organization_id = await self._wait_for(f"c.id = {belongs} AND c.id = ANY ($2::uuid[])", id, own)
            known["organization"] = self.organization_id
            found: Sequence[Any] | None
            if rows and rows[0]["undisturbed"]:
                version, is_there, *row = rows[0][4:]
                unchanged, found = is_unchanged(self.actor, version), row if is_there else None
            else:
                sql, names = numbered(query, 2)
                unchanged, found = await read_as(self.actor, sql, *given(names))
            if unchanged:
                self.remembered = False
                return found
            if self.remembered:
                raise Unconfirmed
            self.actor = await refresh(self.actor)
        sql, names = numbered(query, 1)
        rows = await fetch(sql, *given(names))
        return rows[0] if rows else None

    async def load(self, model: type[R], id: UUID, permission: str | None = None, field: str | None = None) -> R:
        """`access.load` under the lock of the organization that the object belongs to."""
        wanted = selection(model, *RELATED.get(model, ()))
        query = f"SELECT {wanted.columns} FROM {wanted.tables} WHERE x.id = {{id}} AND {VISIBLE[model]}"  # noqa: S608
        found = await self.read_locked(model, id, query, {"id": id})
        row = await load(self.actor, model, id, field=field) if found is None else wanted.rows([found])[0]
        organization_id, _ = place(row)
        if organization_id is None:
            return row
        if self.organization_id != organization_id:
            raise not_found(model.noun, field)
        if permission is not None:
            require(self.actor, row, permission, field)
        return row

    def require(self, permission: str, workspace_id: UUID | None = None, field: str | None = None) -> None:
        """Raises FORBIDDEN without the permission, organization-wide or in a workspace."""
        if self.organization_id is None or not self.actor.may(permission, self.organization_id, workspace_id):
            raise forbidden(permission, field)

    async def account(self, user: User) -> None:
        """Lock an account, to record in its chain."""
        if user.id not in self._chains and await self._lock("c.id = $1", user.id) is None:
            await self._begin_chain(user.id, ChainKind.ACCOUNT)

    async def installation(self) -> None:
        await self._lock("c.id = $1", INSTALLATION)

    def record(
        self,
        action: str,
        target: Row | None,
        *,
        label: str | None = None,
        workspace_id: UUID | None = None,
        changes: Changes | None = None,
        chain_id: UUID | None = None,
    ) -> None:
        """Write down what was done, in the organization's chain or the one named."""
        if action not in ACTIONS:
            raise RuntimeError(f"{action} is not in the registry of actions")
        chain_id = chain_id or self.organization_id
        if chain_id is None or chain_id not in self._chains:
            raise RuntimeError(f"{action} was recorded in a chain that is not locked")
        recorded = Recorded(action, target, label or label_of(target), workspace_id, changes or [])
        self._sheet.setdefault(chain_id, []).append(recorded)

    def refused(self, organization: Organization | None, problem: Problem, operation: str) -> None:
        """Write down that a privileged operation, or a row of a batch of them, was refused."""
        if problem.code in AUDITED_REFUSALS:
            changes = difference(operation=(None, operation), code=(None, problem.code.value))
            self.record("access.refused", organization, changes=changes)

    def unchanged(self) -> None:
        """Nothing was to be done, so that there is nothing to record."""
        self._unchanged = True

    @property
    def revision(self) -> str | None:
        """How far the organization's (else the account's) chain is with this change; None where none is locked."""
        chain = (
            self._chains.get(self.organization_id) if self.organization_id else next(iter(self._chains.values()), None)
        )
        return None if chain is None else Revision(chain.id, chain.sequence).encode()

    def after_commit(self, action: Callable[[], None]) -> None:
        self._after_commit.append(action)

    @property
    def _principal(self) -> tuple[PrincipalType, UUID | None, str]:
        if self.actor.system:
            return PrincipalType.SYSTEM, None, "Orgraph"
        if self.actor.api_key_id is not None:
            return PrincipalType.API_KEY, self.actor.api_key_id, self.actor.api_key_name
        if self.actor.user_id is None:
            return PrincipalType.ANONYMOUS, None, "somebody not signed in"
        return PrincipalType.USER, self.actor.user_id, self.actor.email

    async def _write_sheet(self) -> None:
        actor_type, actor_id, actor_label = self._principal
        rows: list[tuple[Any, ...]] = []
        for chain_id, sheet in self._sheet.items():
            chain = self._chains[chain_id]
            for recorded in sheet:
                event = {
                    "id": uuid7(),
                    "chain_id": chain_id,
                    "sequence": chain.sequence + 1,
                    "action": recorded.action,
                    "actor_type": actor_type,
                    "actor_id": actor_id,
                    "actor_label": actor_label,
                    "target_type": recorded.target.prefix if recorded.target else "",
                    "target_id": recorded.target.id if recorded.target else None,
                    "target_label": recorded.target_label,
                    "workspace_id": recorded.workspace_id,
                    "changes": recorded.changes,
                    "ip": self.actor.origin.ip,
                    "user_agent": self.actor.origin.user_agent,
                    "request_id": self.actor.origin.request_id,
                    "created_at": recorded.created_at,
                }
                digest = event_hash(chain.hash, event)
                event["changes"] = orjson.dumps(recorded.changes).decode()
                rows.append((*event.values(), chain.hash, digest))
                chain.sequence, chain.hash = chain.sequence + 1, digest
        # Of all that are locked: LOCK_AND_READ sees by it that something has changed.
        heads = [(chain.id, chain.sequence, chain.hash) for chain in self._chains.values()]
        if len(rows) == len(heads) == 1:
            await self.writes.flush(WRITE_EVENT, rows[0])
            return
        await self.writes.flush(WRITE_SHEET, [*zip(*rows, strict=True), *zip(*heads, strict=True)])

    @property
    def may_change_the_actor(self) -> bool:
        """Whether the actor's own access may be another than what was read under the lock."""
        return not all(
            isinstance(recorded.target, Invitation)
            or (isinstance(recorded.target, Member) and recorded.target.user_id != self.actor.answerable_id)
            for sheet in self._sheet.values()
            for recorded in sheet
        )

    async def commit(self) -> None:
        if not self._sheet and not self._unchanged:
            raise RuntimeError("A change must record what it did, or say that nothing was to be done")
        if self.remembered:
            raise Unconfirmed
        if self._sheet:
            await self._write_sheet()
        try:
            await self._stack.aclose()
            events.wake(self._sheet)
            for action in self._after_commit:
                action()
        except Exception as error:
            raise Uncertain from error

    async def roll_back(self, error: BaseException) -> None:
        with contextlib.suppress(type(error)):
            await self._stack.__aexit__(type(error), error, error.__traceback__)


def label_of(row: Row | None) -> str:
    """What people call a row; copied, so that history outlives it."""
    if row is None:
        return ""
    for name in ("email", "name"):
        if value := row.__dict__.get(name):
            return str(value)
    if isinstance(row, Member):
        return row.user.email
    return ""


@contextlib.asynccontextmanager
async def change(actor: Actor, remembered: bool = False) -> AsyncIterator[Change]:
    """The unit of work. Raises whatever its rules raise, and then has changed nothing.

    Raises Unconfirmed, whatever else it is, as long as somebody remembered has not been confirmed.
    """
    unit = Change(actor, remembered)
    try:
        yield unit
        await unit.commit()
    except BaseException as error:
        await unit.roll_back(error)
        if unit.remembered and isinstance(error, Exception):
            raise Unconfirmed from error
        if isinstance(error, DeadlockDetectedError):
            raise Problem(ProblemCode.CONFLICT, "Somebody was changing the same. Try again.") from error
        raise


async def record_refusal(unit: Change, problem: Problem, operation: str) -> None:
    """Leave an event of a privileged operation that was refused, in a transaction of its own."""
    if problem.code not in AUDITED_REFUSALS or unit.organization_id is None:
        return
    async with change(unit.actor) as refusal:
        await refusal.lock_organization(unit.organization_id)
        refusal.refused(await Organization.get_or_none(id=unit.organization_id), problem, operation)


@dataclass(frozen=True)
class Verification:
    """`broken_at` is the sequence of the first event that is altered, missing or out of order."""

    checked: int
    broken_at: int | None = None
    reason: str | None = None


VERIFY_BATCH = 5000


async def verify(chain_id: UUID) -> Verification:
    """Recompute a chain from its first event to its head."""
    chain = await AuditChain.get(id=chain_id)
    previous, sequence = FIRST_HASH, 0
    while sequence < chain.sequence:
        rows = await fetch(
            f"SELECT {HASHED_COLUMNS} FROM audit_event "  # noqa: S608
            "WHERE chain_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4",
            chain_id,
            sequence,
            chain.sequence,
            VERIFY_BATCH,
        )
        for row in rows:
            sequence += 1
            event = dict(row) | {"changes": orjson.loads(row["changes"])}
            if event["sequence"] != sequence:
                return Verification(sequence - 1, sequence, "missing")
            if event["previous_hash"] != previous or event_hash(previous, event) != event["hash"]:
                return Verification(sequence - 1, sequence, "altered")
            previous = event["hash"]
        if not rows:
            return Verification(sequence, sequence + 1, "missing")
    if previous != chain.hash:
        return Verification(sequence, sequence, "altered")
    return Verification(sequence)
