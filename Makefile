# mtagw: one Makefile. `make help` lists the targets; BUILD=, CC=, SAN=, OPT=, WERROR= change a build.
CC       ?= cc
BUILD    ?= build
PREFIX   ?= /usr/local
SYSCONF  ?= /etc
LIBEXEC  ?= $(PREFIX)/libexec/mtagw
MAN      ?= $(PREFIX)/share/man
CSTD      = -std=c11 -D_GNU_SOURCE
WARN      = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
            -Wwrite-strings -Wundef -Wvla $(WERROR)
HARDEN    = -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fPIE
OPT      ?= -O2 -g
ASANFLAGS = -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
PKGS      = libevent libevent_openssl openssl libpq libxml-2.0 libxslt libexslt gpgme jansson libetpan opendkim libunbound libpsl libseccomp fontconfig
PKG_C    := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS   += $(CSTD) $(WARN) $(HARDEN) $(OPT) $(SAN) $(PKG_C) -I. -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN)
# Debian's, whatever stands before it in PATH: the packages of contrib/packages belong to it.
PY        = /usr/bin/python3
PYRUN     = PYTHONDONTWRITEBYTECODE=1 MTAGW_BUILD=$(BUILD) $(PY) -s
OBJ       = $(BUILD)/obj

# Floors (HACKING.md): a folder includes only from the floors below it.
FLOOR_LIBS = office policy crypto smtp store mail base
ROLES      = smtpd router signd verify sender clerk pdfd
PROGRAMS   = $(BUILD)/mtagw $(BUILD)/mtagwctl $(ROLES:%=$(BUILD)/mtagw-%) $(BUILD)/mtagw-pdf

src  = $(sort $(wildcard mtagw/$(1)/*.c))
obj  = $(patsubst %.c,$(OBJ)/%.o,$(call src,$(1)))
lib  = $(1:%=$(BUILD)/lib%.a)

# What each program may touch: door libraries are named here and nowhere else.
L_EVENT   = -levent_openssl -levent -lssl -lcrypto
L_PG      = -lpq
L_XML     = -lexslt -lxslt -lxml2
L_GPG     = -lgpgme
L_MIME    = -letpan -lgumbo
L_JSON    = -ljansson
L_FONT    = -lfontconfig
L_JUDGES  = -lopendkim -lspf2 -lopendmarc -lpsl -lunbound
# every role; what of it a program does not use, --as-needed leaves away
L_SANDBOX = -lseccomp

LIBS_mtagw    = base
LINK_mtagw    = $(L_EVENT)
LIBS_mtagwctl = office policy crypto store mail base
LINK_mtagwctl = $(L_EVENT) $(L_PG) $(L_XML) $(L_MIME) $(L_JSON)
LIBS_smtpd    = smtp store mail base
LINK_smtpd    = $(L_EVENT) $(L_PG) $(L_MIME) $(L_JSON)
LIBS_router   = office policy crypto store mail base
LINK_router   = $(L_EVENT) $(L_PG) $(L_XML) $(L_MIME) $(L_JSON) $(L_FONT)
LIBS_signd    = crypto mail base
LINK_signd    = $(L_EVENT) $(L_GPG) $(L_MIME)
LIBS_verify   = crypto mail base
LINK_verify   = $(L_EVENT) $(L_GPG) $(L_MIME) $(L_JSON) $(L_JUDGES)
LIBS_sender   = smtp store crypto mail base
LINK_sender   = $(L_EVENT) $(L_PG) $(L_MIME) $(L_JSON) -lunbound
LIBS_clerk    = store base
LINK_clerk    = $(L_EVENT) $(L_PG) $(L_JSON)
LIBS_pdfd     = office base
LINK_pdfd     = $(L_EVENT)
LINK_all      = $(L_EVENT) $(L_PG) $(L_XML) $(L_GPG) $(L_MIME) $(L_JSON) $(L_JUDGES) $(L_SANDBOX) $(L_FONT)

.PHONY: all deps run test check lint asan bench faults fuzz fuzz-all install format format-check clean help
all: $(PROGRAMS)

$(OBJ)/%.o $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<
# The schema is taken into this object by the assembler, which names no dependency.
$(OBJ)/mtagw/store/migrate_files.o: $(wildcard mtagw/store/migrations/*.sql)

define archive
$(BUILD)/lib$(1).a: $$(call obj,$(1))
	@mkdir -p $$(@D); rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach f,$(FLOOR_LIBS),$(eval $(call archive,$(f))))

define role
$(BUILD)/mtagw-$(1): $$(call obj,$(1)) $$(call lib,$$(LIBS_$(1)))
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LINK_$(1)) $$(L_SANDBOX)
endef
$(foreach r,$(ROLES),$(eval $(call role,$(r))))

# mtagw/main holds two programs: parent*.c and ctl*.c
main_obj = $(patsubst %.c,$(OBJ)/%.o,$(filter mtagw/main/$(1)%,$(call src,main)))
$(BUILD)/mtagw: $(call main_obj,parent) $(call lib,$(LIBS_mtagw))
	$(CC) $(LDFLAGS) -o $@ $^ $(LINK_mtagw)
$(BUILD)/mtagwctl: $(call main_obj,ctl) $(call lib,$(LIBS_mtagwctl))
	$(CC) $(LDFLAGS) -o $@ $^ $(LINK_mtagwctl)
$(BUILD)/mtagw-pdf: mtagw/router/mtagw-pdf
	install -m 755 $< $@

# Unit tests: tests/unit/<folder>/test_<what>.c, each its own cmocka program. A test of a role
# links that role's files without its main.
UNIT_SRC = $(sort $(wildcard tests/unit/*/test_*.c))
UNIT     = $(UNIT_SRC:%.c=$(BUILD)/%)
ROLE_OBJ = $(filter-out %/main.o %/signd.o,$(foreach r,$(ROLES),$(call obj,$(r))))
$(BUILD)/librole.a: $(ROLE_OBJ)
	@mkdir -p $(@D); rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/librole.a $(call lib,$(FLOOR_LIBS))
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LINK_all)
.PRECIOUS: $(BUILD)/tests/unit/%.o

