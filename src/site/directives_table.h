/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every directive of the module, once: directives.c makes httpd's command table of it, t/unit/print_directives.c the
 * page docs/directives.md. Include it with DIRECTIVE defined; no include guard on purpose.
 *
 * DIRECTIVE(name, arguments as httpd counts them, function, where it may stand, syntax, default or "", help)
 */
DIRECTIVE("KratosRealm", TAKE1, set_realm, HOST_OR_PLACE, "NAME", "default",
          "In a server or virtual host: the name of the realm that is at home here; its rows in the database carry "
          "it. A virtual host that says nothing else about a realm shares the one of that name. In a Directory or "
          "Location: which realm guards this place; needed only where there are several. 1 to 32 of a-z, 0-9, _ "
          "and -.")
DIRECTIVE("KratosDatabase", TAKE_ARGV, set_database, HOST, "DRIVER PARAMS [PARAMS ...]", "",
          "Where the data is: sqlite3 and a file, or mysql and the parameters of APR's driver (host=, port=, "
          "sock=, user=, pass=, dbname=, group=). PARAMS may be file:///PATH instead: a file that holds them, read at start by root, so that "
          "a password is not in httpd's configuration, which mod_info shows. Each further PARAMS is another host to fail over to. Realms that "
          "name the same database share its connections. Virtual hosts inherit it from the server.")
DIRECTIVE("KratosDatabasePool", TAKE_ARGV, set_pool, HOST, "MIN KEEP MAX EXPIRE", "0 4 16 300",
          "Connections of each child process: opened at once, kept open, allowed in all, and the seconds after "
          "which an idle one beyond KEEP is closed.")
DIRECTIVE("KratosConfig", TAKE1, add_config, HOST, "FILE", "",
          "Settings of the realm: YAML or JSON with the keys of a kratos.yml (docs/settings.md). May be repeated; "
          "later lines win.")
DIRECTIVE("KratosSet", TAKE2, add_setting, HOST, "KEY VALUE", "",
          "One setting. Lists and objects are written as JSON, in quotes: "
          "KratosSet selfservice.allowed_return_urls \"['https://www.example.org/']\". "
          "Later lines win. What must stay secret belongs into a file of KratosConfig, or is read from a file of its own: "
          "KratosSet secrets.cookie \"['file:///etc/kratos/cookie.secret']\"; mod_info shows what stands in httpd's configuration.")
DIRECTIVE("KratosAutoMigrate", FLAG, set_auto_migrate, HOST, "On|Off", "On",
          "Make or change the tables of the database when that is needed, once across all servers: at start in a file of SQLite, by the "
          "first process that reaches it in a MySQL server. Off: "
          "requests are answered 503 until `kratosctl migrate` has been run.")
DIRECTIVE("KratosSqlDir", TAKE1, set_sql_dir, HOST, "PATH", "where `make install` put them",
          "The folder that holds the migrations, mysql/ and sqlite/.")
DIRECTIVE("KratosAllowUnbuilt", FLAG, set_allow_unbuilt, HOST, "On|Off", "Off",
          "Treat settings that the module knows but does not support yet as warnings. For trying out an existing "
          "kratos.yml, and for tests.")
DIRECTIVE("KratosTrustForwarded", FLAG, set_trust_forwarded, HOST, "On|Off", "Off",
          "Believe the X-Forwarded-Proto and X-Forwarded-Host headers of a request: of several values the last, which "
          "is that of the proxy right in front of httpd. On only where every request comes through such a proxy and it "
          "sets both. Off: scheme and host are those that reached httpd. Addresses are mod_remoteip's business.")
DIRECTIVE("KratosPages", TAKE1, set_pages, HOST, "DIR", "the pages that are built in",
          "A folder with files of your own for the built-in pages of the realm: any of layout.html, style.css, "
          "words/LANGUAGE.json and static/ (docs/pages.md). What is not there is taken from those built in. Read and "
          "checked at start: httpd does not start with a file that is broken. Virtual hosts inherit it from the server.")
DIRECTIVE("KratosAudit", TAKE1, set_audit, HOST, "FILE|off", "off",
          "The audit stream: a line of JSON for each security event, chained to the one before by a keyed hash, so that `kratosctl audit "
          "verify` tells which line was changed, added or taken away (docs/audit.md). The path is relative to ServerRoot. The file is "
          "opened at start, before httpd gives up its rights, and rotated as httpd's logs are: rename, then a graceful restart. FILE.chain "
          "beside it keeps where the chain stands. Virtual hosts inherit it from the server; realms may share a file.")
