-- SPDX-License-Identifier: Apache-2.0
-- Forms that wait for their person to sign in: as in ../mysql, whose comments hold here too.
CREATE TABLE IF NOT EXISTS kept_posts (
    id               TEXT NOT NULL CHECK (length(id) <= 36),
    part             INTEGER NOT NULL,
    realm_id         TEXT NOT NULL CHECK (length(realm_id) <= 32),
    owner            TEXT NOT NULL CHECK (length(owner) <= 128),
    identity_id      TEXT CHECK (length(identity_id) <= 36),
    sealed           TEXT NOT NULL CHECK (length(sealed) <= 65535),
    expires_at       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (id, part)
);
CREATE INDEX IF NOT EXISTS kept_posts_expires ON kept_posts (expires_at);
