#!/usr/bin/env bash
# Carries envoy/ into k8s/: kustomize reads no file outside of its folders, so what it needs lies there a second time.
#   envoy/egress.yaml and k8s/overlays/envoy/allow.txt  ->  k8s/overlays/envoy/egress.yaml
#   envoy/sinks/{vector,otel-collector}.yaml            ->  k8s/components/sink-{vector,otel}/, as they are
# Usage: k8s/update.sh [--check]      with --check nothing is written; exit code 1 if something would be
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/packages.sh

source=envoy/egress.yaml
hosts=k8s/overlays/envoy/allow.txt
text=

main() {
    case ${1:-} in
        "") ;;
        --check) put() { is_current "$1"; } ;;
        *) fail "$1 is no option" "k8s/update.sh [--check]" ;;
    esac
    text=$(<"$source")
    adapt
    printf '%s\n' "$text" | put k8s/overlays/envoy/egress.yaml
    put k8s/components/sink-vector/vector.yaml <envoy/sinks/vector.yaml
    put k8s/components/sink-otel/otel-collector.yaml <envoy/sinks/otel-collector.yaml
}

# put FILE: what comes in becomes the file.
put() {
    cat >"$1"
}

is_current() {
    cmp --silent - "$1" || fail "$1 is not what k8s/update.sh makes of envoy/ and $hosts" "k8s/update.sh"
}

adapt() {
    replace_header
    replace 1 'filename: ledger/pressure' 'filename: /var/lib/ledgerline/pressure'
    replace 2 'path: ledger/entries.jsonl' 'path: /var/lib/ledgerline/entries.jsonl'
    replace 1 'filename: target/ledgerline.wasm' 'filename: /opt/ledgerline/ledgerline.wasm'
    # To the pod's own log, which the node rotates: nothing rotates it on the claim, and anyone who connects makes it grow.
    replace 1 $'access_loggers.file.v3.FileAccessLog\n        path: ledger/connections.jsonl' \
        'access_loggers.stream.v3.StdoutAccessLog'
    # Beyond loopback: callers and Prometheus come from other pods; who may is components/network-policy.
    replace 1 'address: 127.0.0.1, port_value: 10000' 'address: 0.0.0.0, port_value: 10000'
    replace 1 'address: 127.0.0.1, port_value: 9903' 'address: 0.0.0.0, port_value: 9903'
    replace 1 'gateway_authorities: [127.0.0.1, localhost, "[::1]"]' "gateway_authorities: [$(authorities)]"
    replace 1 'routes: # everything else: 404' "$(ready_route)"
    replace 1 'domains in envoy/egress.yaml.' 'allow.txt in k8s/overlays/envoy.'
    replace_domains
}

# replace TIMES OLD NEW: what does not stand there so often has changed, and this script must learn of it.
replace() {
    local rest=${text//"$2"/}
    local times=$(((${#text} - ${#rest}) / ${#2}))
    if [[ $times -ne $1 ]]; then
        fail "$source has this $times times, not $1: $2" "look what became of it, and change k8s/update.sh"
    fi
    text=${text//"$2"/"$3"}
}

replace_header() {
    local header
    header=$(cat <<'EOF'
# The gateway's bootstrap. Not to be edited: k8s/update.sh writes it from envoy/egress.yaml (the filter's configuration, limits,
# time-outs) and allow.txt (the hosts). Other than there, it listens for other pods, connections without a call go to the pod's
# log, and the metrics listener also tells the kubelet whether Envoy is ready.
EOF
    )
    text=$header${text#"${text%%$'\n\n'*}"}
}

# The names that the cluster's DNS gives the Service.
authorities() {
    local service=ledgerline-gateway.ledgerline
    echo "127.0.0.1, localhost, \"[::1]\", ${service%.*}, $service, $service.svc, $service.svc.cluster.local"
}

# The kubelet cannot ask the admin itself, which stays on loopback.
ready_route() {
    cat <<'EOF'
routes: # everything else: 404
              - match: { path: /ready, headers: [{ name: ":method", string_match: { exact: GET } }] }
                route: { cluster: admin, timeout: 10s }
EOF
}

replace_domains() {
    local start=$'              domains:\n' end=$'              routes: # no retry policy'
    replace 1 "$start" "$start"
    replace 1 "$end" "$end"
    local list again
    list=$(domains)
    [[ -n $list ]] || fail "$hosts names no host" "a gateway allows one at least"
    again=$(sort <<<"$list" | uniq --repeated | head -n 1)
    [[ -z $again ]] || fail "$hosts names a host twice: ${again#*- }" "once is enough: Envoy does not start with two"
    text=${text%%"$start"*}$start$list$'\n'$end${text#*"$end"}
}

# A host is two lines: the name, and the name as a client writes it that names the port.
domains() {
    local line host
    while IFS= read -r line || [[ -n $line ]]; do
        host=${line%%#*}
        host=${host//[[:space:]]/}
        host=${host,,}
        case $host in
            "") ;;
            *[!a-zA-Z0-9.:*_-]* | *:*[!0-9]* | ?*\** | \*[!.]* | \*) refuse "$host" ;;
            *:*) domain "$host" ;;
            *) domain "$host" && domain "$host:443" ;;
        esac
    done <"$hosts"
}

refuse() {
    fail "$hosts: $1 is no host" "a line is api.example.com, *.example.com or api.example.com:8443"
}

domain() {
    printf '              - "%s"\n' "$1"
}

main "$@"
