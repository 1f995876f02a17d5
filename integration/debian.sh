# Functions for shell scripts that take software from Debian's packages; sourced, not run.

# servers_folder prints where the servers are kept that are no installed packages; dbtest looks there too.
# Not in root's own folder, which the servers' accounts cannot enter.
servers_folder() {
	if [ -n "${ARDSO_SERVERS:-}" ]; then
		printf '%s\n' "$ARDSO_SERVERS"
	elif [ "$(id -u)" = 0 ]; then
		echo /var/cache/ardso-servers
	else
		printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/ardso-servers"
	fi
}

# can_install tells whether we may install packages on this machine.
can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# debian_install PACKAGE... installs packages and starts none of the services in them.
debian_install() {
	local policy=/usr/sbin/policy-rc.d made=
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		made=yes
	fi
	local status=0
	{
		apt-get -o DPkg::Lock::Timeout=300 update -q ||
			echo "the package lists cannot be brought up to date; trying with those at hand"
		DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "$@"
	} || status=$?
	[ -z "$made" ] || rm -f "$policy"
	[ "$status" = 0 ] || echo "Debian's packages $* cannot be installed"
	return "$status"
}

# debian_mirror prints where this machine takes Debian from.
debian_mirror() {
	local uri
	uri=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n '/^Debian /{s/^Debian //;/security/!p}' | head -n 1)
	if [ -z "$uri" ]; then
		uri=$(sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[.*\] \)\?\([^ ]*\) .*/\2/p' \
			/etc/apt/sources.list /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
	fi
	[ -n "$uri" ] || { echo "no Debian mirror is configured on this machine" >&2; return 1; }
	printf '%s\n' "$uri"
}

# debian_unpack SUITE FOLDER PACKAGE... unpacks packages of a Debian release, with all they depend on,
# into a folder and installs nothing: apt gets a root of its own, beside the folder.
debian_unpack() {
	local suite=$1 root=$2 apt=$2.apt deb
	shift 2
	mkdir -p "$root" "$apt"/etc/apt/{apt.conf.d,preferences.d,sources.list.d} \
		"$apt"/var/lib/apt/lists/partial "$apt"/var/cache/apt/archives/partial "$apt"/var/lib/dpkg
	: >"$apt/var/lib/dpkg/status"
	printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$(debian_mirror)" "$suite" \
		>"$apt/etc/apt/sources.list"
	cat >"$apt/apt.conf" <<-END
		Dir "$apt";
		Dir::State "$apt/var/lib/apt";
		Dir::State::status "$apt/var/lib/dpkg/status";
		Dir::Cache "$apt/var/cache/apt";
		Dir::Etc "$apt/etc/apt";
		Dir::Etc::parts "$apt/etc/apt/apt.conf.d";
		APT::Architecture "amd64";
		APT::Sandbox::User "root";
	END
	APT_CONFIG=$apt/apt.conf apt-get update -q &&
		APT_CONFIG=$apt/apt.conf apt-get install -q --download-only -y --no-install-recommends "$@" ||
		{ echo "the packages $* of Debian $suite cannot be had"; return 1; }
	# base-files first: it brings the links from /lib to /usr/lib that the others expect.
	for deb in "$apt"/var/cache/apt/archives/{base-files_,}*.deb; do
		[ ! -e "$deb" ] || dpkg -x "$deb" "$root"
	done
	rm -rf "$apt"
}
