# SPDX-License-Identifier: GPL-2.0-only
#
# vprime: builds, tests and installs. "make help" lists the targets.

.DEFAULT_GOAL := module
.DELETE_ON_ERROR:
SHELL := /bin/sh

Q := $(if $(V),,@)
# A number of jobs of our own choice, unless the caller made one.
jobs = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
again = $(MAKE) --no-print-directory
# The same from the beginning, in a world that may have another make: nothing is handed on but what it is told.
anew = $(MAKE) --no-print-directory $(if $(V),V=1) \
	$(foreach v,CFLAGS LDFLAGS CONFIG_VPRIME CONFIG_VPRIME_TESTS CONFIG_VPRIME_VGEM, \
		$(if $(filter command,$(firstword $(origin $v))),'$v=$($v)'))
cache := $(or $(XDG_CACHE_HOME),$(or $(HOME),/root)/.cache)/vprime
# The one place that says which version this is.
version := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

.PHONY: help
help: ## list the targets and the variables
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16
	@echo
	@echo 'KVER=RELEASE  kernel release that make builds the module for ($(or $(KVER),none found))'
	@echo 'KERNEL=6.1|6.12|newest  guest kernel (run, shell: one that is there; fuzz, soak: 6.12; test, bench, check: all)'
	@echo 'WORLD=host|debian-13|debian-13-desktop  root file system of the guests (6.1, 6.12: host; newest: debian-13)'
	@echo 'MINUTES=N  how long make soak takes (60)'
	@echo 'STEPS=N, SEED=N  how many steps make fuzz takes (100000), and from which seed (a new one)'
	@echo 'TEST=PROGRAM[@SUBTEST]  tests that make test and test-debug run, the subtest may have a * (all)'
	@echo 'COUNT=1  make bench counts the instructions of short operations instead of timing all'
	@echo 'MUTANT=NAME  mistakes that make mutants makes (all)'
	@echo 'IMAGE=FILE.png  picture for make run (a test card)'
	@echo 'V=1  show the commands'

# ---- the module ---------------------------------------------------------------------------------

# Installed headers come first, those of the guest kernels in the cache serve as well, but for the newest, which take a
# world to compile in.
installed := $(shell (cd /lib/modules 2>/dev/null && for m in */; do \
	if [ -e "$${m}build/Makefile" ]; then echo "$${m%/}"; fi; done) | sort -V)
cached := $(shell cat "$(cache)"/kernel/6.*/release 2>/dev/null | sort -V)
KVER ?= $(or $(lastword $(installed)),$(lastword $(cached)))

# A kernel without these has nothing for the module to be built on: those for the cloud.
needs := DRM

# Build the module in the folder "$2" for the release "$1", with more arguments "$3" for kbuild.
#
# Kbuild writes next to the sources, and each release must have its objects to itself: so it works
# in a folder of links to the sources. It also cannot stand blanks in a path; then a link in the
# cache stands for this folder. Modules get no BTF: it would need the vmlinux that headers often lack. So it does not
# matter that pahole, which writes it, is not here, or not in the kernel's version.
#
# A kernel of our own making (debug) links to one of those that have been built (debug-HASH): they have one release,
# and its objects are of no use for another of them.
define build_module
set -e; \
if [ -z '$1' ]; then \
	echo 'vprime: no kernel headers here: run tools/vm/setup, or install those of your kernel (apt-get install linux-headers-'$$(uname -r)')' >&2; exit 1; \
