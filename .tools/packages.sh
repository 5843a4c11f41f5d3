# shellcheck shell=bash
# Sourced: messages, and the Debian packages that the project needs, installed after saying which and why.
source .tools/failures.sh

say() {
    printf '%s\n' "$*" >&2
}

# fail MESSAGE FIX
fail() {
    printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
    exit 1
}

# install_packages WHY PACKAGE...
install_packages() {
    local why=$1 package missing=()
    shift
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if [[ ${#missing[@]} -eq 0 ]]; then
        return
    fi

    local by_hand="apt-get update && apt-get install ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        fail "missing: ${missing[*]} (Debian's names). $why" "install what your system calls them, then run this again"
    fi
    if [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
        fail "missing Debian packages: ${missing[*]}. $why" "as root: $by_hand"
    fi
    say "Installing Debian packages for the whole machine: ${missing[*]}"
    say "  why: $why"
    mkdir -p .cache
    # A list that cannot be brought up to date is no reason to stop: the packages may be there all the same.
    as_root apt-get -q -o DPkg::Lock::Timeout=300 update >.cache/apt.log 2>&1 || true
    check_removals "$by_hand" "${missing[@]}"
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "${missing[@]}" >>.cache/apt.log 2>&1; then
        install_failed "these Debian packages could not be installed, ${missing[*]}" .cache/apt.log "as root: $by_hand"
    fi
}

is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Debian's old rustc and cargo may give way to their drop-in successors; nothing else may go.
check_removals() {
    local by_hand=$1 removed
    shift
    removed=$(apt-get --simulate install --no-install-recommends "$@" 2>/dev/null | awk '$1 == "Remv" { print $2 }')
    if [[ -z $removed ]]; then
        return
    fi
    say "  they replace: ${removed//$'\n'/ }"
    if grep --quiet --line-regexp --invert-match -e rustc -e cargo <<<"$removed"; then
        fail "that would remove packages that may be yours" "decide for yourself, as root: $by_hand"
    fi
}
