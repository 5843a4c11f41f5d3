#!/usr/bin/env bash
# Brings the stores of the tests: Ceph as Debian packages, and in .cache/storage Versity's S3 gateway built with Go, the
# Python programs, and Azurite for the Node that tests/setup.sh brings. What cannot be had is said, and the tests that
# need it are skipped with a word; in CI (CI=true) that is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/node.sh
source .tools/optional.sh

folder=.cache/storage

main() {
    mkdir -p "$folder"
    bring_ceph
    bring_faketime
    bring_versitygw
    bring_python
    bring_azurite
}

bring_ceph() {
    (install_packages "A real object store with Object Lock and bucket policies, run by the tests on loopback." \
        radosgw ceph-mon ceph-osd ceph-common) || missing "Ceph"
}

bring_faketime() {
    (install_packages "A clock that is wrong, for one program of the tests." libfaketime) || missing "libfaketime"
}

# The version and the hashes of all its modules are in go.mod and go.sum; Go checks what it downloads against them.
bring_versitygw() {
    local module=tests/storage/versitygw target=$folder/versitygw
    if is_current "$target" "$module/go.sum"; then
        return
    fi
    can_build_go || { missing "Versity's S3 gateway" && return; }
    say "Building Versity's S3 gateway in $target (two to four minutes, once)"
    rm -rf "$target" && mkdir -p "$target"
    build_go "Versity's S3 gateway" "$module" "$target" -ldflags='-s -w' -o "$PWD/$target/versitygw" \
        github.com/versity/versitygw/cmd/versitygw || { missing "Versity's S3 gateway" && return; }
    mark_current "$target" "$module/go.sum"
}

bring_python() {
    (install_python "$folder/venv" tests/storage/requirements.txt "moto and the AWS command line") ||
        missing "moto and the AWS command line"
}

# Its Node is that of the SDKs.
bring_azurite() {
    if ! has_node; then
        say "There is no Node in $venv: tests/setup.sh brings it."
        missing "Azurite" && return
    fi
    (install_javascript "$folder/azurite" tests/storage/azurite/package-lock.json) || missing "Azurite"
}

main "$@"
