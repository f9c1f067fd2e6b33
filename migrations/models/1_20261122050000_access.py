from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "signing_key" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "private_key" JSONB NOT NULL,
    "signs_from" TIMESTAMPTZ NOT NULL
);
COMMENT ON COLUMN "signing_key"."private_key" IS 'Ed25519, as a JWK (RFC 8037)';
COMMENT ON TABLE "signing_key" IS 'Signs access tokens from `signs_from` until its successor does.';
        CREATE TABLE IF NOT EXISTS "api_key" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "name" VARCHAR(100) NOT NULL,
    "secret_prefix" VARCHAR(24) NOT NULL,
    "secret_hash" VARCHAR(64) NOT NULL UNIQUE,
    "previous_hash" VARCHAR(64) UNIQUE,
    "previous_expires_at" TIMESTAMPTZ,
    "expires_at" TIMESTAMPTZ,
    "last_used_at" TIMESTAMPTZ,
    "last_used_ip" VARCHAR(45),
    "created_by_id" UUID REFERENCES "user" ("id") ON DELETE SET NULL,
    "organization_id" UUID NOT NULL REFERENCES "organization" ("id") ON DELETE CASCADE,
    "role_id" UUID NOT NULL REFERENCES "role" ("id") ON DELETE NO ACTION,
    "workspace_id" UUID REFERENCES "workspace" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "api_key_by_creation" ON "api_key" ("organization_id", "created_at", "id");
CREATE INDEX IF NOT EXISTS "api_key_by_workspace" ON "api_key" ("workspace_id", "created_at", "id");
CREATE INDEX IF NOT EXISTS "api_key_by_role" ON "api_key" ("role_id");
COMMENT ON COLUMN "api_key"."secret_prefix" IS 'The secret''s beginning, by which people recognize it';
COMMENT ON COLUMN "api_key"."secret_hash" IS 'SHA-256, hexadecimal';
COMMENT ON COLUMN "api_key"."previous_hash" IS 'Of the secret before the last rotation';
COMMENT ON COLUMN "api_key"."previous_expires_at" IS 'Until when that one still works';
COMMENT ON TABLE "api_key" IS 'A principal of its own, in the whole organization or in one workspace of it.';
        CREATE TABLE IF NOT EXISTS "logo" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "content" BYTEA NOT NULL,
    "organization_id" UUID NOT NULL UNIQUE REFERENCES "organization" ("id") ON DELETE CASCADE
);
COMMENT ON COLUMN "logo"."content" IS 'WebP, made anew from what was uploaded';
COMMENT ON TABLE "logo" IS 'An organization''s picture; a new one gets another id, so that each can be cached for ever.';
        CREATE TABLE IF NOT EXISTS "totp" (
    "id" UUID NOT NULL PRIMARY KEY,
    "created_at" TIMESTAMPTZ NOT NULL,
    "secret" VARCHAR(64) NOT NULL,
    "confirmed_at" TIMESTAMPTZ,
    "last_step" BIGINT NOT NULL DEFAULT 0,
    "failures" INT NOT NULL DEFAULT 0,
    "locked_until" TIMESTAMPTZ,
    "recovery_hashes" TEXT[] NOT NULL,
    "user_id" UUID NOT NULL UNIQUE REFERENCES "user" ("id") ON DELETE CASCADE
);
COMMENT ON COLUMN "totp"."secret" IS 'Base 32';
COMMENT ON COLUMN "totp"."last_step" IS 'Of the last code used: none works twice';
COMMENT ON COLUMN "totp"."failures" IS 'Wrong codes since the last right one';
COMMENT ON COLUMN "totp"."recovery_hashes" IS 'SHA-256 of recovery codes not yet used';
COMMENT ON TABLE "totp" IS 'What makes an account''s one-time codes (RFC 6238), in force once a code of it has been given.';
        COMMENT ON COLUMN "audit_event"."actor_type" IS 'USER: user\nAPI_KEY: api_key\nANONYMOUS: anonymous\nSYSTEM: system';
        ALTER TABLE "invitation" ALTER COLUMN "role_id" DROP NOT NULL;
        ALTER TABLE "member" ADD "availability" VARCHAR(16) NOT NULL DEFAULT 'offline';
        ALTER TABLE "organization" ADD "region" VARCHAR(63);
        ALTER TABLE "organization" ADD "settings" JSONB NOT NULL DEFAULT '{}';
        ALTER TABLE "organization" ADD "plan" VARCHAR(63);
        ALTER TABLE "organization" ADD "seats" INT;
        ALTER TABLE "role" ADD "normalized_name" VARCHAR(400);
        UPDATE "role" SET "normalized_name" = lower("name");
        ALTER TABLE "role" ALTER COLUMN "normalized_name" SET NOT NULL;
        ALTER TABLE "workspace" ADD "settings" JSONB NOT NULL DEFAULT '{}';
        COMMENT ON COLUMN member."availability" IS 'AVAILABLE: available\nBUSY: busy\nOFFLINE: offline';
