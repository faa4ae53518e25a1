# Each target installs what it lacks, and says so before it does.
SHELL := bash
CARGO := scripts/cargo.sh

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help check test-local tools setup build host components image sandbox-image sandbox-image-lock sandbox-image-test demo test soak bench hosts load fuzz sbom reproduce package lint deny fmt clean cluster-up cluster-down

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do \
		printf 'make %-18s  %s\n' "$$name" "$$text"; done

check: ## unit tests of the crates without processes and sockets; needs nothing built
	@scripts/rust-toolchain.sh
	@scripts/check.sh

test-local: setup build ## run the conformance cases whose name contains PATTERN= on this machine only
	@CONFORMANCE_DRIVERS=local $(CARGO) test --release --locked --workspace --exclude cofferdam-pipeline-tests --test conformance -- $(PATTERN)

# What a build needs; gVisor is for running.
tools:
	@scripts/packages.sh
	@scripts/rust-toolchain.sh
	@scripts/rust-targets.sh

setup: tools ## install what building and running need
	@scripts/gvisor.sh

build: tools ## make target/release/cofferdam and target/components/*.wasm
	@scripts/build.sh

host: build ## make target/release/cofferdam-host, which runs components
	@$(CARGO) build --release --locked --workspace --bin cofferdam-host

components: tools ## make target/components/*.wasm only
	@scripts/build-embedded.sh components

image: build ## make the sidecar's container image, with Docker, Podman or Buildah
	@scripts/image.sh

sandbox-image: ## make an image for sandboxes with packages for data, Node and tools in target/sandbox-image
	@scripts/sandbox-image.sh

sandbox-image-lock: ## renew the versions that this image has
	@scripts/sandbox-image.sh lock

sandbox-image-test: setup build sandbox-image ## build this image once more, compare the bytes, and test it
	@scripts/sandbox-image-test.sh

demo: ## build, and run four programs of the kind that agents write
	@scripts/demo.sh

test: setup lint ## check format and lints, and run every test
	@CLUSTER=$(CLUSTER) scripts/test.sh

bench: setup build ## measure, side by side with others
	@scripts/bench.sh

hosts: setup build ## test every component host, some of which are large to install
	@scripts/all-hosts.sh

load: setup build ## measure a thousand runs at once through one sidecar, in clusters of its own
	@scripts/load.sh

soak: setup build ## make faults by the thousand; SEED= repeats one, RUNS= is how many
	@scripts/soak.sh

fuzz: build ## fuzz every target for FUZZ_SECONDS, by default 300
	@scripts/fuzz.sh $(or $(FUZZ_SECONDS),300) sidecar

sbom: build ## write the bills of materials of the program and its image to target/sbom
	@scripts/sbom.sh

reproduce: build ## build what the program carries twice more, elsewhere, and compare the bytes
	@scripts/reproduce.sh

cluster-up: ## start a Kubernetes node with gVisor, and print its KUBECONFIG
	@tests/cluster/up.sh

cluster-down: ## stop it, and leave nothing of it
	@tests/cluster/down.sh

# Linting compiles the program's build script, which wants what the build made.
lint: build ## check format and lints
	@scripts/lint.sh

package: build ## package each published crate, and build each from the packages
	@scripts/package.sh

deny: tools ## check licences, sources and advisories of the dependencies; ADVISORIES=skip where there is no network
	@scripts/deny.sh

fmt: ## format the code
	@$(CARGO) fmt --all

clean: ## remove what was built and what set-up remembers; the cache stays
	@rm -rf target
