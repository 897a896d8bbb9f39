# fleet: see README.md. Every target installs what it needs through provisioning/bootstrap.sh.
SHELL := /bin/sh
PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
BUILD := .build
ARCHIVES := $(BUILD)/archives
LIBRARIES := libssh2.a libcrypto.a libz.a libsqlite3.a libstdc++.a
# A folder that holds only archives makes the linker take them, so that the programs need glibc and nothing else.
# --wrap: Sources/CKeystream stands between libssh2 and the cipher.
RELEASE = -c release --static-swift-stdlib -Xlinker -L$(CURDIR)/$(ARCHIVES) \
	-Xswiftc -Xclang-linker -Xswiftc -static-libgcc \
	-Xlinker --wrap=EVP_Cipher -Xlinker --wrap=EVP_CIPHER_CTX_free $(STRIP)
PROGRAMS := $(BUILD)/release
PYTHON := /usr/bin/python3 -B
DOCUMENTS := $(BUILD)/documents
# Without their symbols the programs are a third smaller: they go into bundles, packages and over slow links.
STRIP := -Xlinker -s

.PHONY: all build test simulation fuzz check demo install uninstall bootstrap clean
.PHONY: bench-provision bench-list bench-exec bench-recovery bench-idle bench-tunnel bench-leaks bench-latency
.PHONY: bench-bootstrap soak soak-bootstrap
.PHONY: dist dist-check dist-bootstrap test-bootstrap

all: build

bootstrap:
	@provisioning/bootstrap.sh

$(ARCHIVES): | bootstrap
	@mkdir -p $@
	@for library in $(LIBRARIES); do ln -sfn "$$(gcc -print-file-name=$$library)" $@/$$library; done

# The three programs, release, each one file that needs only glibc.
build: bootstrap $(ARCHIVES)
	$(SWIFT) build $(RELEASE) --product fleet-server
	$(SWIFT) build $(RELEASE) --product fleet-agent
	$(SWIFT) build $(RELEASE) --product fleet
	$(SWIFT) build $(RELEASE) --product fleet-manual

# Unit tests, layering, and the end-to-end tests, which run the release programs against a real sshd.
test: build test-bootstrap
	FLEET_LEAK_TESTS=1 $(SWIFT) test --filter LeakTests
	FLEET_PROGRAMS=$(CURDIR)/$(BUILD)/release $(SWIFT) test --skip-build
	$(PYTHON) Soak/soak.py $(BUILD)/release --minutes 3 --seed 1 --where-possible

# What the tests try the programs with.
test-bootstrap:
	@BOOTSTRAP_PACKAGES="ansible-core conntrack python3 zsh fish mandoc man-db strace git rsync" provisioning/bootstrap.sh
	@provisioning/promtool.sh $(BUILD)/tools
	@provisioning/newer-openssh.sh $(BUILD)/tools

# 10,000 days of a tunnel's life in virtual time, each with its own faults (`make test` lives through 300): some minutes.
simulation: bootstrap
	FLEET_SIMULATED_DAYS=10000 $(SWIFT) test --filter TunnelSimulationTests

# RUNS inputs for each parser of what other machines send, by libFuzzer; TARGET names one. KEEP=1 adds to Fuzzing/Corpus.
RUNS ?= 1000000
fuzz: bootstrap
	@Fuzzing/fuzz.sh $(RUNS) $(TARGET)

