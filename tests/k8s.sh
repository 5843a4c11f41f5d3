#!/usr/bin/env bash
# Brings the control planes that the manifests are proven against, at .cache/k8s: kube-apiserver and kubectl, etcd, the
# oldest and the newest Istio that Ledgerline supports (istiod, and istioctl of the newest), the custom resource
# definitions, and xds, which is beside Envoy in a pod of the mesh. All are built with Go: versions and hashes of every
# module are in tests/k8s/tools/*/go.mod and go.sum, and Go checks what it downloads against them.
# What cannot be had is said, and the tests that need it are skipped with a word; in CI (CI=true) that is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/packages.sh
source .tools/optional.sh

folder=.cache/k8s
modules=tests/k8s/tools

main() {
    mkdir -p "$folder"
    can_build_go || { missing "Kubernetes, etcd and Istio" && return; }
    bring_kubernetes
    bring_etcd
    bring_istio istio-1.31 1.31.0 istio.io/istio/istioctl/cmd/istioctl ./xds
    bring_istio istio-1.29 1.29.2
    bring_definitions
}

bring_kubernetes() {
    local version=k8s.io/component-base/version
    build kubernetes "-X $version.gitVersion=v1.36.3 -X $version.gitMajor=1 -X $version.gitMinor=36" \
        k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl
}

bring_etcd() {
    build etcd "" go.etcd.io/etcd/server/v3
    # Go names a program after the last part of its path that is no version.
    if [[ -f $folder/etcd/server ]]; then
        mv "$folder/etcd/server" "$folder/etcd/etcd"
    fi
}

# bring_istio MODULE VERSION PACKAGE...
bring_istio() {
    local module=$1 version=istio.io/istio/pkg/version istio_version=$2
    shift 2
    build "$module" "-X $version.buildVersion=$istio_version -X $version.buildTag=$istio_version -X $version.buildStatus=Clean" \
        istio.io/istio/pilot/cmd/pilot-discovery "$@"
}

# build MODULE LDFLAGS PACKAGE...
build() {
    local module=$1 ldflags=$2 target=$folder/$1
    shift 2
    if is_current "$target"; then
        return
    fi
    say "Building $module in $target (two to eight minutes, once)"
    rm -rf "$target" && mkdir -p "$target"
    build_go "$module" "$modules/$module" "$target" -trimpath -ldflags="-s -w $ldflags" -o "$PWD/$target/" "$@" ||
        { missing "$module" && return; }
    local sources
    mapfile -t sources < <(find "$modules/$module" -type f)
    mark_current "$target" "${sources[@]}" tests/k8s.sh
}

bring_definitions() {
    local target=$folder/crds
    if is_current "$target"; then
        return
    fi
    say "Copying the custom resource definitions to $target"
    rm -rf "$target" && mkdir -p "$target"
    if ! copy_definitions "$target" 2>"$target/go.log"; then
        (install_failed "the custom resource definitions could not be copied" "$target/go.log") || missing "The custom resource definitions"
        return
    fi
    mark_current "$target" "$modules"/{crds,istio-1.31,istio-1.29}/go.sum tests/k8s.sh
}

# Each folder is named after who defines the kinds.
copy_definitions() {
    local target=$1 monitoring istio=manifests/charts/base/files/crd-all.gen.yaml
    monitoring=$(source_of crds github.com/prometheus-operator/prometheus-operator)/example/prometheus-operator-crd
    copy "$target/istio-1.31" "$(source_of istio-1.31 istio.io/istio)/$istio" &&
        copy "$target/istio-1.29" "$(source_of istio-1.29 istio.io/istio)/$istio" &&
        copy "$target/gateway-api" "$(source_of crds sigs.k8s.io/gateway-api)"/config/crd/standard/gateway*.yaml &&
        copy "$target/envoy-gateway" \
            "$(source_of crds github.com/envoyproxy/gateway)"/charts/gateway-helm/charts/crds/crds/generated/*.yaml &&
        copy "$target/prometheus-operator" "$monitoring"/monitoring.coreos.com_{prometheusrules,servicemonitors,podmonitors}.yaml
}

# source_of MODULE DEPENDENCY: the folder of its verified source. What was built from is there already; to download it once
# more would also ask for its date, which the proxy does not have of every version.
source_of() {
    folder_of "$@" | grep . || { go mod download -C "$modules/$1" "$2" && folder_of "$@"; }
}

folder_of() {
    go list -C "$modules/$1" -e -m -f '{{.Dir}}' "$2"
}

# copy FOLDER FILE...
copy() {
    mkdir -p "$1" && cp -- "${@:2}" "$1/" && chmod -R u+w "$1"
}

main "$@"
