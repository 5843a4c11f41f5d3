# shellcheck shell=bash
# Sourced by the set-up scripts beside it: what they say, and how they end.

say() {
    printf '%s\n' "$*" >&2
}

# wrong MESSAGE: the command line cannot be followed.
wrong() {
    printf 'error: %s\n  fix: setup.sh --help\n' "$1" >&2
    exit 2
}

# fail MESSAGE FIX
fail() {
    printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
    exit 1
}
