# shellcheck shell=bash
# Sourced: finds the Rust that builds this project: rustup's pinned one, else a newer one, else Debian's.
source .tools/packages.sh

# Puts that Rust first in PATH.
use_rust() {
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    use_rustup || use_system_rust || use_debian_rust
    if ! command -v cc >/dev/null; then
        install_packages "Rust links with a C compiler, and one dependency has C parts." gcc libc6-dev
    fi
}

# The version in rust-toolchain.toml: what rustup pins, and the oldest that will do.
rust_version() {
    sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml
}

# at_least OLDEST VERSION
at_least() {
    printf '%s\n%s\n' "$1" "$2" | sort --version-sort --check=quiet
}

use_rustup() {
    if ! command -v rustup >/dev/null; then
        return 1
    fi
    local pinned newer
    pinned=$(rust_version)
    if [[ -n ${RUSTUP_TOOLCHAIN:-} ]] || has_toolchain "$pinned" ||
        rustup_download 180 toolchain install "$pinned" --profile minimal --component rustfmt --component clippy; then
        return 0
    fi
    newer=$(newest_toolchain)
    if [[ -z $newer ]]; then
        return 1
    fi
    say "Rust $pinned is not installed and rustup cannot fetch it; using its $newer."
    export RUSTUP_TOOLCHAIN=$newer
}

has_toolchain() {
    rustup toolchain list | grep --quiet "^$1-"
}

# The newest of rustup's released toolchains that is new enough, or nothing.
newest_toolchain() {
    local name version
    rustup toolchain list | sed 's/ .*//' | while read -r name; do
        version=$(rustup run "$name" rustc --version 2>/dev/null | cut -d' ' -f2)
        if [[ $version != *-* ]] && at_least "$(rust_version)" "$version"; then
            printf '%s %s\n' "$version" "$name"
        fi
    done | sort --version-sort | sed -n '$s/.* //p'
}

# A Rust that did not come by rustup, whose shims would hide it.
use_system_rust() {
    local bin=/usr/bin
    if ! command -v rustup >/dev/null; then
        bin=$(dirname "$(command -v rustc || echo /usr/bin/rustc)")
    fi
    if [[ ! -x $bin/cargo ]] || ! at_least "$(rust_version)" "$(rustc_version "$bin")"; then
        return 1
    fi
    PATH=$bin:$PATH
}

use_debian_rust() {
    say "No Rust $(rust_version) or newer is here; taking Debian's."
    install_packages "They are the Rust compiler." rustc-web cargo-web ca-certificates
    check_debian_rust
    PATH=/usr/bin:$PATH
}

check_debian_rust() {
    local have
    have=$(rustc_version /usr/bin)
    if ! at_least "$(rust_version)" "$have"; then
        fail "Debian's Rust is $have, and $(rust_version) is needed" \
            "switch on Debian's security updates, or install Rust by rustup (then: rm -f .cache/rustup-failed)"
    fi
}

# rustc_version FOLDER: 0 if there is none.
rustc_version() {
    local version
    version=$("$1/rustc" --version 2>/dev/null | cut -d' ' -f2)
    printf '%s\n' "${version:-0}"
}

# rustup_download SECONDS ARGUMENT...: runs rustup for at most so long. After a failure nothing is asked of it again
# on the same day in the same environment: where its server cannot be reached, every start would wait for it.
rustup_download() {
    local failed=.cache/rustup-failed seconds=$1 environment
    shift
    environment=$(printf '%s\n' "$(date +%F)" "$(rust_version)" "$HOME" "$(env | grep -i -e '^rustup' -e '_proxy=' | sort)" | sha256sum)
    if grep --quiet --no-messages "$environment" "$failed"; then
        return 1
    fi
    say "Asking rustup, for at most $seconds seconds: rustup $*"
    if RUST_BACKTRACE=0 RUSTUP_MAX_RETRIES=0 timeout "$seconds" rustup --quiet "$@" >&2; then
        return 0
    fi
    say "rustup could not do it; it is asked again tomorrow, or after: rm $failed"
    mkdir -p .cache
    printf '%s\n' "$environment" >>"$failed"
    return 1
}

# bring_cargo_tool NAME VERSION: compiles it with what its own lock file pins, if it is not there. That is long, so it is kept
# for all clones of this user.
bring_cargo_tool() {
    local name=$1 version=$2 folder log=.cache/$1.log
    folder=$(cargo_tool_folder "$name" "$version")
    if [[ -x $folder/$name ]]; then
        return
    fi
    say "Compiling $name $version, once, into $folder"
    mkdir -p .cache
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$(dirname "$folder")" --version "$version" "$name" \
        >"$log" 2>&1 || install_failed "$name $version could not be installed" "$log"
}

cargo_tool_folder() {
    printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/ledgerline/$1-$2/bin"
}

cargo_home() {
    printf '%s\n' "${CARGO_HOME:-$HOME/.cargo}"
}

sysroot() {
    rustc --print sysroot
}

# encoded_flags FLAG...: CARGO_ENCODED_RUSTFLAGS with these and those that keep the folders of this machine out of what is
# compiled. Encoded, because a path may have a space.
encoded_flags() {
    local IFS=$'\x1f'
    set -- "$@" "--remap-path-prefix=$PWD=/ledgerline" \
        "--remap-path-prefix=$(cargo_home)=/cargo" \
        "--remap-path-prefix=$(sysroot)/lib/rustlib/src/rust=/rustc"
    printf '%s' "$*"
}

# refuse_paths FILE
refuse_paths() {
    local path
    for path in "$PWD/" "$HOME/" "$(cargo_home)/" "$(sysroot)/"; do
        if [[ $path != / ]] && grep --quiet --text --fixed-strings "$path" "$1"; then
            fail "$1 contains a path of this machine: $path" "remap it in encoded_flags() of .tools/rust.sh"
        fi
    done
}