fi; \
for headers in "$(cache)/headers/$(SUITE)/lib/modules/$1/build" '/lib/modules/$1/build' "$(cache)"/kernel/*/lib/modules/'$1'/build; do \
	case $$headers in "$(cache)"/kernel/*-*/lib/modules/*) continue ;; esac; \
	[ ! -e "$$headers/Makefile" ] || break; \
done; \
if [ ! -e "$$headers/Makefile" ]; then \
	echo 'vprime: no headers of $1: run tools/vm/setup for the guest kernels, or apt-get install linux-headers-$1' >&2; exit 1; \
fi; \
for option in $(needs); do \
	if ! grep -q "^CONFIG_$$option=" "$$headers/include/config/auto.conf"; then \
		echo "vprime: $1 has no CONFIG_$$option" >&2; exit 1; \
	fi; \
done; \
if ! command -v gcc >/dev/null; then \
	echo 'vprime: no compiler: run tools/vm/setup build' >&2; exit 1; \
fi; \
if [ "$$(cat '$2/headers' 2>/dev/null)" != "$$(realpath "$$headers")" ]; then rm -rf '$2'; fi; \
mkdir -p '$2'; \
realpath "$$headers" >'$2/headers'; \
find '$2' -xtype l -delete; \
find Kbuild dkms.conf $(wildcard drm gem memory prime fence include igt-tests/kernel) -type f \
		\( -name '*.[ch]' -o -name '*.sh' -o -name Kbuild -o -name dkms.conf \) | while IFS= read -r file; do \
	if [ ! -L '$2'/"$$file" ]; then \
		mkdir -p "$$(dirname '$2'/"$$file")"; ln -sr "$$file" '$2'/"$$file"; \
	fi; \
done; \
here=$$PWD; \
case $$here in \
*[\ :]*) \
	here="$(cache)/checkout-$$(printf %s "$$PWD" | cksum | cut -d' ' -f1)"; \
	mkdir -p "$(cache)"; ln -sfn "$$PWD" "$$here" ;; \
esac; \
$(MAKE) $(if $(V),V=1,-s) $(jobs) -C "$$headers" M="$$here/$2" W=1 CONFIG_DEBUG_INFO_BTF_MODULES= \
	'CONFIG_PAHOLE_VERSION=$$(PAHOLE_VERSION)' \
	CONFIG_VPRIME=$(CONFIG_VPRIME) CONFIG_VPRIME_TESTS=$(CONFIG_VPRIME_TESTS) CONFIG_VPRIME_VGEM=$(CONFIG_VPRIME_VGEM) $3 modules
endef

# The tests that run inside the kernel are built beside the module, and never installed.
CONFIG_VPRIME_TESTS ?= $(if $(wildcard igt-tests/kernel),m)

# So is the one that takes the place of the kernel's vgem; the package vgem-dkms builds only that.
CONFIG_VPRIME_VGEM ?= m
CONFIG_VPRIME ?= m

# With the + kbuild has its share of the jobs that make was called with, as DKMS does.
.PHONY: module
module: ## build build/KVER/vprime.ko (the default), and vgem.ko
	$(Q)+$(call build_module,$(KVER),build/$(KVER),)

# ---- programs -----------------------------------------------------------------------------------

# They are built for a world, with its compiler and libraries: this machine's own into build/host, those of another, by
# a make in that world (tools/vm/in-world), into build/WORLD.
#
# A program P is tools/P.c or all of tools/P/*.c, with all of tools/common/*.c; a test P is igt-tests/SUBJECT/P.c
# and all of igt-tests/SUBJECT/P/*.c, with all of igt-tests/lib/*.c, or a script igt-tests/SUBJECT/P.sh. Each folder of
# igt-tests is a subject, except those that are not programs: lib, kernel, mutants.
programs := demo bench testcard pixels missing-sync vprimectl soak
program_sources = $(wildcard tools/$1.c tools/$1/*.c tools/common/*.c)
test_sources := $(filter-out $(addprefix igt-tests/,lib/% kernel/% mutants/%),$(wildcard igt-tests/*/*.c))
tests := $(sort $(basename $(notdir $(test_sources))))
test_scripts := $(filter-out igt-tests/lib/%,$(wildcard igt-tests/*/*.sh))
scripts := $(basename $(notdir $(test_scripts)))
test_library := $(wildcard igt-tests/lib/*.c)
sessions := $(filter-out %/screencast %/known-breaches,$(wildcard igt-tests/programs/*))
built := build/$(or $(WORLD),host)
# Each becomes build/WORLD/bin/igt/P, whatever its subject.
$(foreach t,$(tests),$(if $(word 2,$(filter %/$t.c,$(test_sources))), \
	$(error vprime: tests of the same name: $(filter %/$t.c,$(test_sources)))))
object = $(patsubst %.c,$(built)/obj/%.o,$1)

# Of commands and attributes they say what the sources say.
man_pages := vprimectl.8 vprime.4 missing-sync.1
$(built)/man/%: man/%.in man/fill dkms.conf $(built)/bin/vprimectl $(wildcard include/uapi/drm/*.h drm/*.c)
	@mkdir -p $(@D)
	$(Q)man/fill $< '$(version)' $(built)/bin/vprimectl >$@

present := $(foreach p,$(programs),$(if $(wildcard tools/$p.c tools/$p/*.c),$p))
packages := libdrm gbm egl glesv2 libpng
# Asked once, and only when something is compiled.
package_cflags = $(eval package_cflags := $(shell pkg-config --cflags $(packages)))$(package_cflags)
package_libs = $(eval package_libs := $(shell pkg-config --libs $(packages)))$(package_libs)

CFLAGS ?= -O2 -g
program_cflags = -std=gnu11 $(CFLAGS) -Wall -Wextra -Werror=implicit-function-declaration \
	-Iinclude/uapi -Itools/common -Iigt-tests -Iigt-tests/lib $(package_cflags) -pthread -MMD -MP

.PHONY: programs
programs: tools igt ## build the demo, the benchmark and the tests into build/host/bin

.PHONY: tools igt
tools: $(present:%=$(built)/bin/%) $(man_pages:%=$(built)/man/%)
	@:
igt: $(patsubst %,$(built)/bin/igt/%,$(tests) $(scripts)) $(patsubst %,$(built)/subtests/%,$(tests) $(scripts))
	@:

# What each is made of, for who runs them where starting a program takes long.
$(built)/subtests/%: $(built)/bin/igt/%
	@mkdir -p $(@D)
	$(Q)$< --list-subtests >$@ 2>/dev/null </dev/null || rm -f $@

.PHONY: pkg-config
pkg-config:
	@pkg-config --exists $(packages) 2>/dev/null || \
		{ echo 'vprime: libraries are missing: run tools/vm/setup programs' >&2; exit 1; }

$(built)/obj/%.o: %.c Makefile | pkg-config
	@mkdir -p $(@D)
	$(Q)$(CC) $(program_cflags) -c -o $@ $<

$(built)/obj/tools/vprimectl/main.o: program_cflags += -DVERSION='"$(version)"'
$(built)/obj/tools/vprimectl/main.o: dkms.conf

define program_rule
$(built)/bin/$1: $(call object,$(call program_sources,$1)) | pkg-config
	@mkdir -p $$(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--as-needed $$(package_libs) -lm -pthread
endef
$(foreach p,$(present),$(eval $(call program_rule,$p)))

# Debian has IGT's library without the link that -ligt looks for.
$(tests:%=$(built)/bin/igt/%): $(built)/bin/igt/%: $(call object,$(test_library)) | pkg-config
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed -Wl,--allow-shlib-undefined \
		-l:libigt.so.0 $(package_libs) -lm -pthread

define test_rule
$(built)/bin/igt/$(notdir $1): $(call object,$1.c $(wildcard $1/*.c))
endef
$(foreach t,$(basename $(test_sources)),$(eval $(call test_rule,$t)))

define script_rule
$(built)/bin/igt/$(basename $(notdir $1)): $1
	@mkdir -p $$(@D)
	$(Q)install -m 755 $$< $$@
endef
$(foreach s,$(test_scripts),$(eval $(call script_rule,$s)))
# Its subtests are the pages.
$(built)/subtests/docs: tools/check-docs $(wildcard *.md docs/*.md)

.SECONDARY:
-include $(shell find $(built)/obj -name '*.d' 2>/dev/null)

# ---- in a guest ---------------------------------------------------------------------------------

# What lib.sh knows of kernels and worlds.
lib = $(shell . tools/vm/lib.sh; $1)
# Asked once, and only by what needs it: it may fetch one.
one_kernel = $(eval one_kernel := $(or $(KERNEL),$(shell tools/vm/setup --any)))$(one_kernel)
kernels = $(or $(KERNEL),$(call lib,echo $$all_kernels))
busy_kernel = $(or $(KERNEL),6.12)
desktop_kernels = $(call lib,echo $$desktop_kernels)
world_of = $(call lib,built_for $(or $(WORLD),$$(world_of $1)))
# Guests of tools/vm/run and tools/vm/test have it by themselves, unless it is chosen.
export VPRIME_WORLD := $(WORLD)

# All that running in a guest takes, for the kernels "$1": set-up of the groups "$2", the module, and the targets "$3"
# of this file for each of their worlds.
define prepare
set -e; \
[ -n '$(strip $1)' ] || exit 1; \
for kernel in $1; do tools/vm/setup --kernel $$kernel build kernel guest $2; done; \
$(if $(WORLD),tools/vm/setup --world $(WORLD) --world $(call lib,built_for $(WORLD));) \
. tools/vm/lib.sh; \
for kernel in $1; do \
	tools/vm/in-world "$$(world_of $$kernel)" \
		$(anew) module WORLD= KVER="$$(tools/vm/setup --release $$kernel)"; \
done; \
for world in $(sort $(foreach k,$1,$(call world_of,$k))); do $(call build_for,$$world,$3) || exit; done
endef

# Programs "$2" of this file for the world "$1", from nothing where that is another one than the last time.
define build_for
{ root=$$(world_root $1) || die 125 "no world $1 in $$cache: run tools/vm/setup --world $1"; } && \
{ [ "$$(cat build/$1/root 2>/dev/null)" = "$$root" ] || rm -rf build/$1; } && \
mkdir -p build/$1 && \
echo "$$root" >build/$1/root && \
tools/vm/in-world $1 $(anew) -j$(shell nproc) $2 WORLD=$1
endef

# The world with compositors, and what its tests take of ours, where tests "$1" (none: all) run real programs. Without set -e:
# its failure is asked for.
define prepare_desktop
. tools/vm/lib.sh; \
case '$(strip $(filter $(desktop_kernels),$(kernels))) '$1 in \
' '*) ;; \
*' ' | *programs*) \
	tools/vm/setup --world debian-13 --world $$desktop_world && \
	world=$$(built_for $$desktop_world) && \
	$(call build_for,$$world,tools) ;; \
esac
endef

.PHONY: run
run: export IMAGE := $(value IMAGE)
run: ## the demo in a guest: IMAGE passes from GPU to GPU; see out/demo.png and out/timeline.svg
	$(Q)$(call prepare,$(one_kernel),programs,tools)
	$(Q)if [ -e "$$IMAGE" ]; then IMAGE=$$(realpath -- "$$IMAGE"); fi; \
	tools/vm/run --kernel $(one_kernel) --out out $${IMAGE:+--visible "$$IMAGE"} -- \
		tools/vm/guest-demo $${IMAGE:+--image "$$IMAGE"}

# So many guests of a kernel share all tests. Those of the newest have two processors, take longer, and begin.
shares := $(shell nproc)
sharing = $(patsubst %,%/$(shares),$(filter newest,$(kernels))) $(patsubst %,%/$(shares)x1,$(filter-out newest,$(kernels)))

# The tests that put many threads or processes to one thing; the rest tell KCSAN nothing. And others that are worth
# a second processor where most have one. All but the sweeps of faults meet two on the newest.
racing := prime_race fence_race prime_fault fence_unplug vgem_sharing fuzz_prime@together mistakes
parallel := $(racing) device_unplug_busy fence_busy fence_unload soak

.PHONY: test
test: export TEST := $(value TEST)
test: ## all tests on all kernels; ends with "N passed, M failed, K skipped"
	$(Q)$(call prepare,$(kernels),programs igt,programs)
	@# All other tests run without that world.
	$(Q)( $(call prepare_desktop,"$$TEST") ) || export VPRIME_NO_DESKTOP=1; \
	if [ -n "$$TEST" ]; then tools/vm/test "$(kernels)" "$$TEST"; else \
		VPRIME_PARALLEL_TESTS='$(parallel)' \
			tools/vm/test "$(strip $(sharing))"; fi

# Mesa takes a tenth of the time of all tests there, and asks nothing of the module that others do not.
.PHONY: test-debug
test-debug: export TEST := $(value TEST)
test-debug: ## all tests on a kernel with every check, the racing ones on one with KCSAN (built at first)
	$(Q)$(call prepare,$(if $(TEST),$(or $(KERNEL),debug),debug kcsan),programs igt,programs)
	$(Q)if [ -n "$$TEST" ]; then tools/vm/test "$(or $(KERNEL),debug)" "$$TEST"; else \
		VPRIME_KCSAN_TESTS='$(racing)' VPRIME_PARALLEL_TESTS='$(parallel)' VPRIME_LEFT_OUT='demo docs prime_gl' \
			tools/vm/test "kcsan debug/$$(($(shares) + 1))x1"; fi

.PHONY: test-table
test-table: ## put the numbers of the last make test, make test-debug and make check-kernels into docs/results.md
	$(Q)tools/vm/test-table docs/results.md

.PHONY: mutants
mutants: export MUTANT := $(value MUTANT)
mutants: ## break the module in one way after another (igt-tests/mutants): each must be caught
	$(Q)$(call prepare,$(shell tools/vm/mutants $(KERNEL:%=--kernel %) --kernels $(MUTANT)),programs igt,programs)
	$(Q)tools/vm/mutants $(KERNEL:%=--kernel %) $$MUTANT

.PHONY: fuzz
fuzz: STEPS := $(or $(STEPS),100000)
fuzz: SEED := $(or $(SEED),$(shell date +%s))
fuzz: ## random steps against a model, in a guest: STEPS of them from SEED, a new one each time
	$(Q)$(call prepare,$(busy_kernel),programs igt,igt)
	@echo 'seed $(SEED)'
	$(Q)tools/vm/run --kernel $(busy_kernel) --name fuzz --timeout $$((900 + $(STEPS) / 50)) -- \
		sh -c 'tools/vm/load-vprime && exec build/$(call world_of,$(busy_kernel))/bin/igt/fuzz_prime --seed $(SEED) --steps $(STEPS) \
			--run-subtest sequence,together'

.PHONY: bench
bench: ## compare with stock vgem, in a guest with both
	$(Q)$(call prepare,$(kernels),programs,tools)
	$(Q)for kernel in $(kernels); do \
		tools/vm/run --kernel $$kernel $(if $(COUNT),--count,--fast-strings) --timeout 1800 --out out/bench -- \
			tools/vm/guest-bench $(if $(COUNT),--counted) || exit; \
	done

.PHONY: soak
soak: ## many processes share for MINUTES (60), in a guest: nothing may hang, go wrong or grow
	$(Q)$(call prepare,$(busy_kernel),programs,tools)
	$(Q)tools/vm/run --kernel $(busy_kernel) --out out/soak \
		--timeout $$(($(or $(MINUTES),60) * 66 + 1800)) -- \
		tools/vm/guest-soak --minutes $(or $(MINUTES),60)

.PHONY: deb
deb: ## build Debian packages into build/deb: the module for DKMS, programs, the header, vgem
	$(Q)tools/vm/setup --world packaging
	$(Q)tools/vm/in-world packaging tools/vm/build-deb build/deb

.PHONY: test-deb
test-deb: deb ## install, load, upgrade and remove the packages in bare Debian 12 and 13; ends with a count as make test
	$(Q)for kernel in $(kernels); do tools/vm/setup --kernel $$kernel guest kernel || exit; done
	@# vprime-vm runs in its own kernel on this machine, whatever the others.
	$(Q)$(if $(filter host,$(or $(WORLD),host)),tools/vm/setup --kernel 6.12 build kernel guest)
	$(Q)tools/vm/setup --world bare-12 --world bare-13
	$(Q)tools/vm/test-deb "$(kernels)"

.PHONY: shell
shell: ## an interactive guest with the module loaded
	$(Q)$(call prepare,$(one_kernel),programs,tools)
	$(Q)tools/vm/run --kernel $(one_kernel) --interactive --name shell -- tools/vm/guest-shell

# ---- on this machine ----------------------------------------------------------------------------

PREFIX ?= /usr/local
running := $(shell uname -r)
dkms := $(shell PATH="$$PATH:/usr/sbin" command -v dkms)
dkms_name = -m vprime -v $(version)
dkms_source = $(DESTDIR)/usr/src/vprime-$(version)
under := $(DESTDIR)$(PREFIX)
driconf = $(DESTDIR)/usr/share/drirc.d/60-vprime.conf
rules = $(DESTDIR)/usr/lib/udev/rules.d/72-vprime.rules
documents = $(under)/share/doc/vprime
# What vprime-vm takes with it.
vm_files := data/60-vprime.conf data/72-vprime.rules $(addprefix tools/vm/,archive.sh debian-13.packages \
	debian-13-desktop.packages guest-init guest-root in-world initrd kernel-report lib.sh load-vprime run setup vprime-vm)

# What make tools has built, and what belongs to it: FILE:PLACE:MODE.
tool_files := build/host/bin/vprimectl:sbin/vprimectl:755 build/host/bin/missing-sync:bin/missing-sync:755 \
	completions/vprimectl:share/bash-completion/completions/vprimectl:644 \
	$(foreach p,$(man_pages),build/host/man/$p:share/man/man$(lastword $(subst ., ,$p))/$p:644)
unit = $(under)/lib/systemd/system/vprime.service
field = $(word $1,$(subst :, ,$2))

.PHONY: install
install: install-module install-header install-files ## install the module (through DKMS where it is there), the header, files for Mesa and udev, vprime-vm, and what make tools has built
	$(Q)$(if $(wildcard build/host/bin/vprimectl),$(again) install-tools)

.PHONY: install-module
install-module:
ifneq ($(dkms),)
	$(Q)if [ -n "$$(dkms status $(dkms_name))" ]; then dkms remove $(dkms_name) --all; fi
endif
	$(Q)rm -rf "$(dkms_source)"
	$(Q)$(again) install-source
ifneq ($(dkms),)
	$(Q)dkms install $(dkms_name) -k $(running)
else
	$(Q)$(again) module KVER=$(running) CONFIG_VPRIME_TESTS= CONFIG_VPRIME_VGEM=
	@# Nobody but the distribution has the key that its kernel's configuration signs modules with.
	$(Q)$(MAKE) -s -C /lib/modules/$(running)/build M="$$PWD/build/$(running)" CONFIG_MODULE_SIG_ALL= \
		INSTALL_MOD_DIR=updates $(if $(DESTDIR),INSTALL_MOD_PATH="$(DESTDIR)") modules_install
	$(Q)$(if $(DESTDIR),,/sbin/depmod $(running))
endif

# What DKMS builds from, and vprime-vm, in the folder $(dkms_source).
.PHONY: install-source
install-source:
	$(Q)mkdir -p "$(dkms_source)"
	$(Q)cp -r Makefile Kbuild dkms.conf COPYING $(wildcard drm gem memory prime fence include) "$(dkms_source)"

# The others are for packages to take one by one. Nothing of it loads the module.
.PHONY: install-header
install-header:
	$(Q)install -D -m 644 include/uapi/drm/vprime_drm.h "$(under)/include/drm/vprime_drm.h"
	$(Q)mkdir -p "$(under)/share/pkgconfig"
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' '' 'Name: vprime' \
		'Description: The interface of virtual GPUs for sharing buffers' 'Version: $(version)' \
		'Requires: libdrm' 'Cflags: -I$${includedir}' >"$(under)/share/pkgconfig/vprime.pc"

.PHONY: install-files
install-files:
	$(Q)install -D -m 644 data/60-vprime.conf "$(driconf)"
	$(Q)install -D -m 644 data/72-vprime.rules "$(rules)"
	$(Q)install -D -m 644 -t "$(documents)/examples" data/examples/*
	$(Q)install -D -m 644 man/vprime-vm.1 "$(under)/share/man/man1/vprime-vm.1"
	$(Q)mkdir -p "$(under)/bin" "$(under)/share/vprime"
	$(Q)cp --parents $(vm_files) "$(under)/share/vprime"
	$(Q)ln -sf ../share/vprime/tools/vm/vprime-vm "$(under)/bin/vprime-vm"

# It builds nothing: make install is run by root, on a machine that need not have the libraries.
.PHONY: install-tools
install-tools:
	$(Q)$(foreach f,$(tool_files),install -D -m $(call field,3,$f) $(call field,1,$f) "$(under)/$(call field,2,$f)" &&) :
	$(Q)mkdir -p "$(dir $(unit))" && sed 's|@PREFIX@|$(PREFIX)|' systemd/vprime.service.in >"$(unit)"

.PHONY: uninstall
uninstall: uninstall-files ## undo make install
ifneq ($(dkms),)
	$(Q)if [ -n "$$(dkms status $(dkms_name))" ]; then dkms remove $(dkms_name) --all; fi
endif
	$(Q)rm -rf "$(dkms_source)"
	$(Q)rm -f "$(DESTDIR)"/lib/modules/$(running)/updates/vprime.ko*
	$(Q)$(if $(DESTDIR),,/sbin/depmod $(running))

.PHONY: uninstall-files
uninstall-files:
	$(Q)rm -f "$(driconf)" "$(rules)" "$(unit)" $(foreach f,include/drm/vprime_drm.h share/pkgconfig/vprime.pc \
		bin/vprime-vm share/man/man1/vprime-vm.1 $(foreach t,$(tool_files),$(call field,2,$t)),"$(under)/$f")
	$(Q)rm -rf "$(documents)" "$(under)/share/vprime"
	$(Q)rmdir "$(under)/include/drm" 2>/dev/null || true

# In a folder of its own: every file of data/ comes, none is active that loads a module, and all go.
.PHONY: check-install
check-install:
	$(Q)set -e; root=$$(mktemp -d); trap 'rm -rf "$$root"' EXIT; \
	$(again) install-header install-files DESTDIR="$$root"; \
	for file in $$(find data -type f); do \
		[ -n "$$(find "$$root" -name "$${file##*/}" -exec cmp -s "$$file" {} \; -print)" ] || \
			{ echo "vprime: make install leaves out $$file" >&2; exit 1; }; \
	done; \
	[ -e "$$root/usr/share/drirc.d/60-vprime.conf" ]; \
	! find "$$root" -path '*/modprobe.d/*' -o -path '*/modules-load.d/*' | grep .; \
	$(again) uninstall-files DESTDIR="$$root"; \
	left=$$(find "$$root" -type f -o -path '*vprime*'); \
	[ -z "$$left" ] || { echo "vprime: make uninstall leaves $$left" >&2; exit 1; }

