# shellcheck shell=bash
# Sourced: what some tests need and not every machine can have. CI must have it; elsewhere its lack is said, and the
# tests that need it say so once more.
source .tools/stamps.sh

# missing WHAT
missing() {
    if [[ ${CI-} == true ]]; then
        fail "$1 is missing, and in CI nothing is skipped" "see the messages above"
    fi
    say "$1 is missing: the tests that need it will be skipped, and say so."
}

# From 1.21 on, Go fetches the newer Go that a module asks for.
can_build_go() {
    if ! command -v go >/dev/null; then
        say "There is no Go here (https://go.dev/dl; 1.26 or newer, or 1.21 or newer with a network)."
        return 1
    fi
    local version
    version=$(go env GOVERSION)
    if [[ $(printf '%s\n' go1.21 "$version" | sort --version-sort | head -n 1) != go1.21 ]]; then
        say "Go is $version; it takes 1.26 or newer, or 1.21 or newer with a network, first in PATH."
        return 1
    fi
}

# build_go WHAT MODULE FOLDER ARGUMENT...: builds with exactly the modules that go.mod and go.sum hold, whatever GOFLAGS says;
# what went wrong is said, and stands in FOLDER/go.log.
build_go() {
    local what=$1 module=$2 log=$3/go.log
    shift 3
    go build -C "$module" -mod=readonly "$@" 2>"$log" || (install_failed "$what could not be built" "$log")
}
