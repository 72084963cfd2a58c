-- SPDX-License-Identifier: Apache-2.0
-- Forms that were sent to a guarded place and wait for their person to sign in, in parts of what one column holds. owner is a keyed hash of
-- a cookie; sealed is encrypted, and says nothing without the other columns. All parts of one form expire at once.
CREATE TABLE IF NOT EXISTS kept_posts (
    id               CHAR(36)      NOT NULL,
    part             INTEGER       NOT NULL,
    realm_id         VARCHAR(32)   NOT NULL,
    owner            VARCHAR(128)  NOT NULL,
    identity_id      CHAR(36),
    sealed           TEXT          NOT NULL,
    expires_at       BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    PRIMARY KEY (id, part),
    KEY kept_posts_expires (expires_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
