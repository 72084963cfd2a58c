# SPDX-License-Identifier: Apache-2.0
# Builds libkratos.a (all rooms but those of httpd), mod_kratos.so and the unit tests.
#
#   make            the library and the module, in build/out
#   make unit       build and run t/unit
#   make SAN=1 ...  the same with AddressSanitizer and UBSan, in build/san
#   make COV=1 ...  the same counting which lines are run, in build/cov
#   make install    into httpd's module directory and PREFIX (/usr/local); DESTDIR and MODULEDIR count
#   make check      everything: unit, HTTP on both databases, conformance, browser
#
# Handy while working: OUT=/tmp/mine puts objects elsewhere, ROOMS="base crypto" builds these rooms only,
# TESTS="test_base" runs these tests only.

APXS   := build/apxs
PREFIX ?= /usr/local
SHARE  ?= $(PREFIX)/share/kratos
MANDIR ?= $(PREFIX)/share/man
ROOMS ?= base shared crypto webauthn net jsonnet template schema config provider store audit identity outbox courier oauth2 session flow method hook api ui
# What of the module knows httpd.
HTTPD_ROOMS := site gate doctor httpd

CFLAGS_WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wno-sign-conversion -Wvla \
               -Wformat -Werror=format-security -Werror

ifeq ($(SAN),1)
OUT         ?= build/san
CFLAGS_OPT  := -g1 -O1 -fno-omit-frame-pointer -fsanitize=address,undefined
LDFLAGS_OPT := -fsanitize=address,undefined
else ifeq ($(COV),1)
OUT         ?= build/cov
CFLAGS_OPT  := -g1 -O0 --coverage -fprofile-update=atomic
LDFLAGS_OPT := --coverage
else
OUT         ?= build/out
CFLAGS_OPT  := -g -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS_OPT := -Wl,-z,relro -Wl,-z,now
endif

# Asked once per run of make, not once per use.
APR_CFLAGS   := $(shell apr-1-config --includes --cppflags) $(shell apu-1-config --includes)
HTTPD_CFLAGS := $(shell $(APXS) cflags)

KR_CFLAGS = -std=gnu11 -fPIC -pthread $(CFLAGS_OPT) $(CFLAGS_WARN) -Iinclude $(APR_CFLAGS) -DKR_SQL_DIR='"$(SHARE)/sql"' -MMD -MP $(CFLAGS)
KR_LIBS   = -ljansson -lssl -lcrypto -largon2 -lcrypt -lyaml -lcurl -lpcre2-8 -lsqlite3 -lunistring -lidn2 -lcjose -ljsonnet \
            -lcbor -loath -lqrencode -lpng \
            -laprutil-1 -lapr-1 -lm -lpthread

