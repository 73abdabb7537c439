#!/usr/bin/env bash
# A cluster for development on this machine: etcd and some nodes, each with a directory of its own below one data directory.
# Called by ./run --nodes N, which builds first. dev_cluster.sh NODES DATA FRESH CHECK [WORK]
# FRESH and CHECK are yes or no; WORK is a directory of the caller's that is removed at the end.
# shellcheck disable=SC2317 # until_true calls functions by their names
set -euo pipefail
cd "$(dirname "$0")/.."

nodes=$1 data=$2 fresh=$3 check=$4 work=${5:-}
bin=build/release/apps
round=2021-3
passed=0
etcd_pid=

done_with() { passed=$((passed + 1)); echo "run: $1 ($SECONDS s)"; }
fail() { echo "run: $1" >&2; echo "$passed passed, 1 failed"; exit 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
field() { sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "$data/node$1/janjid.ports" 2>/dev/null || true; }
alive() { local p; p=$(field "$1" pid); [ -n "$p" ] && kill -0 "$p" 2>/dev/null; }
ready() { [ -s "$data/node$1/janjid.ports" ] && curl -sf -m 5 -o /dev/null "http://127.0.0.1:$(field "$1" admin_port)/readyz"; }
all_ready() { local i; for i in $(seq "$nodes"); do ready "$i" || return 1; done; }
ctl() { local i=$1; shift; "$bin/janjictl" --data "$data/node$i" "$@" >>"$data/janjictl.out" 2>&1; }

until_true() {
  local tries=$1
  shift
  while ! "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

stop_all() {
  local i p
  local pids=()  # a node that stops takes the file with it that says its own
  for i in $(seq "$nodes"); do if alive "$i"; then pids+=("$(field "$i" pid)"); fi; done
  for p in "${pids[@]}"; do kill -TERM "$p" 2>/dev/null || true; done
  for p in "${pids[@]}"; do
    for _ in $(seq 150); do if [ -n "$p" ] && kill -0 "$p" 2>/dev/null; then sleep 0.1; else break; fi; done
  done
  if [ -n "$etcd_pid" ]; then kill -TERM "$etcd_pid" 2>/dev/null || true; wait "$etcd_pid" 2>/dev/null || true; fi
  etcd_pid=
}
at_exit() {
  stop_all
  if [ -n "$work" ]; then rm -rf "$work"; fi
}

prepare() {
  local i
  for i in $(seq "$nodes"); do if alive "$i"; then fail "a cluster is running on $data already"; fi; done
  if [ "$fresh" = yes ] && [ -d "$data" ]; then
    [ -e "$data/node1/store/CURRENT" ] || [ -z "$(ls -A "$data")" ] || fail "$data does not hold a cluster of this program: not removed"
    rm -rf "$data"
  fi
  mkdir -p "$data"
  # One master key for all: what one node has sealed another must be able to read.
  [ -e "$data/master.key" ] || (umask 077; od -An -tx1 -N32 /dev/urandom | tr -d ' \n' >"$data/master.key")
  # A certificate for each node, which links and etcd are shown, and one for etcd.
  local whom=()
  for i in $(seq "$nodes"); do whom+=("$i@127.0.0.1"); done
  configs/dev-ca "$data/certificates" --cluster development "${whom[@]}" 127.0.0.1 >"$data/dev-ca.out" || fail "no certificates could be made"
}

start_etcd() {
  local url peer its=$data/certificates
  url=https://127.0.0.1:$(free_port) peer=http://127.0.0.1:$(free_port)
  etcd --name=development --data-dir="$data/etcd" --listen-client-urls="$url" --advertise-client-urls="$url" --listen-peer-urls="$peer" \
    --initial-advertise-peer-urls="$peer" --initial-cluster="development=$peer" --cert-file="$its/127.0.0.1.pem" \
    --key-file="$its/127.0.0.1.key" --client-cert-auth --trusted-ca-file="$its/ca.pem" >"$data/etcd.log" 2>&1 &
  etcd_pid=$!
  until_true 300 curl -sf -m 2 -o /dev/null --cacert "$its/ca.pem" --cert "$its/127.0.0.1.pem" --key "$its/127.0.0.1.key" "$url/health" || { tail -5 "$data/etcd.log" >&2; fail "etcd does not answer"; }
  etcd=$url
}

# Each node's command is kept in its directory, so that one that was killed can be started again by hand.
start_node() {
  local i=$1 home=$data/node$1 its=$data/certificates
  mkdir -p "$home"
  rm -f "$home/janjid.ports"
  cat >"$home/start" <<TXT
#!/bin/sh
exec "$PWD/$bin/janjid" --config "$PWD/configs/single.toml" --data "$home" --port "\${PORT:-$((8080 + i))}" --admin-port 0 \\
  --master-key-file "$data/master.key" --set cluster.name=development --set cluster.node=$i --set cluster.etcd=$etcd \\
  --set "cluster.certificate_file=$its/node$i.pem" --set "cluster.key_file=$its/node$i.key" --set "cluster.ca_file=$its/ca.pem" \\
  --set "cluster.etcd_certificate_file=$its/node$i.pem" --set "cluster.etcd_key_file=$its/node$i.key" --set "cluster.etcd_ca_file=$its/ca.pem" \\
  >>"$home/janjid.out" 2>>"$home/janjid.log"
TXT
  chmod +x "$home/start"
  if [ "$check" = yes ]; then PORT=0 "$home/start" & else "$home/start" & fi
  disown
}

# The first day on which SPICE can be booked, as node 1 says; 2099-01-01, which is none, while it says nothing.
open_day() {
  local page
  page=$(curl -sf -m 5 "http://127.0.0.1:$(field 1 port)/api/v1/availability?state=Pulau+Pinang") || page=
  if [[ $page =~ \"date\":\"([0-9-]*)\",\"status\":\"open\" ]]; then echo "${BASH_REMATCH[1]}"; else echo 2099-01-01; fi
}

book() {
  curl -s -m 10 -H 'Content-Type: application/json' "http://127.0.0.1:$(field "$1" port)/api/v1/bookings" -d '{"centre":"SPICE","date":"'"$(open_day)"'",
    "people":[{"identity":{"type":"mykad","number":"'"$(shuf -i 60-99 -n1)0$(shuf -i 1-9 -n1)1$(shuf -i 0-9 -n1)07$(shuf -i 1000-9999 -n1)"'"},"name":"A Citizen"}]}'
}

check_it() {
  local said i
  said=$(book 1)
  [[ $said == *'"status":"confirmed"'* ]] || fail "node 1 does not book: $said"
  done_with "node 1 books"
  kill -KILL "$(field "$nodes" pid)"
  confirmed_again() { [[ $(book 1) == *'"status":"confirmed"'* ]]; }
  until_true 100 confirmed_again || fail "no booking is confirmed after the death of node $nodes"
  done_with "node $nodes is killed, and node 1 goes on booking"
  start_node "$nodes"
  until_true 600 ready "$nodes" || { curl -s -m 5 "http://127.0.0.1:$(field "$nodes" admin_port)/readyz?verbose" >&2; fail "node $nodes does not come back"; }
  done_with "node $nodes is back"
  # A replica that has not caught up yet is no copy of one moment: its audit would miss what the others hold.
  whole
  done_with "every shard is on three replicas again"
  stop_all
  for i in $(seq "$nodes"); do "$bin/janjictl" --data "$data/node$i" audit >"$data/audit$i" 2>&1 || { cat "$data/audit$i" >&2; fail "the audit of node $i found a breach"; }; done
  done_with "stopped, and the audit of every node is clean"
  echo "$passed passed, 0 failed"
}

tell() {
  local i
  echo
  echo "Janji serves the round of May 2021 at $nodes nodes:"
  echo
  for i in $(seq "$nodes"); do
    printf '  node %s   http://127.0.0.1:%s   kill it: kill -9 %s   start it again: %s/node%s/start &\n' "$i" "$(field "$i" port)" "$(field "$i" pid)" "$data" "$i"
  done
  cat <<TXT

A booking is confirmed when two of the three replicas of its shard have it on disk. Kill any one node: within about a
second the others go on, and when it is started again it catches up by itself.
Operators: $bin/janjictl --data $data/node1 status
To stop: Ctrl-C here, or kill $$

$passed passed, 0 failed
TXT
}

trap at_exit EXIT
trap 'exit 130' INT TERM
case $data in /*) ;; *) data=$PWD/$data ;; esac
prepare
start_etcd
done_with "etcd answers"
for i in $(seq "$nodes"); do start_node "$i"; done
listening() { local i; for i in $(seq "$nodes"); do [ -s "$data/node$i/janjid.ports" ] || return 1; done; }
until_true 300 listening || { tail -3 "$data"/node*/janjid.log >&2; fail "a node did not start"; }
known() { curl -sf -m 5 "http://127.0.0.1:$(field 1 port)/api/v1/rounds" | grep -q "\"code\":\"$round\""; }
imported() { known || ctl 1 round import --round configs/demo/round.toml --centres configs/demo/centres.csv --slots configs/demo/slot-groups.csv --first-day tomorrow; }
until_true 100 imported || { tail -5 "$data/janjictl.out" >&2; fail "the round could not be imported"; }
until_true 600 all_ready || fail "the nodes were not ready within a minute"
done_with "$nodes nodes are a cluster"
opened() { ctl 1 round open "$round"; }
until_true 100 opened || { tail -5 "$data/janjictl.out" >&2; fail "the round could not be opened"; }
done_with "the demo round of May 2021 is open"
# A shard that began on two disks, before the third node came, does not outlive the death of one of them.
whole() { until_true 600 ctl 1 check || { tail -12 "$data/janjictl.out" >&2; fail "the cluster does not become whole"; }; }
whole
done_with "every shard is on three replicas"
if [ "$check" = yes ]; then check_it; exit 0; fi
tell
while true; do wait || true; sleep 1; done
