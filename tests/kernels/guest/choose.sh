# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# choose.sh MODULE: what `gyr run` takes when no source is named: eBPF where it loads, else the module where it
# is, else nothing, and what each lacked. What eBPF lacks is the kernel's types, which are hidden.
cat >/tmp/choose.yaml <<END
plugin_dirs: [/gyr/plugins]
enrichers:
  - plugin: process
rules:
  files: [/gyr/rules]
END
run() { # STATUS
    $GYR run --dry-run -c /tmp/choose.yaml >/dev/null 2>/tmp/chosen
    status=$?
    [ $status -eq "$1" ] || wrong "status $status, not $1"
}
says() { grep -qF -- "$1" /tmp/chosen || wrong "it does not say: $1"; }
wrong() {
    cat /tmp/chosen
    umount /sys/kernel/btf 2>/dev/null
    echo "$1"
    exit 1
}
mount -t tmpfs none /sys/kernel/btf || exit
run 1
says "source 'ebpf': plugin ebpf: the kernel does not tell its types"
says "source 'kmod': plugin kmod: there is no /dev/gyr: the kernel module is not loaded"
says "no source can watch this machine"
insmod "$1" || exit
run 0
says "the kernel does not tell its types"
says "  source    kmod (/gyr/plugins/kmod.so"
umount /sys/kernel/btf
run 0
says "  source    ebpf (/gyr/plugins/ebpf.so"
rmmod gyr || exit
echo "ebpf; without BTF kmod; without both, why"
