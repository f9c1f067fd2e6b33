"""The environment, read once into `settings`."""

from datetime import timedelta
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is the environment variable `ORGRAPH_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="ORGRAPH_", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str = ""
    database_url: str = ""
    data_dir: Path = Path(".orgraph")
    pool_size: int = Field(default=20, ge=2)
    smtp_url: str = ""
    mail_from: str = "Orgraph <no-reply@localhost>"
    catalogue: str = "default"
    demo: bool | None = None
    workers: int = Field(default=1, ge=1)
    log_level: str = "INFO"
    """The least severe level written: DEBUG, INFO, WARNING or ERROR."""
    compile: bool = True
    """Whether queries are compiled to SQL; without it every request is executed field by field."""
    invitation_ttl: timedelta = timedelta(days=7)
    session_ttl: timedelta = timedelta(days=30)
    """A session unused for this long is over."""
    password_reset_ttl: timedelta = timedelta(hours=1)
    email_verification_ttl: timedelta = timedelta(days=3)
    access_token_ttl: timedelta = timedelta(minutes=5)
    """How long a signed access token is valid, whatever becomes of its bearer's access meanwhile."""

    @cached_property
    def url(self) -> str:
        """Where people and letters reach this server, without a trailing slash."""
        host = "localhost" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @cached_property
    def with_demo(self) -> bool:
        """Its account's password is known to all, so that unasked it is for this machine only."""
        local = urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")
        return local if self.demo is None else self.demo

    @cached_property
    def https(self) -> bool:
        return urlsplit(self.url).scheme == "https"


try:
    settings = Settings()
except ValidationError as error:
    first = error.errors()[0]
    name = f"ORGRAPH_{str(first['loc'][0]).upper()}"
    raise SystemExit(f"{name} cannot be {first['input']!r}: {first['msg']}") from None
