# SPDX-License-Identifier: Apache-2.0
# One makefile; it calls itself only for another VARIANT.
## make [TARGET] [VARIANT=release|debug|asan|tsan|cov] [O=dir] [V=1] [CC=…] [CFLAGS=…]
##
## all         build gyr and its plugins below O (default: build/VARIANT)
## run         install what is missing, build, and watch this machine (GYR_RUN_SECONDS=20; as root or
##             through sudo, from /var/lib/gyr-run); where that cannot be, replay the demo captures
## check       install what is missing, build, and run every test
## check-asan  the same tests under the address and undefined-behaviour sanitizers
## check-tsan  the same tests under the thread sanitizer
## check-kernels  the tests on packaged kernels in qemu: make check-kernels [KERNELS="5.10 6.1 sid"] [SCENES="6.1"]
## count-kernels  instructions that system calls take there, with Gyr and without
## fuzz        let every parser eat mutated input: make fuzz SECONDS=600 [SEED=1]
## bench       measure replays by rule set, comparisons, the engine: make bench [CAPTURE=file] [RULES=files]
## bench-live  what watching this machine costs the watched: by turns without and with (root) [ROUNDS=20]
## rules-page  make docs/rules-coverage.md of rules/: what they cover, false positives, lists to tune
## lint        formatting, clang-tidy, cppcheck, shellcheck (what is there), our own checks
## format      clang-format every .c and .h
## kmod        build the kernel module into O/kmod [KDIR=/lib/modules/…/build]
## objects     compile everything, link nothing: for a compiler of another architecture
## install     DESTDIR=, prefix=/usr/local (BUILT=1: what is built, as it is)
## uninstall   what install put there, but for the configuration
## deps        install the packages the build needs
## tests       build the tests, do not run them
## clean       remove O
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
ifeq ($(filter-out 0,$(MAKELEVEL))$(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(or $(shell nproc 2>/dev/null),2)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/sh

top     := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
V       ?= 0
VARIANT ?= release
O       ?= $(top)/build/$(VARIANT)
DESTDIR ?=
prefix  ?= /usr/local
sysconfdir ?= $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)
bindir  ?= $(prefix)/bin
libdir  ?= $(prefix)/lib
datadir ?= $(prefix)/share
plugindir  ?= $(libdir)/gyr/plugins
includedir ?= $(prefix)/include
mandir     ?= $(datadir)/man
# what systemd reads, whatever libdir is
unitdir    ?= $(prefix)/lib/systemd/system
docdir  ?= $(datadir)/doc/gyr
sdkdir   = $(datadir)/gyr/sdk
# sources of kernel modules, where DKMS looks for them
usrsrcdir ?= $(if $(filter /usr /usr/local,$(prefix)),/usr,$(prefix))/src

CC         := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
CXX        := $(if $(filter default undefined,$(origin CXX)),g++,$(CXX))
AR         := $(if $(filter default undefined,$(origin AR)),ar,$(AR))
INSTALL    ?= install
PKG_CONFIG ?= pkg-config
CPPFLAGS   ?=
CFLAGS     ?= -O2 -g
CXXFLAGS   ?= -O2 -g
LDFLAGS    ?=

WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wwrite-strings \
        -Wcast-align -Wimplicit-fallthrough -Werror=return-type
CWARN := -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
         -Werror=implicit -Werror=incompatible-pointer-types
HARD := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
v_cflags.release := $(HARD)
v_cflags.debug := -O0 -g3
v_cflags.asan  := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
v_cflags.tsan  := -O1 -fsanitize=thread -fno-omit-frame-pointer
v_cflags.cov   := -O0 --coverage
v_ldflags.release := -Wl,-z,relro,-z,now
v_ldflags.debug :=
v_ldflags.asan := -fsanitize=address,undefined
v_ldflags.tsan := -fsanitize=thread
v_ldflags.cov  := --coverage
SECONDS    ?= 60
SEED       ?= 1
ifeq ($(filter release debug asan tsan cov,$(VARIANT)),)
$(error VARIANT must be one of: release debug asan tsan cov)
endif

incs     := -I$(top)/sdk -I$(top)/core -I$(top)/plugins/common -I$(O)/gen
common   := $(WARN) $(v_cflags.$(VARIANT)) $(incs) -D_GNU_SOURCE $(CPPFLAGS)
cc_flags := -std=gnu17 $(CFLAGS) $(CWARN) $(common)
cxx_flags := -std=c++17 $(CXXFLAGS) $(common)
pl_flags := -fPIC -fvisibility=hidden
ld_flags := $(LDFLAGS) $(v_ldflags.$(VARIANT)) -Wl,--as-needed
# -z defs: a plugin that leans on a core symbol must not link. Sanitizer runtimes live in the
# executable, so the check is for the plain variants.
,        := ,
so_defs  := $(if $(filter release debug,$(VARIANT)),-Wl$(,)-z$(,)defs)
core_libs := -lmicrohttpd -lyaml -ljansson -lre2 -lstdc++ -ldl -lpthread -lm
test_libs := -lcmocka -lssl -lcrypto
q   := $(if $(filter 1,$(V)),,@)
say  = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(O)/%,%,$@)';)

