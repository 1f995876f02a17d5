# Ends database servers when the process that started them is no more. Reads lines
#   server PID, container ID, gone PID-or-ID, folder PATH, removed PATH
# and acts when its input ends. SIGQUIT first, at which PostgreSQL frees its shared memory; what is
# there after three seconds is killed. Neither IDs nor paths hold blanks.
trap '' HUP INT TERM
servers= containers= folders=

# without LIST WORD prints the words of LIST but WORD.
without() {
	for word in $1; do
		[ "$word" = "$2" ] || printf '%s ' "$word"
	done
}

while read -r what arg; do
	case $what in
	server) servers="$servers $arg" ;;
	container) containers="$containers $arg" ;;
	gone)
		servers=$(without "$servers" "$arg")
		containers=$(without "$containers" "$arg")
		;;
	folder) folders="$folders $arg" ;;
	removed) folders=$(without "$folders" "$arg") ;;
	esac
done

for pid in $servers; do
	kill -QUIT "$pid" && kill -CONT "$pid"
done 2>/dev/null
tries=30
while [ "$tries" -gt 0 ]; do
	left=
	for pid in $servers; do
		kill -0 "$pid" 2>/dev/null && left=yes
	done
	[ -n "$left" ] || break
	sleep 0.1
	tries=$((tries - 1))
done
for pid in $servers; do
	kill -KILL "$pid" 2>/dev/null
done
for id in $containers; do
	docker rm --force --volumes "$id" >/dev/null 2>&1
done
for folder in $folders; do
	rm -rf -- "$folder"
done
exit 0
