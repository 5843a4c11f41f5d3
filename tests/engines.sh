#!/usr/bin/env bash
# Brings the engines that the tests run: rsyslog, and the OpenTelemetry Collector at .cache/otelcol/otelcol. The Collector's
# sources in tests/collector are what its Builder makes of envoy/sinks/otel-collector-builder.yaml; go.sum holds the hash of
# every module, so that nothing but what was pinned is built, and what Go has in its cache is not fetched again.
# Usage: tests/engines.sh [--generate]      with --generate the sources are made anew first, after the manifest has changed
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/packages.sh

manifest=envoy/sinks/otel-collector-builder.yaml
sources=tests/collector
folder=.cache/otelcol
builder=go.opentelemetry.io/collector/cmd/builder@v0.156.0

main() {
    if [[ ! -x /usr/sbin/rsyslogd ]]; then
        install_packages "A real rsyslog takes entries by TLS in the tests; Debian also starts it as this machine's log service." rsyslog rsyslog-openssl
    fi
    if ! command -v go >/dev/null; then
        skip
        return
    fi
    if [[ ${1:-} == --generate ]]; then
        generate
    fi
    if ! is_current; then
        build
    fi
}

# The tests that need the collector say the same when it is not there.
skip() {
    if [[ ${CI:-} == true ]]; then
        fail "the tests of the OpenTelemetry Collector need Go, and there is none" "install Go 1.25 or newer (https://go.dev/dl)"
    fi
    say "SKIPPED: no Go on this machine, so the tests with a real OpenTelemetry Collector are not run (Go 1.25 or newer: https://go.dev/dl)"
}

generate() {
    rm -rf "$folder/source"
    go run "$builder" --config "$manifest" --skip-compilation
    cp "$folder"/source/{components.go,main.go,main_others.go,go.mod,go.sum} "$sources"
}

build() {
    say "Building the OpenTelemetry Collector, once: some minutes"
    mkdir -p "$folder"
    nice go build -C "$sources" -p 1 -mod=readonly -trimpath -ldflags='-s -w' -o "$PWD/$folder/otelcol.new" . ||
        fail "the OpenTelemetry Collector could not be built" "see Go's message above: is its module proxy (GOPROXY) there?"
    mv "$folder/otelcol.new" "$folder/otelcol"
    sha256sum "$sources"/* >"$folder/built.sha256"
}

is_current() {
    [[ -x $folder/otelcol ]] && sha256sum --check --status "$folder/built.sha256" 2>/dev/null
}

main "$@"