# ---- looking after the tree ---------------------------------------------------------------------

# The folders whose form is checked.
in_style := drm fence gem include include/uapi/drm memory prime

.PHONY: check
check: style check-install ## build with W=1 and sparse, no warning allowed; style; scripts; whether mutants apply; docs
	$(Q)for kernel in $(kernels); do \
		tools/vm/setup --kernel $$kernel build check kernel && \
		tools/vm/in-world "$$(. tools/vm/lib.sh; world_of $$kernel)" \
			$(anew) check-release WORLD= RELEASE="$$(tools/vm/setup --release $$kernel)" || exit; \
	done
	$(Q)for script in tools/vm/* tools/check-docs tools/github man/fill $(test_scripts) igt-tests/run igt-tests/user igt-tests/lib/*.sh $(sessions) .ci/run; do [ -d "$$script" ] || sh -n "$$script" || exit; done
	@# A shell takes the first of two equal patterns, and never says that there is a second.
	$(Q)! for script in tools/vm/*; do \
		[ -d "$$script" ] || sed -n 's/^\t\(-[-a-z |]*\)).*/\1/p' "$$script" | tr -d ' ' | tr '|' '\n' | sort | uniq -d | \
			sed "s|.*|vprime: $$script has two options &|"; \
	done | grep . >&2
	$(Q)bash -n completions/vprimectl
	$(Q)tools/vm/mutants --apply
	$(Q)tools/vm/check-kernel-report
	$(Q)[ "$$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)" = '$(version)' ] || \
		{ echo 'vprime: debian/changelog and dkms.conf ($(version)) have different versions' >&2; exit 1; }
	$(Q)tools/check-docs
	@echo 'vprime: no warnings'

