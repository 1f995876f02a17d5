#!/usr/bin/env bash
# Runs a command, such as `go test ./...`, with the test databases in containers: what `make test-docker`
# runs. Uses the Docker engine that answers, or starts a private one for the time (root only), and pulls
# the official images or, where that is not possible, builds stand-ins from Debian's packages.
#
# ARDSO_TEST_IMAGE_POSTGRES15 and so on name other images; they are used as they are.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/integration/docker
. "$top/integration/debian.sh"
servers=$(servers_folder)

say() { printf 'docker: %s\n' "$*"; }

# private_engine starts a Docker engine of our own. Its images stay in the servers' folder, so that they
# are built once.
private_engine() {
	if ! command -v dockerd >/dev/null; then
		can_install || { say "no Docker engine answers, and only root can start one"; exit 1; }
		say "installing Debian package docker.io"
		debian_install docker.io >"$work/apt.log" 2>&1 || { tail -n 15 "$work/apt.log"; exit 1; }
	fi
	mkdir -p "$servers/docker"
	exec 8>"$servers/docker.lock"
	flock -n 8 || { say "waiting for another run"; flock 8; }
	dockerd -H "unix://$work/socket" --data-root "$servers/docker" --exec-root "$work/exec" -p "$work/pid" \
		--iptables=false --ip6tables=false --ip-masq=false --ip-forward=false --ip 127.0.0.1 \
		--bip 172.31.250.1/24 >"$work/dockerd.log" 2>&1 8>&- </dev/null &
	engine=$!
	export DOCKER_HOST=unix://$work/socket
	for _ in $(seq 300); do
		docker version >/dev/null 2>&1 && return
		kill -0 "$engine" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 15 "$work/dockerd.log"
	say "the private Docker engine does not start"
	exit 1
}

finish() {
	if [ -n "$engine" ]; then
		docker ps -aq --filter label=org.testcontainers=true | xargs -r docker rm -f >/dev/null 2>&1 || true
		kill "$engine" 2>/dev/null || true
		wait "$engine" 2>/dev/null || true
	fi
	rm -rf "$work"
}

# system SUITE PACKAGE... makes the image ardso-test/SUITE from packages, unless it is there.
system() {
	local suite=$1 root=$work/$1 begin=$SECONDS
	shift
	if docker image inspect "ardso-test/$suite" >/dev/null 2>&1; then return; fi
	debian_unpack "$suite" "$root" base-files bash coreutils dash grep hostname libc-bin mawk sed tzdata util-linux \
		"$@" >"$work/$suite.log" 2>&1 || { tail -n 15 "$work/$suite.log"; exit 1; }
	printf '%s\n' root:x:0:0::/root:/bin/sh postgres:x:900:900::/:/bin/sh mysql:x:901:901::/:/bin/sh >"$root/etc/passwd"
	printf '%s\n' root:x:0: postgres:x:900: mysql:x:901: >"$root/etc/group"
	# The usual /bin/sh is a link made when dash is configured.
	[ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
	mkdir -p -m 1777 "$root/tmp"
	mkdir -p "$root/opt/servers" "$root/var/lib"
	if [ "$suite" = bookworm ]; then
		"$top/integration/servers.sh"
		cp -a "$servers/postgres18" "$servers/mysql5.6" "$root/opt/servers/"
	fi
	tar -C "$root" --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale -c . |
		docker import - "ardso-test/$suite" >/dev/null
	rm -rf "$root"
	say "built the system $suite in $((SECONDS - begin)) s"
}

# build ENGINE SYSTEM SIGNAL builds ardso-test/ENGINE.
build() {
	DOCKER_BUILDKIT=0 docker build -q -t "ardso-test/$1" --build-arg "ENGINE=$1" --build-arg "SYSTEM=ardso-test/$2" \
		--build-arg "SIGNAL=$3" "$here" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
}

variable() { printf 'ARDSO_TEST_IMAGE_%s\n' "$(printf '%s' "$1" | tr 'a-z.' 'A-Z_')"; }

# images sees to it that each engine has an image: the one its variable names, the official one, or ours.
images() {
	local engine image system signal variable pulls=yes
	while read -r engine image system signal; do
		variable=$(variable "$engine")
		[ -z "${!variable:-}" ] || continue
		docker image inspect "$image" >/dev/null 2>&1 && continue
		if [ "$pulls" = yes ] && docker pull -q "$image" >/dev/null 2>&1 </dev/null; then
			say "pulled $image"
			continue
		fi
		[ "$pulls" = no ] || say "$image cannot be pulled; building images from Debian's packages"
		pulls=no
		case $system in
		bookworm) system bookworm postgresql-15 mariadb-server-core libaio1 ;;
		trixie) system trixie mariadb-server-core ;;
		esac </dev/null
		build "$engine" "$system" "$signal" </dev/null
		export "$variable=ardso-test/$engine"
		# The library's helper that removes left-over containers is an image too.
		export TESTCONTAINERS_RYUK_DISABLED=true
	done <<-END
		postgres15   postgres:15   bookworm SIGINT
		postgres18   postgres:18   bookworm SIGINT
		mariadb10.11 mariadb:10.11 bookworm SIGTERM
		mysql5.6     mysql:5.6     bookworm SIGTERM
		mariadb11.8  mariadb:11.8  trixie   SIGTERM
	END
}

work=$(mktemp -d)
engine=
trap finish EXIT
begin=$SECONDS
if docker version >/dev/null 2>&1; then
	say "using the Docker engine that answers"
else
	private_engine
	say "started a private Docker engine"
	# Inside a container the library would take us for a sibling of the databases.
	export TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1
fi
images
say "ready after $((SECONDS - begin)) s"
cd "$top"
ARDSO_TEST_DOCKER=1 "$@"
