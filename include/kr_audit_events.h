/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every event of the audit stream, once: kr_audit.h makes the enum of it, src/audit/event.c the names; docs/audit.md lists them, which
 * t/unit/auditids checks. Include it with AUDIT_EVENT defined; no include guard on purpose.
 *
 * AUDIT_EVENT(id, symbol, name, SUCCESS or FAILURE). An id is never given to anything else: filters and alarms rest on it.
 */
AUDIT_EVENT(101, SIGNED_IN, "sign_in.succeeded", SUCCESS)
AUDIT_EVENT(102, SIGN_IN_FAILED, "sign_in.failed", FAILURE)
AUDIT_EVENT(103, CONFIRMED, "sign_in.confirmed", SUCCESS)
AUDIT_EVENT(111, SECOND, "second_factor.succeeded", SUCCESS)
AUDIT_EVENT(112, SECOND_FAILED, "second_factor.failed", FAILURE)
AUDIT_EVENT(121, SITE_SIGNED_IN, "site.signed_in", SUCCESS)
AUDIT_EVENT(122, OAUTH2_ACCEPTED, "oauth2.accepted", SUCCESS)
AUDIT_EVENT(123, OAUTH2_REFUSED, "oauth2.refused", FAILURE)
AUDIT_EVENT(131, EXCHANGED, "token.exchanged", SUCCESS)
AUDIT_EVENT(132, EXCHANGE_FAILED, "token.exchange_failed", FAILURE)

AUDIT_EVENT(201, SIGNED_OUT, "session.signed_out", SUCCESS)
AUDIT_EVENT(202, REVOKED, "session.revoked", SUCCESS)
AUDIT_EVENT(203, ALL_REVOKED, "session.all_revoked", SUCCESS)

AUDIT_EVENT(301, REGISTERED, "account.registered", SUCCESS)
AUDIT_EVENT(302, REGISTRATION_FAILED, "account.registration_failed", FAILURE)
AUDIT_EVENT(303, CREATED, "account.created", SUCCESS)
AUDIT_EVENT(304, CHANGED, "account.changed", SUCCESS)
AUDIT_EVENT(305, LOCKED, "account.locked", SUCCESS)
AUDIT_EVENT(306, UNLOCKED, "account.unlocked", SUCCESS)
AUDIT_EVENT(307, DELETED, "account.deleted", SUCCESS)
AUDIT_EVENT(311, VERIFIED, "address.verified", SUCCESS)
AUDIT_EVENT(312, VERIFICATION_FAILED, "address.verification_failed", FAILURE)

AUDIT_EVENT(401, PASSWORD_CHANGED, "password.changed", SUCCESS)
AUDIT_EVENT(402, FACTOR_ADDED, "factor.added", SUCCESS)
AUDIT_EVENT(403, FACTOR_REMOVED, "factor.removed", SUCCESS)
AUDIT_EVENT(404, FACTOR_REPLACED, "factor.replaced", SUCCESS)
AUDIT_EVENT(405, LINKED, "account.linked", SUCCESS)
AUDIT_EVENT(406, UNLINKED, "account.unlinked", SUCCESS)
AUDIT_EVENT(411, RESUMED, "change.resumed", SUCCESS)

AUDIT_EVENT(501, RECOVERY_BEGUN, "recovery.begun", SUCCESS)
AUDIT_EVENT(502, RECOVERED, "recovery.succeeded", SUCCESS)
AUDIT_EVENT(503, RECOVERY_FAILED, "recovery.failed", FAILURE)

AUDIT_EVENT(601, THROTTLED, "throttle.reached", FAILURE)
AUDIT_EVENT(602, THROTTLED_ALL, "throttle.overall_reached", FAILURE)
AUDIT_EVENT(603, CODES_REFUSED, "codes.refused", FAILURE)

AUDIT_EVENT(901, STARTED, "server.started", SUCCESS)
AUDIT_EVENT(902, INTERRUPTED, "stream.interrupted", FAILURE)
