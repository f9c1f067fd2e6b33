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
    "eJztXWlz2zYa/isYfdl0xvH4Ttbd2RnFVlJtbMkryUkPd1hYhCWOKZDlYUXN+r/vC5AUb4"
    "mkSIlikQ+xTeAFyAfXe+N7a6bJRDUP2+OxZlNrpD0T2rpE31sUzwj8klh+gFpY1/1S9sDC"
    "jyonwE5NyVpWfTQtA48tKHzCqkngkUzMsaHolqKxzlqjKUEmGRvEQgpFGM2wohIZqQp9Rt"
    "YUW+iFGMqTQkyEoViWDWKaSDMQ/CQWPEQ6Ns25Zsg/oolGCdLomCDbJPIh61/WxvACCp1U"
    "35VNlT9tAp8+IdaUGNDhb7/DY4XK5Bsx2Z/fW9C4KvPfW0BnMDLdNnTNJC1Wl3zTWZ+AjO"
    "mRe0MRQlaC3iWdGJJHzMZgofOKLd4OgM7/eGVt6M8S7zg0torMavLnkkd7f9+9/shrMuge"
    "pbGm2jPq19YX1lSjy+q2rciHjIaVTQglBraIHBhqaquqOzW8Rw5K8MAybLKER/YfyOQJ2y"
    "qbMK1/Pdl0zOYJYj1JtqXAZBxrMx1bh+zJu3+77xmgkaRefyQNOyNJasUmG3ufyKRwH40B"
    "csBMoRZD/vur066PDn/aYh1c/dQevDm9+IHjoZnWxOCFHLvWKyfEFpb8kfYhh5nHAJKwFY"
    "f+GkosZUaS4Q9TRoZBdkkPvV+KDIf3wB8Pf7164HrwVQB4Cz5Q7lN14U6EFQMw6t52hqP2"
    "7R3rbmaaf6ocv/aow0pO+NNF5OkbZ7w02IqcjWrZCPraHf2E2J/o136vEx3VZb3Rry32Tt"
    "i2NIlqcwm2B3/Oek891KCmP+qBNRoe8qspNjrUnvEh7wIcGPaT2NAHyCPjDvjVZ6RbXzqD"
    "7sdfpM5tu3tz6eykC4mwLfaBDjqM6q49HH7tD64vnQ1V8nbT6D6dMkNm+JukEjqxpvDn8c"
    "WKGfKlPeCr9Dg66j235IQXvYaGydlYp9icJo9U8sIMU5UzQOt3xgLDM/yp/fbk/OIATck3"
    "LJOxMsNqEeAvzjIAf3GWCjwrCgMPh54CE6LArhim3M6uWMJYlHEK1WkT9EBauQsydkfKx3"
    "MESMpkPHZ80hVnLRgr9/ScyFl4zGQY2o+aQZQJ/UwWsSMmAqjL6N+7zewnpP5Tf50aeL7k"
    "fYMTCr4dvphYzvbeHl61rzsOs/yIx89zbMhSCGpWop1okSfLuvGi2cks+gRTPOHgsK9g7+"
    "yJV7asWHDEKMnCl196sFL0YvWk8bJiJsFrClwX0p5AtOGE/FfWDiIvBMA9RF2QewxtjhQT"
    "JCSCVG38jGwYZQPNp8p4ygQlzZhgqvyFOaP+BsQlTBMlr4r6eqCuaPQDa5dOiHkJ9TU01Q"
    "B7BM2bhLgNYtNCID7MFAumNoLFYAEsmMruGyAQ3NAE62+fDEJgkGaPxDAzinbNEbO4ZHWW"
    "V7KCEQb5GYaUAR0aJRgkb3faldz1DF9flP32aGvNe/cHn9q97q/tUbffuwzB/0DbV1f9+9"
    "7oErnL5IF2e3CY39y4tRX25fDGvK1acOImAbDcsQgP2Qdl0qVW8tIJUkUGi50IFQ3WUXSk"
    "joofY/CC8OPtP09OTk/fnRydXrw/P3v37vz90Xuoy18xXvRuBfgfup+6vVEYd/YgjHZeia"
    "dcWScLxq2jDf/F97JSWiw4yhWIUzHOcIeMTIedpamMjFOagZEhy4prGZm2rhMqv9WoujhA"
    "jws44ZTJhBiHqKehJ4cFRs9kAXzBVDEtzVggzbZU5QXYgjk7tYBHsIiqmnB8xXXGZTeeU0"
    "vMWSWXZ13ucOtUxT6AUnBXTNEQs80gpUc89k6FIn0/LiS/gUKda8YGn+50rxnFerewASO0"
    "WfdOG8X6D2h8c3bqqjqEPaAWQvsqvlTYA4oAvneqr+Cyzrq+gjRC+bXHAkKVNrOdyAv+kZ"
    "5VYvAp6ixEF2XgT7Mw8KfpDPxpVPx1+B6OUSLI63UW4RbqDHrrftgZXHIF0QNt9/q9X277"
    "98NLhKlGFzPNNh/o8JfhqHN7icyFaZFZPTQUQdY0644epNlgR3e5oroshnI2dAcb+ESi5t"
    "xYgmR1nugFd5eT8yz6AaiVOnl5WcTS7Yg26TtMiqk7TNZAtCtwKghKkVl3ihCR2CoSEc29"
    "V0TpGjh9K9ks5prxbOp4THJO4iidmMevUaGQ2SrjkP5n2O+lyoQeSVTiV8YW+h9SFbMyOS"
    "agfHm0FdVSqHnI+tuFyoVBFBL+vRn85rb9c3RyX930P0THgzXwITIgip5nO3FqF9pEajad"
    "w3vI2XmGLeTsPHUHYUVhXLnTBZ642vys+Iapmofz+fFJBqChVirSvCwMtcE0HGYyu5EOdZ"
    "iqeVCX77GoG+RFAeE0t7dojLCBXEj5cNffQr1n4NbEXPzJwMmWYqfgYJWReLKsst48jGaE"
    "uXIhmBcII0NToZJCuafSfAp/xfyVmHMahUKPhWV+TYqVYBsus+WchmGnZ0bIumU/l42uMx"
    "hy7CQtl1U4+CHLTjP187iQvDfM1pX/HWyqOJ+ZtacQrbCA1kTqERZQERFV04iPmnGuezLI"
    "mczefFOGFQrbcr6dNUYodEdhhtg5FHOiGiISLgURSIP8TU5gE0gFvFHNBHCAOWENkAg4hV"
    "J+F1F1UaFnw+i6fqS5/Zy6a6PsEvbD5Gi7+JFWAsi3y4YaCm/oHF8PrCd7bwjrwG2moaAG"
    "DpsQpAPgggfdq1ErefstAdivwbb2cs9dC2701Fk/aX0JoASEMwY17ym4MWEphC68Berd39"
    "zsKrS5S18UC7vfHtPzBkoPVil7lXC9DBpfFrMD6HJlq2Ii7YUHEROK/vA1CH+wEh2b1gEr"
    "YjpXpqGlGovZMXl0sA0/8AL+09CCJOp/K+snpzY4yqnwvCvrtKY+rG4+Kf4txXXCYZUczM"
    "bs/cPs5dSrg4WE5lZobveA6Wiy5pbvK7EBT7fFLgmqMsaWkRuppxkzrCp/EZlHeMKOc0i9"
    "R9LyC2rhjuccF8kjsD4wwKfeYvR24FzJMyh3nd51t/fp0jtjeSaDzt2oc81TGRAdXvOBXn"
    "eubro99kwmY1Wh7Nmg86X/ucPTjL1oz+xJ5+e77oA9cU7lv3vGsSiru7WEYz/yhpBN4fRz"
    "UrIQywJ+CBikucGyshTKQFG+x8kMOBZgaPMMS4Bki2srvqg2ObfC8/3o6CjLjIdq6XOeF+"
    "5zure6KDHrxChksv5x5r6I9S9GKJTUwlS1RXiFqUqYVLYMcTUmFaH5L1/z7x9OQjG9BtjY"
    "OZ5bMR2HfWlJSJCAP7htfPw8IH42u2TkfcVzHvPLvkzx0Ix1JKwN8brhjTRnrr5ux+bhT6"
    "6Vxo/QHMxiBQm7OWexh/gO5/yeC0yR3xqTvlVlxhYYsrQkK0dO6py2i7B1J7MXexIc65za"
    "hQGhPgaEwPgVEBCFCFNv97DmALtCmAnvXBtyg2Fj+H7Cm40pzCfG7MrZZl8hzuZtsxt3EJ"
    "ePTOCGfA4znQFS/TpZgv4wszFo6JF4tgWe6t0k1DpEQ34LmImwQRxPDOBjrEvHJKHQ53+Y"
    "iJtZGHMzwzJxfDoUi/3NG0hgkirvLydb5dv6KHBAEoY3mulWhnyiDswS9GULXqo+59AqXk"
    "o4Y6QC3mBnjPRrDZLHeh+uMihorDzNkk3jND2ZxmlCLo2xois5s5aEiBoIs3BpcbDlZ6Oc"
    "84xo/fe+c8+cUBzqBzrssGs52Pn+QK8H/bs77sZiaLrOSj+2uzfswRO/pDTKcOzGY8VlIh"
    "IGKzXrbpBkr6/lODk+e3f2/vTibJldd/lkVVLdeALdKDuW88ROIG/gsb0nx3QmVwh275RE"
    "DENLiG9KP0vCVM1Ly3Seyb3ofIV30XncuYhtpgXWVIBM5BSo81KCT7MSebIVWRN9ko2yJm"
    "5nVFtfmYWF6QVk8kJUTZ/Bu3PdwqP2DZlTbW66TpTzKTEIizcZ3o7umKIAPvRJmdiZ3VtX"
    "zItqEizWQeG/P2tzH9XS9US3LK30bnSmbkBzgs7UD3VO15n6cdVrdabpsObUPHrXPYZ8vd"
    "YoHd2o5s2SkuUNQHM7FcFnQt/ZGMGpwfrOPVQUsatvXkjOxdVqX426XzoszIlRP9Dh/ZBF"
    "QzFtkGmbLB6qLgohLqSahNACSzFKKySvOkteIuqgUpedwNX0WWENkAg4RdRBTaIOPOZ/O7"
    "7x+wptYO3mlTUjWXI29OxeptpuCNCVenaH1n2CQB7dF9LF8uiGVKlwLiRXIbnuwZJusOTK"
    "f8bGO93259VvoAvJcdasAquSCsTMfqo9yYOvV78cfKtIn1EQ3fJvow2+Vg6EI2QiJcaqlB"
    "gO/1fkUAhTCg1KnTUoum1MSIExDtJtZYTLyP7ToTK724YZsgFCC8Q/NIceAJq/xbjHdBFC"
    "nishltm305YW/91UqBzT5oYwNS6Xdiw/xoYAZcyNUc9DdTU6pmcz3wigodNKQzEqKx1FE8"
    "MSK1XE8XWXoIDz1mO64s1LirM+gvADu+X4rULRG5ePGWMLq9qETdO5AsNo80wIQU3eDyyx"
    "89gGdmcWjxAsob0Nk0I/k8U6jxieDYfVOxB+MEKbKLSJtdQmuuszc9ifU72BusTytV1CUV"
    "utolZoE6vXJurEmClpzHvbMPAiRc8UpouAnDFKom5zetW23/l59Nvv0czPnOXMB1yAphho"
    "Wwot+UwW5lIpx4Rfdkm1SdxLrE2Wb8L9FCfEhOWnYOVAwlAeW+oCPZE5MVBkqpQ/DLXxNq"
    "unWNok76h6Ilyec5TQ/ArN7z7rWjwVXoK6JaDdS9e4mIFKwstJ6CWEXqKpeomd3WezFY+c"
    "xAttsnG/VV9Xo+h5AHdqNy+hxNl5BlzPzlNxZUUJQRlwKuZLAhWmah7O58dZkm1BrfTEHc"
    "exdFs8GAyQK3JmRGkbeGrsySmRyQ9qvy6A2qYvZ5NGWWhwyme4RbhgcxOmN2aarlA0itjA"
    "UmID07ZZobvNiPA63a1/OVEdEtHvKcgr89Bnuf6pSqUm30ISNJre1pKuzvT2MKHLFLpMoc"
    "tsrC5z1xfdV6LB3KN77vnbSC/EUKDRIosvsQERIFdnlYFwvqvW+U7HpglcmZzbRBMjbCDi"
    "J+dZzAdQa8Uuxg0IhUL/uBFsQ9eG9nis2dQasab2cDgy+YFwRxmSwARX4SlTz60+g6PMpg"
    "A1MedvUnTkVNFFhGSNYgD3BqQqVRMrLw3OeFVwvvuBN9FUrAw442lW1kSc+WoiLylLStzZ"
    "mtzPHjO4Puuz3+PjQvLIinWaN+F0qGuRc7raZSv0QFvjpJurBxIyaZMzd9UK3/KjGQnw8Y"
    "ZGZzkd2CJkzfNgqyJLmsjg1XwFpcjg9ffJ4FVLX7a6HWANDEesKcTNjUes53m19XDERuaA"
    "EgnFdqtLbBNDGU9bCYpEt+RglRYR+3Vq4+yUes904tmacMO0Oy227XuRXVIp5bbpdDXWCz"
    "HMxIM1XR4MkDRQ7C7N8Bu6KF3PFZLnVm8gupUojXZ4C3Dd0F4BbmmX+ObwaCj/MHv9P2DR"
    "zCg="
)
