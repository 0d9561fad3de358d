#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# record.sh NAME…: record anew what ordinary machines do, as tests/benign/NAME.scap.gz; without a NAME, all.
# As root, on a Debian that may be changed and has cgroups of either version: it installs packages, and has a web server, databases, cron and
# Docker run for a while. What others do at the same time is kept for its state alone. test_benign.sh then
# replays what was recorded with rules/.
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
cd "$(dirname "$0")/../.." || exit 1
umask 022
here=$PWD/tests/benign
build=${GYR_BUILD:-$PWD/build/release}
work=${BENIGN_WORK:-/var/tmp/gyr-benign}
group=/sys/fs/cgroup/cpuacct/gyr-benign
[ -d /sys/fs/cgroup/cpuacct ] || group=/sys/fs/cgroup/gyr-benign
mkdir -p "$work" "$group"

# What no rule looks at is left out: reads and writes, above all.
filter='thread.cgroups contains gyr-benign
    and not evt.type in (read, write, pread, pwrite, readv, writev, preadv, pwritev, mmap, mmap2, munmap, brk, mprotect, futex,
    poll, ppoll, select, pselect6, epoll_wait, epoll_ctl, nanosleep, clock_nanosleep, lseek, fstat, stat, lstat, newfstatat,
    access, faccessat, getdents64, recvmsg, recvfrom, rt_sigaction, rt_sigprocmask, signaldeliver, ioctl, wait4, statx, switch)'

# ---- before it is recorded ----

