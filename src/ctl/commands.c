/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. Help, completion, the manual page and the parser are all made from it. */
#include "ctl.h"

/* -- options that many commands take ----------------------------------------- */

const ctl_option_t ctl_common_options[] = {
    { "--help", NULL, NULL, "tell what the command does" },
    { 0 },
};

const ctl_option_t ctl_output_options[] = {
    { "--json", NULL, NULL, "JSON instead of a table: one object a line" },
    { 0 },
};

const ctl_option_t ctl_connection_options[] = {
    { "--config", "FILE", NULL,
      "the realm's kratos.yml, as in KratosConfig; several are merged (else $KRATOS_CONFIG)" },
    { "--set", "KEY=VALUE", NULL, "one more setting, as in KratosSet; may be repeated" },
    { "--database", "'DRIVER PARAMS'", NULL, "as in KratosDatabase (else $KRATOS_DATABASE); given again, it is another host of the same database" },
    { "--realm", "NAME", NULL, "as in KratosRealm (else $KRATOS_REALM, else default)" },
    { "--sql", "DIR", NULL, "where the migrations are, as in KratosSqlDir" },
    { "--allow-unbuilt", NULL, NULL, "settings that are not supported yet are warnings" },
    { "--audit", "FILE", NULL, "write what is done into this audit stream, as KratosAudit (else $KRATOS_AUDIT)" },
    { 0 },
};

/* -- options of single commands ---------------------------------------------- */

#define LIMIT { "--limit", "N", NULL, "at most so many; 0 for all (100)" }
#define SCHEMA { "--schema", "ID", NULL, "the identity schema (the default one)" }

static const ctl_option_t MIGRATE[] = {
    { "--dry-run", NULL, NULL, "only tell how many are pending; exit status 1 when there are any" },
    { "--sql", "DIR", NULL, "where the migrations are, as in KratosSqlDir" },
    { 0 },
};

static const ctl_option_t CHECK[] = {
    { "--allow-unbuilt", NULL, NULL, "settings that are not supported yet are warnings" },
    { 0 },
};

static const ctl_option_t CREATE[] = {
    SCHEMA,
    { "--trait", "PATH=VALUE", NULL, "one trait, as in a form: name.first=Ana; may be repeated" },
    { "--traits", "JSON", NULL, "all traits as a JSON object; - reads it from standard input" },
    { "--password-stdin", NULL, NULL, "read a password from standard input, one line" },
    { "--verified", NULL, NULL, "its addresses count as verified" },
    { "--state", "STATE", "active|inactive", "active (default) or inactive: may not sign in" },
    { "--metadata-public", "JSON", NULL, "metadata that its owner and the site may read" },
    { 0 },
};

static const ctl_option_t LIST[] = {
    LIMIT,
    { "--after", "ID", NULL, "go on after this one: the last of the page before" },
    { "--identifier", "TEXT", NULL, "only those with an identifier that holds this text" },
    { 0 },
};

static const ctl_option_t DELETE[] = {
    { "--yes", NULL, NULL, "do not ask" },
    { 0 },
};

static const ctl_option_t DISABLE[] = {
    { "--end-sessions", NULL, NULL, "and sign their people out for good" },
    { 0 },
};

static const ctl_option_t REMOVE_FACTOR[] = {
    { "--keep-sessions", NULL, NULL, "leave their sessions as they are: all end without it" },
    { "--force", NULL, NULL, "even if nothing is left to sign in with" },
    { 0 },
};

static const ctl_option_t SESSION_LIST[] = {
    LIMIT,
    { "--after", "ID", NULL, "go on after this one: the last of the page before" },
    { "--identity", "ID", NULL, "only those of one identity: its id or an identifier" },
    { "--active", NULL, NULL, "only those that are neither revoked nor expired" },
    { 0 },
};

