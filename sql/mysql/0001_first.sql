-- SPDX-License-Identifier: Apache-2.0
-- The first schema, for MySQL 8 and MariaDB 10.6 or later.
--
-- Each row carries its realm. Ids are UUIDs as text, times are microseconds since 1970 UTC, 0 for never. What is compared
-- byte by byte (ids, hashes, words of ours) is ascii_bin; what people wrote is utf8mb4_bin, normalised before it comes here.
-- Every statement may run twice: DDL commits by itself, and a server may die between two of them.

-- traits and the metadata are JSON. available_aal is the best an identity can reach with its credentials.
CREATE TABLE IF NOT EXISTS identities (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    schema_id        VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state            VARCHAR(16)   NOT NULL,
    traits           TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    metadata_public  TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    metadata_admin   TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    external_id      VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    available_aal    VARCHAR(8)    NOT NULL,
    state_changed_at BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    updated_at       BIGINT        NOT NULL,
    UNIQUE KEY identities_external (realm_id, external_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS identity_credentials (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    identity_id      CHAR(36)      NOT NULL,
    type             VARCHAR(32)   NOT NULL,
    config           TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at       BIGINT        NOT NULL,
    updated_at       BIGINT        NOT NULL,
    -- the identity first: this index serves the foreign key as well
    UNIQUE KEY identity_credentials_type (identity_id, realm_id, type),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- An identifier finds a credential of a type. The type comes last in the key: hints ask for all types of an identifier.
CREATE TABLE IF NOT EXISTS identity_identifiers (
    realm_id         VARCHAR(32)   NOT NULL,
    identifier       VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    type             VARCHAR(32)   NOT NULL,
    credential_id    CHAR(36)      NOT NULL,
    PRIMARY KEY (realm_id, identifier, type),
    KEY identity_identifiers_credential (credential_id),
    FOREIGN KEY (credential_id) REFERENCES identity_credentials (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Verifiable addresses (recovery = 0) and recovery addresses (1); position is the order of the traits.
CREATE TABLE IF NOT EXISTS identity_addresses (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    identity_id      CHAR(36)      NOT NULL,
    recovery         TINYINT       NOT NULL,
    via              VARCHAR(16)   NOT NULL,
    value            VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    status           VARCHAR(16),
    verified         TINYINT       NOT NULL,
    position         INTEGER       NOT NULL,
    verified_at      BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    updated_at       BIGINT        NOT NULL,
    UNIQUE KEY identity_addresses_value (realm_id, recovery, via, value),
    KEY identity_addresses_identity (identity_id, position),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Tokens are stored as keyed hashes only. old_token_hash is the token before the last refresh. methods is JSON.
CREATE TABLE IF NOT EXISTS sessions (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    identity_id      CHAR(36)      NOT NULL,
    token_hash       VARCHAR(128)  NOT NULL,
    old_token_hash   VARCHAR(128),
    old_token_until  BIGINT        NOT NULL,
    aal              VARCHAR(8)    NOT NULL,
    methods          VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    active           TINYINT       NOT NULL,
    device_id        CHAR(36),
    ip_address       VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    user_agent       VARCHAR(512)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    location         VARCHAR(512)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    issued_at        BIGINT        NOT NULL,
    authenticated_at BIGINT        NOT NULL,
    expires_at       BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    updated_at       BIGINT        NOT NULL,
    UNIQUE KEY sessions_token (token_hash, realm_id),
    KEY sessions_old_token (old_token_hash),
    KEY sessions_identity (identity_id, created_at),
    KEY sessions_expires (expires_at),
    KEY sessions_revoked (active, updated_at),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Flows of all five kinds. ui and internal are JSON.
CREATE TABLE IF NOT EXISTS flows (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    kind             VARCHAR(16)   NOT NULL,
    type             VARCHAR(16)   NOT NULL,
    state            VARCHAR(32)   NOT NULL,
    active           VARCHAR(32),
    ui               TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    internal         TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    request_url      VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    csrf_hash        VARCHAR(128),
    identity_id      CHAR(36),
    schema_id        VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    organization_id  VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    login_challenge  VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    refresh          TINYINT       NOT NULL,
    requested_aal    VARCHAR(8),
    submit_count     INTEGER       NOT NULL,
    issued_at        BIGINT        NOT NULL,
    expires_at       BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    updated_at       BIGINT        NOT NULL,
    KEY flows_expires (expires_at),
    KEY flows_identity (identity_id),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- A native app's two codes, as keyed hashes, for the session that a flow in a browser ends with.
CREATE TABLE IF NOT EXISTS session_exchanges (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    flow_id          CHAR(36)      NOT NULL,
    init_hash        VARCHAR(128)  NOT NULL,
    return_hash      VARCHAR(128),
    session_id       CHAR(36),
    expires_at       BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    KEY session_exchanges_init (init_hash),
    KEY session_exchanges_flow (flow_id),
    KEY session_exchanges_session (session_id),
    KEY session_exchanges_expires (expires_at),
    FOREIGN KEY (flow_id) REFERENCES flows (id) ON DELETE CASCADE,
    FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Errors that wait for the error page to fetch them. error is JSON.
CREATE TABLE IF NOT EXISTS selfservice_errors (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    error            TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at       BIGINT        NOT NULL,
    KEY selfservice_errors_created (created_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- One-time codes and link tokens, as keyed hashes. used_at 0: not used yet.
CREATE TABLE IF NOT EXISTS codes (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    flow_id          CHAR(36)      NOT NULL,
    kind             VARCHAR(32)   NOT NULL,
    address          VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    address_id       CHAR(36),
    identity_id      CHAR(36),
    code_hash        VARCHAR(128)  NOT NULL,
    attempts         INTEGER       NOT NULL,
    used_at          BIGINT        NOT NULL,
    expires_at       BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    KEY codes_flow (flow_id),
    KEY codes_address (address_id),
    KEY codes_identity (identity_id),
    FOREIGN KEY (flow_id) REFERENCES flows (id) ON DELETE CASCADE,
    FOREIGN KEY (address_id) REFERENCES identity_addresses (id) ON DELETE CASCADE,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- The mail queue. sealed is the template's data, encrypted, and empty once the message was sent. Nobody sends a message before
-- send_after; who claims it becomes its lease_owner and moves send_after to the end of the lease, so that the index finds
-- only what is to be sent now.
CREATE TABLE IF NOT EXISTS courier_messages (
    id               CHAR(36)      NOT NULL PRIMARY KEY,
    realm_id         VARCHAR(32)   NOT NULL,
    status           VARCHAR(16)   NOT NULL,
    via              VARCHAR(16)   NOT NULL,
    recipient        VARCHAR(320)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    template_type    VARCHAR(64)   NOT NULL,
    sealed           TEXT          NOT NULL,
    attempts         INTEGER       NOT NULL,
    send_after       BIGINT        NOT NULL,
    lease_owner      VARCHAR(64),
    last_error       VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    created_at       BIGINT        NOT NULL,
    updated_at       BIGINT        NOT NULL,
    KEY courier_messages_due (realm_id, status, send_after),
    KEY courier_messages_turn (realm_id, recipient, status),
    KEY courier_messages_old (updated_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
