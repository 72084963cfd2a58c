-- SPDX-License-Identifier: Apache-2.0
-- When a session was last used: written now and then, not with each request (mod_kratos.session.seen_every). 0: not known.
ALTER TABLE sessions
    ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
