"""PostgreSQL: the pool, the one transaction, migrations."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.backends.base_postgres.client import translate_exceptions
from tortoise.context import TortoiseContext, require_context
from tortoise.exceptions import IntegrityError

from server.settings import settings

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent.parent / "migrations"
MIGRATION_LOCK = 0x0264_7261_7068
"""Any constant: the key of the advisory lock under which one server migrates and others wait."""


@dataclass
class Statements:
    """What a request has asked of the database."""

    count: int = 0
    seconds: float = 0.0
    compiled: bool = False
    """Whether a plan of the compiler's has answered it."""


statements: ContextVar[Statements | None] = ContextVar("statements", default=None)


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """Counts statements into the `statements` of the request that sends them."""

    async def _counted(self, work: Coroutine[Any, Any, T]) -> T:
        counter = statements.get()
        if counter is None:
            return await work
        started = time.perf_counter()
        try:
            return await work
        finally:
            counter.count += 1
            counter.seconds += time.perf_counter() - started

    async def execute(self, *args: Any, **kwargs: Any) -> str:
        return await self._counted(super().execute(*args, **kwargs))

    async def executemany(self, *args: Any, **kwargs: Any) -> None:
        await self._counted(super().executemany(*args, **kwargs))

    async def fetch(self, *args: Any, **kwargs: Any) -> list[Any]:
        return await self._counted(super().fetch(*args, **kwargs))

    async def fetchrow(self, *args: Any, **kwargs: Any) -> Any:
        return await self._counted(super().fetchrow(*args, **kwargs))

    async def reset(self, *, timeout: float | None = None) -> None:
        """Nothing is ever left set on a connection, so only an open transaction needs a reset."""
        if self.is_in_transaction():
            await super().reset(timeout=timeout)


