#!/usr/bin/env bash
# Makes a bucket in which what was put stays: versions, Object Lock in COMPLIANCE mode, least rights. Every step looks
# first and changes only what is missing, so it may be run again; it never shortens what is there.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: setup.sh --bucket NAME --writer WHO --auditor WHO --break-glass WHO [options]

  --bucket NAME        the bucket; made if it is not there, best in an account of its own
  --writer WHO         who ships: the ARN of a role (on S3-compatible stores what their policies call a user)
  --auditor WHO        who reads and verifies
  --break-glass WHO    the one role that may still change the bucket: run this as that role
  --region REGION      where the bucket is (default: $AWS_REGION, else us-east-1)
  --prefix PREFIX      below which the writer may put (default: egress/)
  --days DAYS          default retention (default: 180)
  --expire-after-lock  DELETE every object a day after its lock has ended, --days + 1 after it was put: without this
                       nothing here ever deletes anything, and the bucket grows for ever
  --kms-key ARN        encrypt with this key instead of the store's own; deny its deletion: without it all is lost
  --explicit-retention the writer brings retention with each put: never shorter than --days, never another mode
  --partition NAME     of the ARNs (default: aws; aws-cn, aws-us-gov)
  --policies DIR       write the identity policies for writer and auditor there (default: .)
  --dry-run            say each step, change nothing

The AWS command line does the work, with its own settings: AWS_PROFILE, AWS_ENDPOINT_URL_S3 for an S3-compatible
store, ... What such a store lacks is skipped with a word, except versions, lock and policy.
Exit: 0 the bucket is as wanted (or would be), 1 it is not, 2 the command line is wrong.
USAGE
}

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=envoy/sinks/messages.sh
source "$here/../messages.sh"
region=${AWS_REGION:-us-east-1} prefix=egress/ days=180 partition=aws policies=.
bucket='' writer='' auditor='' break_glass='' kms_key='' explicit='' expire='' dry_run='' locked=''

main() {
    read_arguments "$@"
    check_tools
    make_bucket
    check_versions
    set_default_retention
    optional 'the bucket owner owns every object, access lists are off' put-bucket-ownership-controls \
        --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
    if [[ -n $kms_key ]]; then
        required 'encrypt with the given key' put-bucket-encryption --server-side-encryption-configuration \
            "Rules=[{ApplyServerSideEncryptionByDefault={SSEAlgorithm=aws:kms,KMSMasterKeyID=$kms_key},BucketKeyEnabled=true}]"
    fi
    set_expiry
    set_policy
    block_public_access
    write_identity_policies
    say "done: $bucket${dry_run:+ (nothing was changed)}. Prove it, as the writer: ledgerline check-sink s3://$bucket/$prefix --retention ${days}d"
}

