#!/usr/bin/env bash
# Brings the engines that the tests run: rsyslog, and the OpenTelemetry Collector at .cache/otelcol/otelcol. The Collector's
# sources in tests/collector are what its Builder makes of envoy/sinks/otel-collector-builder.yaml; go.sum holds the hash of
# every module, so that nothing but what was pinned is built, and what Go has in its cache is not fetched again.
# Usage: tests/engines.sh [--generate]      with --generate the sources are made anew first, after the manifest has changed
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/packages.sh
source .tools/optional.sh

manifest=envoy/sinks/otel-collector-builder.yaml
sources=tests/collector
folder=.cache/otelcol
builder=go.opentelemetry.io/collector/cmd/builder@v0.156.0

main() {
    bring_rsyslog
    if [[ ${1:-} == --generate ]]; then
        generate
    fi
    bring_collector
}

bring_rsyslog() {
    (install_packages "A real rsyslog takes entries by TLS in the tests; Debian also starts it as this machine's log service." \
        rsyslog rsyslog-openssl) || missing "rsyslog"
}

generate() {
    rm -rf "$folder/source"
    go run "$builder" --config "$manifest" --skip-compilation
    cp "$folder"/source/{components.go,main.go,main_others.go,go.mod,go.sum} "$sources"
}

bring_collector() {
    if is_current "$folder" "$sources/go.sum"; then
        return
    fi
    can_build_go || { missing "The OpenTelemetry Collector" && return; }
    say "Building the OpenTelemetry Collector in $folder (some minutes, once)"
    rm -rf "$folder" && mkdir -p "$folder"
    build_go "the OpenTelemetry Collector" "$sources" "$folder" -trimpath -ldflags='-s -w' -o "$PWD/$folder/otelcol" . ||
        { missing "The OpenTelemetry Collector" && return; }
    mark_current "$folder" "$sources/go.sum"
}

main "$@"