.PHONY: style
style: ## the kernel's kernel-doc and checkpatch.pl over the module's sources, no warning allowed
	$(Q)tools/vm/setup check
	$(Q)tools/vm/check-style $(wildcard $(addsuffix /*.[ch],$(in_style)))

# A build from nothing, because only what is compiled can warn.
.PHONY: check-release
check-release:
	$(Q)rm -rf build/check-$(RELEASE) && mkdir -p build
	$(Q)( $(call build_module,$(RELEASE),build/check-$(RELEASE),C=2) ) \
		>build/check-$(RELEASE).log 2>&1 || { cat build/check-$(RELEASE).log >&2; exit 1; }
	$(Q)if grep -i -B 1 -A 4 'warning\|error' build/check-$(RELEASE).log >&2; then \
		echo 'vprime: warnings for $(RELEASE), see above' >&2; exit 1; \
	fi

.PHONY: check-kernels
check-kernels: ## build for each kernel of Debian 12 up to unstable, no warning allowed; SUITE=sid: for those of one suite
	$(Q)tools/vm/check-kernels $(SUITE)

# From nothing, because only what is compiled can warn; and without what is for debuggers, which takes its time.
.PHONY: check-kernel
check-kernel:
	$(Q)rm -rf build/check-$(SUITE)-$(RELEASE)
	$(Q)$(call build_module,$(RELEASE),build/check-$(SUITE)-$(RELEASE),KCFLAGS=-g0)
	$(Q)rm -rf build/check-$(SUITE)-$(RELEASE)

.PHONY: clean
clean: ## remove build/ and out/, not the cached kernels
	$(Q)rm -rf build out
