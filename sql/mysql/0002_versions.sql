-- SPDX-License-Identifier: Apache-2.0
-- What a decision rested on is compared when it is written.
--
-- identities.version grows with every change of traits, credentials, addresses and state; not when an address is verified, which only
-- adds to it. session_epoch is raised when all of a person's sessions end: those of an older epoch are over. A credential's version
-- grows when it is another one, not when the same password is hashed anew.
ALTER TABLE identities
    ADD COLUMN version BIGINT NOT NULL DEFAULT 1,
    ADD COLUMN session_epoch BIGINT NOT NULL DEFAULT 0;

ALTER TABLE identity_credentials
    ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- The token before a refresh shows what the session was before: never fresher, never of a higher level.
ALTER TABLE sessions
    ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN old_aal VARCHAR(8),
    ADD COLUMN old_methods VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN old_authenticated_at BIGINT NOT NULL DEFAULT 0;
