from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "audit_chain" (
    "id" UUID NOT NULL PRIMARY KEY,
    "kind" VARCHAR(16) NOT NULL,
    "sequence" BIGINT NOT NULL DEFAULT 0,
    "hash" VARCHAR(64) NOT NULL DEFAULT '0000000000000000000000000000000000000000000000000000000000000000'
);
COMMENT ON COLUMN "audit_chain"."id" IS 'That of the organization or user';
COMMENT ON COLUMN "audit_chain"."kind" IS 'ORGANIZATION: organization\nACCOUNT: account\nINSTALLATION: installation';
COMMENT ON TABLE "audit_chain" IS 'The head of a chain of audit events. Its row is the lock under which an organization (or an';
CREATE TABLE IF NOT EXISTS "audit_event" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "chain_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "action" VARCHAR(63) NOT NULL,
    "actor_type" VARCHAR(16) NOT NULL,
    "actor_id" UUID,
    "actor_label" VARCHAR(254) NOT NULL,
    "target_type" VARCHAR(16) NOT NULL,
    "target_id" UUID,
    "target_label" VARCHAR(254) NOT NULL,
    "workspace_id" UUID,
    "changes" JSONB NOT NULL,
    "ip" VARCHAR(45),
    "user_agent" VARCHAR(512),
    "request_id" VARCHAR(64),
    "previous_hash" VARCHAR(64) NOT NULL,
    "hash" VARCHAR(64) NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS "audit_event_sequence" ON "audit_event" ("chain_id", "sequence");
CREATE INDEX IF NOT EXISTS "audit_event_by_action" ON "audit_event" ("chain_id", "action", "sequence");
CREATE INDEX IF NOT EXISTS "audit_event_by_actor" ON "audit_event" ("chain_id", "actor_id", "sequence");
CREATE INDEX IF NOT EXISTS "audit_event_by_target" ON "audit_event" ("chain_id", "target_id", "sequence");
CREATE INDEX IF NOT EXISTS "audit_event_by_time" ON "audit_event" ("chain_id", "created_at");
COMMENT ON COLUMN "audit_event"."actor_type" IS 'USER: user\nANONYMOUS: anonymous\nSYSTEM: system';
COMMENT ON TABLE "audit_event" IS 'Append-only, by trigger. No foreign keys: history outlives what it tells of.';
CREATE TABLE IF NOT EXISTS "organization" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "name" VARCHAR(100) NOT NULL,
    "slug" VARCHAR(63) NOT NULL UNIQUE,
    "description" VARCHAR(1000) NOT NULL DEFAULT '',
    "deleted_at" TIMESTAMPTZ,
    "purge_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_organizatio_purge_a_7e83f1" ON "organization" ("purge_at");
COMMENT ON COLUMN "organization"."purge_at" IS 'End of the restore window';
CREATE TABLE IF NOT EXISTS "role" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "key" VARCHAR(63) NOT NULL,
    "name" VARCHAR(100) NOT NULL,
    "description" VARCHAR(1000) NOT NULL DEFAULT '',
    "permissions" TEXT[] NOT NULL,
    "manages" TEXT[],
    "organization_id" UUID REFERENCES "organization" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "role_key" ON "role" ("organization_id", "key") NULLS NOT DISTINCT;
COMMENT ON COLUMN "role"."manages" IS 'Keys of the roles whose members it manages; null: those of strictly fewer permissions';
COMMENT ON TABLE "role" IS 'Built-in (of the catalogue, without an organization) or custom.';
CREATE TABLE IF NOT EXISTS "user" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "email" VARCHAR(254) NOT NULL UNIQUE,
    "email_verified_at" TIMESTAMPTZ,
    "name" VARCHAR(100) NOT NULL,
    "password_hash" VARCHAR(255) NOT NULL
);
COMMENT ON COLUMN "user"."email" IS 'Normalized by text.normalize_email';
CREATE TABLE IF NOT EXISTS "account_token" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "purpose" VARCHAR(16) NOT NULL,
    "token_hash" VARCHAR(64) NOT NULL UNIQUE,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_account_tok_expires_d65caf" ON "account_token" ("expires_at");
