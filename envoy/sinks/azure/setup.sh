#!/usr/bin/env bash
# Makes a container in which what was put stays: a time-based retention policy, locked, and least rights. Every step
# looks first, so it may be run again. Not run against Azure by this project's tests: no emulator keeps a container so.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: setup.sh --group RESOURCE_GROUP --account STORAGE_ACCOUNT --container NAME --writer OBJECT_ID --auditor OBJECT_ID
                [--days DAYS] [--lock] [--dry-run]

  --writer, --auditor   object ids of the identities (az ad sp show --id ... --query id)
  --days DAYS           retention (default: 180)
  --lock                lock the policy: from then on it can only be made longer, by nobody otherwise, not by Microsoft.
                        Without it the policy can be taken away: try it so first, then run this again with --lock.
  --dry-run             say each step, change nothing

The account must be there, version 2, with TLS 1.2 and no public access: this checks it. az is logged in already.
Exit: 0 the container is as wanted (or would be), 1 it is not, 2 the command line is wrong.
USAGE
}

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=envoy/sinks/messages.sh
source "$here/../messages.sh"
group='' account='' container='' writer='' auditor='' days=180 lock='' dry_run=''

main() {
    read_arguments "$@"
    check_account
    make_container
    set_retention
    lock_retention
    give_rights
    say "done: $container${dry_run:+ (nothing was changed)}"
}

read_arguments() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help | -h) usage && exit 0 ;;
        --dry-run) dry_run=yes && shift && continue ;;
        --lock) lock=yes && shift && continue ;;
        esac
        [[ $# -ge 2 ]] || wrong "$1 needs a value, or is not known"
        case $1 in
        --group) group=$2 ;;
        --account) account=$2 ;;
        --container) container=$2 ;;
        --writer) writer=$2 ;;
        --auditor) auditor=$2 ;;
        --days) days=$2 ;;
        *) wrong "$1 is not known" ;;
        esac
        shift 2
    done
    [[ -n $group && -n $account && -n $container && -n $writer && -n $auditor ]] || wrong 'one of the five names is missing'
    [[ $days =~ ^[1-9][0-9]{0,5}$ ]] || wrong '--days: a whole number from 1'
}

check_account() {
    command -v az >/dev/null || fail 'the Azure command line is missing' 'https://learn.microsoft.com/cli/azure/install-azure-cli'
    local found
    found=$(az storage account show --resource-group "$group" --name "$account" \
        --query '[kind, minimumTlsVersion, allowBlobPublicAccess, enableHttpsTrafficOnly]' --output tsv | paste --serial --delimiters ' ') ||
        fail "the storage account $account cannot be read" 'az login, az account set, or the names'
    [[ ${found,,} == 'storagev2 tls1_2 false true' ]] ||
        fail "the account is '$found', wanted is 'StorageV2 TLS1_2 false true'" \
            "az storage account update -g $group -n $account --min-tls-version TLS1_2 --allow-blob-public-access false --https-only true"
    say 'ok: the account takes TLS only and nothing is public'
}

make_container() {
    if az storage container-rm show --storage-account "$account" --resource-group "$group" --name "$container" >/dev/null 2>&1; then
        say "ok: the container $container is there"
        return
    fi
    step 'make the container' az storage container-rm create --storage-account "$account" --resource-group "$group" --name "$container"
}

set_retention() {
    local state period
    state=$(policy state) period=$(policy immutabilityPeriodSinceCreationInDays)
    if [[ $period =~ ^[0-9]+$ ]] && ((period >= days)); then
        say "ok: retention is $period days ($state)"
    elif [[ ${state,,} == locked ]]; then
        step "make the locked retention longer: $days days" az storage container immutability-policy extend \
            --account-name "$account" --resource-group "$group" --container-name "$container" --period "$days" --if-match "$(policy etag)"
    else
        step "retention: $days days, no appends to blobs that are there" az storage container immutability-policy create \
            --account-name "$account" --resource-group "$group" --container-name "$container" --period "$days" \
            --allow-protected-append-writes false
    fi
}

lock_retention() {
    if [[ $(policy state) == [Ll]ocked ]]; then
        say 'ok: the retention is locked'
    elif [[ -n $lock ]]; then
        step 'lock the retention, for good' az storage container immutability-policy lock \
            --account-name "$account" --resource-group "$group" --container-name "$container" --if-match "$(policy etag)"
    else
        say 'NOT locked: whoever administers the account can take the retention away (--lock)'
    fi
}

give_rights() {
    local subscription scope role
    subscription=$(az account show --query id --output tsv)
    scope=/subscriptions/$subscription/resourceGroups/$group/providers/Microsoft.Storage/storageAccounts/$account/blobServices/default/containers/$container
    role=$(<"$here/writer-role.json")
    if [[ -z $(az role definition list --name 'Ledger writer' --query '[0].name' --output tsv) ]]; then
        step 'make the role Ledger writer' az role definition create --role-definition "${role//@SUBSCRIPTION@/"$subscription"}"
    fi
    step 'the writer may create' az role assignment create --role 'Ledger writer' --scope "$scope" \
        --assignee-object-id "$writer" --assignee-principal-type ServicePrincipal
    step 'the auditor may read and list' az role assignment create --role 'Storage Blob Data Reader' --scope "$scope" \
        --assignee-object-id "$auditor" --assignee-principal-type ServicePrincipal
}

# policy FIELD: of the container's retention policy, empty if there is none.
policy() {
    az storage container immutability-policy show --account-name "$account" --resource-group "$group" \
        --container-name "$container" --query "$1" --output tsv 2>/dev/null | tr -d '"' || true
}

# step WHAT COMMAND...
step() {
    say "$1"
    [[ -z $dry_run ]] || return 0
    "${@:2}" >/dev/null || fail "Azure refused: $1" 'see its answer above'
}

main "$@"