# What a reviewer would not want to say by hand: format, shell scripts, warnings (errors by Package.swift), layering.
check: bootstrap
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Fuzzing
	shellcheck --exclude SC2317 $$(git ls-files '*.sh')
	shellcheck provisioning/laptop/fleet-inventory completions/*.bash
	shellcheck --shell dash provisioning/device/shell-agent/*.sh provisioning/device/shell-agent/*.init
	provisioning/check-units.sh
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --filter LayeringTests

demo: build
	@demo/run.sh $(BUILD)/release

# Agents behind home routers, faults all the time, operators at work: BENCHMARKS.md. As root; the same SEED, the same faults.
AGENTS ?= 50
soak: build soak-bootstrap
	$(PYTHON) Soak/soak.py $(BUILD)/release --minutes $(or $(MINUTES),30) --agents $(AGENTS) $(if $(SEED),--seed $(SEED))

soak-bootstrap:
	@BOOTSTRAP_PACKAGES="conntrack python3" provisioning/bootstrap.sh

bench-bootstrap:
	@Benchmarks/bootstrap.sh

# BENCHMARKS.md says what these measure. They need root, for network namespaces; variables: TRIALS, MINUTES.
TRIALS ?= 5

bench-recovery: build bench-bootstrap
	$(PYTHON) Benchmarks/recovery.py $(BUILD)/release --trials $(TRIALS)
	$(PYTHON) Benchmarks/fleet_restart.py $(BUILD)/release --trials $(TRIALS)

bench-idle: build bench-bootstrap
	$(PYTHON) Benchmarks/idle.py $(BUILD)/release --minutes $(or $(MINUTES),10)

# The profile needs the symbols.
bench-tunnel: STRIP :=
bench-tunnel: build bench-bootstrap
	$(PYTHON) Benchmarks/tunnel.py $(BUILD)/release

bench-provision: build
	$(PYTHON) Benchmarks/provision_many.py $(BUILD)/release

bench-list: build
	$(PYTHON) Benchmarks/list.py $(BUILD)/release

bench-latency: build bench-bootstrap
	$(PYTHON) Benchmarks/latency.py $(BUILD)/release --trials $(TRIALS)

bench-exec: build bench-bootstrap
	$(PYTHON) Benchmarks/exec.py $(BUILD)/release

bench-leaks: build bench-bootstrap
	$(PYTHON) Benchmarks/leaks.py $(BUILD)/release

install: build
	provisioning/dist/documents.sh $(PROGRAMS) $(DOCUMENTS)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/fleet/device $(DESTDIR)$(PREFIX)/share/fleet/server
	install -m 755 $(PROGRAMS)/fleet $(PROGRAMS)/fleet-agent $(PROGRAMS)/fleet-server \
	  provisioning/laptop/fleet-inventory $(DESTDIR)$(PREFIX)/bin
	cp -R provisioning/device/. $(DESTDIR)$(PREFIX)/share/fleet/device
	cp -R provisioning/server/. $(DESTDIR)$(PREFIX)/share/fleet/server
	for file in $(INSTALLED_DOCUMENTS); do \
	  install -D -m 644 $(DOCUMENTS)/$$file $(DESTDIR)$(PREFIX)/share/$$file || exit; done

# Manual pages, whose names end in their section, and what completes the command lines.
INSTALLED_DOCUMENTS := \
	$(foreach page,$(notdir $(wildcard man/*)),man/man$(lastword $(subst ., ,$(page)))/$(page)) \
	$(foreach program,fleet fleet-agent fleet-server,bash-completion/completions/$(program) \
	  zsh/site-functions/_$(program) fish/vendor_completions.d/$(program).fish)

# A tarball and Debian packages of the programs, below .build/dist.
dist: build dist-bootstrap
	provisioning/dist/build.sh $(BUILD)/release $(BUILD)/dist
	provisioning/dist/idle-memory.sh $(BUILD)/release

# What lintian says of the packages, and whether they install and work on a machine that is thrown away (as root).
dist-check: dist
	lintian --fail-on error $(BUILD)/dist/*.deb
	provisioning/dist/check-packages.sh $(BUILD)/dist

dist-bootstrap:
	@BOOTSTRAP_PACKAGES="binutils dpkg-dev lintian" provisioning/bootstrap.sh

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/fleet $(DESTDIR)$(PREFIX)/bin/fleet-agent $(DESTDIR)$(PREFIX)/bin/fleet-server \
	  $(DESTDIR)$(PREFIX)/bin/fleet-inventory $(addprefix $(DESTDIR)$(PREFIX)/share/,$(INSTALLED_DOCUMENTS))
	rm -rf $(DESTDIR)$(PREFIX)/share/fleet
	cd $(DESTDIR)$(PREFIX) && rmdir -p bin $(addprefix share/,$(sort $(dir $(INSTALLED_DOCUMENTS)))) 2>/dev/null || true

clean:
	rm -rf $(BUILD)
