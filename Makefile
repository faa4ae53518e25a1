# Each target installs what it lacks, and says so before it does.
SHELL := bash
CARGO := scripts/cargo.sh

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help tools setup build demo test bench lint deny fmt clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do \
		printf 'make %-6s  %s\n' "$$name" "$$text"; done

# What a build needs; gVisor is for running.
tools:
	@scripts/packages.sh
	@scripts/rust-toolchain.sh
	@scripts/rust-targets.sh

setup: tools ## install what building and running need
	@scripts/gvisor.sh

build: tools ## make target/release/cofferdam and target/components/*.wasm
	@scripts/build-embedded.sh
	@$(CARGO) build --release -p cofferdam

demo: setup build ## run three programs of the kind that agents write
	@scripts/demo.sh

test: setup lint ## check format and lints, and run every test
	@$(CARGO) test --release --workspace --exclude cofferdam-bench

bench: setup build ## measure, side by side with others
	@$(CARGO) bench -p cofferdam-bench

# Linting compiles the program's build script, which wants what the build made.
lint: build ## check format and lints
	@scripts/lint.sh

deny: tools ## check licences and sources of the dependencies
	@scripts/deny.sh

fmt: ## format the code
	@$(CARGO) fmt --all

clean: ## remove what was built and what set-up remembers; the cache stays
	@rm -rf target
