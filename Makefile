# mtagw: one Makefile, no recursion. `make help` lists the targets.
CC       ?= cc
BUILD    ?= build
PREFIX   ?= /usr/local
CSTD      = -std=c11 -D_GNU_SOURCE
WARN      = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
            -Wwrite-strings -Wundef -Wvla $(WERROR)
HARDEN    = -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fPIE
OPT      ?= -O2 -g
ASANFLAGS = -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
PKGS      = libevent libevent_openssl openssl libpq libxml-2.0 libxslt libexslt gpgme jansson libetpan opendkim
PKG_C    := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS   += $(CSTD) $(WARN) $(HARDEN) $(OPT) $(SAN) $(PKG_C) -I. -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN)
PY        = /usr/bin/python3

# Floors (HACKING.md): a folder includes only from the floors below it.
FLOOR_LIBS = office policy crypto smtp store mail base
ROLES      = smtpd router signd sender clerk
PROGRAMS   = $(BUILD)/mtagw $(BUILD)/mtagwctl $(ROLES:%=$(BUILD)/mtagw-%)

src  = $(sort $(wildcard mtagw/$(1)/*.c))
obj  = $(patsubst %.c,$(BUILD)/%.o,$(call src,$(1)))
lib  = $(1:%=$(BUILD)/lib%.a)
MAIN_SRC = $(call src,main)

# What each program may touch: door libraries are named here and nowhere else.
L_EVENT   = -levent_openssl -levent -lssl -lcrypto
L_CRYPTO  = -lcrypto
L_PG      = -lpq
L_XML     = -lexslt -lxslt -lxml2
L_GPG     = -lgpgme
L_MIME    = -letpan
L_JSON    = -ljansson

LIBS_mtagw    = base
LINK_mtagw    = $(L_EVENT) $(L_XML) $(L_JSON)
LIBS_mtagwctl = office policy store crypto mail base
LINK_mtagwctl = $(L_EVENT) $(L_PG) $(L_XML) $(L_MIME) $(L_JSON)
LIBS_smtpd    = smtp store mail base
LINK_smtpd    = $(L_EVENT) $(L_PG) $(L_MIME) $(L_JSON)
LIBS_router   = office policy crypto store mail base
LINK_router   = $(L_EVENT) $(L_PG) $(L_XML) $(L_MIME) $(L_JSON)
LIBS_signd    = crypto mail base
LINK_signd    = $(L_EVENT) $(L_GPG) $(L_MIME)
LIBS_sender   = smtp store crypto mail base
LINK_sender   = $(L_EVENT) $(L_PG) $(L_MIME) $(L_JSON)
LIBS_clerk    = store base
LINK_clerk    = $(L_EVENT) $(L_PG) $(L_JSON)

.PHONY: all run test check lint asan bench fuzz install format clean help deps
all: $(PROGRAMS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

define archive
$(BUILD)/lib$(1).a: $$(call obj,$(1))
	@mkdir -p $$(@D); rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach f,$(FLOOR_LIBS),$(eval $(call archive,$(f))))

define role
$(BUILD)/mtagw-$(1): $$(call obj,$(1)) $$(call lib,$$(LIBS_$(1)))
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LINK_$(1))
endef
$(foreach r,$(ROLES),$(eval $(call role,$(r))))

# mtagw/main holds two programs: parent*.c and ctl*.c
main_obj = $(patsubst %.c,$(BUILD)/%.o,$(filter mtagw/main/$(1)%,$(MAIN_SRC)))
$(BUILD)/mtagw: $(call main_obj,parent) $(call lib,$(LIBS_mtagw))
	$(CC) $(LDFLAGS) -o $@ $^ $(LINK_mtagw)
$(BUILD)/mtagwctl: $(call main_obj,ctl) $(call lib,$(LIBS_mtagwctl))
	$(CC) $(LDFLAGS) -o $@ $^ $(LINK_mtagwctl)

# Unit tests: tests/unit/<folder>/test_<what>.c, each its own cmocka program.
UNIT_SRC = $(sort $(wildcard tests/unit/*/test_*.c))
UNIT     = $(UNIT_SRC:%.c=$(BUILD)/%)
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(call lib,$(FLOOR_LIBS))
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(L_EVENT) $(L_PG) $(L_XML) $(L_GPG) $(L_MIME) $(L_JSON) -lopendkim
.PRECIOUS: $(BUILD)/tests/unit/%.o

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