static const ctl_option_t SESSION_REVOKE[] = {
    { "--identity", "ID", NULL, "all of one identity: its id or an identifier" },
    { "--all", NULL, NULL, "all of the realm" },
    { 0 },
};

static const ctl_option_t IMPORT[] = {
    { "--format", "FORMAT", "jsonl|htpasswd", "jsonl (default) or htpasswd" },
    { "--trait", "PATH", NULL, "htpasswd: where the user name goes (the schema's first identifier of passwords)" },
    SCHEMA,
    { "--dry-run", NULL, NULL, "check every line against schema and database, and store nothing" },
    { "--update", "HOW", "skip|fail", "when an identity is there already: skip the line, or fail (default)" },
    { "--keep-going", NULL, NULL, "go on after a line that cannot be imported" },
    { "--keep-ids", NULL, NULL, "jsonl: identities keep the ids of the file" },
    { 0 },
};

static const ctl_option_t EXPORT[] = {
    { "--with-credentials", NULL, NULL, "with hashes of passwords and seeds of apps: keep the output as you keep the database" },
    { "--format", "FORMAT", "jsonl", "jsonl is the only one" },
    { 0 },
};

static const ctl_option_t TOKEN_KEY[] = {
    { "--alg", "ALG", "RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|HS256|HS384|HS512", "the algorithm (ES256)" },
    { 0 },
};

static const ctl_option_t COURIER_LIST[] = {
    LIMIT,
    { "--after", "ID", NULL, "go on after this one: the last of the page before" },
    { "--status", "STATUS", "queued|sent|abandoned", "only those that wait, were sent, or were given up" },
    { "--recipient", "ADDRESS", NULL, "only those to this address" },
    { 0 },
};

static const ctl_option_t COURIER_RETRY[] = {
    { "--abandoned", NULL, NULL, "all that were given up" },
    { 0 },
};

static const ctl_option_t COURIER_WATCH[] = {
    { "--once", NULL, NULL, "end when nothing is due any more" },
    { 0 },
};

static const ctl_option_t AUDIT_VERIFY[] = {
    { "--config", "FILE", NULL,
      "the realm's kratos.yml, as in KratosConfig; several are merged (else $KRATOS_CONFIG)" },
    { "--set", "KEY=VALUE", NULL, "one more setting, as in KratosSet; may be repeated" },
    { "--realm", "NAME", NULL, "as in KratosRealm (else $KRATOS_REALM, else default)" },
    { "--allow-unbuilt", NULL, NULL, "settings that are not supported yet are warnings" },
    { 0 },
};

/* -- commands ------------------------------------------------------------------ */

