/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The style sheet, one rule per line. Colours are variables, set once for light and once for dark; text keeps 4.5:1 and
 * borders of fields 3:1 against what is behind them (WCAG 2.2 AA), everything to press is 44px high or more.
 */
#include <apr_strings.h>

#include "kr_crypto.h"
#include "ui.h"

static const char CSS[] =
    /* -- colours and sizes -- */
    ":root{color-scheme:light dark;--accent:#3b5bdb;--accent-deep:#2f49b3;--on-accent:#fff;--page:#f3f4f8;"
      "--card:#fff;--ink:#1b1f27;--soft:#5a6373;--line:#858e9d;--faint:#e2e5eb;--press:#f1f3f8;--bad:#b42318;"
      "--bad-back:#fef1f0;--good:#17693a;--good-back:#edf8f1;--info:#2f49b3;--info-back:#eff2fd;"
      "--shadow:0 1px 2px #1018280d,0 12px 32px -8px #1018281f}\n"
    "@media (prefers-color-scheme:dark){:root{--accent:#a3b5ff;--accent-deep:#c0ccff;--on-accent:#12172b;"
      "--page:#0f1218;--card:#181c24;--ink:#e8ebf1;--soft:#a4adbb;--line:#6f7989;--faint:#2b313c;--press:#232935;"
      "--bad:#ff9d94;--bad-back:#33191a;--good:#7fd8a2;--good-back:#13291d;--info:#b3c1ff;--info-back:#1b2239;"
      "--shadow:0 1px 2px #0006,0 12px 32px -8px #0009}}\n"
    "*,*::before,*::after{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{margin:0;min-height:100vh;min-height:100dvh;display:flex;padding:1rem;background:var(--page);"
      "color:var(--ink);font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n"

    /* -- the card -- */
    "main{width:100%;max-width:26.5rem;margin:auto;padding:2rem 1.5rem;background:var(--card);"
      "border:1px solid var(--faint);border-radius:1rem;box-shadow:var(--shadow);overflow-wrap:anywhere}\n"
    "main::before{content:'';display:block;width:2.5rem;height:.25rem;margin-bottom:1.25rem;border-radius:1rem;"
      "background:var(--accent)}\n"
    "h1{margin:0 0 1.5rem;font-size:1.625rem;line-height:1.25;font-weight:650;letter-spacing:-.015em}\n"
    "h2{margin:0 0 1rem;font-size:1.125rem;line-height:1.35;font-weight:650}\n"
    "section+section{margin-top:2rem;padding-top:2rem;border-top:1px solid var(--faint)}\n"
    "p{margin:0 0 1rem}\n"
    ".lead{font-size:1.0625rem}\n"
    ".quiet{color:var(--soft);font-weight:400}\n"
    ".small{margin:1.5rem 0 0;font-size:.875rem}\n"
    "a{color:var(--info);text-underline-offset:.15em}\n"
    "a:hover{text-decoration-thickness:2px}\n"
    "code{font:.9375em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}\n"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:2px}\n"

    /* -- fields -- */
    ".field{margin:0 0 1.25rem}\n"
    "label,.label{display:block;margin:0 0 .375rem;font-weight:550}\n"
    "input,select,button{font:inherit;color:inherit}\n"
    ".field>input,select{display:block;width:100%;min-height:3rem;padding:.625rem .875rem;background:var(--card);"
      "border:1px solid var(--line);border-radius:.625rem}\n"
    ".field>input:hover,select:hover{border-color:var(--ink)}\n"
    ".field>input:focus-visible,select:focus-visible{border-color:var(--accent);outline-offset:0}\n"
    "select{appearance:none;padding-right:2.75rem;text-overflow:ellipsis;"
      "background:var(--card) url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='12' height='8' "
      "fill='none' stroke='%237a8494' stroke-width='2' stroke-linecap='round'%3E"
      "%3Cpath d='m1 1.5 5 5 5-5'/%3E%3C/svg%3E\") "
      "no-repeat right 1rem center}\n"
    "[aria-invalid=true]{border-color:var(--bad)!important;box-shadow:inset 0 0 0 1px var(--bad)}\n"
    "input:disabled,select:disabled{background-color:var(--press);color:var(--soft)}\n"
    ".check{display:flex;align-items:center;gap:.75rem}\n"
    ".check input{flex:none;width:1.5rem;height:1.5rem;margin:0;accent-color:var(--accent)}\n"
    ".check label{flex:1;margin:0;padding:.625rem 0;font-weight:400}\n"
    ".hint{margin:.375rem 0 0;color:var(--soft);font-size:.9375rem}\n"
    ".bad{color:var(--bad)}\n"

    /* -- buttons -- */
    ".button{display:flex;align-items:center;justify-content:center;width:100%;min-height:3rem;margin:0 0 .75rem;"
      "padding:.5rem 1rem;background:var(--card);color:var(--ink);border:1px solid var(--line);border-radius:.625rem;"
      "font-weight:600;text-align:center;text-decoration:none;cursor:pointer}\n"
    ".go{margin:1.5rem 0 0}\n"
    ".button:hover{background:var(--press)}\n"
    ".primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}\n"
    ".primary:hover{background:var(--accent-deep);border-color:var(--accent-deep)}\n"
    ".button.quiet{border-color:transparent;background:none;color:var(--info);font-weight:550}\n"
    ".danger{border-color:var(--bad);color:var(--bad)}\n"
    ".button:disabled{opacity:.6;cursor:not-allowed}\n"
    "form .button:last-child,p:last-child,p>.button{margin-bottom:0}\n"
    ".or{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0;color:var(--soft);font-size:.9375rem}\n"
    ".or::before,.or::after{content:'';flex:1;border-top:1px solid var(--faint)}\n"

    /* -- messages -- */
    ".message{margin:0 0 1.5rem;padding:.75rem 1rem;border-left:.25rem solid;border-radius:.5rem}\n"
    ".message p{margin:0}\n"
    ".message p+p{margin-top:.5rem}\n"
    ".error{background:var(--bad-back);border-color:var(--bad)}\n"
    ".error,.error a{color:var(--bad)}\n"
    ".success{background:var(--good-back);border-color:var(--good);color:var(--good)}\n"
    ".info{background:var(--info-back);border-color:var(--info);color:var(--info)}\n"

    /* -- the rest -- */
    "dl{margin:0;border-top:1px solid var(--faint);font-size:.9375rem}\n"
    "dl>div{display:grid;grid-template-columns:7.25rem 1fr;gap:.125rem .75rem;padding:.75rem 0;"
      "border-bottom:1px solid var(--faint)}\n"
    "dt{color:var(--soft)}\n"
    "dd{margin:0}\n"
    "dd::first-letter{text-transform:uppercase}\n"
    ".picture{text-align:center}\n"
    ".picture img{max-width:100%;height:auto;padding:.5rem;background:#fff;border-radius:.5rem}\n"
    ".codes{display:grid;grid-template-columns:1fr 1fr;gap:.5rem;margin:0;padding:1rem;list-style:none;"
      "background:var(--press);border-radius:.625rem}\n"
    "main>.other{margin:1.5rem 0 -.625rem;padding-top:.875rem;border-top:1px solid var(--faint);color:var(--soft);"
      "text-align:center}\n"
    "main>.other+.other{margin-top:.625rem;padding-top:0;border:0}\n"
    ".other a{display:inline-block;padding:.625rem .25rem;font-weight:600}\n"
    "@media (min-width:32rem){main{padding:2.5rem}}\n"
    "@media (max-width:24rem){dl>div{grid-template-columns:1fr}}\n"
    "@media (forced-colors:active){.button,.message{border:1px solid}}\n";

const char *kr_ui_css(apr_size_t *len)
{
    *len = sizeof(CSS) - 1;
    return CSS;
}

const char *kr_ui_css_version(apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, kr_sha256_hex(pool, CSS, sizeof(CSS) - 1), 12);
}
