#!/usr/bin/env bash
# Lists what components/tighten-only would refuse, of all that is in the cluster now: each object is shown to the API server once
# more, as if it were new, and nothing is kept (--dry-run=server). Workloads stand for the pods of their next roll-out.
# Usage: k8s/would-refuse.sh [NAMESPACE]      needs kubectl, its rights to read and to create, and tighten-only applied
# Exit code: 0 nothing would be refused; 1 something would be; 2 it could not be asked
set -euo pipefail

# A Job is not rolled out anew; a pod of one is among the pods.
kinds=(pods deployments.apps statefulsets.apps daemonsets.apps cronjobs.batch services
    {envoyfilters,serviceentries,workloadentries,workloadgroups,proxyconfigs}.networking.istio.io
    {virtualservices,destinationrules,sidecars,gateways}.networking.istio.io
    {wasmplugins,trafficextensions}.extensions.istio.io telemetries.telemetry.istio.io
    {httproutes,grpcroutes,tlsroutes,tcproutes}.gateway.networking.k8s.io)
where=(--all-namespaces)
looked_at=0 unclear=0
found=

main() {
    if [[ $# -gt 1 || ${1:-} == -* ]]; then
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2
        exit 2
    fi
    if [[ $# -eq 1 ]]; then
        where=(--namespace "$1")
    fi
    check_policies
    local kind known
    known=$(kubectl api-resources --namespaced --output=name) || exit 2
    for kind in "${kinds[@]}"; do
        if is_among "$kind" "$known"; then
            look_at "$kind"
        fi
    done
    report
}

is_among() {
    [[ $'\n'$2$'\n' == *$'\n'$1$'\n'* ]]
}

# Without the policies nothing is refused, and that would say nothing.
check_policies() {
    if ! kubectl get validatingadmissionpolicybinding ledgerline-pods --output=name >/dev/null; then
        echo "components/tighten-only is not in this cluster: apply an overlay with it first. It only warns." >&2
        exit 2
    fi
}

# What is there has a name already, so that in the end each is refused as a double; the policies have spoken by then.
look_at() {
    local objects said count which=()
    if [[ $1 == services ]]; then
        which=(--field-selector=spec.type=ExternalName) # others could not have their address a second time
    fi
    objects=$(kubectl get "$1" "${where[@]}" "${which[@]}" --output=json) || exit 2
    count=$(grep -c '"resourceVersion": "[0-9]' <<<"$objects" || true)
    if ((count == 0)); then
        return
    fi
    looked_at=$((looked_at + count))
    said=$(kubectl create --dry-run=server --validate=false --output=name --filename=- <<<"$objects" 2>&1 >/dev/null || true)
    found+=$(grep -E "ValidatingAdmissionPolicy 'ledgerline-" <<<"$said" | sed -E "s/^.*with binding 'ledgerline-[a-z-]+'( denied request)?: //" || true)$'\n'
    unclear=$((unclear + $(grep -cvE "ValidatingAdmissionPolicy 'ledgerline-|\(AlreadyExists\)|^Warning: |^\s*$" <<<"$said" || true)))
}

report() {
    found=$(grep . <<<"$found" | sort --unique || true)
    local count=0
    if [[ -n $found ]]; then
        printf '%s\n' "$found"
        count=$(cut --delimiter=: --fields=1 <<<"$found" | sort --unique | wc --lines)
    fi
    echo "$count of $looked_at objects would be refused" >&2
    if ((unclear > 0)); then
        echo "the API server refused $unclear more for reasons of its own, before it asked the policies" >&2
    fi
    [[ $count -eq 0 ]]
}

main "$@"
