#!/usr/bin/env bash
# Builds target/ledgerline.wasm: by rustup's wasm target, else by Debian's packages.
# Usage: filter/build.sh [--set-up | [--features LIST] [--output FILE]]      with --set-up only what may have to be installed for that
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/rust.sh

target=wasm32-wasip1
# The regex crate, for rules of the operator's own, takes 200 KiB of it; the names of functions, for the log of a trap, 80.
# The tables of providers, operations and places in documents take 50, the notations in which secrets stand in texts, with their
# names, values and formats, 190.
max_bytes=$((1216 * 1024))

main() {
    local features='' output=target/ledgerline.wasm target_dir set_up_only=false
    while [[ $# -gt 0 ]]; do
        case $1 in
        --set-up) set_up_only=true && shift ;;
        # What is built with features is not shipped, and may be larger.
        --features) features=$2 max_bytes=$((4 * 1024 * 1024)) && shift 2 ;;
        --output) output=$2 && shift 2 ;;
        *) fail "unknown argument: $1" "filter/build.sh [--features LIST] [--output FILE]" ;;
        esac
    done

    # A folder for each set of features: in one, each build would undo the other.
    target_dir=${CARGO_TARGET_DIR:-target}${features:+/$features}

    local compile=compile whose="its own"
    use_wasm_opt
    use_rust
    if ! has_wasm_target && ! add_wasm_target; then
        use_debian_wasm
        compile=compile_with_debian whose="Debian's"
    fi
    if $set_up_only; then
        return
    fi
    say "Building $output with Rust $(rustc_version "$(sysroot)/bin") and $whose $target"
    "$compile" "$features"
    optimise "$target_dir/$target/release/ledgerline.wasm" "$output"
}

use_wasm_opt() {
    if ! command -v wasm-opt >/dev/null; then
        install_packages "Its wasm-opt makes the module smaller and faster." binaryen
    fi
}

has_wasm_target() {
    compgen -G "$(sysroot)/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null
}

add_wasm_target() {
    command -v rustup >/dev/null && rustup_download 60 target add "$target" && has_wasm_target
}

# compile FEATURES [ARGUMENT...]
compile() {
    local features=$1
    shift
    # simd128 turns on the fast SHA-256 of sha2.
    CARGO_ENCODED_RUSTFLAGS=$(encoded_flags -Ctarget-feature=+simd128 "${link_flags[@]}") \
        cargo build --locked --release --target "$target" --target-dir "$target_dir" \
        --package ledgerline-filter --features "$features" "$@"
}

link_flags=()

# Debian has no compiled standard library for the target, but its source, a linker and a libc.
compile_with_debian() {
    link_flags=(-Clinker=wasm-ld-19 -Clink-self-contained=no -Lnative=/usr/lib/wasm32-wasi)
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc compile "$1" -Zbuild-std=std,panic_abort
}

# Puts Debian's Rust first in PATH, so that rustup's shims do not hide it.
use_debian_wasm() {
    install_packages "The Rust here has no $target; with these it can be built for all the same." \
        rustc-web cargo-web rust-web-src lld-19 wasi-libc gcc libc6-dev ca-certificates
    check_debian_rust
    PATH=/usr/bin:$PATH
}

# optimise COMPILED OUTPUT: does nothing if neither of them nor this script changed since the last time.
optimise() {
    local compiled=$1 output=$2 stamp
    stamp=.cache/stamps/$(basename "$output").sha256
    if grep --quiet --fixed-strings "  $compiled" "$stamp" 2>/dev/null && sha256sum --check --status "$stamp"; then
        say "$output: up to date, $(bytes "$output") bytes"
        return
    fi
    mkdir -p .cache/stamps "$(dirname "$output")"
    # The features are those that rustc itself turns on, and simd128. -g keeps the names of functions for the log of a trap.
    wasm-opt -O3 -g --enable-simd --enable-bulk-memory --enable-multivalue --enable-mutable-globals \
        --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext \
        --strip-producers "$compiled" --output "$output.new"
    check_module "$output.new"
    mv "$output.new" "$output"
    sha256sum "$compiled" "$output" filter/build.sh >"$stamp"
    say "$output: $(bytes "$output") bytes"
}

check_module() {
    local size
    refuse_paths "$1"
    size=$(bytes "$1")
    if [[ $size -gt $max_bytes ]]; then
        fail "$1 has $size bytes, more than $max_bytes" "look for what grew, for example with: twiggy top $1"
    fi
}

bytes() {
    stat --format=%s "$1"
}

main "$@"
