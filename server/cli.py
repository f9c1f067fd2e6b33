"""The `orgraph` command."""

import asyncio
import contextlib
import errno
import gc
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import asyncpg
import click
import fasteners

from server.errors import SettingsError
from server.settings import settings

CONNECT_SECONDS = 10
MAX_MESSAGE = 1024 * 1024
"""Bytes of a WebSocket's message, as of a body."""
GRACE_SECONDS = 10
"""How long a stopping server waits for its requests."""


class Commands(click.Group):
    """Says in one line what is wrong with a setting."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands)
def main() -> None:
    """Orgraph: organizations, workspaces, members, roles and audit, as one GraphQL endpoint."""
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def _end(*_: object) -> None:
    """End as by an exception, so that whatever was started is stopped."""
    logging.getLogger("uvicorn.error").disabled = True  # what a second Ctrl-C cuts short is no error
    sys.exit(0)


@contextlib.contextmanager
def database(exclusive: bool = False) -> Iterator[str]:
    """The URL of the configured PostgreSQL, else of the embedded one, which is started and stopped as needed."""
    import server.catalogue  # noqa: F401  # raises SettingsError before anything is started

    if settings.database_url:
        asyncio.run(_reach(settings.database_url))
        yield settings.database_url
        return
    lock = _data_dir_lock(settings.data_dir)
    owner = lock.acquire(blocking=False)
    if exclusive and not owner:
        raise click.ClickException(f"Another Orgraph is using {settings.data_dir}. Stop it, or set ORGRAPH_DATA_DIR.")
    try:
        yield _embedded_url(settings.data_dir, start=owner)
    finally:
        if owner:
            _stop_embedded(settings.data_dir)
            lock.release()


def _data_dir_lock(data_dir: Path) -> fasteners.InterProcessLock:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / "lock").touch()
    except OSError as error:
        raise click.ClickException(
            f"The data directory {data_dir} cannot be written to ({error.strerror}). "
            "Set ORGRAPH_DATA_DIR, or ORGRAPH_DATABASE_URL."
        ) from error
    return fasteners.InterProcessLock(data_dir / "lock")


def _embedded_url(data_dir: Path, start: bool) -> str:
    """Only who holds the data directory's lock starts its PostgreSQL: two on the same files would ruin them."""
    try:
        from server import embedded

        return embedded.start(data_dir) if start else embedded.running(data_dir)
    except ImportError as error:
        raise click.ClickException("No PostgreSQL is embedded here. Set ORGRAPH_DATABASE_URL.") from error
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise click.ClickException(
            f"The embedded PostgreSQL does not start: {data_dir / 'postgres' / 'log'} may say why."
        ) from error


def _stop_embedded(data_dir: Path) -> None:
    from server import embedded

    for number in (signal.SIGINT, signal.SIGTERM):  # impatience must not leave PostgreSQL behind
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ImportError):
        embedded.stop(data_dir)


async def _reach(url: str) -> None:
    """Say in one line what is wrong with a database, or with its URL."""
    try:
        from server.database import credentials_of

        if urlsplit(url).scheme not in ("postgresql", "postgres", "asyncpg"):
            raise ValueError(url)
        given = credentials_of(url)
    except Exception as error:
        raise click.ClickException(
            "ORGRAPH_DATABASE_URL is not the URL of a PostgreSQL: postgresql://user:password@host:port/database"
        ) from error
    try:
        connection = await asyncpg.connect(**given, timeout=CONNECT_SECONDS)
        await connection.close()
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        cause = " ".join(str(error).split()) or "it does not answer"
        raise click.ClickException(f"The database of ORGRAPH_DATABASE_URL cannot be reached: {cause}") from error