read_arguments() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --help | -h) usage && exit 0 ;;
        --dry-run) dry_run=yes && shift && continue ;;
        --explicit-retention) explicit=yes && shift && continue ;;
        --expire-after-lock) expire=yes && shift && continue ;;
        esac
        [[ $# -ge 2 ]] || wrong "$1 needs a value, or is not known"
        case $1 in
        --bucket) bucket=$2 ;;
        --writer) writer=$2 ;;
        --auditor) auditor=$2 ;;
        --break-glass) break_glass=$2 ;;
        --region) region=$2 ;;
        --prefix) prefix=$2 ;;
        --days) days=$2 ;;
        --kms-key) kms_key=$2 ;;
        --partition) partition=$2 ;;
        --policies) policies=$2 ;;
        *) wrong "$1 is not known" ;;
        esac
        shift 2
    done
    [[ $bucket =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]] || wrong '--bucket: 3 to 63 of a-z, 0-9, . and -'
    [[ $days =~ ^[1-9][0-9]{0,4}$ ]] || wrong '--days: a whole number from 1'
    locked=$days
    [[ $prefix =~ ^[A-Za-z0-9!_.*\'()/-]*$ ]] || wrong '--prefix: letters, digits and / . _ - only'
    [[ -z $prefix || $prefix == */ ]] || prefix+=/
    local who
    for who in "$writer" "$auditor" "$break_glass"; do
        [[ $who =~ ^[A-Za-z0-9:/+=,.@_*-]+$ ]] || wrong '--writer, --auditor and --break-glass are all needed: ARNs of roles'
    done
}

check_tools() {
    command -v aws >/dev/null || fail 'the AWS command line is missing' 'https://aws.amazon.com/cli, or: pip install awscli'
    if [[ -n ${AWS_ENDPOINT_URL_S3-} ]]; then
        say 'an S3-compatible store (AWS_ENDPOINT_URL_S3 is set)'
        return
    fi
    local who
    who=$(aws sts get-caller-identity --query Arn --output text) ||
        fail 'AWS does not know who you are' 'aws configure, or AWS_PROFILE=...'
    say "as $who"
}

make_bucket() {
    if s3 head-bucket >/dev/null 2>&1; then
        say "ok: the bucket $bucket is there"
        return
    fi
    local place=()
    if [[ -z ${AWS_ENDPOINT_URL_S3-} && $region != us-east-1 ]]; then
        place=(--create-bucket-configuration "LocationConstraint=$region")
    fi
    required 'make the bucket, with Object Lock from the start' create-bucket --object-lock-enabled-for-bucket "${place[@]}"
}

check_versions() {
    if [[ $(ask get-bucket-versioning Status) == Enabled ]]; then
        say 'ok: it keeps versions'
    elif [[ -n $dry_run ]]; then
        say 'then check: it keeps versions'
    else
        fail "the bucket $bucket keeps no versions, so it was made without Object Lock" 'take another name, and let this script make it'
    fi
}

set_default_retention() {
    local rule=ObjectLockConfiguration.Rule.DefaultRetention found found_mode years
    found_mode=$(ask get-object-lock-configuration "$rule.Mode")
    found=$(ask get-object-lock-configuration "$rule.Days")
    years=$(ask get-object-lock-configuration "$rule.Years")
    [[ ! $years =~ ^[0-9]+$ ]] || found=$((years * 365))
    if [[ $found_mode == COMPLIANCE && $found =~ ^[0-9]+$ ]] && ((found >= days)); then
        say "ok: default retention is COMPLIANCE, $found days"
        locked=$found
        return
    fi
    [[ ! $found =~ ^[0-9]+$ ]] || ((found < locked)) || locked=$found
    required "default retention: COMPLIANCE, $locked days (was: $found_mode $found)" put-object-lock-configuration \
        --object-lock-configuration \
        "{\"ObjectLockEnabled\":\"Enabled\",\"Rule\":{\"DefaultRetention\":{\"Mode\":\"COMPLIANCE\",\"Days\":$locked}}}"
}

# What is locked no rule deletes; what is no more, this one does.
set_expiry() {
    local rules
    rules=$(ask get-bucket-lifecycle-configuration "Rules[?ID!='after-the-lock'].ID")
    if [[ -n $expire && -n $rules && $rules != None ]]; then
        fail "the bucket has lifecycle rules of its own (${rules//[[:space:]]/, }), which --expire-after-lock would replace" \
            'remove them, or leave --expire-after-lock away and add the rule of lifecycle.json beside them'
    elif [[ -n $expire ]]; then
        optional "DELETE each object $((locked + 1)) days after it was put (--expire-after-lock)" put-bucket-lifecycle-configuration \
            --lifecycle-configuration "$(template lifecycle.json)"
    elif [[ $(ask get-bucket-lifecycle-configuration 'Rules[0].ID') != None ]]; then
        say 'NOTE: the bucket has a lifecycle rule, which may delete objects once their lock has ended'
    else
        say "nothing is deleted when its lock has ended (--expire-after-lock would, after $((locked + 1)) days)"
    fi
}

# After it, only the break-glass role changes lock, lifecycle and policy.
set_policy() {
    local file=bucket-policy${explicit:+-retention}.json
    if [[ $(flat "$(ask get-bucket-policy Policy)") == $(flat "$(template "$file")") ]]; then
        say "ok: the policy is $file"
        return
    fi
    required "policy ($file): nobody deletes, nobody touches a lock, only break-glass changes the bucket, only TLS" \
        put-bucket-policy --policy "$(template "$file")"
}

# After the policy, which some stores (Ceph 16) take for public because it denies something to everybody; with public
# access blocked they then shut out the writer, too. There a bucket is closed to whom nothing was granted, anyway.
block_public_access() {
    if [[ -n ${AWS_ENDPOINT_URL_S3-} && -z $dry_run && $(ask get-bucket-policy-status PolicyStatus.IsPublic) != False ]]; then
        say 'block public access'
        say '  skipped: this store would take the policy for a public one and shut out the writer'
        return
    fi
    optional 'block public access' put-public-access-block --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
}

write_identity_policies() {
    local name names=("writer${explicit:+-retention}" auditor)
    [[ -z $kms_key ]] || names+=(writer-kms)
    for name in "${names[@]}"; do
        say "write $policies/$bucket-$name.json (aws iam put-role-policy --policy-document file://... gives it to a role)"
        [[ -n $dry_run ]] || template "$name.json" >"$policies/$bucket-$name.json"
    done
}

# template FILE: prints it with its @NAMES@ filled in. All values were checked to hold nothing that JSON quotes.
template() {
    local text
    text=$(<"$here/$1")
    text=${text//@BUCKET@/"$bucket"} text=${text//@PREFIX@/"$prefix"} text=${text//@PARTITION@/"$partition"}
    text=${text//@WRITER@/"$writer"} text=${text//@AUDITOR@/"$auditor"} text=${text//@BREAK_GLASS@/"$break_glass"}
    text=${text//@KMS_KEY@/"$kms_key"} text=${text//@DAYS@/"$days"} text=${text//@DAYS_AND_ONE@/"$((locked + 1))"}
    printf '%s\n' "$text"
}

# flat JSON: without the blanks that a store may take out. No value of a policy has any.
flat() {
    tr -d '[:space:]' <<<"$1"
}

# required WHAT CALL ARGUMENT...
required() {
    local what=$1
    shift
    say "$what"
    [[ -z $dry_run ]] || return 0
    s3 "$@" >/dev/null || fail "the store refused: $what" "see its answer above; run this as $break_glass"
}

# optional WHAT CALL ARGUMENT...: needed on AWS, not had by every S3-compatible store.
optional() {
    if [[ -z ${AWS_ENDPOINT_URL_S3-} || -n $dry_run ]]; then
        required "$@"
        return
    fi
    local what=$1 answer
    shift
    say "$what"
    answer=$(s3 "$@" 2>&1 >/dev/null) || say "  skipped: this store lacks it (${answer##*$'\n'})"
}

# ask CALL QUERY: one value of the bucket's set-up, `None` if there is none.
ask() {
    s3 "$1" --query "$2" --output text 2>/dev/null || echo None
}

s3() {
    aws --region "$region" s3api "$1" --bucket "$bucket" "${@:2}"
}

main "$@"
