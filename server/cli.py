"""The `orgraph` command."""

import asyncio
import contextlib
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import click
import fasteners

from server.settings import settings

GRACE_SECONDS = 10
"""How long a stopping server waits for its requests."""


@click.group()
def main() -> None:
    """Orgraph: organizations, workspaces, members, roles and audit, as one GraphQL endpoint."""


@contextlib.contextmanager
def database(exclusive: bool = False) -> Iterator[str]:
    """The URL of the configured PostgreSQL, else of the embedded one, which is started and stopped as needed."""
    if settings.database_url:
        yield settings.database_url
        return
    from server.database import embedded_url, stop_embedded

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(settings.data_dir / "lock")
    owner = lock.acquire(blocking=False)
    if exclusive and not owner:
        raise click.ClickException(f"Another Orgraph is using {settings.data_dir}. Stop it, or set ORGRAPH_DATA_DIR.")
    try:
        yield embedded_url(settings.data_dir)
    finally:
        if owner:
            stop_embedded(settings.data_dir)
            lock.release()


async def _prepare(url: str) -> str | None:
    """Migrate, install the catalogue's roles, and load the demo into an empty database. Returns a notice."""
    from server import demo, roles
    from server.database import connected, migrate
    from server.models import User

    await migrate(url)
    async with connected(url):
        await roles.install()
        if not settings.demo:
            return None
        if not await User.exists():
            with contextlib.suppress(demo.DemoError):  # another server that started at the same moment was faster
                await demo.load(organizations=3, members=25, events=300, progress=False)
        return _sign_in_notice() if await User.exists(email=demo.EMAIL) else None


def _sign_in_notice() -> str:
    from server import demo

    return f"Sign in with the e-mail {demo.EMAIL} and the password {demo.PASSWORD}"


def _announce(notice: str | None) -> None:
    """Say where the server is once it answers."""
    ready = f"http://{_reachable(settings.host)}:{settings.port}/readyz"
    for _ in range(600):
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(ready, timeout=1):
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

    logs.configure()
    with database(exclusive=True) as url:
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
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )


@main.command()
def migrate() -> None:
    """Bring the database's schema and built-in roles up to date."""

    async def run(url: str) -> None:
        from server import roles
        from server.database import connected, migrate

        await migrate(url)
        async with connected(url):
            await roles.install()

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
        from server import demo, roles
        from server.database import connected, migrate

        await migrate(url)
        async with connected(url):
            await roles.install()
            try:
                await demo.load(organizations, members, events, seed=seed, largest=largest)
            except demo.DemoError as error:
                raise click.ClickException(str(error)) from error
        print(_sign_in_notice())

    with database() as url:
        asyncio.run(run(url))


@main.command()
def schema() -> None:
    """Print the schema in GraphQL's schema definition language."""
    from schema import schema

    print(schema.as_str())


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
                chains = AuditChain.filter(id=(await Organization.get(slug=organization)).id)
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


if __name__ == "__main__":
    main()
