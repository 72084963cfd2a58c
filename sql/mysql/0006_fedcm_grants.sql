-- SPDX-License-Identifier: Apache-2.0
-- What people let other sites know of them: fields is bits (1 name, 2 e-mail address), as the browser showed them to the person. They go
-- with their identity.
CREATE TABLE IF NOT EXISTS fedcm_grants (
    identity_id      CHAR(36)      NOT NULL,
    client_id        VARCHAR(128)  NOT NULL,
    realm_id         VARCHAR(32)   NOT NULL,
    fields           INTEGER       NOT NULL,
    created_at       BIGINT        NOT NULL,
    PRIMARY KEY (identity_id, client_id),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