def _claim_port() -> None:
    """Fail at once, before anything is started, where the server could not listen."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        cause = "another program is listening there" if taken else error.strerror
        raise click.ClickException(
            f"Cannot listen on {settings.host}, port {settings.port}: {cause}. Set ORGRAPH_PORT or ORGRAPH_HOST."
        ) from error


async def _prepare(url: str) -> str | None:
    """Migrate, install the catalogue's roles, and load the demo into an empty database. Returns a notice."""
    from server import demo, installation
    from server.database import connected, migrate
    from server.demo_world import EMAIL, DemoError
    from server.models import User

    await migrate(url)
    async with connected(url):
        await installation.install()
        if not settings.with_demo:
            return None
        if not await User.exists():
            with contextlib.suppress(DemoError):  # another server that started at the same moment was faster
                await demo.load(organizations=3, members=25, events=300, progress=False)
        return _sign_in_notice() if await User.exists(email=EMAIL) else None


def _sign_in_notice() -> str:
    from server.demo import PASSWORD
    from server.demo_world import EMAIL

    return f"Sign in with the e-mail {EMAIL} and the password {PASSWORD}"


def _announce(notice: str | None) -> None:
    """Say where the server is once it answers."""
    ready = f"http://{_reachable(settings.host)}:{settings.port}/readyz"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy leads to this machine
    for _ in range(600):
        with contextlib.suppress(urllib.error.URLError, OSError), direct.open(ready, timeout=1):
            lines = [f"Orgraph is ready: {settings.url}/graphql"]
            if notice:
                lines.append(notice)
            if not settings.smtp_url:
                lines.append(f"Letters (no SMTP is configured): {settings.url}/mailbox")
            print(*lines, sep="\n", flush=True)
            return
        time.sleep(0.05)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104


