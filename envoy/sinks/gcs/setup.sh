#!/usr/bin/env bash
# Makes a bucket in which what was put stays: a retention policy, locked, and least rights. Every step looks first, so it
# may be run again. Not run against Google by this project's tests: no emulator keeps a bucket so.
set -euo pipefail
# shellcheck source=envoy/sinks/messages.sh
source "$(dirname "$0")/../messages.sh"

usage() {
    cat <<'USAGE'
usage: setup.sh --bucket NAME --location PLACE --writer MEMBER --auditor MEMBER [--days DAYS] [--lock]
                [--expire-after-lock] [--dry-run]

  --writer, --auditor   serviceAccount:NAME@PROJECT.iam.gserviceaccount.com
  --days DAYS           retention (default: 180)
  --lock                lock the policy: from then on it can only be made longer, and the bucket not deleted before its
                        last object may be. Try it without first, then run this again with --lock.
  --expire-after-lock   DELETE every object a day after its retention, --days + 1 after it was put: without this nothing
                        here ever deletes anything, and the bucket grows for ever
  --dry-run             say each step, change nothing

gcloud is logged in already; the bucket is best in a project of its own.
Exit: 0 the bucket is as wanted (or would be), 1 it is not, 2 the command line is wrong.
USAGE
}

bucket='' location='' writer='' auditor='' days=180 lock='' expire='' dry_run=''

main() {
    read_arguments "$@"
    command -v gcloud >/dev/null || fail 'the Google command line is missing' 'https://cloud.google.com/sdk/docs/install'
    make_bucket
    set_retention
    lock_retention
    set_expiry
    # objectCreator creates and cannot replace, since to replace is to delete.
    grant 'the writer may create' "$writer" roles/storage.objectCreator
    grant 'the auditor may read and list' "$auditor" roles/storage.objectViewer
    say "done: $bucket${dry_run:+ (nothing was changed)}"
}

read_arguments() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help | -h) usage && exit 0 ;;
        --dry-run) dry_run=yes && shift && continue ;;
        --lock) lock=yes && shift && continue ;;
        --expire-after-lock) expire=yes && shift && continue ;;
        esac
        [[ $# -ge 2 ]] || wrong "$1 needs a value, or is not known"
        case $1 in
        --bucket) bucket=$2 ;;
        --location) location=$2 ;;
        --writer) writer=$2 ;;
        --auditor) auditor=$2 ;;
        --days) days=$2 ;;
        *) wrong "$1 is not known" ;;
        esac
        shift 2
    done
    [[ -n $bucket && -n $location && -n $writer && -n $auditor ]] || wrong 'one of the four names is missing'
    [[ $days =~ ^[1-9][0-9]{0,4}$ ]] || wrong '--days: a whole number from 1'
}

make_bucket() {
    if gcloud storage buckets describe "gs://$bucket" >/dev/null 2>&1; then
        say "ok: the bucket $bucket is there"
        return
    fi
    step 'make the bucket: uniform access, nothing public' gcloud storage buckets create "gs://$bucket" \
        --location="$location" --uniform-bucket-level-access --public-access-prevention
}

set_retention() {
    local seconds
    seconds=$(describe 'retention_policy.retentionPeriod')
    if [[ $seconds =~ ^[0-9]+$ ]] && ((seconds >= days * 86400)); then
        say "ok: retention is $((seconds / 86400)) days"
        return
    fi
    step "retention: $days days" gcloud storage buckets update "gs://$bucket" --retention-period="${days}d"
}

lock_retention() {
    if [[ $(describe 'retention_policy.isLocked') == True ]]; then
        say 'ok: the retention is locked'
    elif [[ -n $lock ]]; then
        step 'lock the retention, for good' gcloud storage buckets update "gs://$bucket" --lock-retention-period --quiet
    else
        say 'NOT locked: whoever administers the bucket can take the retention away (--lock)'
    fi
}

set_expiry() {
    if [[ -n $expire ]]; then
        step "DELETE each object $((days + 1)) days after it was put (--expire-after-lock)" gcloud storage buckets update \
            "gs://$bucket" --lifecycle-file=- <<<"$(lifecycle)"
    elif [[ -n $(describe lifecycle_config.rule) ]]; then
        say 'NOTE: the bucket has a lifecycle rule, which may delete objects once their retention has ended'
    else
        say "nothing is deleted when its retention has ended (--expire-after-lock would, after $((days + 1)) days)"
    fi
}

lifecycle() {
    printf '{"rule": [{"action": {"type": "Delete"}, "condition": {"age": %d}}]}' "$((days + 1))"
}

# grant WHAT MEMBER ROLE
grant() {
    step "$1" gcloud storage buckets add-iam-policy-binding "gs://$bucket" --member="$2" --role="$3"
}

# describe FIELD: of the bucket, empty if it has none.
describe() {
    gcloud storage buckets describe "gs://$bucket" --format="value($1)" 2>/dev/null || true
}

# step WHAT COMMAND...
step() {
    say "$1"
    [[ -z $dry_run ]] || return 0
    "${@:2}" >/dev/null || fail "Google refused: $1" 'see its answer above'
}

main "$@"
