-- SPDX-License-Identifier: Apache-2.0
-- What is good once only, and what only one account may have.
--
-- identity_credentials.spent: how much of the credential is used up, in its kind's own counting (of an authenticator app the last time
-- step, of keys and spare codes how often one was used); whoever uses it compares and raises it in one statement. flows.spent: how many
-- challenges of the flow are used up. Neither is written by those who only store what they read.
ALTER TABLE identity_credentials
    ADD COLUMN spent BIGINT NOT NULL DEFAULT 0;

ALTER TABLE flows
    ADD COLUMN spent BIGINT NOT NULL DEFAULT 0;

-- Security keys and passkeys, by the hash of their ids: no two accounts of a realm hold the same one.
CREATE TABLE IF NOT EXISTS identity_keys (
    realm_id         VARCHAR(32)   NOT NULL,
    key_hash         CHAR(64)      NOT NULL,
    credential_id    CHAR(36)      NOT NULL,
    PRIMARY KEY (realm_id, key_hash),
    KEY identity_keys_credential (credential_id),
    FOREIGN KEY (credential_id) REFERENCES identity_credentials (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