@main.command()
def serve() -> None:
    """Start the server, and whatever it needs."""
    import uvicorn

    from server import logs

    gc.disable()  # until the server is ready: next to nothing of what starts it is garbage
    logs.configure()
    _claim_port()
    with database(exclusive=True) as url:
        from server import mail

        mail.smtp_server(settings.smtp_url)  # raises SettingsError
        notice = asyncio.run(_prepare(url))
        os.environ["ORGRAPH_DATABASE_URL"] = settings.database_url = url
        threading.Thread(target=_announce, args=[notice], daemon=True).start()
        uvicorn.run(
            "server.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )


@main.command()
def migrate() -> None:
    """Bring the database's schema and built-in roles up to date."""

    async def run(url: str) -> None:
        from server import installation
        from server.database import connected, migrate

        await migrate(url)
        async with connected(url):
            await installation.install()

    with database() as url:
        asyncio.run(run(url))


@main.command()
@click.option("--organizations", default=3, show_default=True, help="How many organizations.")
@click.option("--members", default=25, show_default=True, help="How many members in all.")
@click.option("--events", default=300, show_default=True, help="How many audit events in all.")
@click.option("--largest", type=int, help="How many of the members are in the first organization.")
@click.option("--seed", default=2026, show_default=True, help="The same seed gives the same data.")
def demo(organizations: int, members: int, events: int, largest: int | None, seed: int) -> None:
    """Load demo data into a database that has none."""

    async def run(url: str) -> None:
        from server import demo, installation
        from server.database import connected, migrate
        from server.demo_world import DemoError

        await migrate(url)
        async with connected(url):
            await installation.install()
            try:
                await demo.load(organizations, members, events, seed=seed, largest=largest)
            except DemoError as error:
                raise click.ClickException(str(error)) from error
        print(_sign_in_notice())

    with database() as url:
        asyncio.run(run(url))


@main.command()
def schema() -> None:
    """Print the schema in GraphQL's schema definition language."""
    from schema import schema

    print(schema.as_str())


@main.command()
@click.argument("file", type=click.File())
@click.option("--email", help="Whose access it runs with; without it, nobody's.")
@click.option("--variables", default="{}", help="The operation's variables, as JSON.")
def explain(file: TextIO, email: str | None, variables: str) -> None:
    """Say how the operations of FILE are executed, with their SQL and PostgreSQL's plan."""
    text = file.read()

    async def run(url: str) -> str:
        from tortoise.exceptions import OperationalError

        from schema.compiler.explain import explain, names_of
        from server.access import Actor
        from server.authentication import actor_of_email
        from server.database import connected

        async with connected(url):
            try:
                actor = await actor_of_email(email) if email else Actor()
                if actor is None:
                    raise click.ClickException(f"There is no account of {email}.")
                given = json.loads(variables)
                return "\n\n".join([await explain(actor, text, name, given) for name in names_of(text)])
            except OperationalError as error:
                raise click.ClickException("The database has not been set up. Run: orgraph migrate") from error

    try:
        json.loads(variables)
    except ValueError as error:
        raise click.ClickException(f"--variables is not JSON: {error}") from error
    with database() as url:
        print(asyncio.run(run(url)))


@main.group()
def audit() -> None:
    """The audit log."""


@audit.command()
@click.option("--organization", help="Only the chain of this organization, by its slug.")
def verify(organization: str | None) -> None:
    """Recompute the chains; exits with 1 and names the first broken event if one was tampered with."""

    async def run(url: str) -> bool:
        from server.audit import verify
        from server.database import connected
        from server.models import AuditChain, Organization

        whole, checked = True, 0
        async with connected(url):
            chains = AuditChain.all()
            if organization is not None:
                found = await Organization.get_or_none(slug=organization)
                if found is None:
                    raise click.ClickException(f"There is no organization {organization}. Check the slug.")
                chains = AuditChain.filter(id=found.id)
            for chain in await chains.order_by("id"):
                result = await verify(chain.id)
                checked += result.checked
                if result.broken_at is not None:
                    whole = False
                    print(f"{chain.kind.value} {chain.id}: event {result.broken_at} is {result.reason}")
        print(f"{checked} events verified" if whole else "The audit log has been tampered with")
        return whole

    with database() as url:
        if not asyncio.run(run(url)):
            sys.exit(1)


@main.group()
def catalogue() -> None:
    """What a product brings: permissions, roles, plans, settings."""


@catalogue.command()
@click.argument("file")
def check(file: str) -> None:
    """Say what is wrong with a catalogue, a line each, and exit with 1; FILE is a TOML file or a shipped name."""
    settings.catalogue = "default"  # whichever is configured, since that may be the broken one
    from server.catalogue import CatalogueError, load_catalogue

    try:
        loaded = load_catalogue(file)
    except CatalogueError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    parts = ("roles", "permissions", "plans", "features", "settings")
    counts = ", ".join(f"{len(getattr(loaded, part))} {part}" for part in parts)
    print(f"{file}: a catalogue of {counts}, {len(loaded.checklist)} tasks")


@main.group()
def plan() -> None:
    """The plans of organizations."""


@plan.command("set")
@click.argument("slug")
@click.argument("plan")
@click.option(
    "--seats", type=click.IntRange(1, 2**31 - 1), help="How many licences; by default as many as the plan has."
)
def set_plan(slug: str, plan: str, seats: int | None) -> None:
    """Give the organization SLUG a PLAN of the catalogue."""

    async def run(url: str) -> None:
        from tortoise.exceptions import OperationalError

        from server import plans
        from server.database import connected
        from server.errors import Problem

        async with connected(url):
            try:
                await plans.assign(slug, plan, seats)
            except Problem as problem:
                raise click.ClickException(problem.message) from problem
            except OperationalError as error:
                raise click.ClickException("The database has not been set up. Run: orgraph migrate") from error
        print(f"{slug} has the plan {plan} now" + (f", with {seats} seats" if seats else ""))

    with database() as url:
        asyncio.run(run(url))


@main.group()
def keys() -> None:
    """The keys that signed access tokens are verified by."""


@keys.command()
@click.option("--revoke", is_flag=True, help="End the other keys, and what they have signed, at once.")
def rotate(revoke: bool) -> None:
    """Sign access tokens by a new key from now on."""

    async def run(url: str) -> str:
        from server import access_tokens
        from server.database import connected

        async with connected(url):
            return access_tokens.key_id(await access_tokens.rotate(revoke))

    with database() as url:
        print(f"Access tokens are signed by {asyncio.run(run(url))} from now on")


if __name__ == "__main__":
    main()