CREATE UNIQUE INDEX IF NOT EXISTS "account_token_one_per_purpose" ON "account_token" ("user_id", "purpose");
COMMENT ON COLUMN "account_token"."purpose" IS 'VERIFY_EMAIL: verify_email\nRESET_PASSWORD: reset_password';
COMMENT ON COLUMN "account_token"."token_hash" IS 'SHA-256, hexadecimal';
COMMENT ON TABLE "account_token" IS 'The secret in a mailed link that verifies an address or resets a password; gone once used.';
CREATE TABLE IF NOT EXISTS "invitation" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "email" VARCHAR(254) NOT NULL,
    "organization_wide" BOOL NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "token_hash" VARCHAR(64) UNIQUE,
    "message" VARCHAR(1000) NOT NULL DEFAULT '',
    "expires_at" TIMESTAMPTZ NOT NULL,
    "invited_by_id" UUID REFERENCES "user" ("id") ON DELETE SET NULL,
    "organization_id" UUID NOT NULL REFERENCES "organization" ("id") ON DELETE CASCADE,
    "role_id" UUID NOT NULL REFERENCES "role" ("id") ON DELETE RESTRICT
);
CREATE INDEX IF NOT EXISTS "idx_invitation_email_546c10" ON "invitation" ("email");
CREATE UNIQUE INDEX IF NOT EXISTS "invitation_one_pending" ON "invitation" ("organization_id", "email") WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS "invitation_by_creation" ON "invitation" ("organization_id", "created_at", "id");
COMMENT ON COLUMN "invitation"."email" IS 'Normalized by text.normalize_email';
COMMENT ON COLUMN "invitation"."organization_wide" IS 'Else limited to workspaces, even when those are gone by now';
COMMENT ON COLUMN "invitation"."status" IS 'PENDING: pending\nACCEPTED: accepted\nDECLINED: declined\nREVOKED: revoked\nEXPIRED: expired';
COMMENT ON COLUMN "invitation"."token_hash" IS 'SHA-256, hexadecimal; null until the letter is written';
COMMENT ON TABLE "invitation" IS 'A pending one is over when `expires_at` is past, whether or not its status says so yet.';
CREATE TABLE IF NOT EXISTS "letter" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "recipient" VARCHAR(254) NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "attempts" INT NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ NOT NULL,
    "last_error" VARCHAR(500),
    "sent_at" TIMESTAMPTZ,
    "content" JSONB,
    "invitation_id" UUID REFERENCES "invitation" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "letter_queue" ON "letter" ("status", "next_attempt_at");
COMMENT ON COLUMN "letter"."status" IS 'QUEUED: queued\nSENT: sent\nDROPPED: dropped\nFAILED: failed';
COMMENT ON COLUMN "letter"."content" IS 'What the development mailbox shows; null wherever SMTP is configured';
COMMENT ON TABLE "letter" IS 'A mail to be written and sent. Secrets are not in it: the link''s token is made when it is sent.';
CREATE TABLE IF NOT EXISTS "member" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "last_seen_at" TIMESTAMPTZ,
    "organization_id" UUID NOT NULL REFERENCES "organization" ("id") ON DELETE CASCADE,
    "user_id" UUID NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "member_once" ON "member" ("user_id", "organization_id");
CREATE INDEX IF NOT EXISTS "member_by_creation" ON "member" ("organization_id", "created_at", "id");
COMMENT ON COLUMN "member"."status" IS 'ACTIVE: active\nSUSPENDED: suspended';
CREATE TABLE IF NOT EXISTS "workspace" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "name" VARCHAR(100) NOT NULL,
    "slug" VARCHAR(63) NOT NULL,
    "environment" VARCHAR(63),
    "deleted_at" TIMESTAMPTZ,
    "purge_at" TIMESTAMPTZ,
    "organization_id" UUID NOT NULL REFERENCES "organization" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_workspace_purge_a_993aac" ON "workspace" ("purge_at");