# ---- what there is: a folder of sources is a plugin, a .c under tests/unit is a test ----
core_src  := $(filter-out %/main.c,$(wildcard $(top)/core/*/*.c))
core_cxx  := $(wildcard $(top)/core/*/*.cc)
common_src := $(wildcard $(top)/plugins/common/*/*.c)
plug_dirs := $(wildcard $(top)/plugins/sources/*/ $(top)/plugins/enrichers/*/ $(top)/plugins/outputs/*/)
plug_dirs := $(patsubst %/,%,$(foreach d,$(plug_dirs),$(if $(wildcard $(d)*.c),$(d))))
plug_src   = $(filter-out %.bpf.c,$(wildcard $(1)/*.c))
# messages of protobuf: a .proto becomes C in gen/
protos    := $(wildcard $(top)/plugins/enrichers/*/*.proto $(top)/tests/e2e/*.proto)
proto_obj  = $(patsubst %.proto,$(O)/obj/gen/%.pb-c.$(2),$(notdir $(wildcard $(1)/*.proto)))
test_src  := $(wildcard $(top)/tests/unit/test_*.c)
testlib_src := $(wildcard $(top)/tests/lib/*.c)
# the live test: a program that makes every call, one that it executes, and an enricher that writes
# what comes
live_src  := $(filter-out %/tap.c %/tally.c %/leaf.c %/cost.c,$(wildcard $(top)/tests/live/*.c))
# Before there is a compiler (it is installed in this very run), the machine's own name serves.
machine   := $(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m)-linux-gnu)
live      := $(if $(filter x86_64-%,$(machine)),$(addprefix $(O)/live/,drive leaf tap.so tally.so cost))
obj        = $(patsubst $(top)/%.c,$(O)/obj/%.$(2),$(1))

core_obj  := $(call obj,$(core_src),o) $(patsubst $(top)/%.cc,$(O)/obj/%.o,$(core_cxx))
main_obj  := $(call obj,$(top)/core/cli/main.c,o)
plugins   := $(foreach d,$(plug_dirs),$(O)/plugins/$(notdir $(d)).so)
tests     := $(patsubst $(top)/tests/unit/%.c,$(O)/tests/%,$(test_src))
benches   := $(patsubst $(top)/tests/bench/%.c,$(O)/bench/%,$(wildcard $(top)/tests/bench/bench_*.c))
guests    := $(patsubst $(top)/tests/kernels/guest/%.c,$(O)/guest/%,$(wildcard $(top)/tests/kernels/guest/*.c))
KDIR      ?= /lib/modules/$(shell uname -r)/build
module_dir = $(usrsrcdir)/gyr-$(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' $(top)/plugins/sources/kmod/module/dkms.conf)
KERNELS   ?= 5.10 6.1 6.12 trixie-backports sid
SCENES    ?= 6.1
fuzzers   := $(patsubst $(top)/tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard $(top)/tests/fuzz/fuzz_*.c))
helpers   := $(patsubst $(top)/tests/e2e/%.c,$(O)/e2e/%,$(wildcard $(top)/tests/e2e/*.c))
# scripts that are tests; the fuzzers among them are built with sanitizers whatever the variant
scripts   := $(wildcard $(top)/tests/sdk/test_*.sh) $(wildcard $(top)/tests/tools/test_*.sh) \
             $(wildcard $(top)/tests/rules/test_*.sh) $(wildcard $(top)/tests/e2e/test_*.sh) \
             $(wildcard $(top)/tests/benign/test_*.sh) $(wildcard $(top)/tests/kernels/test_*.sh) \
             $(wildcard $(top)/tests/live/test_*.sh) \
             $(if $(filter tsan,$(VARIANT)),,$(wildcard $(top)/tests/fuzz/test_*.sh))
fuzz_O    := $(if $(filter asan,$(VARIANT)),$(O),$(O)/asan)
demo      := $(top)/tests/captures/seed.scap.gz $(top)/tests/captures/attacks.scap.gz
rules     := $(wildcard $(top)/rules/*.yaml)
presets   := $(wildcard $(top)/plugins/outputs/*/presets/*.yaml)
man_pages := $(wildcard $(top)/docs/man/*.[0-9])
# shell:the file that it looks for
completions := bash:bash-completion/completions/gyr zsh:zsh/site-functions/_gyr fish:fish/vendor_completions.d/gyr.fish
c_files    = $(shell cd $(top) && git ls-files -co --exclude-standard '*.c' '*.h' '*.cc')

.PHONY: all run check check-asan check-tsan check-kernels count-kernels fuzz fuzzers fuzzers-asan bench bench-live rules-page lint format help deps \
        install uninstall kmod tests objects clean
all: $(O)/bin/gyr $(plugins)
objects: $(core_obj) $(main_obj) $(call obj,$(common_src) $(foreach d,$(plug_dirs),$(call plug_src,$(d))),pic.o) \
  $(foreach d,$(plug_dirs),$(call proto_obj,$(d),pic.o))
tests: $(tests) $(helpers) $(live)
fuzzers: $(fuzzers)

# These goals install what is missing before the first file is compiled.
want_deps := $(if $(filter run check check-% count-% fuzz bench deps,$(MAKECMDGOALS)),deps)
deps:
	$(q)sh $(top)/packaging/install-deps.sh

# In a user's clone that user could change plugins and rules, so root gets a copy of its own.
run_dir   := /var/lib/gyr-run
run: all
	$(q)rm -rf $(O)/run
	$(q)$(MAKE) --no-print-directory install DESTDIR=$(O)/run prefix=$(run_dir)
	$(q)GYR=$(O)/bin/gyr GYR_STAGE=$(O)/run GYR_RUN_DIR=$(run_dir) GYR_RULES=$(top)/rules \
	  sh $(top)/packaging/run.sh $(demo)

check: all tests $(guests) $(if $(filter tsan,$(VARIANT)),,fuzzers-asan)
	$(q)cd $(top) && GYR_TOP=$(top) GYR_BUILD=$(O) GYR=$(O)/bin/gyr GYR_FUZZ=$(fuzz_O)/fuzz \
	  GYR_VARIANT=$(VARIANT) CC='$(CC)' CXX='$(CXX)' \
	  sh tests/tools/run-tests.sh -l $(O)/test-logs $(tests) $(scripts)
# A variant keeps its own folder, so that the four can stand side by side.
check-asan check-tsan: check-%: $(want_deps)
	$(q)$(MAKE) --no-print-directory VARIANT=$* O=$(top)/build/$* check
# Each ends with a table; 77: nothing could be tried, which it said.
in_kernels = sh $(top)/tests/kernels/check.sh -b $(O) -d $(top)/build/kernels $(1) || test $$? -eq 77
check-kernels: all $(guests) $(live) $(O)/e2e/alert_rows
	$(q)$(if $(KERNELS),$(call in_kernels,$(KERNELS)),:)
	$(q)$(if $(SCENES),$(call in_kernels,-e $(SCENES)),:)
count-kernels: all $(guests)
	$(q)$(call in_kernels,-c $(KERNELS))
fuzzers-asan: | $(want_deps)
	$(q)$(MAKE) --no-print-directory VARIANT=asan O=$(fuzz_O) fuzzers
fuzz: fuzzers-asan
	$(q)sh $(top)/tests/fuzz/test_fuzz.sh $(fuzz_O)/fuzz -t $(SECONDS) -s $(SEED)
rules-page:
	$(q)cd $(top) && sh tests/tools/rules-page.sh >docs/rules-coverage.md.new && mv docs/rules-coverage.md.new docs/rules-coverage.md
bench: all $(benches)
	$(q)cd $(top) && GYR=$(O)/bin/gyr sh tests/tools/bench.sh '$(CAPTURE)' $(RULES)
	$(q)for b in $(benches); do printf '\n%s\n' "$$(basename $$b)" && $$b || exit 1; done
bench-live: all $(O)/live/cost
	$(q)cd $(top) && GYR=$(O)/bin/gyr GYR_BUILD=$(O) sh tests/tools/bench-live.sh
lint:
	$(q)cd $(top) && sh tests/tools/lint.sh $(c_files)
format:
	$(q)cd $(top) && clang-format -i $(c_files)
help:
	@sed -n 's/^## \{0,1\}//p' $(top)/Makefile

# Rebuild everything when the flags change: the stamp's text is the flags.
$(O)/flags: FORCE | $(want_deps)
	@mkdir -p $(@D); printf '%s\n' '$(CC) $(cc_flags) $(ld_flags)' > $@.new; \
	  cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@
.PHONY: FORCE
FORCE:

$(O)/obj/%.o: $(top)/%.c $(O)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(cc_flags) -MMD -MP -c $< -o $@
$(O)/obj/%.o: $(top)/%.cc $(O)/flags
	$(call say,CXX)mkdir -p $(@D) && $(CXX) $(cxx_flags) -MMD -MP -c $< -o $@
$(O)/obj/%.pic.o: $(top)/%.c $(O)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(cc_flags) $(pl_flags) -MMD -MP -c $< -o $@
# the same plugin source again, for static linking into tests: its query symbol gets its name
$(O)/obj/%.static.o: $(top)/%.c $(O)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(cc_flags) -DGYR_STATIC=$(notdir $(patsubst %/,%,$(dir $<))) -MMD -MP -c $< -o $@

# `gyr plugin new` has its templates built in: gen/templates.h, a string for each file
templates := $(wildcard $(top)/sdk/templates/*.in)
$(O)/gen/templates.h: $(templates)
	$(call say,GEN)mkdir -p $(@D) && for f in $(templates); do printf 'static const char template_%s[] =\n' \
	  "$$(basename "$$f" .in | tr .- __)"; sed -e 's/[\\"]/\\&/g; s/^/    "/; s/$$/\\n"/' "$$f"; echo '    ;'; done > $@
$(O)/obj/core/cli/plugin_new.o: | $(O)/gen/templates.h

$(O)/lib/libcore.a: $(core_obj)
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^
$(O)/lib/libplugins.a: $(call obj,$(common_src),o) $(call obj,$(foreach d,$(plug_dirs),$(call plug_src,$(d))),static.o) \
  $(foreach d,$(plug_dirs),$(call proto_obj,$(d),o))
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^
$(O)/lib/libtest.a: $(call obj,$(testlib_src),o)
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

$(O)/bin/gyr: $(main_obj) $(O)/lib/libcore.a
	$(call say,LD)mkdir -p $(@D) && $(CC) $(ld_flags) $^ $(core_libs) -o $@

# libs.mk of a plugin: common.<name> := folders of plugins/common; libs.<name> := -l…
-include $(wildcard $(addsuffix /libs.mk,$(plug_dirs)))
# eBPF programs: compiled for the kernel, and made a header that its plugin includes.
CLANG    ?= clang
BPFTOOL  ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
bpf_arch := $(if $(filter aarch64%,$(machine)),arm64,x86)
bpf_cpp   = $(addprefix -I,$(wildcard /usr/include/$(machine) /usr/$(machine)/include))
bpf_flags = -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-function -I$(top)/plugins/common $(bpf_cpp)
bpf_src  := $(wildcard $(top)/plugins/sources/*/*.bpf.c)
bpf_skel := $(patsubst $(top)/plugins/sources/%.bpf.c,$(O)/gen/%.skel.h,$(bpf_src))
$(O)/obj/%.bpf.o: $(top)/%.bpf.c $(O)/flags
	$(call say,BPF)mkdir -p $(@D) && $(CLANG) $(bpf_flags) -D__TARGET_ARCH_$(bpf_arch) -MMD -MP -c $< -o $@
$(O)/gen/%.skel.h: $(O)/obj/plugins/sources/%.bpf.o
	$(call say,SKEL)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name $(basename $(basename $(notdir $@)))_bpf > $@
$(foreach k,$(bpf_skel),$(eval $(call obj,$(call plug_src,$(patsubst $(O)/gen/%/,$(top)/plugins/sources/%,$(dir $(k)))),o) \
  $(call obj,$(call plug_src,$(patsubst $(O)/gen/%/,$(top)/plugins/sources/%,$(dir $(k)))),pic.o) \
  $(call obj,$(call plug_src,$(patsubst $(O)/gen/%/,$(top)/plugins/sources/%,$(dir $(k)))),static.o): | $(k)))

# What a plugin's messages are made of lies beside its sources; whoever includes them waits for them.
PROTOC_C ?= protoc-c
define proto_rule
$(O)/gen/$(notdir $(1:.proto=)).pb-c.c: $(1) | $(want_deps)
	$$(call say,PROTO)mkdir -p $$(@D) && $(PROTOC_C) $(addprefix -I,$(sort $(dir $(protos)))) --c_out=$$(@D) $(1)
$(O)/gen/$(notdir $(1:.proto=)).pb-c.h: $(O)/gen/$(notdir $(1:.proto=)).pb-c.c ;
$(foreach k,o pic.o static.o,$(call obj,$(call plug_src,$(patsubst %/,%,$(dir $(1)))),$(k))): | $(O)/gen/$(notdir $(1:.proto=)).pb-c.h
endef
$(foreach p,$(protos),$(eval $(call proto_rule,$(p))))
$(call obj,$(test_src) $(wildcard $(top)/tests/fuzz/*.c $(top)/tests/e2e/*.c),o): | $(patsubst %.proto,$(O)/gen/%.pb-c.h,$(notdir $(protos)))
$(O)/obj/gen/%.pic.o: $(O)/gen/%.c $(O)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(cc_flags) $(pl_flags) -MMD -MP -c $< -o $@
$(O)/obj/gen/%.o: $(O)/gen/%.c $(O)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(cc_flags) -MMD -MP -c $< -o $@

define plugin_rule
$(O)/plugins/$(notdir $(1)).so: $(call obj,$(call plug_src,$(1)) $(foreach c,$(common.$(notdir $(1))),$(wildcard $(top)/plugins/common/$(c)/*.c)),pic.o) $(call proto_obj,$(1),pic.o) $(top)/sdk/plugin.map
	$$(call say,PLUGIN)mkdir -p $$(@D) && $(CC) -shared $$(ld_flags) $$(so_defs) \
	  -Wl,--version-script=$(top)/sdk/plugin.map $$(filter %.o,$$^) $$(libs.$(notdir $(1))) -o $$@
endef
$(foreach d,$(plug_dirs),$(eval $(call plugin_rule,$(d))))

$(O)/tests/%: $(O)/obj/tests/unit/%.o $(O)/lib/libtest.a $(O)/lib/libplugins.a $(O)/lib/libcore.a
	$(call say,TEST)mkdir -p $(@D) && $(CC) $(ld_flags) $^ $(foreach d,$(plug_dirs),$(libs.$(notdir $(d)))) $(core_libs) $(test_libs) -o $@

# what a script needs of C: apart from the core, which it looks at from outside
$(O)/e2e/%: $(O)/obj/tests/e2e/%.o
	$(call say,HELPER)mkdir -p $(@D) && $(CC) $(ld_flags) $^ -ljansson -lz -lssl -lcrypto -lpthread -o $@
$(O)/e2e/k8s_api: $(patsubst %,$(O)/obj/tests/lib/%.o,k8s_server k8s_answer k8s_certs)

# what kubelet does: with our client of gRPC
$(O)/gen/crirun.pb-c.c: $(top)/plugins/enrichers/containerd/cri.proto
$(O)/obj/gen/crirun.pb-c.o: | $(O)/gen/cri.pb-c.h
$(O)/e2e/cri_run: $(O)/obj/tests/e2e/cri_run.o $(O)/obj/gen/crirun.pb-c.o $(O)/obj/gen/cri.pb-c.o $(call obj,$(wildcard $(top)/plugins/common/grpc/*.c),o)
	$(call say,HELPER)mkdir -p $(@D) && $(CC) $(ld_flags) $^ -lnghttp2 -lprotobuf-c -o $@

# No sanitizer: it would make calls of its own between those that are told.
live_flags := -std=gnu17 -O1 -g $(WARN) $(CWARN) $(incs) -D_GNU_SOURCE
$(O)/live/drive: $(live_src) $(top)/plugins/common/syscall/syscall.c $(wildcard $(top)/tests/live/*.h) $(O)/flags
	$(call say,LIVE)mkdir -p $(@D) && $(CC) $(live_flags) $(filter %.c,$^) -o $@
$(O)/live/leaf: $(top)/tests/live/leaf.c $(O)/flags
	$(call say,LIVE)mkdir -p $(@D) && $(CC) $(live_flags) -nostdlib -static $< -o $@
$(O)/live/cost: $(top)/tests/live/cost.c $(O)/flags
	$(call say,LIVE)mkdir -p $(@D) && $(CC) $(live_flags) $< -lbpf -o $@
$(O)/live/%.so: $(top)/tests/live/%.c $(top)/tests/live/shown.h $(wildcard $(top)/sdk/gyr/*.h) $(O)/flags
	$(call say,LIVE)mkdir -p $(@D) && $(CC) $(live_flags) $(pl_flags) -shared $< -o $@

$(O)/bench/%: $(O)/obj/tests/bench/%.o $(O)/lib/libtest.a $(O)/lib/libplugins.a $(O)/lib/libcore.a
	$(call say,BENCH)mkdir -p $(@D) && $(CC) $(ld_flags) $^ $(foreach d,$(plug_dirs),$(libs.$(notdir $(d)))) $(core_libs) $(test_libs) -o $@
$(O)/guest/%: $(O)/obj/tests/kernels/guest/%.o
	$(call say,GUEST)mkdir -p $(@D) && $(CC) $(ld_flags) $^ -lbpf -o $@
$(O)/fuzz/%: $(O)/obj/tests/fuzz/%.o $(O)/obj/tests/fuzz/driver.o $(O)/lib/libtest.a $(O)/lib/libplugins.a $(O)/lib/libcore.a
	$(call say,FUZZ)mkdir -p $(@D) && $(CC) $(ld_flags) $^ $(foreach d,$(plug_dirs),$(libs.$(notdir $(d)))) $(core_libs) -lz -o $@

# gyr-sdk.pc finds its prefix by itself, so that what was installed may be moved as a whole.
abi_version := $(shell awk '$$2 ~ /^GYR_ABI_M(AJOR|INOR)$$/ { v = v s $$3 + 0; s = "." } END { print v }' $(top)/sdk/gyr/plugin.h)
in_prefix = $(patsubst $(prefix)/%,$${prefix}/%,$(1))
$(O)/gyr-sdk.pc: $(top)/sdk/gyr-sdk.pc.in $(top)/core/base/version.h $(top)/sdk/gyr/plugin.h FORCE
	$(q)sed -e 's,@up@,$(shell realpath -m --relative-to=$(libdir)/pkgconfig $(prefix)),' \
	  $(foreach d,includedir plugindir sdkdir docdir bindir,-e 's,@$(d)@,$(call in_prefix,$($(d))),') -e 's,@abi@,$(abi_version),' \
	  -e "s,@version@,$$(sed -n 's/^.define GYR_VERSION "\(.*\)"/\1/p' $(top)/core/base/version.h)," $< > $@

# install(1) replaces a file and never writes into it: a running gyr keeps the one it mapped.
sdk_examples := $(patsubst %/,%,$(wildcard $(top)/sdk/examples/*/))
sdk_docs  := $(addprefix $(top)/docs/,abi.md plugins.md)
install: $(if $(BUILT),,all) $(O)/gyr-sdk.pc
	$(q)$(INSTALL) -d $(addprefix $(DESTDIR),$(bindir) $(plugindir)/presets $(includedir)/gyr $(datadir)/gyr/rules $(datadir)/gyr/schemas $(sysconfdir)/gyr \
	  $(libdir)/pkgconfig $(docdir) $(sdkdir)/captures $(unitdir))
	$(q)$(INSTALL) -m 644 $(O)/gyr-sdk.pc $(DESTDIR)$(libdir)/pkgconfig/
	$(q)$(INSTALL) -m 644 $(top)/sdk/plugin.map $(DESTDIR)$(sdkdir)/
	$(q)$(INSTALL) -m 644 $(demo) $(DESTDIR)$(sdkdir)/captures/
	$(q)$(INSTALL) -m 644 $(sdk_docs) $(DESTDIR)$(docdir)/
	$(q)for d in $(notdir $(sdk_examples)); do $(INSTALL) -d $(DESTDIR)$(sdkdir)/examples/$$d && \
	  $(INSTALL) -m 644 $(top)/sdk/examples/$$d/* $(DESTDIR)$(sdkdir)/examples/$$d/ || exit 1; done
	$(q)$(INSTALL) -m 755 $(O)/bin/gyr $(DESTDIR)$(bindir)/
	$(q)$(INSTALL) -m 644 $(plugins) $(DESTDIR)$(plugindir)/
	$(q)$(INSTALL) -m 644 $(presets) $(DESTDIR)$(plugindir)/presets/
	$(q)$(INSTALL) -m 644 $(wildcard $(top)/sdk/gyr/*.h) $(DESTDIR)$(includedir)/gyr/
	$(q)$(INSTALL) -m 644 $(rules) $(DESTDIR)$(datadir)/gyr/rules/
	$(q)$(INSTALL) -m 644 $(wildcard $(top)/schemas/*.json) $(DESTDIR)$(datadir)/gyr/schemas/
	$(q)sh $(top)/packaging/kmod.sh $(DESTDIR)$(module_dir)
	$(q)test -e $(DESTDIR)$(sysconfdir)/gyr/gyr.yaml || \
	  $(INSTALL) -m 644 $(top)/packaging/gyr.yaml $(DESTDIR)$(sysconfdir)/gyr/gyr.yaml
	$(q)sed 's,^ExecStart=/usr/bin/,ExecStart=$(bindir)/,' $(top)/packaging/gyr.service >$(O)/gyr.service
	$(q)$(INSTALL) -m 644 $(O)/gyr.service $(DESTDIR)$(unitdir)/
	$(q)for p in $(man_pages); do \
	  $(INSTALL) -D -m 644 $$p $(DESTDIR)$(mandir)/man$${p##*.}/$${p##*/} || exit 1; done
	$(q)for c in $(completions); do \
	  $(O)/bin/gyr completion $${c%%:*} >$(O)/completion || { echo "no completion: gyr does not run here"; break; }; \
	  $(INSTALL) -D -m 644 $(O)/completion $(DESTDIR)$(datadir)/$${c#*:} || exit 1; done
# What the user may have changed (gyr.yaml) or added stays, and the folders it stands in.
uninstall:
	$(q)rm -f $(DESTDIR)$(bindir)/gyr $(addprefix $(DESTDIR)$(plugindir)/,$(notdir $(plugins)))
	$(q)rm -f $(addprefix $(DESTDIR)$(plugindir)/presets/,$(notdir $(presets)))
	$(q)rm -f $(addprefix $(DESTDIR)$(includedir)/gyr/,$(notdir $(wildcard $(top)/sdk/gyr/*.h)))
	$(q)rm -f $(addprefix $(DESTDIR)$(datadir)/gyr/rules/,$(notdir $(rules)))
	$(q)rm -f $(addprefix $(DESTDIR)$(datadir)/gyr/schemas/,$(notdir $(wildcard $(top)/schemas/*.json)))
	$(q)rm -f $(DESTDIR)$(unitdir)/gyr.service
	$(q)for p in $(man_pages); do rm -f $(DESTDIR)$(mandir)/man$${p##*.}/$${p##*/}; done
	$(q)for c in $(completions); do rm -f $(DESTDIR)$(datadir)/$${c#*:}; done
	$(q)rm -rf $(DESTDIR)$(sdkdir)
	$(q)rm -f $(DESTDIR)$(libdir)/pkgconfig/gyr-sdk.pc $(addprefix $(DESTDIR)$(docdir)/,$(notdir $(sdk_docs)))
	$(q)rm -rf $(DESTDIR)$(module_dir)
	$(q)for d in $(docdir) $(plugindir)/presets $(plugindir) $(libdir)/gyr $(includedir)/gyr $(datadir)/gyr/rules $(datadir)/gyr/schemas $(datadir)/gyr; do \
	  rmdir $(DESTDIR)$$d 2>/dev/null || :; done

clean:
	rm -rf $(O)

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
