# Every target does its own set-up and says what it installs. `make` alone lists them.

ENVOY := 1.40.0
OLDEST_ENVOY := 1.37.0
CARGO := .tools/cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
BUILT := $(TARGET)/native

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run tool test k8s-test faults bench fuzz wasm image lint clean

help:
	@echo 'make run       start the gateway, send sample calls through it, print their entries; Ctrl-C stops it'
	@echo 'make tool      build the tool that reads, checks and ships ledgers: target/native/ledgerline'
	@echo 'make test      all tests: units, properties, and end to end against real Envoys'
	@echo 'make k8s-test  the manifests in k8s/ against a real API server, real istiods and the Envoys that they configure'
	@echo 'make faults    what is lost when shipper, store, disk or gateway fail under load: counted, about twenty minutes'
	@echo 'make bench     what the filter costs: Envoy with it against Envoy without it'
	@echo 'make fuzz      odd input for masker, framers and reader, 60 seconds for each of six targets'
	@echo 'make wasm      build the filter: target/ledgerline.wasm'
	@echo 'make image     build the container images and the filter as an OCI artifact, without a Docker daemon: target/images/'
	@echo 'make lint      formatting, clippy, shellcheck, copies in k8s/, licences and advisories of the dependencies'
	@echo 'make clean     remove what was built and downloaded (target/, .cache/); ledger/ stays'
	@echo
	@echo "run, faults, bench, fuzz and image take arguments: make run ARGS='--help', make fuzz ARGS=600"

# What asks or installs comes first: nobody likes to be asked in the middle of a long build.
run:
	@tests/lab/build.sh $(ENVOY)
	@$(TARGET)/demo/run $(ARGS)

tool:
	$(CARGO) build --locked --profile native --bin ledgerline

test:
	envoy/install.sh $(ENVOY) $(OLDEST_ENVOY)
	tests/setup.sh
	tests/storage.sh
	tests/engines.sh
	filter/build.sh
	filter/build.sh --features fault-injection --output target/ledgerline-fault.wasm
	$(CARGO) test --locked --workspace

k8s-test:
	envoy/install.sh $(ENVOY) $(OLDEST_ENVOY)
	tests/k8s.sh
	.tools/image --filter-only
	tests/k8s/promtool.sh
	$(CARGO) build --locked --workspace --features ledgerline-tests/k8s --bin ledgerline
	$(CARGO) test --locked --workspace --features ledgerline-tests/k8s --test k8s -- --show-output

faults:
	envoy/install.sh $(ENVOY)
	tests/storage.sh
	filter/build.sh
	$(CARGO) build --locked --profile native --bin ledgerline --bin faults
	$(BUILT)/faults $(ARGS)

bench:
	envoy/install.sh $(ENVOY)
	filter/build.sh
	filter/build.sh --features kernel --output target/ledgerline-kernel.wasm
	$(CARGO) build --locked --profile native --bin bench
	$(BUILT)/bench $(ARGS)

fuzz:
	.tools/fuzz $(ARGS)

wasm:
	filter/build.sh

image:
	.tools/image $(ARGS)

lint:
	.tools/shellcheck
	k8s/update.sh --check
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path filter/core/fuzz/Cargo.toml --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- --deny warnings
	.tools/deny

clean:
	rm -rf target .cache
