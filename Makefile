# What one does here, one line each: `make help`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# What takes long to make is kept outside of the clone.
export AKTA_CACHE := $(abspath $(or $(AKTA_CACHE),$(HOME)/.cache/akta))
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),$(AKTA_CACHE)/target))

# RocksDB, compiled apart by scripts/rocksdb. See there. Asked for each time: the folder's name
# depends on the compiler, which `scripts/setup` may only just have installed.
export ROCKSDB_LIB_DIR = $(shell scripts/rocksdb --print)
export ROCKSDB_STATIC := 1

# Tools and data of the tests.
export AKTA_PYTHON := $(shell scripts/setup --print python)
export AKTA_NODE_MODULES := $(shell scripts/setup --print modules)
export BUF := $(shell scripts/setup --print buf)
export AKTA_TEST_DATA := $(abspath $(or $(AKTA_TEST_DATA),../shared/data))
export AKTA_SKIPS := $(CARGO_TARGET_DIR)/skips
export AKTA_STEPS := $(CARGO_TARGET_DIR)/steps

variables := AKTA_CACHE CARGO_TARGET_DIR ROCKSDB_LIB_DIR ROCKSDB_STATIC AKTA_PYTHON AKTA_NODE_MODULES BUF AKTA_TEST_DATA
step := @scripts/step
# A step that runs tests starts with an empty list of skipped ones.
no_skips = @mkdir -p $(CARGO_TARGET_DIR) && : >$(AKTA_SKIPS)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

.PHONY: demo
demo: build-tools ## start a node, write, read, prove: the tour, in one command
	@cargo run --locked --quiet --bin akta -- demo

.PHONY: test
test: ## everything that must hold before a merge, with the seconds of each step
	@scripts/step --begin
	$(step) setup scripts/setup
	$(step) fetch cargo fetch --locked --quiet
	$(step) "fetch fuzz" cargo fetch --locked --quiet --manifest-path fuzz/Cargo.toml
	$(step) fmt cargo fmt --check
	$(step) "buf lint" $(BUF) lint
	$(step) licences $(AKTA_PYTHON) scripts/licences
	$(step) rocksdb scripts/rocksdb
	$(step) clippy cargo clippy --all-targets --locked -- -D warnings
	$(step) "client only" scripts/client-only
	$(step) "page and verifier" env PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 $(AKTA_PYTHON) -m unittest -q verifier.test_page
	$(step) doc env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet
	$(no_skips)
	$(step) tests cargo test --locked
	$(step) skips scripts/skips
	@scripts/step --table

.PHONY: dictionary
dictionary: build-tools ## train the shipped zstd dictionary anew (needs the zstd command); only for a new number
	@rm -rf $(CARGO_TARGET_DIR)/samples
	@cargo run --locked --quiet --example frame_samples -- $(CARGO_TARGET_DIR)/samples
	@zstd -q -f --train -r $(CARGO_TARGET_DIR)/samples --maxdict=16384 -o src/model/dictionary-1.zstd

.PHONY: frozen
frozen: build-tools ## keep a data folder of a new format's number for ever; never made twice
	@AKTA_FROZEN="$(CURDIR)/tests/bytes/frozen" cargo test --locked --test bytes frozen::a_folder_is_made -- --nocapture

.PHONY: two-schools
two-schools: build-tools ## certificates, tokens, configuration, and what both schools decided, in ./two-schools
	@cargo run --locked --quiet --example two_schools -- two-schools

.PHONY: torture
torture: build-tools ## the long forms of the tests: crashes, faults, big stores; ten minutes of fuzzing a target
	$(no_skips)
	@AKTA_TORTURE=1 cargo test --locked --lib --bins --tests
	@scripts/skips
	@scripts/fuzz --all 600

.PHONY: fuzz
fuzz: build-tools ## fuzz every target for a minute; one alone: scripts/fuzz TARGET SECONDS
	@scripts/fuzz --all 60

.PHONY: bench
bench: build-tools ## benchmarks of the primitives, then a node against the disk's ceiling
	@cargo bench --locked --bench primitives
	@cargo bench --locked --bench scale
	@cargo run --release --locked --quiet --bin akta -- bench --ceiling --runs 5 --seconds 12

.PHONY: fmt
fmt: ## format the sources
	@cargo fmt

.PHONY: lint
lint: setup ## format, protocol, licences and clippy: what needs no test run
	@cargo fetch --locked --quiet
	@cargo fetch --locked --quiet --manifest-path fuzz/Cargo.toml
	@cargo fmt --check
	@$(BUF) lint
	@$(AKTA_PYTHON) scripts/licences
	@cargo clippy --all-targets --locked -- -D warnings

.PHONY: doc
doc: setup ## the documentation of the code
	@RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
	@echo "$(CARGO_TARGET_DIR)/doc/akta/index.html"

.PHONY: setup
setup: ## install what building and testing need (Rust is checked, not installed)
	@scripts/setup

.PHONY: env
env: ## print the variables for using cargo by hand: eval "$(make env)"
	@$(foreach v,$(variables),printf 'export %s=%q\n' $(v) "$$$(v)";)

.PHONY: clean
clean: ## remove build output (the RocksDB archive and the tools stay)
	@cargo clean

# The way to a binary: version of Rust, compiler, RocksDB.
.PHONY: build-tools
build-tools:
	@scripts/setup build
	@scripts/rocksdb >/dev/null
