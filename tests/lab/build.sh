#!/usr/bin/env bash
# Brings what `make run` starts, and no more: Envoy, the filter, and the program that runs both. All three at once and in
# silence; a line says how far they are.
# Usage: tests/lab/build.sh ENVOY_VERSION
set -euo pipefail
cd "$(dirname "$0")/../.."
source .tools/rust.sh
source .tools/quiet.sh

main() {
    local envoy=$1
    # What asks or installs comes first: nobody likes to be asked in the middle of a long build.
    envoy/install.sh --set-up "$envoy"
    filter/build.sh --set-up
    use_rust
    if [[ ! -e target/ledgerline.wasm || ! -x .cache/envoy/$envoy/envoy ]]; then
        say "Building the filter and what starts it: about three minutes the first time, on two cores."
    fi
    begin run-envoy "Envoy" envoy/install.sh "$envoy"
    begin run-filter "filter" filter/build.sh
    begin run-program "program" cargo build --locked --profile demo --package ledgerline-lab --bin run
    finish
}

main "$@"
