"""Accounts on the graph: how one comes to have one, signs in and out, and proves who one is."""

import strawberry

from schema.context import Info
from schema.door import Payload
from schema.scalars import required_id
from schema.users import User
from schema.viewer import ViewerPayload
from server import accounts as rules
from server import models


@strawberry.input(description="A new account.")
class SignUpInput:
    email: str = strawberry.field(description="Will be sent a link that verifies it, unless an invitation has.")
    password: str = strawberry.field(description="8 to 128 characters, and not the address.")
    name: str = strawberry.field(description="The person's, 1 to 100 characters.")
    organization_name: str | None = strawberry.field(
        default=None, description="Founds an organization, which the person owns; not together with an invitation."
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
