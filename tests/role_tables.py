"""Who may do what, as tests/test_role_table.py finds it by trying."""

OPERATIONS = {
    "default": """
                                    owner  admin  member  viewer
        updateOrganization          +      +      F       F
        updateOrganizationSettings  +      +      F       F
        deleteOrganization          +      F      F       F
        restoreOrganization         +      F      F       F
        transferOwnership           +      F      F       F
        createWorkspace             +      +      F       F
        updateWorkspace             +      +      N       N
        updateWorkspaceSettings     +      +      N       N
        deleteWorkspace             +      +      N       N
        restoreWorkspace            +      +      N       N
        inviteMembers               +      +      F       F
        resendInvitation            +      +      F       F
        revokeInvitation            +      +      F       F
        removeMember                +      +      F       F
        suspendMember               +      +      F       F
        reactivateMember            +      +      F       F
        setMemberRole               +      +      F       F
        setAvailability             F      F      F       F
        grantRole                   +      +      F       F
        revokeGrant                 +      +      F       F
        createRole                  +      +      F       F
        updateRole                  +      +      F       F
        deleteRole                  +      +      F       F
        createApiKey                +      +      F       F
        rotateApiKey                +      +      N       N
        revokeApiKey                +      +      N       N
    """,
    "meeting-bots": """
                                    admin  developer
        updateOrganization          +      F
        updateOrganizationSettings  +      F
        deleteOrganization          +      F
        restoreOrganization         +      F
        transferOwnership           +      F
        createWorkspace             +      F
        updateWorkspace             +      N
        updateWorkspaceSettings     +      N
        deleteWorkspace             +      N
        restoreWorkspace            +      N
        inviteMembers               +      F
        resendInvitation            +      F
        revokeInvitation            +      F
        removeMember                +      F
        suspendMember               +      F
        reactivateMember            +      F
        setMemberRole               +      F
        setAvailability             F      F
        grantRole                   +      F
        revokeGrant                 +      F
        createRole                  F      F
        updateRole                  F      F
        deleteRole                  F      F
        createApiKey                +      +
        rotateApiKey                +      +
        revokeApiKey                +      +
    """,
    "voice-agents": """
                                    owner  admin  member  support_agent  viewer
        updateOrganization          +      +      F       F              F
        updateOrganizationSettings  +      +      F       F              F
        deleteOrganization          +      F      F       F              F
        restoreOrganization         +      F      F       F              F
        transferOwnership           +      F      F       F              F
        createWorkspace             F      F      F       F              F
        updateWorkspace             N      N      N       N              N
        updateWorkspaceSettings     N      N      N       N              N
        deleteWorkspace             N      N      N       N              N
        restoreWorkspace            N      N      N       N              N
        inviteMembers               +      +      F       F              F
        resendInvitation            +      +      F       F              F
        revokeInvitation            +      +      F       F              F
        removeMember                +      +      N       N              N
        suspendMember               +      +      N       N              N
        reactivateMember            +      +      N       N              N
        setMemberRole               +      +      N       N              N
        setAvailability             +      +      F       +              F
        grantRole                   +      +      N       N              N
        revokeGrant                 +      +      N       N              N
        createRole                  F      F      F       F              F
        updateRole                  F      F      F       F              F
        deleteRole                  F      F      F       F              F
        createApiKey                +      F      F       F              F
        rotateApiKey                +      N      N       N              N
        revokeApiKey                +      N      N       N              N
    """,
    "meetings": """
                                    owner  admin  member
        updateOrganization          +      +      F
        updateOrganizationSettings  +      +      F
        deleteOrganization          +      F      F
        restoreOrganization         +      F      F
        transferOwnership           +      F      F
        createWorkspace             F      F      F
        updateWorkspace             N      N      N
        updateWorkspaceSettings     N      N      N
        deleteWorkspace             N      N      N
        restoreWorkspace            N      N      N
        inviteMembers               +      +      F
        resendInvitation            +      +      F
        revokeInvitation            +      +      F
        removeMember                +      +      N
        suspendMember               +      +      N
        reactivateMember            +      +      N
        setMemberRole               +      +      N
        setAvailability             F      F      F
        grantRole                   +      +      N
        revokeGrant                 +      +      N
        createRole                  +      +      F
        updateRole                  +      +      F
        deleteRole                  +      +      F
        createApiKey                +      +      F
        rotateApiKey                +      +      N
        revokeApiKey                +      +      N
    """,
    "phone-agents": """
                                    owner  admin
        updateOrganization          +      +
        updateOrganizationSettings  +      +
        deleteOrganization          +      F
        restoreOrganization         +      F
        transferOwnership           +      F
        createWorkspace             F      F
        updateWorkspace             N      N
        updateWorkspaceSettings     N      N
        deleteWorkspace             N      N
        restoreWorkspace            N      N
        inviteMembers               +      +
        resendInvitation            +      +
        revokeInvitation            +      +
        removeMember                +      +
        suspendMember               +      +
        reactivateMember            +      +
        setMemberRole               +      +
        setAvailability             F      F
        grantRole                   +      +
        revokeGrant                 +      +
        createRole                  +      +
        updateRole                  +      +
        deleteRole                  +      +
        createApiKey                +      +
        rotateApiKey                +      +
        revokeApiKey                +      +
    """,
}
"""+ allowed, F FORBIDDEN, A ABOVE_YOUR_ROLE, N NOT_FOUND, for members with one organization-wide role.

Targets are members, invitations and keys of the catalogue's last role, a custom role without permissions, and a
workspace in which nobody has a grant of their own.
"""

