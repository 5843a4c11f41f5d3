#!/usr/bin/env bash
# Prints the bootstrap as the named Envoy takes it: 1.40 takes it as it is. Up to 1.39 the list of what the module may call stood
# beside vm_config, and 1.40 warns of it there; no place suits both.
# Usage: envoy/suit.sh VERSION [BOOTSTRAP] >FILE      BOOTSTRAP: envoy/egress.yaml, or a file with the same lay-out
set -euo pipefail
bootstrap=$(realpath "${2:-$(dirname "$0")/egress.yaml}")
cd "$(dirname "$0")/.."
source .tools/packages.sh

main() {
    local version=${1:-}
    if [[ ! $version =~ ^1\.[0-9]+(\.[0-9]+)?$ ]]; then
        fail "'$version' is no version of Envoy" "envoy/suit.sh 1.37.0"
    fi
    if printf '%s\n' 1.40 "$version" | sort --version-sort --check=quiet; then
        cat "$bootstrap"
    else
        move_out
    fi
}

# Two spaces less for the list and for all that is indented below it.
move_out() {
    if ! grep --quiet '^ *vm_config:$' "$bootstrap" || ! grep --quiet '^ *capability_restriction_config:$' "$bootstrap"; then
        fail "$bootstrap has no vm_config with a capability_restriction_config on lines of their own" "look what became of them"
    fi
    awk '
        { match($0, /^ */) }
        is_inside && $0 != "" && RLENGTH <= depth { is_inside = 0 }
        /^ *capability_restriction_config:$/ { is_inside = 1; depth = RLENGTH }
        is_inside { sub(/^  /, "") }
        { print }
    ' "$bootstrap"
}

main "$@"
