"""What operations do, in the small model: who may do them, with which code they are refused, and what they change."""

import copy
import re
from collections.abc import Callable
from datetime import datetime

from tests.isolation_model import (
    CREATOR,
    NOW,
    PERMISSIONS,
    Given,
    Grant,
    Invitation,
    Key,
    Member,
    Model,
    Place,
    Refused,
    Role,
    Standing,
    Workspace,
)

PREFIXES = {
    "organizationId": "org",
    "workspaceId": "ws",
    "memberId": "mem",
    "roleId": "role",
    "replacementRoleId": "role",
    "grantId": "grant",
    "invitationId": "inv",
    "apiKeyId": "key",
}
PEOPLE_ONLY = {
    "switchOrganization", "switchWorkspace", "leaveOrganization", "leaveWorkspace", "acceptInvitation",
    "declineInvitation", "restoreOrganization", "transferOwnership",
}  # fmt: skip


def is_id(prefix: str, id: str) -> bool:
    return re.fullmatch(rf"{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}", id) is not None


class Rules(Model):
    """Every operation returns the organization in whose audit log it leaves something, if it changes anything."""

    def do(self, operation: str, who: str | None, given: Given, new: str = "") -> str | None:
        """`new`: the id that the server has given to what the operation made. Raises Refused."""
        for name, prefix in PREFIXES.items():
            if given.get(name) is not None and not is_id(prefix, given[name]):
                raise Refused("NOT_FOUND")
        if not self.known(who):
            raise Refused("UNAUTHENTICATED")
        if operation in PEOPLE_ONLY and who in self.rows.keys:
            raise Refused("FORBIDDEN")
        rule: Callable[[str, Given, str], str | None] = getattr(self, re.sub("[A-Z]", r"_\g<0>", operation).lower())
        before = copy.deepcopy(self.rows)
        try:
            return rule(who or "", given, new)
        except Refused:
            self.rows = before
            raise

    # Organizations and workspaces

    def delete_organization(self, who: str, given: Given, new: str) -> str | None:
        organization = self.inside(who, given, "organization:delete").organization
        row = self.rows.organizations[organization]
        if given["confirmName"] != row.name:
            raise Refused("CONFIRMATION_MISMATCH")
        row.deleted = True
        return organization

    def restore_organization(self, who: str, given: Given, new: str) -> str | None:
        organization: str = given["organizationId"]
        own = self.standing(who, organization, deleted=True)
        if own is None:
            raise Refused("NOT_FOUND")
        if "organization:delete" not in own.permissions():
            raise Refused("FORBIDDEN", organization)
        self.rows.organizations[organization].deleted = False
        return organization

    def switch_organization(self, who: str, given: Given, new: str) -> str | None:
        self.users[who].active = (self.inside(who, given).organization, None)
        return None

    def create_workspace(self, who: str, given: Given, new: str) -> str | None:
        """Whoever creates a workspace enters it, with the roles that they have."""
        own = self.inside(who, given, "workspaces:create")
        self.rows.workspaces[new] = Workspace(own.organization, given["name"])
        member = self.member_of(who, own.organization)
        if member is not None and not own.enters(new):
            wide = [role for role, place in self.roles_of(member) if place is None]
            for role in wide:
                self.rows.grants[member, role, new] = Grant(self.rows.grants[member, role, None].expires)
        return own.organization

    def update_workspace(self, who: str, given: Given, new: str) -> str | None:
        return self.load(who, given["workspaceId"], "workspaces:update", given["workspaceId"]).organization

    def delete_workspace(self, who: str, given: Given, new: str) -> str | None:
        id = given["workspaceId"]
        own = self.load(who, id, "workspaces:delete", id)
        if given["confirmName"] != self.rows.workspaces[id].name:
            raise Refused("CONFIRMATION_MISMATCH")
        self.rows.workspaces[id].deleted = True
        return own.organization

    def restore_workspace(self, who: str, given: Given, new: str) -> str | None:
        row = self.rows.workspaces.get(given["workspaceId"])
        own = self.standing(who, row.organization) if row else None
        if row is None or own is None or not row.deleted or not own.enters(given["workspaceId"]):
            raise Refused("NOT_FOUND")
        if "workspaces:delete" not in own.permissions():
            raise Refused("FORBIDDEN", own.organization)
        row.deleted = False
        return own.organization

    def switch_workspace(self, who: str, given: Given, new: str) -> str | None:
        organization, workspace = self.users[who].active[0], given.get("workspaceId")
        if workspace is not None:
            organization = self.load(who, workspace).organization
        self.users[who].active = (organization, workspace)
        return None

    def leave_workspace(self, who: str, given: Given, new: str) -> str | None:
        own = self.load(who, given["workspaceId"])
        member = self.member_of(who, own.organization)
        left = [
            key
            for key, row in self.rows.grants.items()
            if (key[0], key[2]) == (member, given["workspaceId"]) and row.in_force
        ]
        if not left:
            raise Refused("ALREADY_DONE")
        self.drop(left)
        return own.organization

    # Members and their grants

    def grant_role(self, who: str, given: Given, new: str) -> str | None:
        member, place, expires = given["memberId"], given.get("workspaceId"), given.get("expiresAt")
        own = self.load(who, member)
        if place is not None and self.load(who, place).organization != own.organization:
            raise Refused("NOT_FOUND")
        if "members:grant" not in own.permissions(place):
            raise Refused("FORBIDDEN", own.organization)
        role = self.role(own.organization, given["role"])
        self.require_confers(own, role, place)
        self.require_manages(own, member, place)
        self.require_no_prolonging(who, member, role, place, expires)
        if expires is not None and expires <= NOW:
            raise Refused("INVALID")
        held = self.rows.grants.get((member, role, place))
        if held is not None and held.in_force and held.expires == expires:
            return None
        self.rows.grants[member, role, place] = Grant(expires)
        self.keep_an_owner(own.organization)
        return own.organization

    def revoke_grant(self, who: str, given: Given, new: str) -> str | None:
        key = next((key for key, row in self.rows.grants.items() if row.id == given["grantId"]), ("", "", None))
        own = self.load(who, given["grantId"], "members:grant", key[2])
        self.require_confers(own, key[1], key[2])
        self.require_manages(own, key[0], key[2])
        self.drop([key])
        self.keep_an_owner(own.organization)
        return own.organization

    def set_member_role(self, who: str, given: Given, new: str) -> str | None:
        own = self.load(who, given["memberId"], "members:grant")
        role = self.role(own.organization, given["role"])
        self.require_manages(own, given["memberId"])
        self.require_confers(own, role)
        self.require_no_prolonging(who, given["memberId"], role)
        changed = self.make_only_role(given["memberId"], role)
        self.keep_an_owner(own.organization)
        return own.organization if changed else None

    def make_only_role(self, member: str, role: str) -> bool:
        wide = {key: row.expires for key, row in self.rows.grants.items() if (key[0], key[2]) == (member, None)}
        if wide == {(member, role, None): None}:
            return False
        self.drop(wide)
        self.rows.grants[member, role, None] = Grant()
        return True

    def transfer_ownership(self, who: str, given: Given, new: str) -> str | None:
        heir = given["memberId"]
        own = self.load(who, heir, "organization:transfer")
        member = self.member_of(who, own.organization)
        assert member is not None
        if heir == member:
            raise Refused("ALREADY_DONE")
        if not self.rows.members[heir].active:
            raise Refused("INVALID")
        self.require_manages(own, heir)
        creator = self.role(own.organization, CREATOR)
        self.require_confers(own, creator)
        self.require_no_prolonging(who, member, creator)
        role = self.role(own.organization, given["ownRole"])
        if role == creator:
            raise Refused("INVALID")
        self.require_confers(own, role)
        self.make_only_role(heir, creator)
        self.make_only_role(member, role)
        return own.organization

    def suspend_member(self, who: str, given: Given, new: str) -> str | None:
        return self._set_active(who, given["memberId"], False)

    def reactivate_member(self, who: str, given: Given, new: str) -> str | None:
        return self._set_active(who, given["memberId"], True)

    def _set_active(self, who: str, member: str, active: bool) -> str | None:
        own = self.load(who, member, "members:suspend")
        self.require_manages(own, member)
        if self.rows.members[member].active is active:
            raise Refused("ALREADY_DONE")
        self.rows.members[member].active = active
        self.keep_an_owner(own.organization)
        return own.organization

    def remove_member(self, who: str, given: Given, new: str) -> str | None:
        own = self.load(who, given["memberId"], "members:remove")
        self.require_manages(own, given["memberId"])
        return self._depart(own, given["memberId"])

    def leave_organization(self, who: str, given: Given, new: str) -> str | None:
        own = self.inside(who, given)
        return self._depart(own, self.member_of(who, own.organization) or "")

    def _depart(self, own: Standing, member: str) -> str | None:
        del self.rows.members[member]
        self.drop(key for key in self.rows.grants if key[0] == member)
        self.keep_an_owner(own.organization)
        return own.organization

    # Invitations

    def invite_members(self, who: str, given: Given, new: str) -> str | None:
        """Of one row."""
        own = self.inside(who, given)
        if not any("members:invite" in role.permissions for _, role, _ in own.held):
            raise Refused("FORBIDDEN", own.organization)
        if not self.users[self.person(who)].verified:
            raise Refused("EMAIL_NOT_VERIFIED")
        [row] = given["invitations"]
        places: list[str] = row.get("workspaceIds") or []
        role = self.role(own.organization, row["role"])
        if any(place not in self.places(own.organization) or not own.enters(place) for place in places):
            raise Refused("NOT_FOUND")
        for place in places or [None]:
            if "members:invite" not in own.permissions(place):
                raise Refused("FORBIDDEN", own.organization)
            self.require_confers(own, role, place)
        user = next((id for id, user in self.users.items() if user.email == row["email"]), None)
        earlier = [
            each
            for each in self.rows.invitations.values()
            if (each.organization, each.email, each.status) == (own.organization, row["email"], "pending")
        ]
        if self.member_of(user, own.organization) or any(not each.over for each in earlier):
            raise Refused("ALREADY_DONE")
        for each in earlier:
            each.status = "expired"
        invitation = Invitation(own.organization, row["email"], role, frozenset(places), self.person(who))
        self.rows.invitations[new] = invitation
        return own.organization

    def _places(self, invitation: Invitation) -> list[Place]:
        """None for an organization-wide one; empty where all its workspaces are gone."""
        if not invitation.workspaces:
            return [None]
        return [place for place in invitation.workspaces if not self.rows.workspaces[place].deleted]

    def _still_pending(self, who: str, id: str) -> Invitation:
        """For whoever could send it."""
        row = self.rows.invitations.get(id)
        own = self.standing(who, row.organization) if row else None
        if row is None or own is None:
            raise Refused("NOT_FOUND")
        for place in self._places(row) or [None]:
            if "members:invite" not in own.permissions(place):
                raise Refused("FORBIDDEN", own.organization)
            if row.role is not None:
                self.require_confers(own, row.role, place)
        if row.status != "pending":
            raise Refused("ALREADY_DONE")
        return row

    def resend_invitation(self, who: str, given: Given, new: str) -> str | None:
        row = self._still_pending(who, given["invitationId"])
        row.over, row.inviter = False, self.person(who)
        return row.organization

    def revoke_invitation(self, who: str, given: Given, new: str) -> str | None:
        row = self._still_pending(who, given["invitationId"])
        row.status = "revoked"
        return row.organization

    def _received(self, who: str, id: str) -> Invitation:
        row = self.rows.invitations.get(id)
        if row is None or row.email != self.users[who].email:
            raise Refused("NOT_FOUND")
        if not self.users[who].verified:
            raise Refused("EMAIL_NOT_VERIFIED")
        if row.status != "pending" or row.over or self.rows.organizations[row.organization].deleted:
            raise Refused("EXPIRED")
        return row

    def accept_invitation(self, who: str, given: Given, new: str) -> str | None:
        row = self._received(who, given["invitationId"])
        inviter, places = self.standing(row.inviter, row.organization), self._places(row)
        role = self.rows.roles[row.role or ""]
        if inviter is None or not places:
            raise Refused("EXPIRED")
        if not all("members:invite" in inviter.permissions(at) and inviter.confers(role, at) for at in places):
            raise Refused("EXPIRED")
        if self.member_of(who, row.organization):
            raise Refused("ALREADY_DONE")
        self.rows.members[new] = Member(row.organization, who)
        for place in places:
            self.rows.grants[new, row.role or "", place] = Grant()
        row.status = "accepted"
        self.users[who].active = (row.organization, None)
        return row.organization

    def decline_invitation(self, who: str, given: Given, new: str) -> str | None:
        row = self._received(who, given["invitationId"])
        row.status = "declined"
        return row.organization

    # Roles

    def _require_free(self, organization: str, name: str, role: str | None = None) -> None:
        rows = self.rows.roles.items()
        if any(row.name == name and id != role for id, row in rows if row.organization in (None, organization)):
            raise Refused("TAKEN")

    def _permissions(self, own: Standing, keys: list[str]) -> frozenset[str]:
        if not set(keys) <= set(PERMISSIONS):
            raise Refused("INVALID")
        if not set(keys) <= own.permissions():
            raise Refused("ABOVE_YOUR_ROLE", own.organization)
        return frozenset(keys)

    def create_role(self, who: str, given: Given, new: str) -> str | None:
        own = self.inside(who, given, "roles:manage")
        self._require_free(own.organization, given["name"])
        permissions = self._permissions(own, given["permissions"])
        self.rows.roles[new] = Role(own.organization, given["name"], permissions)
        return own.organization

    def _editable(self, who: str, id: str) -> tuple[Standing, Role]:
        """A custom role that one could give, of people all of whose other roles one manages."""
        if not self.exists_for(who, id):
            raise Refused("NOT_FOUND")
        row = self.rows.roles[id]
        if row.organization is None:
            raise Refused("FORBIDDEN")
        own = self.load(who, id, "roles:manage")
        self.require_confers(own, id)
        roles = {member: self.roles_of(member, living=False) for member in self.rows.members}
        holders = [member for member, held in roles.items() if any(role == id for role, _ in held)]
        others = {role for member in holders for role, _ in roles[member] if role != id}
        if not all(own.manages(self.rows.roles[role]) for role in others):
            raise Refused("ABOVE_YOUR_ROLE", own.organization)
        return own, row

    def update_role(self, who: str, given: Given, new: str) -> str | None:
        own, row = self._editable(who, given["roleId"])
        before = (row.name, row.permissions)
        if given.get("name") is not None:
            self._require_free(own.organization, given["name"], given["roleId"])
            row.name = given["name"]
        if given.get("permissions") is not None:
            row.permissions = self._permissions(own, given["permissions"])
            if not row.permissions <= before[1] and own.holds(given["roleId"]):
                raise Refused("ABOVE_YOUR_ROLE", own.organization)
        return None if before == (row.name, row.permissions) else own.organization

    def delete_role(self, who: str, given: Given, new: str) -> str | None:
        id, rows = given["roleId"], self.rows
        own, row = self._editable(who, id)
        waiting = [each for each in rows.invitations.values() if each.role == id and each.status == "pending"]
        held = {key: grant for key, grant in rows.grants.items() if key[1] == id}
        keys = [key for key in rows.keys.values() if key.role == id]
        if given.get("replacementRoleId") is not None:
            replacement = self.role(own.organization, given["replacementRoleId"])
            if replacement == id:
                raise Refused("INVALID")
            self.require_confers(own, replacement)
            if own.holds(id) and not rows.roles[replacement].permissions <= row.permissions:
                raise Refused("ABOVE_YOUR_ROLE", own.organization)
            for (member, _, place), grant in held.items():
                twin = rows.grants.get((member, replacement, place), grant)
                expires = None if None in (twin.expires, grant.expires) else max(twin.expires, grant.expires)  # type: ignore[type-var]
                rows.grants[member, replacement, place] = Grant(expires)
            for each in [*waiting, *keys]:
                each.role = replacement
        elif keys or any(not each.over for each in waiting) or any(grant.in_force for grant in held.values()):
            raise Refused("ROLE_IN_USE")
        for invitation in rows.invitations.values():
            if invitation.role == id:
                invitation.role = None
                invitation.status = "expired" if invitation.status == "pending" else invitation.status
        self.drop(held)
        del rows.roles[id]
        return own.organization

    # API keys

    def create_api_key(self, who: str, given: Given, new: str) -> str | None:
        place: Place = given.get("workspaceId")
        if place is not None:
            organization = self.load(who, place).organization
            if given.get("organizationId") not in (None, organization):
                self.inside(who, given)
                raise Refused("INVALID")
            given = given | {"organizationId": organization}
        own = self.inside(who, given)
        if "api_keys:manage" not in own.permissions(place):
            raise Refused("FORBIDDEN", own.organization)
        role = self.role(own.organization, given["role"])
        expires: datetime | None = given.get("expiresAt")
        if not own.covers(self.rows.roles[role], place):
            raise Refused("ABOVE_YOUR_ROLE", own.organization)
        if expires is not None and expires <= NOW:
            raise Refused("INVALID")
        self.require_outlived(who, own, expires)
        self.rows.keys[new] = Key(own.organization, place, role, self.person(who), expires)
        return own.organization

    def rotate_api_key(self, who: str, given: Given, new: str) -> str | None:
        """Whoever rotates a key answers for it from then on."""
        own, key = self.manageable(who, given["apiKeyId"])
        if who != given["apiKeyId"]:
            self.require_outlived(who, own, key.expires)
        key.creator = self.person(who)
        return own.organization

    def revoke_api_key(self, who: str, given: Given, new: str) -> str | None:
        own, _ = self.manageable(who, given["apiKeyId"])
        del self.rows.keys[given["apiKeyId"]]
        return own.organization
