"""Plans: the seats and features that an organization has."""

from dataclasses import dataclass
from uuid import UUID

from server.access import SYSTEM
from server.audit import change, difference
from server.catalogue import catalogue
from server.database import fetch
from server.errors import Problem, ProblemCode
from server.models import Organization


@dataclass(frozen=True)
class Seats:
    """`total` and `free` are None without a limit; a pending invitation holds a seat."""

    used: int
    pending: int
    total: int | None

    @property
    def free(self) -> int | None:
        return None if self.total is None else max(self.total - self.used - self.pending, 0)


def plan_of(organization: Organization) -> str | None:
    return organization.plan or catalogue.product.plan


def features_of(organization: Organization) -> frozenset[str]:
    return catalogue.features_of(plan_of(organization))


def total_seats(organization: Organization) -> int | None:
    plan = plan_of(organization)
    return organization.seats or (catalogue.plans[plan].seats if plan is not None else None)


SEATS_USED = "(SELECT count(*) FROM member m WHERE m.organization_id = x.id AND m.status = 'active')"
SEATS_PENDING = """(SELECT count(*) FROM invitation i WHERE i.organization_id = x.id AND i.status = 'pending'
    AND i.expires_at > clock_timestamp())"""
"""SQL: an organization's, `x`."""


async def seats_of(organizations: list[Organization]) -> dict[UUID, Seats]:
    """By organization: active members use a seat, suspended ones do not."""
    rows = await fetch(
        f"SELECT x.id, {SEATS_USED} AS used, {SEATS_PENDING} AS pending "  # noqa: S608
        "FROM organization x WHERE x.id = ANY ($1::uuid[])",
        [organization.id for organization in organizations],
    )
    counts = {row["id"]: (row["used"], row["pending"]) for row in rows}
    return {each.id: Seats(*counts.get(each.id, (0, 0)), total_seats(each)) for each in organizations}


def no_seat(total: int, field: str | None) -> Problem:
    return Problem(
        ProblemCode.SEAT_LIMIT_REACHED,
        f"All {total} seats are used or promised by invitations. Remove somebody, revoke an invitation, or get more.",
        field,
        {"seats": total},
    )


async def free_seats(organization: Organization) -> int | None:
    """To be called under the organization's lock. None: no limit."""
    if total_seats(organization) is None:
        return None
    return (await seats_of([organization]))[organization.id].free


async def require_seat(organization: Organization, field: str | None = None) -> None:
    """For somebody who has none yet. Raises SEAT_LIMIT_REACHED."""
    if await free_seats(organization) == 0:
        raise no_seat(total_seats(organization) or 0, field)


async def require_seat_for_member(organization_id: UUID, field: str | None = None) -> None:
    """For one whose invitation has promised it: what is left after all other members. Raises SEAT_LIMIT_REACHED."""
    organization = await Organization.get(id=organization_id)
    total = total_seats(organization)
    if total is not None and (await seats_of([organization]))[organization_id].used >= total:
        raise no_seat(total, field)


async def assign(slug: str, plan: str, seats: int | None) -> None:
    """Give an organization a plan, and its own number of seats. Raises Problem."""
    if plan not in catalogue.plans:
        known = ", ".join(catalogue.plans) or "none"
        raise Problem(ProblemCode.INVALID, f"There is no plan {plan}. The catalogue has: {known}.", "plan")
    if seats is not None and seats < 1:
        raise Problem(ProblemCode.INVALID, "There is at least one seat.", "seats")
    organization = await Organization.get_or_none(slug=slug)
    if organization is None:
        raise Problem(ProblemCode.NOT_FOUND, f"There is no organization {slug}. Check the slug.", "slug")
    async with change(SYSTEM) as unit:
        await unit.lock_organization(organization.id)
        organization = await Organization.get(id=organization.id)
        changes = difference(plan=(plan_of(organization), plan), seats=(organization.seats, seats))
        organization.plan, organization.seats = plan, seats
        await organization.save(update_fields=["plan", "seats"])
        unit.unchanged()
        if changes:
            unit.record("organization.plan_changed", organization, changes=changes)
