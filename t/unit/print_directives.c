/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/directives.md from the table that httpd's command table is made of. Needs no library; see build/docs. */
#include <stdio.h>

/* Where a line may stand, in httpd's words. */
#define SERVER "server config"
#define HOST "server config, virtual host"
#define PLACE "directory, .htaccess (`AllowOverride AuthConfig`)"
#define CONTAINER "directory"
#define HOST_OR_PLACE "server config, virtual host, directory"

#define DIRECTIVE(name, args, function, where, syntax, standard, help) { name, where, syntax, standard, help },

static const struct {
    const char *name, *where, *syntax, *standard, *help;
} DIRECTIVES[] = {
#include "../../src/site/directives_table.h"
};

static const char INTRO[] =
    "# Directives\n\n"
    "Made by `build/docs` from `src/site/directives_table.h`; do not edit.\n\n"
    "What belongs to Kratos is a setting (`KratosConfig`, `KratosSet`, [settings.md](settings.md)); what belongs to\n"
    "httpd is a directive. A mistake in either stops httpd at start, and `apachectl configtest` says where it is.\n\n"
    "```apache\n"
    "<VirtualHost *:443>\n"
    "    ServerName example.org\n"
    "    KratosDatabase sqlite3 /var/lib/kratos/kratos.sqlite\n"
    "    KratosConfig /etc/kratos/kratos.yml\n\n"
    "    <Location /auth>\n"
    "        SetHandler kratos\n"
    "    </Location>\n"
    "    <Location /members>\n"
    "        Require kratos-session\n"
    "    </Location>\n"
    "</VirtualHost>\n"
    "```\n";

static const char HANDLERS[] =
    "\n## Handlers\n\n"
    "| line | what stands there |\n|---|---|\n"
#define HANDLER(which, name, help) "| `SetHandler " name "` | " help " |\n"
#include "../../src/site/handlers_table.h"
    ;

static const char OUTRO[] =
    "\n## The gate\n\n"
    "| line | lets through |\n|---|---|\n"
    "| `Require kratos-session` | whoever has a session. Goes with `<RequireAny>`, `<RequireAll>`, `Require not` |\n"
    "| `AuthType Kratos` with `Require valid-user`, `Require user ID` | the same, by httpd's own lines |\n\n"
    "Who is signed in but not meant by `Require user` gets 401, as httpd does it, or 403 with\n"
    "`AuthzSendForbiddenOnFailure On`.\n\n"
    "With `session.whoami.required_aal: highest_available` a session of somebody who has a second factor must have\n"
    "used it. When the database does not answer, the gate answers 503: it never opens because it cannot look.\n\n"
    "The app behind the gate finds the id of the identity in `REMOTE_USER`, and:\n\n"
    "| variable | header to a proxied app | holds |\n|---|---|---|\n"
    "| `KRATOS_IDENTITY_ID` | `X-Kratos-Identity-Id` | id of the identity |\n"
    "| `KRATOS_SESSION_ID` | `X-Kratos-Session-Id` | id of the session |\n"
    "| `KRATOS_AAL` | `X-Kratos-Aal` | `aal1` or `aal2` |\n"
    "| `KRATOS_SCHEMA` | `X-Kratos-Schema` | id of the identity's schema |\n"
    "| `KRATOS_AUTHENTICATED_AT` | `X-Kratos-Authenticated-At` | when the last proof was given |\n\n"
    "A client's own `X-Kratos-*` headers are removed from every request, however they spell the hyphens.\n";

static void print_directive(int i)
{
    printf("\n## %s\n\n%s\n\n| | |\n|---|---|\n", DIRECTIVES[i].name, DIRECTIVES[i].help);
    printf("| syntax | `%s ", DIRECTIVES[i].name);
    for (const char *p = DIRECTIVES[i].syntax; *p; p++)
        printf("%s%c", *p == '|' ? "\\" : "", *p); /* a bar would end the cell */
    printf("` |\n| default | %s |\n| context | %s |\n", *DIRECTIVES[i].standard ? DIRECTIVES[i].standard : "none",
           DIRECTIVES[i].where);
}

int main(void)
{
    fputs(INTRO, stdout);
    for (size_t i = 0; i < sizeof(DIRECTIVES) / sizeof(DIRECTIVES[0]); i++) print_directive((int)i);
    fputs(HANDLERS, stdout);
    fputs(OUTRO, stdout);
    return 0;
}
