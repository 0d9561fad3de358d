#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# initrd.sh -o OUT [-a SOURCE:PLACE]… RUN: make an initrd that boots, runs the script RUN and ends.
# SOURCE, a file or folder, is put at PLACE in the guest (into it, when PLACE ends in a slash).
# Programs and libraries bring along the shared libraries that ldd shows, at the places where the
# loader looks for them. RUN becomes /test/run; the rest is busybox, behind bash and coreutils where
# these are put over it. The tree is laid out as Debian's: /bin, /sbin, /lib, /lib64 lead to /usr.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
out='' adds=''
nl='
'
while getopts o:a: o; do
    case $o in
    o) out=$OPTARG ;;
    a) adds="$adds$OPTARG$nl" ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ -z "$out" ] || [ $# -ne 1 ]; then
    sed -n '3,7s/^# //p' "$0" >&2
    exit 2
fi
fail() {
    printf 'initrd: %s\n' "$1" >&2
    exit 1
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
for d in bin sbin lib lib64; do
    mkdir -p "$root/usr/$d"
    ln -s "usr/$d" "$root/$d"
done
mkdir -p "$root/etc" "$root/test" "$root/dev"
cp "$here/init" "$root/init"
cp "$1" "$root/test/run"
chmod 755 "$root/init" "$root/test/run"
busybox=$(command -v busybox) || fail 'there is no busybox'
cp -L "$busybox" "$root/usr/bin/busybox"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'root:*:19000:0:99999:7:::\n' >"$root/etc/shadow"
chmod 640 "$root/etc/shadow"
printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$root/etc/hosts"

printf '%s' "$adds" >"$root/adds"
while IFS= read -r add; do
    from=${add%:*} to=$root/${add##*:}
    [ -e "$from" ] || fail "$from is not there"
    case $to in */) mkdir -p "$to" ;; *) mkdir -p "$(dirname "$to")" ;; esac
    cp -RL "$from" "$to"
done <"$root/adds"
rm "$root/adds"

# An ELF file that is dynamically linked; ldd says so of others, which is fine.
is_elf() { [ "$(head -c 4 "$1" | tr -d '\177')" = ELF ]; }
find "$root" -type f | while IFS= read -r file; do
    is_elf "$file" || continue
    needs=$(ldd "$file" 2>/dev/null) || continue
    case $needs in *'not found'*) fail "a library is missing for ${file#"$root"}" ;; esac
    printf '%s\n' "$needs" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p'
done | sort -u >"$root/libs" || exit 1
while IFS= read -r lib; do
    case $lib in "$root"/*) continue ;; esac # one that was put there and named by a runpath
    [ ! -e "$root$lib" ] || continue
    mkdir -p "$root$(dirname "$lib")"
    cp -L "$lib" "$root$lib"
done <"$root/libs"
rm "$root/libs"
chmod -R go-w "$root"
# Owners say nothing: the same files make the same guest, owned by root. Not compressed: the guest's processor
# is slow, and the memory is there.
(cd "$root" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$out.new"
mv -f "$out.new" "$out"