prepare_packages() { apt-get update -q; }
prepare_build() { rm -rf "$work/src" "$work/clone" && mkdir -p "$work/src"; }
prepare_backup() { apt-get install -y -q rsync && mkdir -p "$work/backup"; }
prepare_web() {
    apt-get install -y -q nginx-light curl || apt-get install -y -q nginx curl
    mkdir -p "$work/www" && echo hello >"$work/www/index.html"
    cat >"$work/nginx.conf" <<END
pid $work/nginx.pid;
error_log $work/error.log;
events {}
http { access_log $work/access.log; server { listen 127.0.0.1:18080; root $work/www; } }
END
}
prepare_databases() { apt-get install -y -q sqlite3 redis-server postgresql; }
prepare_cron() {
    apt-get install -y -q cron logrotate
    printf 'PATH=/usr/bin:/bin\n* * * * * root run-parts /etc/cron.daily >/dev/null 2>&1\n' >/etc/cron.d/gyr-benign
    printf '/var/log/gyr-benign.log { rotate 2\n size 1\n compress\n }\n' >/etc/logrotate.d/gyr-benign
    echo a line >/var/log/gyr-benign.log
}
prepare_python() { apt-get install -y -q python3 python3-venv && rm -rf "$work/venv"; }
prepare_docker() {
    # shellcheck source=/dev/null
    [ -x "$work/root/bin/sh" ] || debootstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$work/root"
    tar -C "$work/root" -c . | docker import - gyr-benign-base
    mkdir -p "$work/image"
    cat >"$work/image/Dockerfile" <<END
FROM gyr-benign-base
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make && rm -rf /var/lib/apt/lists/*
COPY Makefile main.c /src/
RUN cd /src && make
RUN useradd -r service && mkdir /data && chown service /data
USER service
CMD ["/src/main"]
END
    printf 'main: main.c\n\tgcc -O2 -o main main.c\n' >"$work/image/Makefile"
    printf '#include <stdio.h>\nint main(void) { return puts("built") < 0; }\n' >"$work/image/main.c"
}

# ---- what is recorded ----

do_packages() {
    apt-get install -y -q --reinstall hostname bsdutils login passwd
    apt-get install -y -q tree
    apt-get upgrade -y -q --no-download
    dpkg -l >/dev/null
    apt-get remove -y -q tree
}
do_build() {
    cd "$work/src" || return
    for i in 1 2 3 4 5 6; do printf '#include <stdio.h>\nint f%s(void) { return puts("%s"); }\n' $i $i >f$i.c; done
    printf 'int f1(void);\nint main(void) { return f1() < 0; }\n' >main.c
    # shellcheck disable=SC2016 # make's own
    printf 'all: main\nmain: main.o f1.o f2.o f3.o f4.o f5.o f6.o\n\tgcc -g -o $@ $^\ninstall: main\n\tinstall -D main $(DESTDIR)/usr/local/bin/main\n' >Makefile
    git init -q . && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm first
    make -j2 && ./main && make install DESTDIR="$work/stage"
    git clone -q "$work/src" "$work/clone" && make -C "$work/clone" && git -C "$work/clone" log --stat | cat
    g++ -x c++ -std=c++17 -o "$work/src/cpp" - <<'END'
#include <iostream>
int main() { std::cout << "hello\n"; }
END
    strip "$work/src/cpp" && ar rc "$work/src/lib.a" f1.o f2.o && gcc --version
    find . -name '*.o' -delete
}
do_backup() {
    tar -C / -czf "$work/backup/etc.tar.gz" etc
    rsync -a --delete /etc/ "$work/backup/etc/"
    rsync -a --delete /etc/ "$work/backup/etc/"
    tar -tzf "$work/backup/etc.tar.gz" >/dev/null
    sha256sum "$work/backup/etc.tar.gz" >"$work/backup/sum"
}
do_web() {
    nginx -t -c "$work/nginx.conf"
    nginx -c "$work/nginx.conf"
    for _ in 1 2 3 4 5; do curl -s http://127.0.0.1:18080/ && curl -s http://127.0.0.1:18080/none; done
    nginx -c "$work/nginx.conf" -s reload
    sleep 1
    curl -s http://127.0.0.1:18080/
    nginx -c "$work/nginx.conf" -s quit
}
do_databases() {
    rm -rf "$work/pg" && mkdir -p "$work/pg" && chown postgres "$work/pg" "$work"
    pg=$(find /usr/lib/postgresql -name initdb -exec dirname {} + | sort | tail -n 1)
    setpriv --reuid postgres --regid postgres --clear-groups "$pg/initdb" -D "$work/pg/data"
    setpriv --reuid postgres --regid postgres --clear-groups "$pg/pg_ctl" -w -D "$work/pg/data" -l "$work/pg/log" \
        -o "-p 15432 -k $work/pg -c listen_addresses=127.0.0.1" start
    setpriv --reuid postgres --regid postgres --clear-groups "$pg/psql" -h "$work/pg" -p 15432 -c \
        'create table t (a int); insert into t select generate_series(1, 1000); select count(*) from t' postgres
    setpriv --reuid postgres --regid postgres --clear-groups "$pg/pg_dump" -h "$work/pg" -p 15432 postgres >"$work/dump.sql"
    setpriv --reuid postgres --regid postgres --clear-groups "$pg/pg_ctl" -w -D "$work/pg/data" stop
    redis-server --port 16379 --dir "$work" --daemonize yes
    sleep 1
    redis-cli -p 16379 set a b
    redis-cli -p 16379 save
    redis-cli -p 16379 shutdown
    rm -f "$work/x.db" && sqlite3 "$work/x.db" 'create table t (a); insert into t values (1); select * from t;'
}
do_cron() {
    cron -f &
    cron=$!
    sleep 75
    logrotate -f /etc/logrotate.d/gyr-benign
    kill $cron
}
do_python() {
    /usr/bin/python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install -q --disable-pip-version-check six
    cd "$work" && "$work/venv/bin/python" -c 'import six, json, subprocess; subprocess.run(["ls", "/"]); print(six.__version__)'
    printf 'import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertTrue(1)\n' >"$work/test_it.py"
    "$work/venv/bin/python" -m unittest test_it
}
do_docker() {
    DOCKER_BUILDKIT=0 docker build -q --network host -t gyr-benign "$work/image"
    docker run --rm --network none gyr-benign
    docker run --rm --network none -v "$work/www:/www:ro" gyr-benign /bin/ls -l /www
    docker run -d --name gyr-benign-web --network host gyr-benign /bin/sh -c "sleep 30; exit"
    sleep 2
    docker exec gyr-benign-web /bin/cat /etc/hostname
    docker logs gyr-benign-web
    docker stop -t 1 gyr-benign-web
    docker rm gyr-benign-web
}

# ---- one of them ----

# in_group COMMAND…: it, and what it starts, belongs to what is recorded
in_group() {
    sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$@"
}

docker_begin() {
    DOCKER_HOST=unix://$work/docker.sock
    export DOCKER_HOST
    in_group dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$work/docker" --exec-root "$work/docker-run" \
        --pidfile "$work/docker.pid" --cgroup-parent gyr-benign/docker -H "$DOCKER_HOST" >"$work/dockerd.log" 2>&1 &
    for _ in $(seq 60); do
        docker version >/dev/null 2>&1 && break
        sleep 1
    done
}
docker_end() {
    kill "$(cat "$work/docker.pid")"
    for _ in $(seq 30); do
        [ -e "$work/docker.pid" ] || break
        sleep 1
    done
    umount "$work/docker-run/netns/default" 2>/dev/null
}

record() {
    name=$1
    [ "$name" != docker ] || docker_begin
    "prepare_$name" >"$work/$name.log" 2>&1
    "$build/bin/gyr" record --plugin-dir "$build/plugins" --filter "$filter" -q "$here/$name.scap.gz" &
    gyr=$!
    sleep 4
    in_group sh "$0" --do "$name" >>"$work/$name.log" 2>&1
    sleep 2
    kill $gyr
    wait $gyr || echo "$name: gyr record ended with $?"
    [ "$name" != docker ] || docker_end
    /usr/bin/python3 "$here/thin.py" "$here/$name.scap.gz"
    chmod 644 "$here/$name.scap.gz"
    ls -l "$here/$name.scap.gz"
}

if [ "${1-}" = --do ]; then
    "do_$2"
    exit
fi
[ $# -gt 0 ] || set -- packages build backup web databases cron python docker
for name; do record "$name"; done
rm -f /etc/cron.d/gyr-benign /etc/logrotate.d/gyr-benign