FIELDS = {
    "default": """
                                           owner  admin  member  viewer
        Organization.apiKeys               +      +      F       F
        Organization.auditEvents           +      +      F       F
        Organization.checklist             +      +      F       F
        Organization.invitations           +      +      F       F
        Organization.members               +      +      +       +
        Organization.restorableWorkspaces  +      +      F       F
        Organization.seats                 +      +      +       +
        Organization.settings              +      +      F       F
        Role.memberCount                   +      +      +       +
        Workspace.apiKeys                  +      +      N       N
        Workspace.members                  +      +      N       N
        Workspace.settings                 +      +      N       N
    """,
    "meeting-bots": """
                                           admin  developer
        Organization.apiKeys               +      +
        Organization.auditEvents           +      F
        Organization.checklist             +      F
        Organization.invitations           +      F
        Organization.members               +      +
        Organization.restorableWorkspaces  +      F
        Organization.seats                 +      +
        Organization.settings              +      +
        Role.memberCount                   +      +
        Workspace.apiKeys                  +      N
        Workspace.members                  +      N
        Workspace.settings                 +      N
    """,
    "voice-agents": """
                                           owner  admin  member  support_agent  viewer
        Organization.apiKeys               +      F      F       F              F
        Organization.auditEvents           +      +      F       F              F
        Organization.checklist             +      +      F       F              F
        Organization.invitations           +      +      F       F              F
        Organization.members               +      +      F       F              F
        Organization.restorableWorkspaces  F      F      F       F              F
        Organization.seats                 +      +      F       F              F
        Organization.settings              +      +      F       F              F
        Role.memberCount                   +      +      F       F              F
        Workspace.apiKeys                  N      N      N       N              N
        Workspace.members                  N      N      N       N              N
        Workspace.settings                 N      N      N       N              N
    """,
    "meetings": """
                                           owner  admin  member
        Organization.apiKeys               +      +      F
        Organization.auditEvents           +      +      F
        Organization.checklist             +      +      F
        Organization.invitations           +      +      F
        Organization.members               +      +      F
        Organization.restorableWorkspaces  F      F      F
        Organization.seats                 +      +      F
        Organization.settings              +      +      F
        Role.memberCount                   +      +      F
        Workspace.apiKeys                  N      N      N
        Workspace.members                  N      N      N
        Workspace.settings                 N      N      N
    """,
    "phone-agents": """
                                           owner  admin
        Organization.apiKeys               +      +
        Organization.auditEvents           +      +
        Organization.checklist             +      +
        Organization.invitations           +      +
        Organization.members               +      +
        Organization.restorableWorkspaces  F      F
        Organization.seats                 +      +
        Organization.settings              +      +
        Role.memberCount                   +      +
        Workspace.apiKeys                  N      N
        Workspace.members                  N      N
        Workspace.settings                 N      N
    """,
}
"""+ answered, F null with FORBIDDEN, N the parent is null."""

MANAGING = {
    "default": """
                owner  admin  member  viewer
        owner   ++     ++     ++      ++
        admin   AA     AA     ++      ++
        member  FF     FF     FF      FF
        viewer  FF     FF     FF      FF
    """,
    "meeting-bots": """
                   admin  developer
        admin      ++     ++
        developer  FF     FF
    """,
    "voice-agents": """
                       owner  admin  member  support_agent  viewer
        owner          ++     ++     ++      ++             ++
        admin          AA     ++     ++      ++             ++
        member         NF     NF     NF      NF             NF
        support_agent  NF     NF     NF      NF             NF
        viewer         NF     NF     NF      NF             NF
    """,
    "meetings": """
                owner  admin  member
        owner   ++     ++     ++
        admin   AA     AA     ++
        member  NF     NF     NF
    """,
    "phone-agents": """
               owner  admin
        owner  ++     ++
        admin  AA     ++
    """,
}
"""Who acts, times on whom: suspending a member of the role, then inviting to it."""
