"""Two-factor authentication on the graph."""

import strawberry

from schema.context import Info
from schema.door import Payload
from schema.viewer import ViewerPayload
from server import mfa as rules


@strawberry.type(description="What enrolTotp answers. Nothing is in force before confirmTotp.")
class EnrolTotpPayload(Payload):
    secret: str | None = strawberry.field(
        default=None, description="What a device makes one-time codes of, in base 32, to be typed."
    )
    uri: str | None = strawberry.field(
        default=None, description="The same as an `otpauth://` address, to be shown as a QR code."
    )


@strawberry.input(description="Proof that a device makes the right codes.")
class ConfirmTotpInput:
    code: str = strawberry.field(description="The one-time code that the device shows.")


@strawberry.type(description="What confirmTotp answers.")
class ConfirmTotpPayload(ViewerPayload):
    recovery_codes: list[str] | None = strawberry.field(
        default=None, description="Each stands in for a one-time code, once. They are never shown again."
    )


@strawberry.input(description="Proof that it is the person who wants to do without codes.")
class DisableTotpInput:
    password: str = strawberry.field(description="The account's.")
    code: str = strawberry.field(description="A one-time or a recovery code.")


@strawberry.type(description="What disableTotp answers.")
class DisableTotpPayload(ViewerPayload):
    pass


@strawberry.type
class MfaMutation:
    @strawberry.mutation(
        description="Make a secret for two-factor authentication by one-time codes (RFC 6238). Replaces one that has "
        "not been confirmed."
    )
    async def enrol_totp(self, info: Info) -> EnrolTotpPayload | None:
        enrolment = await rules.enrol(info.context.change)
        return EnrolTotpPayload(secret=enrolment.secret, uri=enrolment.uri)

    @strawberry.mutation(
        description="Turn two-factor authentication on by a first one-time code. Ends all other sessions."
    )
    async def confirm_totp(self, info: Info, input: ConfirmTotpInput) -> ConfirmTotpPayload | None:
        return ConfirmTotpPayload(recovery_codes=await rules.confirm(info.context.change, input.code))

    @strawberry.mutation(description="Turn two-factor authentication off.")
    async def disable_totp(self, info: Info, input: DisableTotpInput) -> DisableTotpPayload | None:
        await rules.disable(info.context.change, input.password, input.code)
        return DisableTotpPayload()