LIB_SRC   := $(foreach room,$(ROOMS),$(sort $(wildcard src/$(room)/*.c)))
HTTPD_SRC := $(wildcard mod_kratos.c) $(foreach room,$(HTTPD_ROOMS),$(sort $(wildcard src/$(room)/*.c)))
CTL_SRC   := $(sort $(wildcard src/ctl/*.c))
TESTS     ?= $(patsubst t/unit/%.c,%,$(sort $(wildcard t/unit/test_*.c)))

LIB_OBJ   := $(LIB_SRC:%.c=$(OUT)/obj/%.o)
HTTPD_OBJ := $(HTTPD_SRC:%.c=$(OUT)/obj/%.o)
CTL_OBJ   := $(CTL_SRC:%.c=$(OUT)/obj/%.o)
TEST_BIN  := $(TESTS:%=$(OUT)/unit/%)
# A net of a test's own takes the place of the real one: where it is included, and nowhere else.
NET_OBJ   := $(OUT)/obj/t/unit/lib/provider_env.o
TEST_OBJ  := $(filter-out $(NET_OBJ),$(patsubst %.c,$(OUT)/obj/%.o,$(sort $(wildcard t/unit/lib/*.c))))

LIB    := $(OUT)/libkratos.a
TESTLIB := $(OUT)/libtest.a
MODULE := $(OUT)/mod_kratos.so
CTL    := $(OUT)/kratosctl

.PHONY: all lib unit unit-programs flags install check clean kratosctl FORCE
.SECONDARY:
.DELETE_ON_ERROR:

all: $(LIB) $(if $(wildcard mod_kratos.c),$(MODULE)) $(if $(CTL_SRC),$(CTL))

lib: $(LIB)

# The list of objects is a prerequisite: an object whose source is gone must leave the library. However OUT is spelled, the list is the same:
# or a make of the tests would write a module anew that servers are just loading.
$(OUT)/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(LIB_OBJ:$(OUT)/%=%)' | cmp -s - $@ || echo '$(LIB_OBJ:$(OUT)/%=%)' > $@

$(LIB): $(LIB_OBJ) $(OUT)/objects
	@rm -f $@
	ar rcs $@ $(LIB_OBJ)

# httpd resolves its own functions when it loads the module; our library's names stay inside.
$(MODULE): $(HTTPD_OBJ) $(LIB)
	$(CC) -shared -pthread $(LDFLAGS_OPT) $(LDFLAGS) -Wl,--as-needed -Wl,--exclude-libs,ALL -o $@ \
	    $(HTTPD_OBJ) $(LIB) $(KR_LIBS)

kratosctl: $(if $(CTL_SRC),$(CTL))

$(CTL): $(CTL_OBJ) $(LIB)
	$(CC) -pthread $(LDFLAGS_OPT) $(LDFLAGS) -o $@ $(CTL_OBJ) $(LIB) $(KR_LIBS)

$(HTTPD_OBJ): KR_CFLAGS += $(HTTPD_CFLAGS)

# The assembler puts the pages' files in; the compiler does not know of them.
PAGES := $(wildcard src/ui/pages/*.* src/ui/pages/words/*.json)
$(OUT)/obj/src/ui/builtin.o: $(PAGES)
$(OUT)/obj/src/method/scripts.o: src/method/webauthn.js src/method/fedcm.js

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(KR_CFLAGS) -c -o $@ $<

# What tests share: each takes of it what it asks for.
$(OUT)/obj/t/unit/%.o: KR_CFLAGS += -It/unit/lib

$(TESTLIB): $(TEST_OBJ)
	@rm -f $@
	ar rcs $@ $(TEST_OBJ)

$(OUT)/unit/%: $(OUT)/obj/t/unit/%.o $(TESTLIB) $(LIB)
	@mkdir -p $(@D)
	$(CC) -pthread $(LDFLAGS_OPT) $(LDFLAGS) -o $@ $(filter %.o,$^) $(TESTLIB) $(LIB) $(KR_LIBS) -lcmocka

# What fills a database for those who measure: t/bench/fill asks for it.
$(OUT)/bench/fill: $(OUT)/obj/t/bench/fill.o $(LIB)
	@mkdir -p $(@D)
	$(CC) -pthread $(LDFLAGS_OPT) $(LDFLAGS) -o $@ $< $(LIB) $(KR_LIBS)

# What fuzzers feed, and what a test replays from files; t/fuzz/run builds it once more, by clang, and asks for these.
FUZZ_OBJ := $(patsubst %.c,$(OUT)/obj/%.o,$(filter-out t/fuzz/main.c,$(sort $(wildcard t/fuzz/*.c))))
$(OUT)/unit/test_fuzz_seeds: $(FUZZ_OBJ)

$(patsubst t/unit/%.c,$(OUT)/unit/%,$(shell grep -l provider_env.h t/unit/*.c)): $(NET_OBJ)

flags:
	@echo "KR_CFLAGS='-std=gnu11 -Iinclude $(APR_CFLAGS)' KR_LIBS='$(KR_LIBS)'"

# The tool is no part of the library: its test takes its objects, but for main.
$(OUT)/unit/test_ctl: $(filter-out %/main.o,$(CTL_OBJ))

# Only built; build/check runs some of them by itself.
unit-programs: $(TEST_BIN)

# All tests run even when one fails, so that one run shows everything that is broken.
unit: $(TEST_BIN)
	@failed=; \
	t/unit/layers || failed=layers; \
	t/unit/answers || failed="$$failed answers"; \
	t/unit/logids || failed="$$failed logids"; \
	t/unit/auditids || failed="$$failed auditids"; \
	t/unit/guarantees || failed="$$failed guarantees"; \
	t/unit/settings_read || failed="$$failed settings_read"; \
	t/unit/migrations || failed="$$failed migrations"; \
	for t in $(TEST_BIN); do \
	    echo "== $${t##*/}"; $$t || failed="$$failed $${t##*/}"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed: $$failed" >&2; exit 1; fi

# The module where httpd looks for it, what it reads where KR_SQL_DIR says, beside it the tool with its manual page and
# completions, and the example configuration.
install: all
	$(APXS) install $(MODULE)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SHARE)/sql/mysql $(DESTDIR)$(SHARE)/sql/sqlite $(DESTDIR)$(SHARE)/conf/schemas \
	    $(DESTDIR)$(SHARE)/conf/fail2ban/filter.d $(DESTDIR)$(SHARE)/conf/fail2ban/jail.d
	install -m 755 $(CTL) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 644 docs/kratosctl.8 $(DESTDIR)$(MANDIR)/man8
	$(CTL) completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/kratosctl
	$(CTL) completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_kratosctl
	$(CTL) completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/kratosctl.fish
	install -d $(DESTDIR)$(SHARE)/pages/words
	install -m 644 sql/mysql/*.sql $(DESTDIR)$(SHARE)/sql/mysql
	install -m 644 sql/sqlite/*.sql $(DESTDIR)$(SHARE)/sql/sqlite
	install -m 644 src/ui/pages/layout.html src/ui/pages/style.css $(DESTDIR)$(SHARE)/pages
	install -m 644 src/ui/pages/words/*.json $(DESTDIR)$(SHARE)/pages/words
	install -m 644 conf/schemas/*.json $(DESTDIR)$(SHARE)/conf/schemas
	install -m 644 conf/fail2ban/filter.d/kratos.conf $(DESTDIR)$(SHARE)/conf/fail2ban/filter.d
	install -m 644 conf/fail2ban/jail.d/kratos.conf $(DESTDIR)$(SHARE)/conf/fail2ban/jail.d
	install -m 644 $(wildcard conf/*.load conf/*.conf conf/*.yml) $(DESTDIR)$(SHARE)/conf

check:
	build/check

clean:
	rm -rf build/out build/san build/cov build/fuzz

-include $(LIB_OBJ:.o=.d) $(HTTPD_OBJ:.o=.d) $(FUZZ_OBJ:.o=.d) $(CTL_OBJ:.o=.d) $(TESTS:%=$(OUT)/obj/t/unit/%.d) $(TEST_OBJ:.o=.d) $(NET_OBJ:.o=.d)
