"""Users and their sessions on the graph."""

from datetime import datetime

import strawberry

from schema.context import Info
from schema.node import Node, refetchable
from server import models


@refetchable(models.User)
@strawberry.type(description="A person with an account.")
class User(Node):
    row: strawberry.Private[models.User]

    @strawberry.field(description="Normalized: trimmed, case-folded, its domain in ASCII.")
    def email(self) -> str:
        return self.row.email

    @strawberry.field(description="Whether the person has proven to receive mail at the address.")
    def email_verified(self) -> bool:
        return self.row.email_verified_at is not None

    @strawberry.field(description="As the person writes it.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="When the account was made.")
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(
        description="Whether signing in takes a one-time code; null to those who share no organization with the person."
    )
    async def mfa_enabled(self, info: Info) -> bool | None:
        actor = info.context.actor
        if self.row.id == actor.user_id:
            return actor.has_mfa
        return await info.context.loaders.mfa_enabled(actor).load(self.row.id)


@refetchable(models.Session)
@strawberry.type(description="A sign-in that lasts until it is signed out, revoked, or unused for too long.")
class Session(Node):
    row: strawberry.Private[models.Session]

    @strawberry.field(description="Whether it is the one that asks.")
    def current(self, info: Info) -> bool:
        return self.row.id == info.context.actor.session_id

    @strawberry.field(description="When it was opened.")
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="When it was used last, to the minute.")
    def last_used_at(self) -> datetime:
        return self.row.last_used_at

    @strawberry.field(description="When it ends unless it is used before.")
    def expires_at(self) -> datetime:
        return self.row.expires_at

    @strawberry.field(description="The address that it was opened from.")
    def ip(self) -> str | None:
        return self.row.ip

    @strawberry.field(description="The client that it was opened with.")
    def user_agent(self) -> str | None:
        return self.row.user_agent