CREATE UNIQUE INDEX IF NOT EXISTS "workspace_slug" ON "workspace" ("organization_id", "slug");
CREATE INDEX IF NOT EXISTS "workspace_by_name" ON "workspace" ("organization_id", "name", "id");
CREATE INDEX IF NOT EXISTS "workspace_by_creation" ON "workspace" ("organization_id", "created_at", "id");
COMMENT ON COLUMN "workspace"."purge_at" IS 'End of the restore window';
CREATE TABLE IF NOT EXISTS "grant" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ,
    "granted_by_id" UUID REFERENCES "user" ("id") ON DELETE SET NULL,
    "member_id" UUID NOT NULL REFERENCES "member" ("id") ON DELETE CASCADE,
    "organization_id" UUID NOT NULL REFERENCES "organization" ("id") ON DELETE CASCADE,
    "role_id" UUID NOT NULL REFERENCES "role" ("id") ON DELETE RESTRICT,
    "workspace_id" UUID REFERENCES "workspace" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "grant_once" ON "grant" ("member_id", "role_id", "workspace_id") NULLS NOT DISTINCT;
CREATE INDEX IF NOT EXISTS "grant_by_role" ON "grant" ("organization_id", "role_id");
CREATE INDEX IF NOT EXISTS "grant_by_workspace" ON "grant" ("workspace_id", "member_id");
COMMENT ON TABLE "grant" IS 'A member has a role, in the whole organization or in one workspace of it.';
CREATE TABLE IF NOT EXISTS "invitation_workspace" (
    "id" UUID NOT NULL PRIMARY KEY,
    "invitation_id" UUID NOT NULL REFERENCES "invitation" ("id") ON DELETE CASCADE,
    "workspace_id" UUID NOT NULL REFERENCES "workspace" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS "invitation_workspace_once" ON "invitation_workspace" ("invitation_id", "workspace_id");
COMMENT ON TABLE "invitation_workspace" IS 'A workspace that an invitation is limited to.';
CREATE TABLE IF NOT EXISTS "session" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "token_hash" VARCHAR(64) NOT NULL UNIQUE,
    "ip" VARCHAR(45),
    "user_agent" VARCHAR(512),
    "last_used_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "organization_id" UUID REFERENCES "organization" ("id") ON DELETE SET NULL,
    "user_id" UUID NOT NULL REFERENCES "user" ("id") ON DELETE CASCADE,
    "workspace_id" UUID REFERENCES "workspace" ("id") ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS "idx_session_expires_823c67" ON "session" ("expires_at");
COMMENT ON COLUMN "session"."token_hash" IS 'SHA-256, hexadecimal';
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);
ALTER TABLE "user" ADD CONSTRAINT "user_name_text" CHECK (char_length(name) >= 1 AND name = btrim(name) AND name !~ '[\\u0001-\\u001F\\u007F]');
ALTER TABLE "organization" ADD CONSTRAINT "organization_name_text" CHECK (char_length(name) >= 1 AND name = btrim(name) AND name !~ '[\\u0001-\\u001F\\u007F]');
ALTER TABLE "workspace" ADD CONSTRAINT "workspace_name_text" CHECK (char_length(name) >= 1 AND name = btrim(name) AND name !~ '[\\u0001-\\u001F\\u007F]');
ALTER TABLE "role" ADD CONSTRAINT "role_name_text" CHECK (char_length(name) >= 1 AND name = btrim(name) AND name !~ '[\\u0001-\\u001F\\u007F]');
ALTER TABLE "organization" ADD CONSTRAINT "organization_slug_text" CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$');
ALTER TABLE "workspace" ADD CONSTRAINT "workspace_slug_text" CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$');
ALTER TABLE "user" ADD CONSTRAINT "user_email_normalized" CHECK (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' AND email !~ '[A-Z]');
ALTER TABLE "invitation" ADD CONSTRAINT "invitation_email_normalized" CHECK (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' AND email !~ '[A-Z]');
ALTER TABLE "member" ADD CONSTRAINT "member_organization_key" UNIQUE ("id", "organization_id");
ALTER TABLE "workspace" ADD CONSTRAINT "workspace_organization_key" UNIQUE ("id", "organization_id");
ALTER TABLE "grant" ADD CONSTRAINT "grant_member_id_organization" FOREIGN KEY ("member_id", "organization_id") REFERENCES "member" ("id", "organization_id") ON DELETE CASCADE;
ALTER TABLE "grant" ADD CONSTRAINT "grant_workspace_id_organization" FOREIGN KEY ("workspace_id", "organization_id") REFERENCES "workspace" ("id", "organization_id") ON DELETE CASCADE;
ALTER TABLE "organization" ADD CONSTRAINT "organization_purge_follows_deletion" CHECK ((deleted_at IS NULL) = (purge_at IS NULL));
ALTER TABLE "workspace" ADD CONSTRAINT "workspace_purge_follows_deletion" CHECK ((deleted_at IS NULL) = (purge_at IS NULL));
ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_sequence_positive" CHECK (sequence > 0);
CREATE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The audit log is append-only: % refused', TG_OP;
    END $$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_append_only();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_append_only();
INSERT INTO audit_chain (id, kind) VALUES ('00000000-0000-0000-0000-000000000000', 'installation');"""



async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        """


MODELS_STATE = (
    "eJztXWlz2zYa/isYfdl0xvH4TLLuzs7ItpJqY0teSU56uMPSIixhTIEsDytq1v99X4CkeE"
    "skRUoUi3yIbQIvQD643hvfWzNNwap52B6PNZtaI+0Z09YF+t6i8gzDL4nlB6gl67pfyh5Y"
    "8qPKCWSnpmQtqz6aliGPLSh8klUTwyMFm2OD6BbRWGet0RQjE48NbCFCkYxmMlGxglRCn5"
    "E1lS30gg3yRLCJZChWFAObJtIMBD+xBQ+RLpvmXDOUH9FEoxhpdIyRbWLlkPWvaGN4AUIn"
    "1XdlU/KnjeHTJ9iaYgM6/O13eEyogr9hk/35vQWNqwr/vQV0BiPTbUPXTNxidfE3nfUJyJ"
    "geuTcUIWQl6F3SsSF5xGwMFjqv2OLtAOj8j1fWhv4s8Y5DY0sUVpM/lzza+/vu9Udek0H3"
    "KI011Z5Rv7a+sKYaXVa3baIcMhpWNsEUG7KFlcBQU1tV3anhPXJQggeWYeMlPIr/QMFPsq"
    "2yCdP615NNx2yeINaTZFsEJuNYm+mydcievP+3+54BGknq9UfSsDOSpFZssrH3iUwK99EY"
    "IAfMCLUY8t9fnXZ9dPjTFuvg6qf24M3pux84HpppTQxeyLFrvXJC2ZIlf6R9yGHmMYAk2Y"
    "pDfw0lFpnhZPjDlJFhUFzSQ++XIsPhPfDHw1+vHrgefBUA3oIPVPpUXbgTYcUAjLq3neGo"
    "fXvHupuZ5p8qx6896rCSE/50EXn6xhkvDbYiZ6NaNoK+dkc/IfYn+rXf60RHdVlv9GuLvZ"
    "NsW5pEtbkE24M/Z72nHmpQ0x/1wBoND/nVVDY61J7xIe8CHDLsJ7GhD5BHxh3wq89It750"
    "Bt2Pv0id23b35sLZSRcSZlvsAx10GNVdezj82h9cXzgbquTtptF9OmWGzORvkorpxJrCn8"
    "fvVsyQL+0BX6XH0VHvuSUnvOg1NEzOxjqVzWnySCUvzDBVOQO0fmcsMDzDn9pvT87fHaAp"
    "/iYreExmsloE+HdnGYB/d5YKPCsKAw+HHoEJUWBXDFNuZ1csYSzKOIXqtAl6IK3cBRm7I+"
    "XjOQIkZTIeOz7pirMWjJV7ek7kLDxmMgztR83AZEI/40XsiIkA6jL6924z+wmp/9Rfp4Y8"
    "X/K+wQkF3w5fjC1ne28Pr9rXHYdZfpTHz3PZUKQQ1KxEO9EiT5Z140Wzk1n0iUzlCQeHfQ"
    "V7Z0+8shViwRFDkoUvv/RgpejF6knjZcVMgtcUuC6kPYFowwn5r6wdhF8wgHuIuiD3GNoc"
    "ERMkJIxUbfyMbBhlA82nZDxlgpJmTGRK/pI5o/4GxCWZJkpeFfX1QF3R6AfWLp1g8wLqa2"
    "iqAfYImjcxdhuUTQuB+DAjFkxtBIvBAlhkqrhvgEBwQxNZf/tkYAyDNHvEhplRtGuOmMUl"
    "q7O8khWMMMjPMKQM6NAowSB5u9Ou5K5n+Pqi7LdHW2veuz/41O51f22Puv3eRQj+B9q+uu"
    "rf90YXyF0mD7Tbg8P85satTdiXwxvztmrBiZsYwHLHIjxkl2TSpVby0glSRQaLnQgVDdZR"
    "dKSOih9j8ILw4+0/T05OT9+fHJ2++3B+9v79+YejD1CXv2K86P0K8C+7n7q9URh39iCMdl"
    "6Jp1xZJwvGraMN/8X3slJaLDjKFYhTMc5wh4xMh52lqYyMU5qBkcHLimsZmbauY6q81ai6"
    "OECPCzjhyGSCjUPU09CTwwKjZ7wAvmBKTEszFkizLZW8AFswZ6cW8AgWVlUTjq+4zrjsxn"
    "NqiTmr5PKsyx1unarYB1AK7oopGmK2GaT0KI+9U6FI348LyW+gUOeascGnO91rRrHeLdmA"
    "Edqse6eNYv0HNL45O3VVHcIeUAuhfRVfKuwBRQDfO9VXcFlnXV9BGqH82mMBoUqb2U7kBf"
    "9Izyox+BR1FqKLMvCnWRj403QG/jQq/jp8D8coEeT1OotwC3UGvXU/7AwuuILogbZ7/d4v"
    "t/374QWSqUYXM802H+jwl+Goc3uBzIVp4Vk9NBRB1jTrjh6k2WBHd7miuiyGcjZ0Bxv4RK"
    "zm3FiCZHWe6AV3l5PzLPoBqJU6eXlZxNLtiDbpO0yKqTtM1kC0K3AqCEqRWXeKEJHYKhIR"
    "zb1XROkaOH0r2SzmmvFs6vIY55zEUToxj1+jQiGzVcYh/c+w30uVCT2SqMRPxhb6H1KJWZ"
    "kcE1C+PNpEtQg1D1l/u1C5MIhCwr83g9/ctn+OTu6rm/5ldDxYA5eRASF6nu3EqV1oE6nZ"
    "dA7vIWfnGbaQs/PUHYQVhXHlThfyxNXmZ8U3TNU8nM+PTzIADbVSkeZlYagNpuEwk9mNdK"
    "jDVM2DunyPRd3ALwSE09zeojHCBnIh5cNdfwv1noFbE3PxJ0NOthQ7BQerjMSTZZX15mE0"
    "w8yVC8G8QDIyNBUqEco9leZT+Cvmr8Sc0ygUeiws82siVoJtuMyWcxqGnZ4ZIeuW/Vw2us"
    "5gyLGTtFxW4eCHLDvN1M/jQvLeMFtX/newqeJ8ZtaeQrTCAloTqUdYQEVEVE0jPmrGue7J"
    "IGcye/NNGVYobMv5dtYYodAdhRli51DMiWqISLgURCAN8jc5gU0gFfBGNRPAAeaENUAi4B"
    "RK+V1E1UWFng2j6/qR5vZz6q6NskvYD5Oj7eJHWgkg3y4baii8oXN8PbCe7L0hrAO3mYaC"
    "GjhsQpAOgAsedK9GreTttwRgvwbb2ss9dy240VNn/aT1JYASEM4Y1Lyn4MaEpRC68Baod3"
    "9zs6vQ5i59IZbsfntMzxsoPVil7CXhehk0vixmB9DlylZiIu2FBxFjiv7wNQh/sBJdNq0D"
    "VsR0rkxDSzUWs2Py6GAbfsgL+E9DC5yo/62sn5za4CinwvOurNOa+rC6+aT4txTXCYdVcj"
    "Abs/cPs5dTrw4WEppbobndA6ajyZpbvq/EBjzdFrskqMoYW0ZupJ5mzGSV/IUVHuEJO84h"
    "9R5Jyy+ohTteSLiaEyUpBkYDZlamGZRVHn1kbB6hgfosu1YH2kAqmRGWtMPSfOOpecATdz"
    "gHLnwBVJMN7KRmhHFkc3jTDfKy378JLc3LbiRApnd/e9kZvDnmgwiViMN4xeNmnIM+ee2s"
    "D+nwqbcYdx/gCPIM2F2nd93tfbrwuCOeg6JzN+pc8yQUWIfXfKDXnaubbo89U/BYJZQ9G3"
    "S+9D93eIK4F+2ZPen8fNcdsCcOP/V3zxUXFVK2liruR94QsinwLU4yHWxZwMkCazs3WD6d"
    "QrlDyvcVmgGvCaJInmEJkGxxbcUX1SYcR3i+Hx0dZZnxUC19zvPCfU7UVxf1c51YvEx2Wy"
    "6WFbHbxgiFeUEYGbcIrzAyCmPYliGuxhgmbDbl22z8w0mYFNYAGzvHc5sU4rD7QnuCwsJt"
    "4+PnAfbzECYj75sM8hjO9mWKh2asI2FtiNcNb6Q5c/V1O9Yqf3KtNFuF5mAW+1XYQT2LJc"
    "sPFeA3lMgU+a0x6dtXjCXZp3JS57Q6he1ymeMPkuBYF44gTD/1Mf0Exq+AgChEmHo79jUH"
    "2BXCTHjn2pAbDLsx7Ce82ZjCfGLMrtyk9hXibH5Su3HkcfnIBG7I5zDTGSDVr5MlXFNmNg"
    "YNPWLPtsCT9JuYWodoyO9vM7mlj/vQAB9jXTgmCUKf/2EibmZhzM1MVrBjHCQW+5s3kMAk"
    "Vd5fTrbKt/VR4IAkGd5oplsZMsE6MEvQly14qfqcQ6t4KeFGkwp4g91o0i+kSB7rfbiEoq"
    "Cx8jRLHpTT9DQopwlZUMZEJznzzYSIGghzJc5Ie+jSws9GJecZ0frvfeeeOaE41A902GEX"
    "qrDz/YFeD/p3d9yNxdB0nZV+bHdv2IMnfr1slOHYjceKy0QkDFZqvuQgyV5fqHJyfPb+7M"
    "Ppu7NlXuTlk1XpkOMuXFF2LOeJnUDewGN7T47pTK4Q7MYwCRuGlhCZln6WhKmal1DrPJN7"
    "0fkK76LzuHMR20wLrKkAmcgGUeelBJ9mJfJkK/Jd+iQb5bvczqi2vjILC9MLKPgFq5o+g3"
    "fnuoVH7Rsyp9rcdJ0o51NsYBYpNLwd3TFFAXzoE5nYmd1bV8yLalJj1kHhvz9rcx/V0vVE"
    "tyyt9G50pm4oeoLO1A9ST9eZ+hHxa3Wm6bDm1Dx6F3WGfL3WKB3dePTN0snlDR10OxVhg0"
    "Lf2RjBqcH6zj1UFLFLi15wzsXVal+Nul86LMyJUT/Q4f2QRUMxbZBpmyweqi4KIS6kmhjT"
    "AksxSiskrzpLXiLqoFKXHZ6pPh+sARIBp4g6qEnUgcf8b8c3fl+hDazdvLJmJL/Rhp7dyy"
    "TpDQG6Us/u0LpPEMij+0K6WB7dkCoVzoXkKiTXPVjSDZZc+c/YeKfb/rz6DXQhOc6aVWBV"
    "UoGY2U+1J3nw9eqXg28V6TMKolv+PcLB18qBcIRMpMRYlRLD4f+KHAphSqFBqbMGRbeNCS"
    "4wxkG6rYxwGdl/OlRhtxIxQzZAaIH4h+bQQwnJtPZi3GO6CCHPlRDL7NtpS4v/bipUjmlz"
    "Q5galwU9lh9jQ4Ay5sao56G6Gh3Ts5lvBNDQaaWhGJWVjqKJYYmVKuL4uktQwHnrMV3x5i"
    "XFWR9BeMnup35LKHrj8jFj2ZJVbcKm6ZzAMNo8E0JQk/cDS8k9toHdmcUjBEtob8N03s94"
    "sc4jhmfDYfUOhB+M0CYKbWIttYnu+swc9udUb6AusXxtl1DUVquoFdrE6rWJOjZmJI15bx"
    "uGvEjRM4XpIiBnjJKo25xete13fh799ns08zNnOfMBF6ApBtqWQks+44W5VMox4ZddL25i"
    "9/pxk+WbcD/FCTG5cNPhAwlDeWypC/SE59hAkalS/jDUxtusnmJpk7yj6olwec5RQvMrNL"
    "/7rGvxVHgJ6paAdi9d42IGKgkvJ6GXEHqJpuoldnafzVY8chIvtMnG/VZ9XQ3R8wDu1G5e"
    "Qomz8wy4np2n4sqKEoIy4FTMlwQqTNU8nM+PsyTbglrpiTuOY+m2eDAYIFfkzIjSNvDU2J"
    "NTIpMf1H5dALVNX84mjbLQ4JTPcItwweYmTG/MNF2haBSxgaXEBqZts0J3mxHhdbpb/3Ki"
    "OiSi31OQV+ahz3L9U5VKTb6FJGg0va0lXZ3p7WFClyl0mUKX2VhdJmYpF/NofZYENdZg9j"
    "RjJqvkL6ywm+0t/M06pN4jafkBtUgKzt9GesEGgUaLLL7EBkSAXJ1VBsL5rlrnO102TeDK"
    "lNwmmhhhAxE/Oc9iPoBaK3YxbkAoFPrHjWAbuja0x2PNptaINbWHw5HJD4Q7yuAEJrgKT5"
    "l6bvUZHGU2BaiJOX+ToiOnRBcRkjWKAdwbkKpUTay8NDjjVcH57gfeRFOxMuCMp1lZE3Hm"
    "q4m8pCwpcWdrcj97zOD6rM9+j48LySMr1mnehNOhrkXO6WqXrdADbY2Tbq4eSMikTc7cVS"
    "t8y49mxMDHGxqd5XRgi5A1z4OtiixpIoNX8xWUIoPX3yeDVy192ep2gDUwHLGmEDc3HrGe"
    "59XWwxEbmQNKJBTbrS6xjQ0ynrYSFIluycEqLaLs16mNs1PqPdOJZ2vCDdPutNi270V2Sa"
    "WU26bT1Vgv2DATD9Z0eTBA0kCxuzTDb+iidD1XSJ5bvYHoVqI02uEtwHVDewW4pV3im8Oj"
    "ofzD7PX/8BVcaA=="
)
