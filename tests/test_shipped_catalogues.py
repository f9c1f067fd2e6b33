"""The shipped catalogues, and what PRODUCTS.md says of their roles and areas."""

import pytest

from server.catalogue import SHIPPED, Catalogue, load_catalogue

NAMES = sorted(path.stem for path in SHIPPED.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_shipped_catalogues_load(name: str) -> None:
    made = load_catalogue(name)
    enforced = {
        *("organization:update", "organization:delete", "organization:transfer", "settings:read", "settings:update"),
        *("audit:read", "members:read", "members:invite", "members:remove", "members:suspend", "members:grant"),
        *("api_keys:read", "api_keys:manage", "access:check"),
    }
    assert enforced <= made.permissions.keys(), "what the server itself asks for can be given"
    assert all(made.permissions.values()), "every permission says what it allows"
    assert made.former.roles == made.former.plans == made.former.permissions == {}


# PRODUCTS.md


def by_area(made: Catalogue, *areas: str) -> set[str]:
    return {key for area in areas for key in made.areas[area].permissions}


def test_meeting_bots() -> None:
    made = load_catalogue("meeting-bots")
    admin, developer = set(made.permissions_of("admin")), set(made.permissions_of("developer"))
    # R1
    assert list(made.roles) == ["admin", "developer"]
    assert made.creator == "admin"
    assert {"dashboard:open", "api_keys:manage"} <= developer < admin
    assert {"workspaces:create", "members:invite", "members:grant"} <= admin - developer
    # R3, R4: access to workspaces is granted, which is the admins' to do
    assert developer.isdisjoint(by_area(made, "workspaces") | {"members:grant", "members:invite", "members:remove"})
    # R6, R7, R8, R9
    assert any(setting.workspace for setting in made.settings.values())
    assert (made.plans, "billing:manage" in developer) == ({}, False)
    assert made.product.environments == ["development", "staging", "production"]
    assert made.product.region


def test_voice_agents() -> None:
    made = load_catalogue("voice-agents")
    held = {key: set(made.permissions_of(key)) for key in made.roles}
    # V1, V3
    assert made.creator == "owner"
    assert [role.name for role in made.roles.values()] == ["Owner", "Admin", "Member", "Support agent", "Viewer"]
    assert held["owner"] == made.permissions.keys()
    assert {"billing:manage", "api_keys:manage", "members:invite", "members:remove"} <= held["owner"]
    manages = {f"{what}:manage" for what in ("agents", "flows", "channels", "knowledge", "campaigns", "integrations")}
    assert manages | {"members:invite", "members:remove", "members:grant"} <= held["admin"]
    assert held["owner"] - held["admin"] == {
        *("billing:manage", "api_keys:read", "api_keys:manage", "organization:delete", "organization:transfer")
    }
    assert "owner" not in (made.manages_of("admin") or [])
    assert {"member", "support_agent", "viewer"} <= set(made.manages_of("admin") or [])
    assert held["member"] == {"playground:use", "calls:read", "live:monitor"}
    assert held["support_agent"] == {
        *("escalations:read", "calls:claim", "live:whisper", "live:barge", "availability:set")
    }
    assert held["viewer"] == {"analytics:read", "calls:read", "agents:read"}
    # V7
    assert made.settings["mfa_required"].type == "boolean"
    # V9
    security = {"call_recording", "phi_redaction", "end_to_end_encryption", "audit_log"}
    assert set(made.features) == security
    assert {setting.feature for setting in made.settings.values()} - {None} == security
    assert made.features_of("starter") < made.features_of("growth") < made.features_of("enterprise") == security
    assert made.product.plan == "starter"


def test_meetings() -> None:
    made = load_catalogue("meetings")
    held = {key: set(made.permissions_of(key)) for key in made.roles}
    # M1
    assert list(made.roles) == ["owner", "admin", "member"]
    assert [key for key in made.roles if "admin_panel:open" in held[key]] == ["owner", "admin"]
    assert held["member"] == by_area(made, "meetings")
    # M2
    assert made.manages_of("owner") == ["owner", "admin", "member"]
    assert made.manages_of("admin") == ["member"]
    assert {"members:invite", "members:remove", "members:suspend", "members:grant"} <= held["admin"]
    # M3, M7, M8, M9
    assert "organization:update" in held["admin"]
    assert [key for key in made.roles if "billing:manage" in held[key]] == ["owner"]
    assert {"rooms:manage", "meetings:manage", "recordings:manage"} <= held["admin"]
    assert "roles:manage" in held["admin"]
    # M6, M10
    assert made.product.plan is not None
    assert made.plans[made.product.plan].seats
    assert len(made.checklist) >= 3


def test_phone_agents() -> None:
    made = load_catalogue("phone-agents")
    assert made.labels.organization.singular == "Workspace"
    # P1, P2, P3
    assert list(made.roles) == ["owner", "admin"]
    assert made.creator == "owner"
    for key in made.roles:
        assert {"members:invite", "members:grant", "members:remove", "roles:manage"} <= set(made.permissions_of(key))
    # P4
    names = [
        "Pearls",
        "Activities",
        "Analytics",
        "Leads",
        "Calls",
        "Resources",
        "Advanced settings",
        "Audit log",
        "Billing",
    ]
    assert [area.name for area in made.areas.values()] == names
    assert by_area(made, "pearls") == {"pearls:create", "pearls:edit"}
    assert by_area(made, "activities") == {"activities:moderate"}
    assert by_area(made, "analytics") == {"analytics:view"}
    assert by_area(made, "leads") == {"leads:view", "leads:moderate"}
    assert by_area(made, "calls") == {"calls:view"}
    assert {"phone_numbers:manage", "agents:manage", "api_keys:manage", "members:grant"} <= by_area(made, "resources")
    assert by_area(made, "audit_log") == {"audit:read"}
    assert by_area(made, "billing") == {"billing:manage"}
    # P7, P11
    types = {key: setting.type for key, setting in made.settings.items()}
    assert types == {
        "billing_email": "email",
        "notifications_email": "email",
        "newsletter": "boolean",
        "session_timeout_minutes": "integer",
        "public_recordings": "boolean",
        "mfa_required": "boolean",
    }
    # P8
    assert made.product.restore_window_days == 0
