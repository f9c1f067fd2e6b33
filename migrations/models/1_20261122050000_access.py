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
        ALTER TABLE "organization" ADD "seats" INT;
        ALTER TABLE "organization" ADD "region" VARCHAR(63);
        ALTER TABLE "organization" ADD "plan" VARCHAR(63);
        ALTER TABLE "organization" ADD "settings" JSONB NOT NULL DEFAULT '{}';
        ALTER TABLE "role" ADD "normalized_name" VARCHAR(400);
        UPDATE "role" SET "normalized_name" = lower("name");
        ALTER TABLE "role" ALTER COLUMN "normalized_name" SET NOT NULL;
        ALTER TABLE "session" ADD "timed_out" UUID[];
        ALTER TABLE "workspace" ADD "settings" JSONB NOT NULL DEFAULT '{}';
        COMMENT ON COLUMN member."availability" IS 'AVAILABLE: available\nBUSY: busy\nOFFLINE: offline';
COMMENT ON COLUMN organization."seats" IS 'Licences; null: as many as the plan has';
COMMENT ON COLUMN organization."region" IS 'Where its data lives, as the catalogue called it then';
COMMENT ON COLUMN organization."plan" IS 'A key of the catalogue; null: its default plan';
COMMENT ON COLUMN organization."settings" IS 'Those that were set, by key';
COMMENT ON COLUMN role."normalized_name" IS 'By text.normalize_name; no two are alike';
COMMENT ON COLUMN session."timed_out" IS 'Organizations that it was unused too long for';
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
        ALTER TABLE "organization" DROP COLUMN "seats";
        ALTER TABLE "organization" DROP COLUMN "region";
        ALTER TABLE "organization" DROP COLUMN "plan";
        ALTER TABLE "organization" DROP COLUMN "settings";
        ALTER TABLE "role" DROP COLUMN "normalized_name";
        ALTER TABLE "session" DROP COLUMN "timed_out";
        ALTER TABLE "workspace" DROP COLUMN "settings";
        DROP TABLE IF EXISTS "totp";
        DROP TABLE IF EXISTS "signing_key";
        DROP TABLE IF EXISTS "api_key";
        DROP TABLE IF EXISTS "logo";
        DROP FUNCTION role_of_organization();
    """


MODELS_STATE = (
    "eJztXW1zm0i2/itd+pKkynE5kmVnnFu3Sk6UjDaO5LXlZDLrLQZJbanLCFhAVrS5+e/3nA"
    "bEuwQIycB0PsQ29OmG5zTd571/NubahCrmcWc81haqNdQeqdq4ID8bqjyn8Evs/SPSkHXd"
    "u4sXLHmkcALZbilZ66Yj0zLksQU3H2TFpHBpQs2xwXSLaThYYzijxKRjg1qEqUQmc5kpdE"
    "IUpj4SayZb5Ika7IFRk8hwezIxqGkSzSDwk1pwkeiyaS41Y/KOTDWVEk0dU7Iw6eQYx59o"
    "Y3gApk73P9RCZf9ZUHj1KbVm1IAB//VvuMzUCf1BTfzzZwM6Vyb89wbQGUimLwxdM2kD29"
    "IfOo4JyJguucuKALISjC7p1JBcYuTBSucNG7wfAJ3/8Qv70B8lPnCAt2yCLfl1yaW9u+t9"
    "+MhbInQjaawpi7nqtdZX1kxT180XCzY5Rhq8N6UqNWSLTnysVheK4kwN95KNElywjAVdwz"
    "PxLkzog7xQcMI0/udhoY5xnhAcSVpYDCbjWJvrsnWMV87/13lOH40k9QdD6bY7lKRGZLLh"
    "84QmhXNpDJADZky1EPmfv+x+PXT41QYO8P73zs3L1tkrjodmWlOD3+TYNX5xQtmSJY/THu"
    "Qw8xAgSbai0H+AOxab03j4g5QhNkwc0mP3lzzscC94/PC+VxdcF749AN6AF5wMVGXlTIQN"
    "DBj2vnRvh50v1zjc3DT/o3D8OsMu3mnyq6vQ1Zc2vzRYiuyFat0J+dYb/k7wT/LnoN8Nc3"
    "XdbvhnA59JXliapGpLCZYHb866V13UoKXHdd83GmT5+5lsdNXFnLO8B3DIsJ5EWO8jD/Ed"
    "8CsPpxtfuze9j9+l7pdO7+rCXklXEsUl9l696SLVdef29tvg5sOFvaBK7moaXqcTZshc/i"
    "EpVJ1aM/jzzdmGGfK1c8O/0jdhrvedO01+61eATfbCOpPNWTyn4j/MIFUxDNq+MuZgz+3v"
    "ndfN9tkRmdEf8oSO2VxW8gB/dpoC+LPTRODxVhB42PQYTIgcq2KQ8jCrYgG8KGIXKtMi6I"
    "K0cRVEcUfKJnP4SIoUPJ55p8svWqAo9/AYK1m4wmQQ2o+aQdlU/UxXkS0mBKgj6N853VQT"
    "Uu+q950a8nIt+/onFLw7vDG17OW9c/u+86FrC8sjefy4lI2JFIAa72hNLXRl3TZ6a96ch6"
    "/Iqjzl4OBb4DO76pXOgEWNOMXLvnO0UeXSmfToNNqqbHWIDkiOmS4rRHsgDLQabakeoToE"
    "OgtZzjQF1BpjKqvsvzKXvEH9gZuo7cBW/WjqMqg8nDKqXhXZ+b16r/YsAhsr0IFmhp0ZSC"
    "+rE94baD8m9ACdwiVzCX+RB+zOIiPNmgHhE82jlfkfD8mDgjfMnW1qms0NabSSOKnTTYJy"
    "hgukb/A1CDuOHOgn3dCIbYYRePPkzoXSKZTOCuwbNVY6+c8MeozbvswqZnq+BlXFk5M0uu"
    "LJSbKyiPeCSottRpRgrXxgP7IAHSEsM+I+i+kLk4zolKkqAH9ERivYedl4BtuwpsOubNCx"
    "NoV9k8IGnEerbKbRKpvJWmUzolU6OGfV50NkQqHPodDD3H5i2sLMDH6EMBf8Drj7RX/wwK"
    "VQx5swoiB7Un5FkU0LJFVrLfqViB/5LS0JXRQgE4S5taeF7E4FOQ7WLKranh7UOUy4pNia"
    "RzpGVUQ+SGWPKZHV7TBT4G9pdcPVSEIPZQ4+h2kFp6vBaaZn2XPDdIVsuaWS/0/bKTbU03"
    "bihoq3ghuqqxiPVhkt2hHCHWwbJcN8F+OFh6zf/JYR2xhS4TUIwYtmu4yw+kgEnCE413bW"
    "jJiG6cQqsNG5FbbJ7+jkGoS6q+bU3ersilkP451esTO6AJy/+fuq5DTeinH4Q94OsOs42R"
    "HbG6ebms5d36YTgLQ/IJ33w96g30iQxwqANqUPvKIzNiKBBvCFpyD9u6urZ/OELybMAl2F"
    "xYche3ePNnrEsZ00XjdMFYI8o/IEfc8y4YT8V+yH0CcKGB+THvdALwkzbTufNn4kC2C24V"
    "jCZTXo236pGXAtbFja51j3qhMk/Ar7VafUvOD+8ZkG2KNn3KTU9IyUY20+ZxZMBgKfhAWw"
    "oGvdfgIypRaZyvrrB4NSYNJ8RA0zpTu9Pr5f7u49zeruBQ6jfdG2D4ejHdw4nedyBj/C28"
    "dbB7YHorq0pXZYDW4+dfq9Pzu4SVwE4L9XO+/fD+76wwvifCb3aq9/O+xcXTmtGb45PHFe"
    "y33xMakmBbDUOGnskk17qpXkw/KoQszCjWFPzDoJc+ok/24GDwg/Xv/WbLZa582T1tnb9u"
    "n5efvtyVtoyx8xeut8A/iXvU+9/jCIO14Iop3VXVWskzANxo2THf9F17JCeizCTFeM3yui"
    "Rj6jINPFvTRRkLHvphBk6Lrh9vA+Xafq5LWmKivuowf8p1NqHJO+htFxKAiTR7oCuWDGTE"
    "szVkRbWAp7ousoO2JRRTFh+4oJ7yu484yReVxUcoTW9Qq3LWLNA1Dyr4rpYuL8I8pjd1fI"
    "MzZI214HuQbXjB1e3R5eM/KNbskGcGi34e0+8o3vC0PLOKjjlBJBiqWw8G2SS0WQYh7AK+"
    "ek9H/WqX1mPhrhgaiwgrBPh++z6Avelp5WY/AoyqxE5xXgW2kE+FayAN8Kq7+23MMxigV5"
    "u80i2EOZQW/c3XZvLriB6F7tXPekz93vF8RJuYAr/UH/+5fB3S1cUzV1NdcW5r16+/122P"
    "1yQcyVadF5OWwWfmE17RrvpxHO0Dg84RWpknGp8ZOVeernXG+a7VRB4+0NUePtSKyso+wk"
    "rznxaIfIaoj2HhLu/Xpl2pUiQCSWilhEM68VYboaTt+9LBYi/mc/89jxXkYh/cftoJ+oJb"
    "okYRsAG1vk/4jCzL1pNj5zzGjBFIup5jGO9xxGGIQoYA5wZ/DLL50/wpP7/dXgMswP7OAy"
    "xJBsIcUikDhtIDEvSCBPHft+WnyDVPXDuf2mmQJoaJWINL8XCn1Fm4cZL24kQx2kqh/UtU"
    "v+K7cUUjzc5fdZVwzckjiQPxlyvO/YvnG0yW08XTdJUQ9mTjG4ixdakXmFlcKKwRTYc0ZX"
    "sT0yErrhtl5c8xYXIsdO0jL5icPx6WlqqdjjbK+ksqlCjPOaaUdKUxVG+ESFT7QKC399C7"
    "eIvOy/gyOcL8p5MkgjhMJ2FBSI7U0xI6oBIhFkIJJyRVJuZeEURnmRlFva9LtcSbmeOrsj"
    "yF/WHdUU3sA+LpJxnyUZV6SQ7zmF3FMBCkC43tnOEW2pVNnOPfWJOXUCYwy9vrtHm6y9LN"
    "guTQlwqk4AXW5tZSbRnnheMVXJX54J4S+8o8umdYS30OiKJlpVsytxY8LwAn7IK/hPIytq"
    "2dnDnq03tjr4ocbdseY3P7Rkm1nVg905jIm/W36jcdZy377x09UaF6ZdYdqtgFRSZ9MuX1"
    "ciDE921q4J9uWtLaISbl8z5rLC/ksnPCkUVpxj1b0krd+gFPF6Ae1rySZxaTMabCKymsKa"
    "5dKHeDOCDsrz2TW60AdR2JxhnQ9L87yr5hGv9eGWxNWgmWxQ+1xD4CPO4V0XyMvB4CrwaV"
    "72Qjk1/bsvl92bl284E6ERswWzaKqNvfHHfzvbs0A86gOm6vskgiwMu+72P/T6ny5caYmX"
    "reheD7sfeN0KqsNj3qsfuu+ven28NqFjhal47ab7dfC5y09Xe9Ie8Ur3j+veDV6x5au/+0"
    "FrBykMHleW/R3viCx4DWpef4daFki2IOouDSzBU5JC4XOQNUFVycIWH8kBv63oR7WLxBE+"
    "LSLlcREbz4uIHBhRIr9u2US+ioh4qRy7XC3L49iNEAr/g/BCHhDeZ/NC1mayCmdZGZxlh/"
    "XplHPy5nbpeBbx+D1NOBy2ABvZxTM7HKKweyp7jLnC6ePj5xvqFS6MR95zKGRxq1Vl8QjM"
    "WFu/2hGvK95Jfebqr8P4srzJtdGpFZiDabxbwfj1NH4uL5OAH/kkq8TrDXVvzywW563KSJ"
    "3R5xT02qVOT4iDY1u2gnD8lMfx4+NfDvVQKDDljvurD7AbdJngyrWjNBgMcqgmvOmEwmqc"
    "w1FViNNFUT1PmI8jR8ZIQ56EmSwAKV6bNNmcMnoYNDKirmeBx8eYVLWOyS0/rNTkfj4eUQ"
    "NyjHVhOySY+vjCJNzJgsLNXJ5Q2zXILPybdxAjJO19vIxilefpU0ECkmR4orlupSgda8Ms"
    "wVgLIUuVZx/aJEuJIJpEwGscRJN8gkU8r6twakVOV2UrTZmUVnKVlFZMkZQx01nGcjQBoh"
    "rCvJdQpAoGtPC9cZJxj2j88657hyEoNvW9etvFE1hwf79XP9wMrq95EIuh6Tre/djpXeGF"
    "B5AryhKv4ggRMcxKLLDsJ6n0CSzNN6fnp29bZ6frQsrrK5vqJ0cDuMLiWMYdO4a8htt2Rb"
    "bpVIEQ/FxpahhaTOLaltOo11T1q7fVThVc1N4QW9SOhhbhYprjm/KRiWIRZf6U4NWsWJls"
    "QzlMj2SncpiH4WrjG3pY0C4woU9U0fQ5PDu3LYy0H8ScaUvTCaFczqhBMW/o9svwGg0F8K"
    "IPbLpIHdy6YV7sp3JmGQz+1fk2q2iWLie6RVmln8lmqk21RpzFFK8fbbSXui22W0uDh6i+"
    "MIkOayMsJe+ITFS65HmKU27AVDWeicgmR5h2yP3BVB7PyFhW0fQ5ht/pBA9Bw5wKI8ZQut"
    "eh/k5nsgqzpTBblk2IS2O2TJThLpkqG6usUtxoZdnhYOXgcOMbHV0f2V4cGdezB0Ob26c+"
    "LmWTLHRFg1u7i2iXjtS1ZjhIaJe9fufm+1pGW3P9atD/dBkjpV1+H3Y7lYkt30eO0nMIal"
    "nEiLRx0wOVDjX470BR02VgRXEx08XJak5VoRhpzas3lCyvecWNtkpsyWBl9BK7p7AHptcW"
    "B7FTWmi3ysBZizw4g4oCD0LIE0Je+YW8Cjr18ETKJ5rx42pg3a+vXUxIR+p79fbuFvPW0X"
    "NnLkzMXC+N8+5JZoAQU5gVk72S8hDJUB8HZI/28IDZ/VH++G+EePO107vqXF4he+wHV4BD"
    "l3e33y/IaGGu7tXBx49YPOCC+Dt5dk5x149JqZpj0QzTCn9Gmf0Z5dW2ysvkDIHw/HiobL"
    "D6SAScIpW3JKm8rpp2mIzTqkLr+3azenBCNUV3zJdcn0xUE6D3mi8Z+O5jTCfhdSHZgBJe"
    "kPZqRhE2BmFjqMAnXWMbA/8Z4XdyRJ3bvoaB2W/SVuraVKgrEkynLKZZ8HXbF4Pvs/oYQu"
    "XlWinAPWsll5drhaH1P1YGhENkoszcpjJzBp1mhNejKHG4beMbBv7xGuC4HxKFPWEFU9nk"
    "UYNjuKRo0wX+pih0gkmEcD1fVcXCp72uyJkY4rYvMzs65JGu8IDOAPx2kOaFzSa7K+K+zf"
    "PzwQShJ0sSx7p9rgyOAzHiio0paL+mC72MubTqyv0yEH2sjp+SAwUnfZjUsmC8GNCTI5f9"
    "NDuFLudb8j0lYbRgCjyJeYzDxqgGP3/FsGPICynzqL0lLlgmnlAwWuHXko4Fh45Ptu0FeZ"
    "SIIKWwuJfZ4q4vjCnNwWM/3UE4XEQF5q46cXcmgNDS4DNcwggFFDSvBN8zhF753KQ6k2CN"
    "2tEC2NHZZ3uhq5hemWgCjJy7JGykyQB5GQWFVSqsK1R2YNeOMNXuOL+gJqspu1a8rFcR15"
    "Bo7UQM7gTQrd1LTTEqqnBqHQtoZXNu+aJ0nPSqeDTdiOwUxVWdfmoy7TJ6//jCFOP1cxes"
    "ZG+fW956e3rbJeqvr5lKXobNNEcgDwNPFryoqd99+ArP2hsvQGaeR3PYCuhvx3P5UIneEj"
    "DNC1s7yna+EO312VUTiXeaZkDXxyICs4XTVDhNS+g0dVaEtBZ4p3kNXabFW9WFP3q//ujw"
    "fpQF6ihpmVFvXEaOj8THfkdUjVhLjZcRhcuPueLVT1Px5nQDb06jvBEO7f07tHVqzFmSrt"
    "sxDDkhdzpEFwJ5nz6kZ/JJdP8Y/uvf4QP9uAKSDTgfTT7QDuT5/ExX5trOj7YisuTON8e0"
    "hjEAzqu4vlH7lFMgQZTHlrIiD3RJDRKaKsWzoTQJD+VUp+sUoF9OhPeUNi6cScKZVC9nUk"
    "U+372mJrhOgRj7pM9fkGyiNH2NRC6CMKsJs1pdzWrPdpL7QeLmY49yz2N7KP6gdqZnAdxu"
    "XeJw4pwmh9N2GpNOO9mi0w7jynMpYVfMdgBCkKp+OLffpDloAlolF61+EzlqgpdsAOTy7B"
    "lh2hruGhXZJVJFn9IfOoPucjA6SHkYNpekwF7luIwcAM1jEcPkDdbGAFWp7Y1+Q5Bph/gz"
    "p7ylimsRsTSNKJo6xeK8O9sRUeYWdkRRN6W6cJbgPNbaTNMN5m5RJKWQIilJy6zwIKREeJ"
    "sHAZ6D9O+urspxzm1FQd54zK2HcLKTZq92Y+AWvCQ6beJMx97do43WY7udG8S5Pc4VOzaJ"
    "PB5T0zlQ1rTLj/+FXZkS/v4XyGgWU3hisrngTTWDTDRqRuNcC+hP2K7LtoEeCdu1sF0H44"
    "oM9gSMkGJDQ5PT00Nkh89Qz6G5difNdvvNb7xchkz+8e0zeXnz8T15e9I6f7WzorqXrHRv"
    "pc36SQYpa/hJVuQTTDQZZUhP3qewMtQsPU5M4dc3CiiW22KrZMJPtZvLjxSPdUKJQgOp4Y"
    "WJhz29xtlHxtC7aX+MZ83W21dHhKloPRpTgucMwMeKLTBijVlYxYOMKFXJlD1RNSq37H00"
    "IdUIqaYWS2iNpRqTAvcyOS89inLnBsgmJa1mOnFl3+53fuioMc/3dYVoReGcskko0UMJLB"
    "oTb3HJpomlwwJkpToAvjGwI+bxCe39Hn1XwEo8gZKbl4i1ZOO0OTZ2wbDfms1W67x50jp7"
    "2z49P2+/PVlXDove2lRC7LL3CauIBdgdLSv2IDNlYcSlNSQyxE9SLn58M9BlaMtmJkM5bM"
    "0eg01nFspvmZhRWPU2RRs/wjLFLV1ZV7kwrVjlyrzKGXSsPVFjxYPyMqYLxdCWOtfKjepD"
    "Pcd9dufzUzWLrKjFV8Sd7SKxiUDlcTGX4TDDIhyhWawH25ymGc+TzOsyLQP0BZ8qsZMphu"
    "MYY4px8U02xbhsFGkGwqghjBq1NWrQuRwngSbbNNYEJU4u6K+LM2B94FDdg/ULZLV1NNtp"
    "jB3QKtHawe/9iuIvgaDEoNM8H19sB0IlKLNKIMq67Lesiy6b5lID0Slr9lSEsIaIN9tpMn"
    "ug1YZVjOf2ZFAXQlltuyav2+63IXZVQXakytA+cJp/ORf7FFn+NEZP2EeafxUB4ln+uwJU"
    "ywz/mGrRM6aLitEbYDp0TeTKgJQpkMa/EVpxfq/MtX7dmJqafJkZzVteWHqMjSsQs55s6A"
    "qEye/V2rWxNi4/6w4JNhTE9ULU3ZPx3NnQOMpUh9dRKNgk/Yij1bZSvFsGDVqJMg7NiZ2O"
    "EoYXtkRhS6zARlJjW6Kwa9T5+NRS4Vt8rWUKio6hqfOM9UlCZPUrULKPsyLFyYUWwTNX3/"
    "F4JA3FRZOXYOZ/+uSmF7sXTRUnGwo/RXQ7T+WnECcb/n1ONixlKZSyySB7KTLxvBURSgpx"
    "rYsql3PLKk9N5Sris4eSyrU8Gk+cs/i8Bag71GDjWSPGXO7cOdpkK5e9NqUJC03MS4kVP2"
    "IyUpxpUdqw4mJyT5KNtU+gfcbKHslWDx9JDY1LhYXIBCM6MtUVdprXEN29mEZhRCvWcpds"
    "UvKRVKHSSBFKSmG2oGctNPHr/wGgcoeQ"
)
