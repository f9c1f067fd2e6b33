"""Accounts on the graph: users, sessions, the viewer, and how one becomes it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.context import Info
from schema.door import Payload
from schema.node import Node, refetchable
from schema.pagination import (
    ROW_ID,
    After,
    Before,
    Condition,
    Connection,
    First,
    Last,
    Source,
    connect,
    time_key,
)
from schema.permissions import signed_in
from schema.scalars import parse_id, required_id
from server import accounts as rules
from server import invitations, models
from server.access import load, visible
from server.errors import Problem

if TYPE_CHECKING:
    from schema.api_keys import ApiKey
    from schema.invitations import Invitation
    from schema.members import Member
    from schema.organizations import Organization
    from schema.workspaces import Workspace

MEMBERSHIPS = Source(
    name="memberships",
    model=models.Member,
    tables="member x JOIN organization o ON o.id = x.organization_id AND o.deleted_at IS NULL",
    of_parent="x.user_id = p.id AND x.status = 'active'",
    orders={"JOINED_AT": (time_key("x.created_at"), ROW_ID)},
)


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


@strawberry.type(description="Who asks, and what they can do.")
class Viewer:
    @strawberry.field(description="The signed-in person; null for an API key.")
    async def user(self, info: Info) -> User | None:
        user_id = info.context.actor.user_id
        row = await info.context.loaders.by_id(models.User).load(user_id) if user_id else None
        return User(row=row) if row else None

    @strawberry.field(description="The API key that asks; null for a person.")
    async def api_key(self, info: Info) -> Annotated["ApiKey", strawberry.lazy("schema.api_keys")] | None:
        from schema.api_keys import ApiKey

        id = info.context.actor.api_key_id
        row = await info.context.loaders.by_id(models.ApiKey).load(id) if id else None
        return ApiKey(row=row) if row else None

    @strawberry.field(description="The session that asks.")
    async def session(self, info: Info) -> Session | None:
        session_id = info.context.actor.session_id
        row = await info.context.loaders.by_id(models.Session).load(session_id) if session_id else None
        return Session(row=row) if row else None

    @strawberry.field(description="All sessions of the person, the newest first.")
    async def sessions(self, info: Info) -> list[Session]:
        return [Session(row=row) for row in await visible(info.context.actor, models.Session).order_by("-id")]

    @strawberry.field(description="The active organization: the request header's, else the session's.")
    async def organization(
        self, info: Info
    ) -> Annotated["Organization", strawberry.lazy("schema.organizations")] | None:
        from schema.organizations import Organization

        id = info.context.actor.organization_id
        row = await info.context.loaders.by_id(models.Organization).load(id) if id else None
        return Organization(row=row) if row else None

    @strawberry.field(description="The active workspace: the request header's, else the session's.")
    async def workspace(self, info: Info) -> Annotated["Workspace", strawberry.lazy("schema.workspaces")] | None:
        from schema.workspaces import Workspace

        id = info.context.actor.workspace_id
        row = await info.context.loaders.by_id(models.Workspace).load(id) if id else None
        return Workspace(row=row) if row else None

    @strawberry.field(
        description="What the person belongs to and can enter, in the order of joining; null for an API key."
    )
    async def memberships(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated["Member", strawberry.lazy("schema.members")]] | None:
        from schema.members import Member

        user_id, locked = info.context.actor.user_id, info.context.actor.locked
        if user_id is None:
            return None
        return await connect(
            info,
            MEMBERSHIPS,
            user_id,
            lambda row: Member(row=row),
            first=first,
            after=after,
            last=last,
            before=before,
            order="JOINED_AT",
            where=[Condition("x.organization_id <> ALL ({}::uuid[])", (tuple(locked),))] if locked else [],
        )

    @strawberry.field(description="Effective permissions in the active organization and workspace, sorted.")
    def permissions(self, info: Info) -> list[str]:
        actor = info.context.actor
        membership = actor.memberships.get(actor.organization_id) if actor.organization_id else None
        return sorted(membership.permissions(actor.workspace_id)) if membership else []

    @strawberry.field(description="Whether the viewer has a permission.")
    async def can(
        self,
        info: Info,
        permission: Annotated[str, strawberry.argument(description="Such as `members:invite`.")],
        on: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="An organization or a workspace; by default the active ones."),
        ] = None,
    ) -> bool:
        actor = info.context.actor
        organization_id, workspace_id = actor.organization_id, actor.workspace_id
        if on is not None:
            organization_id, workspace_id = parse_id(models.Organization, on), parse_id(models.Workspace, on)
        if workspace_id is not None and on is not None:
            try:
                organization_id = (await load(actor, models.Workspace, workspace_id)).organization_id
            except Problem:
                return False
        return organization_id is not None and actor.may(permission, organization_id, workspace_id)

    @strawberry.field(description="Invitations that wait for the person's (verified) address, the newest first.")
    async def invitations(self, info: Info) -> list[Annotated["Invitation", strawberry.lazy("schema.invitations")]]:
        from schema.invitations import Invitation

        actor = info.context.actor
        if not actor.email_verified or not actor.email:
            return []
        return [Invitation(row=row) for row in await invitations.pending_for(actor.email)]

    @strawberry.field(description="Deleted organizations that the viewer can still restore.")
    async def restorable_organizations(
        self, info: Info
    ) -> list[Annotated["Organization", strawberry.lazy("schema.organizations")]]:
        from schema.organizations import Organization

        restorable = [
            id
            for id, membership in info.context.actor.restorable.items()
            if "organization:delete" in membership.permissions()
        ]
        rows = await models.Organization.filter(id__in=restorable).order_by("id")
        return [Organization(row=row) for row in rows]

    @strawberry.field(
        description="Organizations that the viewer cannot enter before turning two-factor authentication on.",
    )
    async def organizations_requiring_mfa(
        self, info: Info
    ) -> list[Annotated["Organization", strawberry.lazy("schema.organizations")]]:
        from schema.organizations import Organization

        locked = info.context.actor.locked
        rows = await models.Organization.filter(id__in=list(locked)).order_by("id") if locked else []
        return [Organization(row=row) for row in rows]


@strawberry.type
class AccountQuery:
    @strawberry.field(
        description="Who asks. Null, with UNAUTHENTICATED, when nobody is signed in.", extensions=[signed_in()]
    )
    def viewer(self) -> Viewer | None:
        return Viewer()


@strawberry.interface(description="What a mutation answers that changes who or where the viewer is.")
class ViewerPayload(Payload):
    @strawberry.field(description="The viewer as it now is; null when nobody is signed in.")
    def viewer(self, info: Info) -> Viewer | None:
        return Viewer() if info.context.actor.known else None


@strawberry.input(description="A new account.")
class SignUpInput:
    email: str = strawberry.field(description="Will be sent a link that verifies it, unless an invitation has.")
    password: str = strawberry.field(description="8 to 128 characters, and not the address.")
    name: str = strawberry.field(description="The person's, 1 to 100 characters.")
    organization_name: str | None = strawberry.field(
        default=None, description="Founds an organization, which the person owns."
    )
    invitation_token: str | None = strawberry.field(
        default=None, description="From an invitation's link: accepts it, and verifies the address."
    )


@strawberry.type(description="What signUp answers.")
class SignUpPayload(ViewerPayload):
    token: str | None = strawberry.field(
        default=None, description="The session's: send it as `Authorization: Bearer …`. Also set as a cookie."
    )


@strawberry.input(description="Credentials.")
class SignInInput:
    email: str = strawberry.field(description="The account's address.")
    password: str = strawberry.field(description="The account's password.")
    code: str | None = strawberry.field(
        default=None,
        description="A one-time or a recovery code, where two-factor authentication is on; MFA_REQUIRED asks for it.",
    )


@strawberry.type(description="What signIn answers.")
class SignInPayload(ViewerPayload):
    token: str | None = strawberry.field(
        default=None, description="The session's: send it as `Authorization: Bearer …`. Also set as a cookie."
    )


@strawberry.type(description="What signOut answers.")
class SignOutPayload(ViewerPayload):
    pass


@strawberry.input(description="A token out of a letter.")
class VerifyEmailInput:
    token: str = strawberry.field(description="From the link.")


@strawberry.interface(description="What a mutation answers that is about an account.")
class UserPayload(ViewerPayload):
    user: User | None = strawberry.field(default=None, description="The account.")


@strawberry.type(description="What verifyEmail answers.")
class VerifyEmailPayload(UserPayload):
    pass


@strawberry.type(description="What requestEmailVerification answers.")
class RequestEmailVerificationPayload(Payload):
    pass


@strawberry.input(description="Whose password to reset.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="The account's address.")


@strawberry.type(description="What requestPasswordReset answers: the same whether or not there is such an account.")
class RequestPasswordResetPayload(Payload):
    pass


@strawberry.input(description="A new password, by a mailed link.")
class ResetPasswordInput:
    token: str = strawberry.field(description="From the link.")
    password: str = strawberry.field(description="The new one: 8 to 128 characters, and not the address.")


@strawberry.type(description="What resetPassword answers.")
class ResetPasswordPayload(UserPayload):
    pass


@strawberry.input(description="A new password, by the current one.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The one to replace.")
    new_password: str = strawberry.field(description="8 to 128 characters, and not the address.")


@strawberry.type(description="What changePassword answers.")
class ChangePasswordPayload(UserPayload):
    pass


@strawberry.input(description="What to change in one's profile; what is left out stays.")
class UpdateProfileInput:
    name: str | None = strawberry.field(default=None, description="1 to 100 characters.")


@strawberry.type(description="What updateProfile answers.")
class UpdateProfilePayload(UserPayload):
    pass


@strawberry.input(description="Which session to end.")
class RevokeSessionInput:
    session_id: strawberry.ID = strawberry.field(description="One of the viewer's sessions.")


@strawberry.type(description="What revokeSession answers.")
class RevokeSessionPayload(ViewerPayload):
    pass


@strawberry.type(description="What revokeOtherSessions answers.")
class RevokeOtherSessionsPayload(ViewerPayload):
    revoked: int | None = strawberry.field(default=None, description="How many sessions have been ended.")


@strawberry.input(description="Proof that it is the person who wants the account gone.")
class DeleteAccountInput:
    password: str = strawberry.field(description="The account's.")


@strawberry.type(description="What deleteAccount answers.")
class DeleteAccountPayload(ViewerPayload):
    pass


@strawberry.type
class AccountMutation:
    @strawberry.mutation(description="Make an account, and sign in to it.")
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload | None:
        token = await rules.sign_up(
            info.context.change,
            input.email,
            input.password,
            input.name,
            input.organization_name,
            input.invitation_token,
        )
        info.context.set_session_cookie(token)
        return SignUpPayload(token=token)

    @strawberry.mutation(
        description="Sign in with address and password, and with a code where two-factor authentication is on."
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload | None:
        token = await rules.sign_in(info.context.change, input.email, input.password, input.code)
        info.context.set_session_cookie(token)
        return SignInPayload(token=token)

    @strawberry.mutation(description="End the session that asks.")
    async def sign_out(self, info: Info) -> SignOutPayload | None:
        await rules.sign_out(info.context.change)
        info.context.set_session_cookie(None)
        return SignOutPayload()

    @strawberry.mutation(description="Verify an address by the link mailed to it.")
    async def verify_email(self, info: Info, input: VerifyEmailInput) -> VerifyEmailPayload | None:
        return VerifyEmailPayload(user=User(row=await rules.verify_email(info.context.change, input.token)))

    @strawberry.mutation(description="Send the link that verifies the viewer's address anew.")
    async def request_email_verification(self, info: Info) -> RequestEmailVerificationPayload | None:
        await rules.request_email_verification(info.context.change)
        return RequestEmailVerificationPayload()

    @strawberry.mutation(description="Send a link by which the password can be reset.")
    async def request_password_reset(
        self, info: Info, input: RequestPasswordResetInput
    ) -> RequestPasswordResetPayload | None:
        await rules.request_password_reset(info.context.change, input.email)
        return RequestPasswordResetPayload()

    @strawberry.mutation(description="Set a new password by a mailed link. Ends all sessions.")
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> ResetPasswordPayload | None:
        user = await rules.reset_password(info.context.change, input.token, input.password)
        return ResetPasswordPayload(user=User(row=user))

    @strawberry.mutation(description="Change the password. Ends all other sessions.")
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ChangePasswordPayload | None:
        user = await rules.change_password(info.context.change, input.current_password, input.new_password)
        return ChangePasswordPayload(user=User(row=user))

    @strawberry.mutation(description="Change the viewer's profile.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> UpdateProfilePayload | None:
        return UpdateProfilePayload(user=User(row=await rules.update_profile(info.context.change, input.name)))

    @strawberry.mutation(description="End one of the viewer's sessions.")
    async def revoke_session(self, info: Info, input: RevokeSessionInput) -> RevokeSessionPayload | None:
        await rules.revoke_session(info.context.change, required_id(models.Session, input.session_id, "sessionId"))
        return RevokeSessionPayload()

    @strawberry.mutation(description="End all of the viewer's sessions but the one that asks.")
    async def revoke_other_sessions(self, info: Info) -> RevokeOtherSessionsPayload | None:
        return RevokeOtherSessionsPayload(revoked=await rules.revoke_other_sessions(info.context.change))

    @strawberry.mutation(description="Leave every organization and delete the account, for good.")
    async def delete_account(self, info: Info, input: DeleteAccountInput) -> DeleteAccountPayload | None:
        await rules.delete_account(info.context.change, input.password)
        info.context.set_session_cookie(None)
        return DeleteAccountPayload()
