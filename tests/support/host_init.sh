#!/bin/bash
# The first process of a test host (hosts.py), in its fresh namespaces: gives the host folders of its own, says that
# it is ready, and then only reaps what its processes leave behind.
# usage: host_init.sh NAME PRIVATE_DEV CHECKOUT
name=$1 private_dev=$2 checkout=$3
trap '' TERM INT HUP
fail() { echo "host $name: $*" >&2; exit 1; }

cd /    # where programs on this host begin
echo "$name" >/proc/sys/kernel/hostname || fail "cannot set the host name"
exec 7<"$checkout"
mkdir -p /var/lib/mainstay /etc/mainstay || fail "cannot make /var/lib/mainstay and /etc/mainstay"
mount -a -T "${0%/*}/host.fstab" || fail "cannot mount fresh folders, and /sys for this network namespace"
if [ ! -e "$checkout/meson.build" ]; then    # it lay below one of these folders: show it again
    mkdir -p "$checkout" && mount --no-canonicalize --bind /proc/self/fd/7 "$checkout" || fail "cannot mount $checkout"
fi
exec 7<&-
mkdir -p /run/lock /run/netns /run/host

# The accounts that the package would make, where this machine has none.
if ! getent passwd mainstay-obs >/dev/null; then
    cp /etc/passwd /run/host/passwd && cp /etc/group /run/host/group || fail "cannot copy the accounts"
    number=64321
    while read -r kind account ids _; do
        group=${ids#-:}
        [ "$group" != "$ids" ] || group=$account
        case $kind in g|u) grep -q "^$group:" /run/host/group || echo "$group:x:$number:" >>/run/host/group ;; esac
        gid=$(sed -n "s/^$group:x:\([0-9]*\):.*/\1/p" /run/host/group)
        [ "$kind" != u ] || echo "$account:x:$number:$gid::/nonexistent:/usr/sbin/nologin" >>/run/host/passwd
        number=$((number + 1))
    done <"$checkout/packaging/sysusers.d/mainstay.conf"
    chmod 644 /run/host/passwd /run/host/group
    mount --bind /run/host/passwd /etc/passwd && mount --bind /run/host/group /etc/group || fail "cannot add an account"
fi

if [ "$private_dev" = yes ]; then
    mkdir /run/host/dev
    mount -t tmpfs -o mode=755 dev /run/host/dev || fail "cannot mount a fresh /dev"
    for node in null zero full random urandom tty; do
        touch "/run/host/dev/$node" && mount --bind "/dev/$node" "/run/host/dev/$node"
    done
    mkdir /run/host/dev/pts /run/host/dev/shm
    ln -s /proc/self/fd /run/host/dev/fd
    mount --move /run/host/dev /dev || fail "cannot replace /dev"
fi

ip link set lo up || fail "no ip program"
echo ready
exec >/dev/null
while :; do
    sleep 1000 &
    wait $!
done
