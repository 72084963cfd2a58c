-- SPDX-License-Identifier: Apache-2.0
-- The first schema, for SQLite 3.40 or later: the same tables as in ../mysql, whose comments hold here too.
--
-- SQLite ignores the length of a VARCHAR, so a CHECK sees to it. Text compares byte by byte by default.

CREATE TABLE IF NOT EXISTS identities (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    schema_id        TEXT NOT NULL CHECK (length(schema_id) <= 255),
    state            TEXT NOT NULL CHECK (length(state) <= 16),
    traits           TEXT NOT NULL,
    metadata_public  TEXT,
    metadata_admin   TEXT,
    external_id      TEXT CHECK (length(external_id) <= 255),
    available_aal    TEXT NOT NULL CHECK (length(available_aal) <= 8),
    state_changed_at INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    UNIQUE (realm_id, external_id)
);

CREATE TABLE IF NOT EXISTS identity_credentials (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    identity_id      TEXT NOT NULL CHECK (length(identity_id) <= 36),
    type             TEXT NOT NULL CHECK (length(type) <= 32),
    config           TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    UNIQUE (identity_id, realm_id, type),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS identity_identifiers (
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    identifier       TEXT NOT NULL CHECK (length(identifier) <= 255),
    type             TEXT NOT NULL CHECK (length(type) <= 32),
    credential_id    TEXT NOT NULL CHECK (length(credential_id) <= 36),
    PRIMARY KEY (realm_id, identifier, type),
    FOREIGN KEY (credential_id) REFERENCES identity_credentials (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS identity_identifiers_credential ON identity_identifiers (credential_id);

CREATE TABLE IF NOT EXISTS identity_addresses (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    identity_id      TEXT NOT NULL CHECK (length(identity_id) <= 36),
    recovery         INTEGER NOT NULL,
    via              TEXT NOT NULL CHECK (length(via) <= 16),
    value            TEXT NOT NULL CHECK (length(value) <= 255),
    status           TEXT CHECK (length(status) <= 16),
    verified         INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    verified_at      INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    UNIQUE (realm_id, recovery, via, value),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS identity_addresses_identity ON identity_addresses (identity_id, position);

CREATE TABLE IF NOT EXISTS sessions (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    identity_id      TEXT NOT NULL CHECK (length(identity_id) <= 36),
    token_hash       TEXT NOT NULL CHECK (length(token_hash) <= 128),
    old_token_hash   TEXT CHECK (length(old_token_hash) <= 128),
    old_token_until  INTEGER NOT NULL,
    aal              TEXT NOT NULL CHECK (length(aal) <= 8),
    methods          TEXT NOT NULL CHECK (length(methods) <= 2048),
    active           INTEGER NOT NULL,
    device_id        TEXT CHECK (length(device_id) <= 36),
    ip_address       TEXT CHECK (length(ip_address) <= 64),
    user_agent       TEXT CHECK (length(user_agent) <= 512),
    location         TEXT CHECK (length(location) <= 512),
    issued_at        INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    UNIQUE (token_hash, realm_id),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS sessions_old_token ON sessions (old_token_hash);
CREATE INDEX IF NOT EXISTS sessions_identity ON sessions (identity_id, created_at);
CREATE INDEX IF NOT EXISTS sessions_expires ON sessions (expires_at);
CREATE INDEX IF NOT EXISTS sessions_revoked ON sessions (active, updated_at);

CREATE TABLE IF NOT EXISTS flows (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    kind             TEXT NOT NULL CHECK (length(kind) <= 16),
    type             TEXT NOT NULL CHECK (length(type) <= 16),
    state            TEXT NOT NULL CHECK (length(state) <= 32),
    active           TEXT CHECK (length(active) <= 32),
    ui               TEXT NOT NULL,
    internal         TEXT,
    request_url      TEXT NOT NULL CHECK (length(request_url) <= 2048),
    csrf_hash        TEXT CHECK (length(csrf_hash) <= 128),
    identity_id      TEXT CHECK (length(identity_id) <= 36),
    schema_id        TEXT CHECK (length(schema_id) <= 255),
    organization_id  TEXT CHECK (length(organization_id) <= 64),
    login_challenge  TEXT CHECK (length(login_challenge) <= 2048),
    refresh          INTEGER NOT NULL,
    requested_aal    TEXT CHECK (length(requested_aal) <= 8),
    submit_count     INTEGER NOT NULL,
    issued_at        INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS flows_expires ON flows (expires_at);
CREATE INDEX IF NOT EXISTS flows_identity ON flows (identity_id);

CREATE TABLE IF NOT EXISTS session_exchanges (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    flow_id          TEXT NOT NULL CHECK (length(flow_id) <= 36),
    init_hash        TEXT NOT NULL CHECK (length(init_hash) <= 128),
    return_hash      TEXT CHECK (length(return_hash) <= 128),
    session_id       TEXT CHECK (length(session_id) <= 36),
    expires_at       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    FOREIGN KEY (flow_id) REFERENCES flows (id) ON DELETE CASCADE,
    FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS session_exchanges_init ON session_exchanges (init_hash);
CREATE INDEX IF NOT EXISTS session_exchanges_flow ON session_exchanges (flow_id);
CREATE INDEX IF NOT EXISTS session_exchanges_session ON session_exchanges (session_id);
CREATE INDEX IF NOT EXISTS session_exchanges_expires ON session_exchanges (expires_at);

CREATE TABLE IF NOT EXISTS selfservice_errors (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    error            TEXT NOT NULL,
    created_at       INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS selfservice_errors_created ON selfservice_errors (created_at);

CREATE TABLE IF NOT EXISTS codes (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    flow_id          TEXT NOT NULL CHECK (length(flow_id) <= 36),
    kind             TEXT NOT NULL CHECK (length(kind) <= 32),
    address          TEXT CHECK (length(address) <= 255),
    address_id       TEXT CHECK (length(address_id) <= 36),
    identity_id      TEXT CHECK (length(identity_id) <= 36),
    code_hash        TEXT NOT NULL CHECK (length(code_hash) <= 128),
    attempts         INTEGER NOT NULL,
    used_at          INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    FOREIGN KEY (flow_id) REFERENCES flows (id) ON DELETE CASCADE,
    FOREIGN KEY (address_id) REFERENCES identity_addresses (id) ON DELETE CASCADE,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS codes_flow ON codes (flow_id);
CREATE INDEX IF NOT EXISTS codes_address ON codes (address_id);
CREATE INDEX IF NOT EXISTS codes_identity ON codes (identity_id);

CREATE TABLE IF NOT EXISTS courier_messages (
    id               TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 36),
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    status           TEXT NOT NULL CHECK (length(status) <= 16),
    via              TEXT NOT NULL CHECK (length(via) <= 16),
    recipient        TEXT NOT NULL CHECK (length(recipient) <= 320),
    template_type    TEXT NOT NULL CHECK (length(template_type) <= 64),
    sealed           TEXT NOT NULL,
    attempts         INTEGER NOT NULL,
    send_after       INTEGER NOT NULL,
    lease_owner      TEXT CHECK (length(lease_owner) <= 64),
    last_error       TEXT CHECK (length(last_error) <= 255),
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS courier_messages_due ON courier_messages (realm_id, status, send_after);
CREATE INDEX IF NOT EXISTS courier_messages_turn ON courier_messages (realm_id, recipient, status);
CREATE INDEX IF NOT EXISTS courier_messages_old ON courier_messages (updated_at);