SERVER_SETTINGS = {
    "application_name": "orgraph",
    "timezone": "UTC",
    "jit": "off",
    # Planning takes longer than most of our statements, so that each is planned once for a connection. A plan
    # made without the parameters does not know how unlike in size organizations are: it has to be one that is
    # good for all of them, from index to index.
    "plan_cache_mode": "force_generic_plan",
    "random_page_cost": "1.1",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


def tortoise_config(url: str) -> dict[str, Any]:
    connection = expand_db_url(url.replace("postgresql://", "asyncpg://").replace("postgres://", "asyncpg://"))
    connection["credentials"] |= {
        "minsize": 1,
        "maxsize": settings.pool_size,
        "connection_class": Connection,
        "max_cached_statement_lifetime": 0,
        "max_cacheable_statement_size": 0,
        "server_settings": SERVER_SETTINGS,
    }
    return {
        "connections": {"default": connection},
        "apps": {"models": {"models": ["server.models", "aerich.models"], "default_connection": "default"}},
        "use_tz": True,
        "timezone": "UTC",
    }


TORTOISE_ORM = tortoise_config(settings.database_url or "asyncpg://postgres:@/postgres")


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[None]:
    """The pool is open, for every task of the process."""
    await Tortoise.init(config=tortoise_config(url), _enable_global_fallback=True)
    global _opened
    try:
        await client().execute_query("SELECT 1")  # the pool is made by its first use
        _opened = client()._pool
        yield
    finally:
        await close()


async def close() -> None:
    """Every connection, those at hand too."""
    global _opened
    if _opened is not None:
        await _give_back(*_at_hand)
        _opened = None
    await Tortoise.close_connections()


def client() -> AsyncpgDBClient:
    """The pool, or the connection of the transaction that the caller is in."""
    return require_context().connections.get("default")  # type: ignore[return-value]


@translate_exceptions
async def _fetch(connected: AsyncpgDBClient, sql: str, values: Sequence[Any]) -> Sequence[Any]:
    if not isinstance(connected, TransactionWrapper):
        return await read(sql, *values)
    async with connected.acquire_connection() as connection:
        rows: Sequence[Any] = await connection.fetch(sql, *values)
        return rows


async def fetch(sql: str, *values: Any) -> Sequence[Any]:
    """Rows (asyncpg records) of a statement that the ORM cannot say, or not as fast. Raises as the ORM does."""
    rows: Sequence[Any] = await _fetch(client(), sql, values)
    return rows


_opened: asyncpg.Pool | None = None
_at_hand: list[PoolConnectionProxy] = []
"""Connections kept out of the pool: taking one and giving it back costs as much as a short statement."""


async def read(sql: str, *values: Any) -> Sequence[Any]:
    """Rows of a statement outside any transaction, past the ORM. Raises asyncpg's errors."""
    connection = await _taken()
    try:
        rows: Sequence[Any] = await connection.fetch(sql, *values)
    except asyncpg.InterfaceError:  # closed meanwhile
        await _give_back(connection)
        return await _pool().fetch(sql, *values)
    except asyncpg.PostgresError:
        await _keep(connection)
        raise
    except BaseException:
        await _give_back(connection)
        raise
    await _keep(connection)
    return rows


async def _taken() -> PoolConnectionProxy:
    return _at_hand.pop() if _at_hand else await _pool().acquire()


async def _keep(connection: PoolConnectionProxy) -> None:
    """Some are left to the ORM, which takes none but the pool's."""
    if len(_at_hand) < settings.pool_size * 3 // 4 and not connection.is_closed():
        _at_hand.append(connection)
    else:
        await _give_back(connection)


async def _give_back(*connections: PoolConnectionProxy) -> None:
    """Cancelled or not: the pool cleans them up."""
    for connection in connections:
        if connection in _at_hand:
            _at_hand.remove(connection)
        await _uninterrupted(_pool().release(connection))


def _pool() -> asyncpg.Pool:
    if _opened is None:
        raise RuntimeError("There is no connection to the database")
    return _opened


async def take_turns(key: str) -> None:
    """Within a transaction: wait for others that hold the same key, and hold it until the transaction ends."""
    await fetch("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)


def in_transaction() -> bool:
    return isinstance(client(), TransactionWrapper)


async def _uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Finishes `work` even if the caller is cancelled meanwhile, and only then lets it be cancelled."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.done() and task.cancelled():
                raise
            cancelled = error
        except BaseException:
            break
    if cancelled is not None:
        if task.exception() is None:
            raise cancelled
        raise cancelled from task.exception()
    return task.result()


class Transaction(TransactionWrapper):
    """What the ORM would nest within is part of the one transaction: no savepoints."""

    def _in_transaction(self) -> Any:
        return contextlib.nullcontext(self)


@contextlib.asynccontextmanager
async def transaction() -> AsyncIterator[Transaction]:
    """One transaction (READ COMMITTED), committed at the end, rolled back on any exception.

    Safe under cancellation, which Tortoise's own is not: a connection is never lost, and a commit
    once begun is awaited. Transactions do not nest.
    """
    if in_transaction():
        raise RuntimeError("A transaction is open already")
    connection = await _taken()
    try:
        try:
            await connection.execute("BEGIN")
        except asyncpg.InterfaceError:  # closed while it was at hand
            await _give_back(connection)
            connection = await _pool().acquire()
            await connection.execute("BEGIN")
    except BaseException:
        await _give_back(connection)
        raise
    wrapper = Transaction(client())
    wrapper._connection = connection
    token = require_context().connections.set("default", wrapper)
    try:
        yield wrapper
    except BaseException:
        require_context().connections.reset(token)
        await _uninterrupted(_end(connection, "ROLLBACK"))
        raise
    require_context().connections.reset(token)
    await _uninterrupted(_end(connection, "COMMIT"))


async def _end(connection: PoolConnectionProxy, statement: str) -> None:
    try:
        if statement == "COMMIT" or not connection.is_closed():
            await connection.execute(statement)
    except BaseException:
        await _pool().release(connection)
        raise
    await _keep(connection)


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint or unique index that a statement ran into."""
    return getattr(error.__cause__, "constraint_name", None)


def credentials_of(url: str) -> dict[str, Any]:
    """What asyncpg.connect takes, of a database's URL."""
    credentials = tortoise_config(url)["connections"]["default"]["credentials"]
    keys = ("host", "port", "user", "password", "database", "statement_cache_size")
    return {key: credentials[key] for key in keys if credentials.get(key) not in (None, "")}


async def own_connection(url: str) -> asyncpg.Connection:
    """Outside the pool."""
    return await asyncpg.connect(**credentials_of(url))


async def _migrated(connection: asyncpg.Connection) -> bool:
    try:
        done = await connection.fetch("SELECT version FROM aerich WHERE app = 'models'")
    except asyncpg.UndefinedTableError:
        return False
    return {file.name for file in (MIGRATIONS / "models").glob("[0-9]*.py")} <= {row["version"] for row in done}


async def migrate(url: str) -> None:
    """Bring the schema up to date; servers that start together take turns."""
    config = tortoise_config(url)
    lock = await own_connection(url)
    try:
        if await _migrated(lock):
            return
        from aerich import Command  # which takes long

        # Of a transaction, since a session's lock would outlive this connection where a pooler stands in between
        async with lock.transaction():
            await lock.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
            async with TortoiseContext() as context:  # of its own, whatever else the process is connected to
                await context.init(config=config)
                command = Command(config, app="models", location=str(MIGRATIONS))
                await command.init()
                await command.upgrade(run_in_transaction=True)
    finally:
        await lock.close()