DIRECTIVE("KratosUnauthenticated", TAKE1, set_unauthenticated, PLACE, "auto|redirect|401", "auto",
          "What happens to a request that needs a session and has none. auto: people (a GET by a browser that "
          "wants a page) are sent to the login and come back, programs get 401 with a JSON error. redirect: all "
          "are sent. 401: none are.")
DIRECTIVE("KratosExport", ITERATE, add_export, PLACE, "none|default|FIELD|NAME=FIELD|user=FIELD ...",
          "id identity aal schema authenticated_at",
          "What the application is told about its visitor. Each FIELD becomes a variable KRATOS_NAME (CGI, SSI, PHP) and a "
          "request header X-Kratos-Name (proxied applications), where NAME is the field's own unless it is given: id (of the "
          "session), identity (its id), aal, schema, authenticated_at, age (seconds since that), issued_at, expires_at, traits.PATH and metadata.PATH "
          "(members by dots; what is no text comes as JSON). user=FIELD makes it the name of the user, REMOTE_USER; who has "
          "none is refused. In headers, % and bytes that are not printable ASCII are written as %XX; values with control "
          "characters, or longer than 4096 bytes then, are left out; a name of the user may have 320. Whatever clients send under "
          "these names is removed from every request; MergeTrailers On, which would let them say it afterwards, is refused.")
DIRECTIVE("KratosExportToken", TAKE12, set_export_token, PLACE, "On [AUDIENCE]|Off", "Off",
          "Tell it once more as a signed token: the header X-Kratos-Token and the variable KRATOS_TOKEN hold a JWT (ES256, good for "
          "a minute: iss, sub, sid, aal, schema, auth_time, and aud if an audience is given). Its keys are published below "
          "the base URL at /.well-known/jwks.json. For applications that others can reach past httpd.")
DIRECTIVE("KratosHideCookie", FLAG, set_hide_cookie, PLACE, "On|Off", "On for proxied applications, Off for others",
          "Keep the session's cookie (and X-Session-Token, and a bearer token that is a session's) from the application: who "
          "breaks into it must not find its visitors' sessions there. Off where the application itself asks the API with them. Unless "
          "it is said, only places that ask for a session hide it; On does so in open places, too.")
DIRECTIVE("KratosUpgradeCheck", TAKE1, set_upgrade_check, PLACE, "SECONDS", "10",
          "When the session of an upgraded connection (a WebSocket through mod_proxy) has ended, the connection is closed (over HTTP/2: the whole "
          "of it): within two seconds where this server is told of such changes (KratosSessionCache); where it is not, it looks this often. 0: it "
          "stays open for as long as its two ends like.")
DIRECTIVE("KratosKeepPost", TAKE1, set_keep_post, PLACE, "SIZE|Off", "Off",
          "A form that somebody was filling in is not lost when the gate asks them to sign in, for a second factor or for a fresh proof: it is "
          "kept, sealed, for 15 minutes, and they are asked on the way back whether to send it. SIZE is the most that is kept of a form, "
          "1k to 256k. Only for people, only for forms of this very site, without files.")
DIRECTIVE("KratosDiagnose", FLAG, set_diagnose, CONTAINER, "On|Off", "who has the key",
          "Who may see the page for owners (`SetHandler kratos-diagnose`, or diagnose among the built-in pages). Unless it is said: "
          "who adds ?key= and the key that the error log tells at each start (KR1212). On: whom the Require lines of this place "
          "let in, without a key. Off: nobody. Everybody else gets 404.")
DIRECTIVE("KratosHashing", TAKE123, set_hashing, SERVER, "SLOTS [WAIT_SECONDS [QUEUE]]", "0 10",
          "How many passwords may be hashed at once by all processes (0: one per core), how long a request waits "
          "for its turn, and how many may wait. Beyond that: 503 with Retry-After. Who waits keeps a worker of httpd: unless QUEUE says "
          "otherwise, those who hash and those who wait are a quarter of all workers together.")
DIRECTIVE("KratosSessionCache", TAKE1, set_session_cache, SERVER, "SIZE|off", "32m",
          "Memory in which the processes of this server remember sessions, so that a gate or whoami sends no statement for one that is known: "
          "1m to 4096m, some 1,000 sessions each m; it counts as used when it was. What ends or changes a session counts at once here, and within two seconds on "
          "other servers of the database; while a server cannot read what the others did, it remembers nothing. off: each request asks the "
          "database.")