# Fuzz targets: tests/fuzz/fuzz_<what>.c with clang's libFuzzer, in a build folder of their own.
FUZZ = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
SECS ?= 60
FUZZING = $(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang OPT="-O1 -g" \
          SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(call lib,$(FLOOR_LIBS))
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LINK_all)
.PRECIOUS: $(BUILD)/tests/fuzz/fuzz_%.o
fuzz-all: $(FUZZ)

deps:
	contrib/install $(KINDS)

run:   ## play a working day on a private instance and stay up; ARGS=--once ends after it
	contrib/install build run
	$(MAKE) -j$$(nproc) --no-print-directory all
	@$(PYRUN) -m contrib.house.day --build $(BUILD) $(ARGS)

test:  ## unit and system tests, one summary line; ARGS= goes to pytest
	contrib/install build run test
	$(MAKE) -j$$(nproc) --no-print-directory all $(UNIT) $(BUILD)/tests/load/load
	@BUILD=$(BUILD) tests/run all $(ARGS)

check: $(UNIT) $(BUILD)/mtagw $(BUILD)/mtagw-signd $(BUILD)/mtagw-verify ## hermetic: unit tests, floors, doors, documents; no server of ours outlives it
	@BUILD=$(BUILD) tests/run check

lint:  ## static analysis, format, manual pages; zero findings
	contrib/install build test lint
	@$(MAKE) --no-print-directory $(BUILD)/mtagw $(BUILD)/mtagwctl
	@BUILD=$(BUILD) CFLAGS="$(CSTD) $(PKG_C) -I." tests/run lint

asan:  ## unit and system tests under AddressSanitizer and UBSan (roles forbid tracing, so no leak check)
	contrib/install build run test
	$(MAKE) -j$$(nproc) --no-print-directory BUILD=$(BUILD)/asan OPT=-O1\ -g SAN="$(ASANFLAGS)" all asan-units
	@BUILD=$(BUILD)/asan ASAN_OPTIONS=detect_leaks=0 tests/run all $(ARGS)
asan-units: $(UNIT) $(BUILD)/tests/load/load

fuzz:  ## T=settings SECS=60: one target; without T all of them
	contrib/install build fuzz
	+$(FUZZING) fuzz-all
	@BUILD=$(BUILD)/fuzz SECS=$(SECS) tests/run fuzz $(T)

# The load generator and what peers of the bench need of ours: tests/load.
LOAD_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/gpgfilter.c,$(sort $(wildcard tests/load/*.c))))
$(BUILD)/tests/load/load: $(LOAD_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ -lssl -lcrypto
$(BUILD)/tests/load/gpgfilter: $(BUILD)/tests/load/gpgfilter.o
	$(CC) $(LDFLAGS) -o $@ $^ $(L_GPG)
faults: ## each fault alone under 1,000 letters, each crash point alone; hours; ARGS= goes to pytest
	contrib/install build run test
	$(MAKE) -j$$(nproc) --no-print-directory all
	@MTAGW_FAULT_LETTERS=$${MTAGW_FAULT_LETTERS:-1000} MTAGW_BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -s -m pytest \
	    -s -q -p no:cacheprovider tests/system/test_faults.py tests/system/test_crash.py $(ARGS)

bench: ## speed beside Postfix, as ratios; ARGS=quick, ARGS="--only NAME,NAME", ARGS=--list
	contrib/install build run test
	$(MAKE) -j$$(nproc) --no-print-directory all $(BUILD)/tests/load/load $(BUILD)/tests/load/gpgfilter
	@$(PYRUN) -m contrib.house.bench --build $(BUILD) $(ARGS)

install: all ## into DESTDIR, PREFIX, SYSCONF, LIBEXEC, MAN
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(LIBEXEC) $(DESTDIR)$(SYSCONF)/mtagw/policies/schema \
	    $(DESTDIR)$(SYSCONF)/mtagw/templates $(DESTDIR)$(MAN)/man5 $(DESTDIR)$(MAN)/man8
	install -m 755 $(BUILD)/mtagw $(BUILD)/mtagwctl $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(ROLES:%=$(BUILD)/mtagw-%) $(BUILD)/mtagw-pdf $(DESTDIR)$(LIBEXEC)
	install -m 644 policies/*.xml $(DESTDIR)$(SYSCONF)/mtagw/policies
	install -m 644 policies/schema/* $(DESTDIR)$(SYSCONF)/mtagw/policies/schema
	install -m 644 templates/* $(DESTDIR)$(SYSCONF)/mtagw/templates
	sed 's|/usr/libexec/mtagw|$(LIBEXEC)|' contrib/mtagw.conf > $(BUILD)/mtagw.conf.sample
	install -m 644 $(BUILD)/mtagw.conf.sample contrib/mtagw-duplicate.sieve $(DESTDIR)$(SYSCONF)/mtagw
	install -m 644 mtagw/man/*.5 $(DESTDIR)$(MAN)/man5
	install -m 644 mtagw/man/*.8 $(DESTDIR)$(MAN)/man8

SOURCES = $(sort $(wildcard mtagw/*/*.[ch] tests/unit/*/*.[ch] tests/fuzz/*.[ch] tests/load/*.[ch]))
format:  ## clang-format over all of it
	clang-format -i $(SOURCES)
format-check:
	@clang-format --dry-run -Werror $(SOURCES)

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 12

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
