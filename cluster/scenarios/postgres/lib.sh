# What the laboratory's scripts share. Sourced, with $LAB set to the laboratory's folder.
set -euo pipefail
PGBIN=/usr/lib/postgresql/15/bin
PATH=/usr/sbin:/sbin:$PATH
umask 022
export PGCONNECT_TIMEOUT=3 LC_ALL=C.UTF-8

# What a step leaves behind for others: KEY=VALUE lines, to Baton or to whoever looks.
output() { if [ -n "${BATON_OUTPUT:-}" ]; then cat >> "$BATON_OUTPUT"; else cat; fi; }
say() { echo "$*" >&2; }
fail() { say "$*"; exit 1; }

# PostgreSQL refuses to run as root, so whoever is root steps down; everybody else stays who they are.
# A step's daemon must outlive the step's agent, and its mark would have it ended with the agent's cluster.
as_owner() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups env -u HOME -u BATON_AGENT_HOME "$@"
  else
    env -u BATON_AGENT_HOME "$@"
  fi
}

# Addresses: NET.1.x is east, NET.2.x is west, NET.3.53 the name server, NET.4.x the drill.
lab_addresses() {
  NET=$(cat "$LAB/net")
  DNS=$NET.3.53 DNS_PORT=5353 PG_PORT=5501 APP_PORT=8081 HTTP_PORT=8000
  KEY=$(cat "$LAB/dns/secret" 2>/dev/null || true)
}
place() { case $1 in east) echo 1 ;; west) echo 2 ;; drill) echo 4 ;; *) fail "there is no region $1" ;; esac; }
db() { echo "$NET.$(place "$1").10"; }
app() { echo "$NET.$(place "$1").20"; }
front() { echo "$NET.$(place "$1").30"; }
other() { case $1 in east) echo west ;; *) echo east ;; esac; }

# A statement in a region's database, the bare value on stdout.
sql() {
  local region=$1
  shift
  "$PGBIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$(db "$region")" -p "$PG_PORT" -U postgres -d shop -c "$@"
}
is_primary() { [ "$(sql "$1" "SELECT pg_is_in_recovery()" 2>/dev/null)" = f ]; }
accepts() { "$PGBIN/pg_isready" -q -h "$(db "$1")" -p "$PG_PORT" -t 1; }
listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# The address that customers are sent to, from the zone's own server.
zone() { kdig +short +timeout=1 +retry=2 "@$DNS" -p "$DNS_PORT" app.shop.test A; }
# The load balancer's runtime API. It says what is wrong in text, and its caller's exit code says nothing.
haproxy_ask() { echo "$2" | socat -t 3 stdio "$LAB/$1/haproxy.sock"; }
backrest() {
  local region=$1
  shift
  as_owner pgbackrest --config="$LAB/$region/pgbackrest.conf" --stanza=shop "$@"
}

seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.2f", to - from }'; }

# until_holds SECONDS WHAT COMMAND…: asks until it holds.
until_holds() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "waited in vain: $what"
    sleep 0.02
  done
}

# A process is known by its id and its start, so that a stranger with the same id is never ended.
# One that has ended and is still to be reaped runs no more.
started_at() { [ ! -e "/proc/$1/stat" ] || sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | awk '$1 != "Z" { print $20 }'; }
record() { echo "$2 $(started_at "$2")" > "$LAB/pids/$1.new" && mv "$LAB/pids/$1.new" "$LAB/pids/$1"; }
recorded() {
  local pid start
  [ -e "$LAB/pids/$1" ] && read -r pid start < "$LAB/pids/$1" || return 1
  [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ] && echo "$pid"
}
# daemon NAME COMMAND…: in a session of its own, its output in the log, its id recorded.
daemon() {
  local name=$1 pid
  shift
  # It tells its own id: it is no child of ours, so that nobody has to wait for it.
  # shellcheck disable=SC2016
  as_owner setsid -f sh -c 'echo $$ >&3; exec "$@" 3>&-' sh "$@" \
    3> "$LAB/pids/$name.new" < /dev/null >> "$LAB/log/$name.log" 2>&1
  until_holds 10 "$name to start" test -s "$LAB/pids/$name.new"
  record "$name" "$(cat "$LAB/pids/$name.new")"
}
# All settings stand outside of the data folder, where neither a rewind nor a restore can replace them.
pg_start() {
  local region=$1
  as_owner "$PGBIN/pg_ctl" start -w -t 30 -s -D "$LAB/$region/data" -l "$LAB/log/postgres-$region.log" \
    -o "-c config_file=$LAB/$region/postgresql.conf" > /dev/null
  record "postgres-$region" "$(head -1 "$LAB/$region/data/postmaster.pid")"
}
# Every process of a region's database at once, as when its machine is lost.
pg_kill() {
  local postmaster
  postmaster=$(recorded "postgres-$1") || fail "the database in $1 does not run"
  kill -STOP "$postmaster"
  # shellcheck disable=SC2046
  kill -KILL $(pgrep -P "$postmaster") "$postmaster"
}
# The process of a region's database whose title says this: "walsender", "startup", "checkpointer".
pg_child() { pgrep -P "$(recorded "postgres-$1")" -f "postgres: $1: $2"; }
control() { as_owner "$PGBIN/pg_controldata" -D "$LAB/$1/data" | sed -n "s/^$2: *//p"; }
