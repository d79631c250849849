#!/bin/bash
# Boots systemd with deploy/alertd.service in namespaces of its own, on a copy of this system that goes with it: nothing
# outside of $1 is written. Called by test_boot.py within `unshare`.
set -eu
work="$1" root="$1/root" repository="$2" packages="$3"

mkdir -p "$work/upper" "$work/work" "$root"
mount -t tmpfs tmpfs "$work/upper"  # what an overlay writes to must be no overlay
mkdir "$work/upper/new" "$work/upper/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper/new,workdir=$work/upper/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"

# as docs/deployment.md installs it, but with the packages that the tests run with
mkdir -p "$root/opt/alertd/bin" "$root/opt/alertd/packages" "$root/opt/alertd/source"
mount --bind "$packages" "$root/opt/alertd/packages"
mount --bind "$repository" "$root/opt/alertd/source"
cat > "$root/opt/alertd/bin/alertd" <<'PROGRAM'
#!/usr/bin/python3
import sys
sys.path[:0] = ["/opt/alertd/source", "/opt/alertd/packages"]
from alertd.cli import main
main()
PROGRAM
chmod 0755 "$root/opt/alertd/bin/alertd"
install -d -m 0755 "$root/etc/alertd" "$root/etc/alertd/rules" && install -d -m 0700 "$root/etc/alertd/secrets.d"
cp "$repository/deploy/trial/routing.yaml" "$root/etc/alertd/"
cp "$repository"/rules/*.yaml "$root/etc/alertd/rules/"
for secret in pagerduty slack smtp; do
    install -m 0600 "$repository/deploy/trial/secrets/pagerduty" "$root/etc/alertd/secrets.d/$secret"
done
ln -sfn /run/credentials/alertd.service "$root/etc/alertd/secrets"
cp "$repository/deploy/alertd.service" "$root/etc/systemd/system/"
rm -rf "$root"/etc/systemd/system/*.wants
printf '[Unit]\nWants=alertd.service\n' > "$root/etc/systemd/system/only.target"

mkdir -p "$root/mnt/before"
cd "$root"
pivot_root . mnt/before
umount -l /mnt/before
mount --make-rshared /  # else credentials are mounted where the unit does not see them
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=only.target --log-target=null --show-status=no
