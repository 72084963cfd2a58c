/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `SetHandler` of ours may name, once: handlers.c finds names in it, t/unit/print_directives.c makes a part of
 * docs/directives.md of it, and httpd/handler.c says who answers. Include it with HANDLER defined; no include guard on purpose.
 *
 * HANDLER(which, name, what stands there)
 */
HANDLER(KR_HANDLER_API, "kratos", "the API; the place is the path of `serve.public.base_url`")
HANDLER(KR_HANDLER_PAGES, "kratos-ui", "the built-in pages; the `ui_url` settings name them")
HANDLER(KR_HANDLER_OWNERS, "kratos-diagnose", "the page for owners, see `KratosDiagnose` and [doctor.md](doctor.md)")
HANDLER(KR_HANDLER_METRICS, "kratos-metrics", "what is counted, for Prometheus and its kind: whoever the `Require` lines there let in sees it, see [howto/metrics.md](howto/metrics.md)")
