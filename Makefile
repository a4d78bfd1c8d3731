# The two commands: `make run` and `make test`. Debian 12 and 13, Ubuntu 24.04;
# git, make, curl and a Rust toolchain are all that must be there.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
CLIENT_VENV := $(abspath $(TARGET_DIR))/client-venv
# More flags for `make run`, e.g. make run SERVE_FLAGS="--port 50000".
SERVE_FLAGS ?=

.PHONY: help run build test lint bench fuzz soak figures driver-faults test-encoders client picture arm vm

help:
	@echo "make run    install what is missing, build, start the host"
	@echo "make test   install what is missing, build, run every test"
	@echo "make test-encoders  the end-to-end tests with each hardware encoder (stand-ins)"
	@echo "make lint   formatting, clippy, documentation, licences"
	@echo "make bench  measure the parts of the data path, and then the whole with the real client"
	@echo "make fuzz   run every parser on random bytes for FUZZ_SECONDS each"
	@echo "make soak   clients come and go while parts are killed at random, for SOAK_MINUTES"
	@echo "make figures  measure what docs/reliability.md tells"
	@echo "make driver-faults  every call of an encode driver fails and hangs (stand-ins)"
	@echo "make arm    ffi/ on ARM, whose instructions are emulated: parity in NEON"
	@echo "make vm     capture into DMA-BUFs in a virtual machine; as root"
	@echo "make picture  take docs/stream.png with the real client"

run:
	@packaging/install-packages.sh build run
	$(CARGO) build --release
	exec $(TARGET_DIR)/release/earthshine serve $(SERVE_FLAGS)

build:
	@packaging/install-packages.sh build
	$(CARGO) build --release

# The real Moonlight client core, in a Python environment of its own.
client:
	@tests/client/setup.sh $(CLIENT_VENV)

# Not a quiet skip: everything is installed here, so everything must run.
test:
	@packaging/install-packages.sh build run test
	@$(MAKE) --no-print-directory client
	EARTHSHINE_TESTS_MUST_RUN=1 EARTHSHINE_CLIENT_PYTHON=$(CLIENT_VENV)/bin/python \
		CARGO="$(CARGO)" tests/run

# The end-to-end tests once more, with stand-ins for drivers of hardware encoders. Two of
# them code without loss, frames of a megabyte: fewer tests at a time, and not those whose
# client has trouble with that.
END_TO_END = EARTHSHINE_TESTS_MUST_RUN=1 EARTHSHINE_CLIENT_PYTHON=$(CLIENT_VENV)/bin/python $(CARGO) test --test e2e -- \
	--skip nvenc:: --skip vaapi:: --skip vulkan_video::
test-encoders:
	@packaging/install-packages.sh build run test
	@$(MAKE) --no-print-directory client
	$(CARGO) build -p earthshine-drivers --examples
	EARTHSHINE_TEST_ENCODER=nvenc $(END_TO_END)
	EARTHSHINE_TEST_ENCODER=vaapi $(END_TO_END) --skip lossy:: --skip encrypted:: --test-threads=2
	EARTHSHINE_TEST_ENCODER=vaapi $(END_TO_END) encrypted:: --test-threads=1
	EARTHSHINE_TEST_ENCODER=vulkan $(END_TO_END) --skip lossy:: --skip encrypted:: --test-threads=2

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check; \
		else echo "cargo-deny is not installed: licences and advisories were not checked"; fi

# The parts first, then the whole path with the real client.
bench:
	@packaging/install-packages.sh build run test bench
	@$(MAKE) --no-print-directory client
	EARTHSHINE_TEST_LOG=info EARTHSHINE_CLIENT_PYTHON=$(CLIENT_VENV)/bin/python $(CARGO) bench

FUZZ_SECONDS ?= 60
fuzz:
	tests/fuzz/run all $(FUZZ_SECONDS)

# SOAK_MINUTES (30), SOAK_CLIENTS (8) and SOAK_SEED are passed on by the environment.
SOAK_TESTS = EARTHSHINE_TESTS_MUST_RUN=1 EARTHSHINE_TEST_LOG=info EARTHSHINE_CLIENT_PYTHON=$(CLIENT_VENV)/bin/python \
	$(CARGO) test $(SOAK_PROFILE) --test soak --examples -- --ignored --nocapture
SOAK = $(SOAK_TESTS) --exact
# Empty for the profile of tests, or --release.
SOAK_PROFILE ?=
soak:
	@packaging/install-packages.sh build run test
	@$(MAKE) --no-print-directory client
	$(SOAK) churn::churn_with_random_kills_needs_no_operator

# SOAK_CYCLES (1000) and ROUNDS (20) are passed on by the environment.
figures:
	@packaging/install-packages.sh build run test
	@$(MAKE) --no-print-directory client
	$(SOAK) figures::figures cycles::what_a_session_costs cycles::a_thousand_cycles_are_flat \
		cycles::a_thousand_cycles_leave_nothing_in_an_encode_driver

# Every call of every driver's stand-in fails and hangs, beside somebody who plays on.
driver-faults:
	@packaging/install-packages.sh build run test
	$(CARGO) build -p earthshine-drivers --examples
	$(SOAK_TESTS) driver_faults:: --test-threads=1

# What needs a GPU's kind of memory; tests/vm/README.md.
# Parity by NEON and segmented sending, above all. Not timed: the processor is emulated.
arm:
	@packaging/install-packages.sh build arm
	rustup target add aarch64-unknown-linux-gnu
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
		CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" \
		$(CARGO) test -p earthshine-ffi --lib --target aarch64-unknown-linux-gnu

vm:
	@packaging/install-packages.sh build vm
	CARGO="$(CARGO)" tests/vm/run

# The README's picture: what the real client decodes of the default desktop.
picture:
	@packaging/install-packages.sh build run test
	@$(MAKE) --no-print-directory client
	$(CARGO) build --release
	tests/client/picture.sh $(CLIENT_VENV)/bin/python $(TARGET_DIR)/release/earthshine docs/stream.png