const ctl_command_t ctl_commands[] = {
    { "check", "FILE...", 1, -1, 0, CHECK, "check a kratos.yml as httpd does at its start",
      "Several files are merged, as several KratosConfig lines are.", ctl_check },
    { "migrate", "DRIVER PARAMS...", 2, -1, 0, MIGRATE, "make or change the tables of a database",
      "DRIVER and PARAMS are those of KratosDatabase. Safe while servers do the same.", ctl_migrate },

    { "identity create", "", 0, 0, CTL_CONNECTS | CTL_PRINTS, CREATE, "make an account",
      "Traits and password are checked as at registration, with the same words when they do not do. No mail is sent.",
      ctl_identity_create },
    { "identity get", "ID-OR-IDENTIFIER", 1, 1, CTL_CONNECTS | CTL_PRINTS, NULL, "show an account", NULL,
      ctl_identity_get },
    { "identity list", "", 0, 0, CTL_CONNECTS | CTL_PRINTS, LIST, "list accounts in the order of their making", NULL,
      ctl_identity_list },
    { "identity disable", "ID-OR-IDENTIFIER...", 1, -1, CTL_CONNECTS, DISABLE, "lock accounts",
      "Their sessions stop working, and work again after `identity enable` unless they were ended or have expired.",
      ctl_identity_disable },
    { "identity enable", "ID-OR-IDENTIFIER...", 1, -1, CTL_CONNECTS, NULL, "unlock accounts", NULL,
      ctl_identity_enable },
    { "identity delete", "ID...", 1, -1, CTL_CONNECTS, DELETE, "delete accounts with all that belongs to them",
      "All of them or none. Asks when standard input is a terminal; elsewhere --yes is needed.", ctl_identity_delete },

    { "identity factors", "ID-OR-IDENTIFIER", 1, 1, CTL_CONNECTS | CTL_PRINTS, NULL, "list what an account has to sign in with",
      "Each key by itself; nothing secret is shown.", ctl_identity_factors },
    { "identity remove-factor", "ID FACTOR", 2, 2, CTL_CONNECTS, REMOVE_FACTOR,
      "take a factor away, as when a phone is lost",
      "ID may be an identifier. FACTOR is totp, lookup_secret, webauthn, passkey (all keys of it), or one key as `identity factors` names it (webauthn:1f...); "
      "all-second is every second factor. All sessions of the person end, as whoever has the phone may be signed in with it, and a mail "
      "tells them of it (`mod_kratos.letters`). The last way to sign in stays, unless --force is given.",
      ctl_identity_remove_factor },

    { "session list", "", 0, 0, CTL_CONNECTS | CTL_PRINTS, SESSION_LIST, "list sessions in the order of their making",
      NULL, ctl_session_list },
    { "session revoke", "[ID...]", 0, -1, CTL_CONNECTS, SESSION_REVOKE, "end sessions", NULL, ctl_session_revoke },

    { "import", "FILE|-", 1, 1, CTL_CONNECTS, IMPORT, "make accounts out of a file",
      "JSON lines are in the shape of Kratos' own import; htpasswd files are those of mod_auth_basic. Hashes are kept, "
      "and replaced by better ones at the next sign-in. A line that cannot be imported ends the import, unless "
      "--keep-going is given; what stood before it is stored.",
      ctl_import },
    { "export", "", 0, 0, CTL_CONNECTS, EXPORT, "write all accounts as JSON lines",
      "The output is what `import` takes.", ctl_export },

    { "courier list", "", 0, 0, CTL_CONNECTS | CTL_PRINTS, COURIER_LIST, "list messages, the newest first",
      "What stands in them (codes, links) is not shown.", ctl_courier_list },
    { "courier retry", "[ID...]", 0, -1, CTL_CONNECTS, COURIER_RETRY, "queue messages anew that were given up", NULL,
      ctl_courier_retry },
    { "courier watch", "", 0, 0, CTL_CONNECTS, COURIER_WATCH, "send messages until SIGTERM or SIGINT",
      "Beside httpd, which sends too, or instead of it: no message goes out twice for that.", ctl_courier_watch },

    { "audit verify", "FILE...", 1, -1, 0, AUDIT_VERIFY, "tell whether an audit stream is as it was written",
      "Give rotated files of one stream together. Says the first line that was changed, added, moved or taken out, and whether lines miss at "
      "the end, as FILE.chain knows it; exit status 1 then. All secrets of the realm count, those of before a rotation too. Of lines of "
      "other realms the order is checked.",
      ctl_audit_verify },

    { "token-key", "[FILE]", 0, 1, 0, TOKEN_KEY, "make a key that signs tokens of sessions, as a JWK set",
      "For `session.whoami.tokenizer.templates.NAME.jwks_url`. With the FILE of such a set its keys are printed, too, and the new one stands "
      "behind them: published, but not yet signing.",
      ctl_token_key },

    { "completion", "bash|zsh|fish", 1, 1, 0, NULL, "print a completion script for a shell", NULL, ctl_completion },
    { "manual", "", 0, 0, 0, NULL, "print the manual page, as roff", NULL, ctl_manual },
    { "help", "[COMMAND]", 0, 2, 0, NULL, "tell what a command does", NULL, ctl_help_command },
    { 0 },
};