COMMENT ON COLUMN organization."region" IS 'Where its data lives, as the catalogue called it then';
COMMENT ON COLUMN organization."settings" IS 'Those that were set, by key';
COMMENT ON COLUMN organization."plan" IS 'A key of the catalogue; null: its default plan';
COMMENT ON COLUMN organization."seats" IS 'Licences; null: as many as the plan has';
COMMENT ON COLUMN role."normalized_name" IS 'By text.normalize_name; no two are alike';
COMMENT ON COLUMN workspace."settings" IS 'Those that were set here; the others are the organization''s';
        CREATE UNIQUE INDEX IF NOT EXISTS "role_name" ON "role" ("organization_id", "normalized_name") NULLS NOT DISTINCT;
        ALTER TABLE "grant" DROP CONSTRAINT "grant_role_id_fkey";
        ALTER TABLE "grant" ADD CONSTRAINT "grant_role_id_fkey"
            FOREIGN KEY ("role_id") REFERENCES "role" ("id") ON DELETE NO ACTION;
        ALTER TABLE "invitation" DROP CONSTRAINT "invitation_role_id_fkey";
        ALTER TABLE "invitation" ADD CONSTRAINT "invitation_role_id_fkey"
            FOREIGN KEY ("role_id") REFERENCES "role" ("id") ON DELETE SET NULL;
        ALTER TABLE "api_key" ADD CONSTRAINT "api_key_name_text" CHECK (char_length(name) >= 1 AND name = btrim(name) AND name !~ '[\\u0001-\\u001F\\u007F]');
        ALTER TABLE "api_key" ADD CONSTRAINT "api_key_workspace_id_organization" FOREIGN KEY ("workspace_id", "organization_id") REFERENCES "workspace" ("id", "organization_id") ON DELETE CASCADE;
        CREATE FUNCTION role_of_organization() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.role_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM role
            WHERE id = NEW.role_id AND (organization_id IS NULL OR organization_id = NEW.organization_id)
        ) THEN
            RAISE foreign_key_violation USING MESSAGE = 'The role is not one of the organization';
        END IF;
        RETURN NEW;
    END $$;
        CREATE TRIGGER grant_role_organization BEFORE INSERT OR UPDATE OF role_id, organization_id ON "grant"
    FOR EACH ROW EXECUTE FUNCTION role_of_organization();
        CREATE TRIGGER invitation_role_organization BEFORE INSERT OR UPDATE OF role_id, organization_id ON "invitation"
    FOR EACH ROW EXECUTE FUNCTION role_of_organization();
        CREATE TRIGGER api_key_role_organization BEFORE INSERT OR UPDATE OF role_id, organization_id ON "api_key"
    FOR EACH ROW EXECUTE FUNCTION role_of_organization();
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TRIGGER "grant_role_organization" ON "grant";
        DROP TRIGGER "invitation_role_organization" ON "invitation";
        DROP INDEX IF EXISTS "role_name";
        COMMENT ON COLUMN "audit_event"."actor_type" IS 'USER: user\nANONYMOUS: anonymous\nSYSTEM: system';
        ALTER TABLE "invitation" ALTER COLUMN "role_id" SET NOT NULL;
        ALTER TABLE "member" DROP COLUMN "availability";
        ALTER TABLE "organization" DROP COLUMN "region";
        ALTER TABLE "organization" DROP COLUMN "settings";
        ALTER TABLE "organization" DROP COLUMN "plan";
        ALTER TABLE "organization" DROP COLUMN "seats";
        ALTER TABLE "role" DROP COLUMN "normalized_name";
        ALTER TABLE "workspace" DROP COLUMN "settings";
        DROP TABLE IF EXISTS "logo";
        DROP TABLE IF EXISTS "api_key";
        DROP TABLE IF EXISTS "totp";
        DROP TABLE IF EXISTS "signing_key";"""


MODELS_STATE = (
    "eJztXW1z2rq2/isavrSdSTMphKQ7vXNnSEu7OU0hJyHt7j45421AAU2M5GObUE5v//tdkm"
    "38DrYxxPZWPzSJrSXZz5Kl9a6fjTmbYM087ozHbEGtIXvEtHGBfjaoOsfwS+z9I9RQdd27"
    "yy9Y6kgTBKrdUrHWTUemZahjC24+qJqJ4dIEm2OD6BZhfLDGcIaRiccGthChSEVzlWh4gj"
    "RCH5E1Uy30hA3yQLCJVLg9mRjYNBEzEPzEFlxEumqaS2ZM3qEpoxgxOsZoYeLJMR9/wsbw"
    "AIRO9z/UgpL/LDC8+hRbM2zAgP/6N1wmdIJ/YJP/+bMBnWsT8XsD6AxOpi8MnZm4wdviHz"
    "ofE5AxXXKXFQFkFRhd0bGhuMScBytdNGyIfgB08ccv3of+qIiBA7wlE95SXFdc2ru73oeP"
    "oiWHbqSMmbaYU6+1vrJmjK6bLxZkcsxp+L0ppthQLTzxsZouNM2ZGu4lGyW4YBkLvIZn4l"
    "2Y4Ad1ofEJ0/ifhwUd83mC+EjKwiIwGcdsrqvWMb9y/r/Oc/poFKU/GCq33aGiNCKTjT9P"
    "aFI4l8YAOWBGqMWR//nL7tdDR1xt8AHe/965edk6eyXwYKY1NcRNgV3jlyBULVXxOO1BDj"
    "OPA6SoVhT6D3DHInMcD3+QMsSGiUN67P6Shx3uBY8f3vfqguvCtwfAG/CCkwHVVs5E2MCA"
    "Ye9L93bY+XLNh5ub5n80gV9n2OV3muLqKnT1pc0vBkuRvVCtO0HfesPfEf8T/Tnod8NcXb"
    "cb/tngz6QuLKZQtlRgefDmrHvVRQ1aelz3faNBlr+fqUaXLuaC5T2AQ4X1JMJ6H3mI74Bf"
    "eTjd+Nq96X38rnS/dHpXF/ZKulIwX2Lv6U2XU113bm+/DW4+XNgLquKupuF1OmGGzNUfio"
    "bp1JrBn2/ONsyQr50b8ZW+CXO979xpilu/AmyyF9aZas7iORX/YQapimHQ9pUxB3tuf++8"
    "brbPjtAM/1AneEzmqpYH+LPTFMCfnSYCz28FgYdNj8CEyLEqBikPsyoWwIsidqEyLYIuSB"
    "tXQS7uKNlkDh9JkYLHM+90+UULLso9PMZKFq4wGYT2IzMwmdLPeBXZYkKAOoL+ndNNNSH1"
    "rnrfqaEu17Kvf0LBu8MbY8te3ju37zsfurawPFLHj0vVmCgBqPkd1mShK+u20Vvz5jx8Ra"
    "XqVIDD34I/s6te6QRY1IhTvOw7RxtVLp0oj06jrcpWB+mA5JjoqobYAyKg1bAlPeLqEOgs"
    "aDljGqg1xlSl5L+qkLxB/YGbXNuBrfrR1FVQeQRlVL0qsvN7ek97FoKNFehAM+OdGZxepR"
    "PRG2g/JvQAncIlcwl/oQfenYVGzJoB4RPOo5X5H4+TBwVvmDvb1DSbG8popQhSp5sE5Ywv"
    "kL7B1yDsOHKgn3RDc2wzjCCaJ3culU6pdFZg36ix0il+ZtBj3PZlVjHT8zWoKp6cpNEVT0"
    "6SlUV+L6i02GZEBdbKB/IjC9ARwjIj7rOYvjDRCE8JpQD8ERqtYOcl4xlsw0yHXdnAYzaF"
    "fRPDBpxHq2ym0SqbyVplM6JVOjhn1edDZFKhz6HQw9x+ImxhZgY/QpgLfgfc/aI/eBBSqO"
    "NNGGGQPbG4oqmmBZKqtRb9SsSP/JaWhC4KkAnC3NrTQnZHQY6DNQtT29PDdQ4TLmm25pGO"
    "URWRD1LZY0pkdTvMFPhbWt34aqRwD2UOPodpJaerwWmiZ9lzw3SFbLmlkv9P2yk21NN24o"
    "bKbwU3VFcxHq0yWrQjhDvYNkqG+S7GCw9Zv/ktI7YxpNJrEIKXm+0ywuojkXCG4FzbWTNi"
    "GqaTq8BG51bYJr+jk2sQ6q6aU3ersytmPYx3esXO6AJw/ubvq5LTeCvG4Q95O8Cu42RHbG"
    "+cbmo6d32bTgDS/gB13g97g34jQR4rANqUPvCKztiIBBrAF54C9e+urp7NE76YEAt0FRIf"
    "huzdPdroEeftlPG6YaoQ5BlWJ9z3rCJBKH7l/SD8hAHjY9QTHuglIqZt52PjR7QAZhuOJV"
    "ylQd/2S2bAtbBhaZ9j3VMnSPgV75dOsXkh/OMzBthzz7iJsekZKcdsPicWTAYEn4QFsHDX"
    "uv0EaIotNFX11w8GxsCk+QgbZkp3en18v8Lde5rV3Qsc5vZF2z4cjnZw43Seyxn8CG8fbx"
    "3YHojq0pbaYTW4+dTp9/7s8E3iIgD/Pe28fz+46w8vkPOZ3NNe/3bYubpyWhP+5vDEeS33"
    "xcekmhjAonHS2CWZ9qiV5MPyqELM4hvDnph1EubUSf7dDB4Qfrz+rdlstc6bJ62zt+3T8/"
    "P225O30FY8YvTW+QbwL3ufev1hEHd+IYh2VndVsU7CNBg3Tnb8F13LCumxCDNdMX6viBr5"
    "jIJMl++liYKMfTeFIIPXDbeH9+k6ppPXjGor4aMH/KdTbByjPuPRcVwQRo94BXLBjJgWM1"
    "aILSyNPOF1lB2ysKaZsH3FhPcV3HnGyDwhKjlC63qF2xax5gGo+FfFdDFx/hHVsbsr5Bkb"
    "pG2vg1yDM2OHV7eHZ0a+0S3VAA7tNrzdR77xfWFoGQd1nFIySLEUFr5NcqkMUswDeOWclP"
    "7POrXPzEcjPRAVVhD26fB9Fn3B29LTagweRZmV6LwCfCuNAN9KFuBbYfXXlnsERrEgb7dZ"
    "BHsoM+iNu9vuzYUwEN3TznVP+dz9foGclAu40h/0v38Z3N3CNcroas4W5j29/X477H65QO"
    "bKtPC8HDYLv7Cado3300hnaBye8IpYy7jU+MnKPPVzrjfNdqqg8faGqPF2JFbWUXaS15x4"
    "tENkNUR7Dwn3fr0y7UoRIJJLRSyimdeKMF0Np+9eFgsZ/7Ofeex4L6OQ/uN20E/UEl2SsA"
    "2AjC30f0gj5t40G585ZrQgmkWoeczHew4jDIcoYA5wZ/DLL50/wpP7/dXgMswP3sFliCHZ"
    "QoplIHHaQGJRkECdOvb9tPgGqeqHc/tNMwXQ0CoRaXEvFPrKbR5mvLiRDHWQqn5Q1y75r9"
    "xSSPFwl99nXTFwS+JA/mSo8b5j+8bRJrfxdN0kRT2YOebBXaLQiioqrBRWDKbAnjO6iu2R"
    "OaEbbuvFNW9xIQrsFJbJTxyOT09TS8UeZ3sllU0VYpzXTDtSmqow0icqfaJVWPjrW7hF5m"
    "X/HRzhYlHOk0EaIZS2o6BAbG+KGVENEMkgA5mUK5NyKwunNMrLpNzSpt/lSsr11NkdQf6y"
    "7qim8Ab2cZmM+yzJuDKFfM8p5J4KUADC9c52jmhLpcp27tEn4tQJjDH0+u4ebbL2kmC7NC"
    "XAMZ0AusLaSkzEnkReMaboL8+E8Be/o6umdcRvcaMrN9FSZlfi5gnDC/ihruA/hlbYsrOH"
    "PVtvbHXwQ427Y81vcWjJNrOqB7tzGJN4t/xG46zlvn3jp6s1Lk270rRbAamkzqZdsa5EGJ"
    "7srF0T7MtbW0Ql3D4z5qpG/osnIikUVpxj6l5S1m9Qini9gPa1JJO4tBkGm4hKU1izXPoQ"
    "b0bQQXk+u0YX+kAamRNe58NinnfVPBK1PtySuAyaqQa2zzUEPvI5vOsCeTkYXAU+zcteKK"
    "emf/flsnvz8o1gIjQitmAWTbWxN/74b2d7FohHfcBUfZ9EkIVh193+h17/04UrLYmyFd3r"
    "YfeDqFuBdXjMe/qh+/6q1+fXJnisEcqv3XS/Dj53xelqT+yRX+n+cd274Vds+ervftDaQQ"
    "qDx5Vlfyc6QgtRg1rU38GWBZItiLpLg5fgKUmh8DnImqCqZGGLj+SA31b0o9pF4gifFpHy"
    "uIiN50VEDowokV+3bCJfRUS8VI5doZblcexGCKX/QXohDwjvs3khazNZpbOsDM6yw/p0yj"
    "l5c7t0PIt4/J4mHQ5bgI3s4pkdDlHYPZU9xlzh9PHx8w32ChfGI+85FLK41aqyeARmrK1f"
    "7YjXleikPnP112F8Wd7k2ujUCszBNN6tYPx6Gj+Xl0kgjnxSKfJ647q3ZxaL81ZlpM7ocw"
    "p67VKnJ8TBsS1bQTp+yuP48fEvh3ooFZhyx/3VB9gNukxw5dpRGgwGOVQT3nRCYTXO4agq"
    "xOmiqJ4nzMeRI2OkIU/CTBaANK9NmmxOlXsYGBph17Mg4mNMTK1jdCsOKzWFn09E1IAcY1"
    "3YDglCH1+YSDhZuHAzVyfYdg0Si/8tOogRkvY+XkaxyvP0UZCAFBWeaK5bKUrH2jArMNZC"
    "ylLl2Yc2yVIyiCYR8BoH0SSfYBHP6yqcWpHTVdlKUyallVwlpRVTJGVMdJKxHE2AqIYw7y"
    "UUqYIBLWJvnGTcIxr/vOve8RAUm/qe3nb5CSx8f7+nH24G19ciiMVgus7vfuz0rviFB5Ar"
    "yhKv4ggRMcxKLLDsJ6n0CSzNN6fnp29bZ6frQsrrK5vqJ0cDuMLiWMYdO4a8htt2RbbpVI"
    "EQ4lxpbBgsJnFty2nUa6r61dtqpwouam+ILWpHQ4v4Yprjm/KRyWIRZf6U4NWsWJlsQzlM"
    "j2SncpiH4WrjG/ewcLvABD9hjelzeHZhWxixH8icsaXphFAuZ9jAPG/o9svwmhsK4EUfyH"
    "SROrh1w7zYT+XMMhj8q/NtVtEsXU50i7JKP5PNlE1ZI85iyq8fbbSXui22W0uDh6i+MJEO"
    "ayMsJe+QiiheijzFqTBgUiYyEcnkiKcdCn8wVsczNFYpN32O4Xc84Yeg8ZwKI8ZQuteh/k"
    "5nskqzpTRblk2IS2O2TJThLglVjVVWKW60suxwsHJwuPENj66PbC+OytezB4PN7VMfl6qJ"
    "FrrG4NbuItqlI3WtGQ4S2mWv37n5vpbR1ly/GvQ/XcZIaZffh91OZWLL95Gj9ByCWhYxIm"
    "3c9IDiIYP/DhQ1XQZWFBczXZys5lQVipHWvHpDyfKaV9xoq8SWDFZGL7F7Cntgem1xEDul"
    "hXarDJy1yIMzqCzwIIU8KeSVX8iroFOPn0j5hDN+XA1e9+trlyekc+p7ent3y/PWuefOXJ"
    "g8c700zrsnlQBCRCNWTPZKykMkQ30ckD3s4YFn90f5478R4s3XTu+qc3nF2WM/uAYcury7"
    "/X6BRgtzdU8HHz/y4gEXyN/Js3NKuH5MjGmORTNMK/0ZZfZnlFfbKi+TMwTCi+OhssHqI5"
    "FwylTekqTyumraYTJOqwqt79vN6sEJ1RTdMV9yfTJRTYDea75k4LuPMZ2E14VkA0p4Qdqr"
    "GUXaGKSNoQKfdI1tDOJnhN/JEXVu+xoGZr9JW6lrU6GuSDCdtphmwddtXwy+z+pjCJWXa6"
    "UA96yVXF6uFYbW/1gZEA6RyTJzm8rMGXiaEV6PosThto1vPPBP1ADn+yHSyBOvYKqaImpw"
    "DJc0Nl3w3zQNT3gSIVzPV1Wx8Gmva2omhrjty8yODnrEK35AZwB+O0jzwmaT3RVy3+b5+W"
    "CC0JMliWPdPlcGx4EYcUXGGLRf04Ve5bm0dOV+GRx9Xh0/JQcKTvowsWXBeDGgJ0cu+2l2"
    "Cl3Ot+R7SsJoQTR4EvOYDxujGvz8FcOOoSikLKL2lnzBMvkJBaMV/1rSseDQ8cm2vSCPEh"
    "GklBb3Mlvc9YUxxTl47Kc7CIeLqMDcpRN3ZwIILQaf4RJGKKCgeSX4niH0yucm1YkCa9SO"
    "FsCOTj7bC13F9MpEE2Dk3CVpI00GyMsoKKxSYV2hsgO7doSpdsf5BTVZpu1a8bJeRVxDor"
    "UTMbgTQLd2LzXFqKjCqXUsoJXNueWL0nHSq+LRdCOyUxRXdfqpybTL6P0TC1OM189dsJK9"
    "fW556+3pbZdcf31NKHoZNtMcgTwMPFmIoqZ+9+ErftbeeAEy8zyaw1ZAfzuey8eV6C0B06"
    "KwtaNs5wvRXp9dNVFEp2kGdH0sMjBbOk2l07SETlNnRUhrgXea19BlWrxVXfqj9+uPDu9H"
    "WaCOkpYZ9cZl5PhI/tjvEGXIWjJRRhQuP+aKVz9NxZvTDbw5jfJGOrT379DWsTEnSbpuxz"
    "DUhNzpEF0I5H36kJ7JJ9H9Y/ivf4cP9BMKSDbgfDT5QDuQ5/MzXplrOz+3FaGlcL45pjUe"
    "A+C8iusbtU85BRKO8tjSVugBL7GBQlOleDaUJuGhnOp0nQL0y4nwntLGpTNJOpPq5UyqyO"
    "e719QE1ykQY5/0+QuSTZSmr5HMRZBmNWlWq6tZ7dlOcj9I3HzsUe55bA/FH9RO9CyA261L"
    "HE6c0+Rw2k5j0mknW3TaYVxFLiXsitkOQAhS1Q/n9ps0B01Aq+Si1W8iR02Ikg2AXJ49I0"
    "xbw12jIrtEquhT/EMn0F0ORgcpD8PmkhTYqxyXpZGreIFbFvWo72GhtZmmG2yxsoJHIRU8"
    "kpZZad5OifA28zY8B+rfXV2V4xDWioK88QxWD+FkD8JejZrALXhJ7lGIs2t6d482mjbtdm"
    "6E4fYgTN6xidTxGJvOaaemXRv7L96VqfDf/0ILahFNZM2aC9GUGWjCsBkNwiygP2lYLdsG"
    "eiQNq9KwGgx6McgTMEKJjVtMzp0OkR0+fTqHkbU7abbbb34TtRxU9I9vn9HLm4/v0duT1v"
    "mrdMbWQ6dMeytt1k8ySFnDT7Iin2CiPSND7uw+hZUhs/Q4MUVc3yigWG6LrZKJOHJtrj5i"
    "fuYQlygYSA0vTH4S0Ws++9AYejftj/Gs2Xr76oif3/7AjDFGvAg+fKy8BQ+nIhYvMYFGGF"
    "M0JU+YRuWWvY8mpRop1dRiCa2xVGNi4F4mz5pHUe7AddXEqNVMJ67s2zcsTsQ05vm+rhCt"
    "rOpSNgklWjHfwjHBAJdkmljXKkBWqtPJGwM7nJs/ob3fcycvsJIfjyjMS8haknHaBBC7mt"
    "VvzWardd48aZ29bZ+en7ffnqzLWkVvbapvddn7xEtcBdgdrXnFT65fGHEx94kM8ZOUix/f"
    "DEanjmxmEi6HrdljkOnM4vJbJmYUVlpMY+NHWKaEpSvrKhemlatcmVc5A4/ZEzZWImIsYy"
    "5LDG2pE4HckDOu57jP7nx+lFlohS2xIu5sF4nNUimPi7kMJ+0V4QjNYj3Y5jTNeNhhXpdp"
    "GaAv+MiDnUwxAscYU4yLb7IpxmWjjIGXRg1p1KitUQPP1TgJNNmmsSYoceR7f105gBevDS"
    "Xlr18gq62j2U5j7IBWidYOce9XFH8FBCUCneb5+GI7kCpBmVUCWXNkvzVHdNU0lwxEp6yp"
    "PRHCGiLebKdJO4FWG1YxkXiSQV0IpVztmlltu9+GvKsKsiNV+vCBc9DLudinSEHHMXrCPn"
    "LQqwiQSEHfFaBapp/HlDKeEV2WM94A06EL9lYGpEyBNP6N0Irze2UuROvG1NTky8xo3vLC"
    "0mNsXIGY9WRDVyBMfq/Wro2FW8VBbJxgQ7VWL0TdPbbNnQ2No0xFYh2FgkzSjzhabasTu2"
    "XQoJUo49CC2OkoYXhpS5S2xApsJDW2JUq7Rp3P9iwVvsUXAsag6BiMzjMWzwiR1a96xj4O"
    "MpTH6lmIHwj6TsQjMS4umqI+sPjTJze92L2ipzx2T/opott5Kj+FPHbv73PsXilLoZRNBt"
    "lLkYnnrYhQUohrXfG3nFtWeQr+VhGfPdT7reW5bfIQwOetjtzBBhnPGjHmcufO0SZbueq1"
    "KU1YaGJeSqz4EZOR4kyL0oYVF5N7kmysfQLtM1b2SLZ6+EhqaFwqLEQmGNGRqeit07yG6O"
    "7FNAojWrGWu2STko+kCpVGilBSCrMFPWuhiV//D+kUEaw="
)
