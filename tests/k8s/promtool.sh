#!/usr/bin/env bash
# Checks k8s/components/monitoring with Prometheus' own promtool: alerts and recording rules parse and fire as alerts-*test.yaml say,
# what the dashboard asks parses, and all of them name only metrics that exist.
# Usage: tests/k8s/promtool.sh [SCRAPE...]     SCRAPE: what a real gateway or shipper answered; without one, metrics-seen.txt
#        tests/k8s/promtool.sh --bring         only brings promtool: .cache/promtool/promtool
set -euo pipefail
cd "$(dirname "$0")/../.."
source .tools/packages.sh
source .tools/optional.sh

monitoring=k8s/components/monitoring
folder=.cache/promtool
promtool=$folder/promtool

main() {
    bring_promtool
    if [[ ${1:-} == --bring ]]; then
        return
    fi
    if [[ ! -x $promtool ]]; then
        say "Without promtool the alerts are not tested."
        return
    fi
    local work
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    check_alerts "$work"
    check_dashboard "$work"
    check_names "$@"
}

# Out of Debian's package, unpacked beside the project: installed, it would start a server on this machine.
bring_promtool() {
    if [[ -x $promtool ]]; then
        return
    fi
    mkdir -p "$folder"
    if command -v promtool >/dev/null; then
        ln -sf "$(command -v promtool)" "$promtool"
        return
    fi
    if ! command -v apt-get >/dev/null; then
        missing "promtool (of Prometheus, https://prometheus.io/download)"
        return
    fi
    say "Fetching promtool, out of Debian's package prometheus, into $folder"
    local package
    package=$(mktemp -d)
    if ! (cd "$package" && apt-get -q download prometheus && dpkg -x prometheus_*.deb .) >"$folder/apt.log" 2>&1; then
        (install_failed "promtool could not be fetched" "$folder/apt.log") || missing "promtool"
        return
    fi
    mv "$package/usr/bin/promtool" "$promtool"
    rm -rf "$package"
}

# What the operator hands to Prometheus is the object's spec.
spec_of() {
    sed -n '/^spec:/,$ s/^  //p' "$1"
}

check_alerts() {
    spec_of "$monitoring/alerts.yaml" >"$1/alerts.yaml"
    spec_of "$monitoring/recording.yaml" >"$1/recording.yaml"
    cp tests/k8s/alerts-*test.yaml "$1"
    "$promtool" check rules "$1/alerts.yaml" "$1/recording.yaml"
    (cd "$1" && "$OLDPWD/$promtool" test rules alerts-test.yaml alerts-week-test.yaml)
}

check_dashboard() {
    python3 tests/k8s/expressions.py rules "$monitoring/dashboard.json" >"$1/dashboard.yaml"
    "$promtool" check rules --lint=none "$1/dashboard.yaml"
}

# The kubelet's and the witness' metrics are in no scrape of a gateway without a witness, so the list is always asked as well.
check_names() {
    python3 tests/k8s/expressions.py names tests/k8s/metrics-seen.txt "$@" -- \
        "$monitoring/alerts.yaml" "$monitoring/recording.yaml" "$monitoring/dashboard.json"
}

main "$@"
