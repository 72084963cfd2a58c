/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on the buttons of the sites that people sign in with: drawn here of circles, lines and corners, so that nobody's picture is
 * copied and nothing is loaded from them. Each is a few hundred bytes of SVG in a square of 24; none has a style, which pages do not allow.
 */
#include <string.h>

#include "kr_text.h"
#include "ui.h"

#define LINES "<g fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\">"
#define WHITE "<g fill=\"none\" stroke=\"#fff\" stroke-width=\"2\">"
#define ROUND(colour) "<circle cx=\"12\" cy=\"12\" r=\"11\" fill=\"" colour "\"/>"
#define SQUARE(colour) "<rect x=\"1\" y=\"1\" width=\"22\" height=\"22\" rx=\"5\" fill=\"" colour "\"/>"

#define CAT                                                                                                            \
    "<path fill=\"currentColor\" d=\"M4 3l5 2h6l5-2v9a8 8 0 0 1-16 0z\"/>"                                                   \
    "<path stroke=\"#888\" stroke-width=\"2\" d=\"M9 11v3M15 11v3\"/>"
#define IN SQUARE("#0a66c2") WHITE "<path d=\"M7 10v8M7 5.5v2M11.5 18v-8M11.5 14a3 3 0 0 1 6 0v4\"/></g>"
/* Somebody, whoever they are. */
#define PERSON LINES "<circle cx=\"12\" cy=\"8\" r=\"4\"/><path d=\"M4 21a8 7 0 0 1 16 0\"/></g>"

