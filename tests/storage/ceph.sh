#!/usr/bin/env bash
# Runs a whole Ceph object store on loopback in the foreground: one monitor, one storage daemon, one S3 gateway.
# The first start on a folder makes the cluster and its users; a later one, after a kill -9 too, finds them.
#
# usage: ceph.sh FOLDER MONITOR_PORT HTTP_PORT HTTPS_PORT
#   FOLDER/tls.pem and FOLDER/tls.key: the gateway's certificate, made by the caller
#   FOLDER/users: lines of NAME ACCESS_KEY SECRET_KEY, made by the caller; `root` may do everything
set -euo pipefail

folder=$1 monitor_port=$2 http_port=$3 https_port=$4
ceph=(--conf "$folder/ceph.conf")

main() {
    if [[ ! -e $folder/made ]]; then
        write_configuration
        make_monitor
    fi
    ceph-mon "${ceph[@]}" --id a --foreground &
    [[ -e $folder/made ]] || make_disk
    ceph-osd "${ceph[@]}" --id 0 --foreground &
    [[ -e $folder/made ]] || make_users
    touch "$folder/made"
    radosgw "${ceph[@]}" --name client.admin --foreground &
    # Two of three are no store: the end of any is the end of all.
    wait -n
    exit 1
}

# The store's own defaults are for machines with many disks: one copy, few placement groups, and no second of pause
# before the monitor agrees with itself.
write_configuration() {
    mkdir -p "$folder"/{mon,osd,rgw}
    cat >"$folder/ceph.conf" <<CONFIGURATION
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = v2:127.0.0.1:$monitor_port
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
keyring = $folder/keyring
run dir = $folder
admin socket =
pid file =
log file = $folder/\$name.log
mon cluster log file = /dev/null
mon data = $folder/mon
mon data avail crit = 1
mon allow pool size one = true
mon max pg per osd = 10000
paxos propose interval = 0.05
paxos min wait = 0.01
osd data = $folder/osd
osd objectstore = bluestore
bluestore block size = 8589934592
osd op num shards = 1
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw data = $folder/rgw
rgw run sync thread = false
rgw frontends = beast endpoint=127.0.0.1:$http_port ssl_endpoint=127.0.0.1:$https_port ssl_certificate=$folder/tls.pem ssl_private_key=$folder/tls.key
debug rocksdb = 0
debug bluestore = 0
debug bluefs = 0
CONFIGURATION
}

make_monitor() {
    local id keyring=$folder/keyring
    ceph-authtool --create-keyring "$keyring" --gen-key --name mon. --cap mon 'allow *'
    ceph-authtool "$keyring" --gen-key --name client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
    ceph-authtool "$keyring" --gen-key --name osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
    id=$(sed -n 's/^fsid = //p' "$folder/ceph.conf")
    monmaptool --create --fsid "$id" --addv a "[v2:127.0.0.1:$monitor_port]" "$folder/monmap"
    ceph-mon "${ceph[@]}" --mkfs --id a --monmap "$folder/monmap" --keyring "$keyring"
}

make_disk() {
    local id
    id=$(cat /proc/sys/kernel/random/uuid)
    ceph "${ceph[@]}" --connect-timeout 60 osd create "$id"
    ceph-osd "${ceph[@]}" --id 0 --mkfs --osd-uuid "$id"
}

make_users() {
    local name access secret
    while read -r name access secret; do
        local rights=()
        [[ $name != root ]] || rights=(--admin)
        radosgw-admin "${ceph[@]}" user create --uid "$name" --display-name "$name" \
            --access-key "$access" --secret-key "$secret" "${rights[@]}" </dev/null
    done <"$folder/users"
}

main