static const ui_mark_t MARKS[] = {
    { "amazon", "Amazon",
      LINES "<circle cx=\"11\" cy=\"8\" r=\"4\"/><path d=\"M15 3v10\"/><path stroke=\"#f90\" d=\"M3 16c5 5 13 5 18 0\"/></g>" },
    { "apple", "Apple",
      "<path fill=\"currentColor\" d=\"M12 7.5c2-1.5 7-1.5 8.5 3-3.5 1.5-3 5.5.5 6.5-2 5-5 6-9 4.5-4 1.5-8-1-9-7.5"
      "C2.5 7 8 5 12 7.5zM12 6c0-3 2-4.5 4.5-5 0 3-1.5 5-4.5 5z\"/>" },
    { "auth0", "Auth0",
      "<path fill=\"#eb5424\" d=\"M12 1l9 4v7c0 5-4 9-9 11-5-2-9-6-9-11V5z\"/><circle cx=\"12\" cy=\"11\" r=\"4\" fill=\"#fff\"/>" },
    { "dingtalk", "DingTalk", ROUND("#1677ff") "<path fill=\"#fff\" d=\"M6 6l12 4-4 3h2l-6 6 1-4H9z\"/>" },
    { "discord", "Discord",
      "<rect x=\"1\" y=\"4\" width=\"22\" height=\"16\" rx=\"7\" fill=\"#5865f2\"/><g fill=\"#fff\"><circle cx=\"8\" cy=\"12\" r=\"2\"/>"
      "<circle cx=\"16\" cy=\"12\" r=\"2\"/></g>" },
    { "facebook", "Facebook",
      ROUND("#0866ff") "<path fill=\"none\" stroke=\"#fff\" stroke-width=\"3\" d=\"M16.5 7h-1.5a2.5 2.5 0 0 0-2.5 2.5V23M9 13h7\"/>" },
    { "github", "GitHub", CAT },
    { "github-app", "GitHub", CAT },
    { "gitlab", "GitLab", "<path fill=\"#fc6d26\" d=\"M1 14L5 3l3 7h8l3-7 4 11-11 8z\"/><path fill=\"#e24329\" d=\"M8 10h8l-4 12z\"/>" },
    { "google", "Google",
      "<g fill=\"none\" stroke-width=\"4\"><path stroke=\"#ea4335\" d=\"M6 6a8.5 8.5 0 0 1 12 0\"/>"
      "<path stroke=\"#fbbc04\" d=\"M6 18a8.5 8.5 0 0 1 0-12\"/><path stroke=\"#34a853\" d=\"M18 18a8.5 8.5 0 0 1-12 0\"/>"
      "<path stroke=\"#4285f4\" d=\"M12 12h8.5a8.5 8.5 0 0 1-2.5 6\"/></g>" },
    { "lark", "Lark",
      "<path fill=\"#00b39b\" d=\"M3 4c7 0 11 4 13 10C9 14 5 11 3 4z\"/><path fill=\"#3370ff\" d=\"M6 17c6 4 13 1 16-7-6-2-9 2-16 7z\"/>" },
    { "line", "LINE", SQUARE("#06c755") "<path fill=\"#fff\" d=\"M12 5a8 6 0 0 1 1 12l-3 3v-3a8 6 0 0 1 2-12z\"/>" },
    { "linkedin", "LinkedIn", IN },
    { "linkedin_v2", "LinkedIn", IN },
    { "microsoft", "Microsoft",
      "<path fill=\"#f25022\" d=\"M2 2h9v9H2z\"/><path fill=\"#7fba00\" d=\"M13 2h9v9h-9z\"/><path fill=\"#00a4ef\" d=\"M2 13h9v9H2z\"/>"
      "<path fill=\"#ffb900\" d=\"M13 13h9v9h-9z\"/>" },
    { "netid", "netID", ROUND("#5c9a1b") WHITE "<path d=\"M8 17V8l8 9V8\"/></g>" },
    { "patreon", "Patreon", "<g fill=\"currentColor\"><circle cx=\"15\" cy=\"9\" r=\"7\"/><path d=\"M2 2h4v20H2z\"/></g>" },
    { "salesforce", "Salesforce", "<path fill=\"#00a1e0\" d=\"M7 19a5 5 0 0 1-1-10 5 5 0 0 1 9-2 6 6 0 1 1 2 12z\"/>" },
    { "slack", "Slack",
      "<g stroke-width=\"4\" stroke-linecap=\"round\"><path stroke=\"#36c5f0\" d=\"M9 4v16\"/><path stroke=\"#e01e5a\" d=\"M4 15h16\"/>"
      "<path stroke=\"#ecb22e\" d=\"M15 4v16\"/><path stroke=\"#2eb67d\" d=\"M4 9h16\"/></g>" },
    { "spotify", "Spotify",
      ROUND("#1db954") "<g fill=\"none\" stroke=\"#000\" stroke-width=\"2\" stroke-linecap=\"round\">"
      "<path d=\"M6 9c4-1 8-1 12 1M7 13c3-1 7-1 10 1M8 16.5c3-.5 5-.5 8 1\"/></g>" },
    { "uaepass", "UAE PASS", LINES "<path d=\"M4 15a8 8 0 0 1 16 0M8 20v-5a4 4 0 0 1 8 0v5M12 15v7M7 4a10 10 0 0 1 10 0\"/></g>" },
    { "vk", "VK", SQUARE("#07f") WHITE "<path d=\"M5 8c1 5 3 8 8 8V8M19 8c-1 3-3 4-6 4 3 0 5 2 6 4\"/></g>" },
    { "x", "X", LINES "<path d=\"M20 3L4 21\"/><path stroke-width=\"4\" d=\"M5 3l14 18\"/></g>" },
    { "yandex", "Yandex", ROUND("#fc3f1d") WHITE "<path d=\"M15 19V6h-2a3.5 3.5 0 0 0 0 7h2M12 13l-4 6\"/></g>" },
};

static const ui_mark_t ANYBODY = { NULL, NULL, PERSON };

const ui_mark_t *ui_mark_of(const char *kind)
{
    for (int i = 0; i < KR_DIM(MARKS); i++)
        if (strcmp(MARKS[i].kind, kind) == 0) return &MARKS[i];
    return &ANYBODY;
}
