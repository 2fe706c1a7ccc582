# shellcheck shell=bash
# The machine's side of the test cloud, for up, down and services/*.sh: state folder, facts, ports, packages, processes.

HOST=127.0.0.1
CLOUD_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=$(realpath -m "${CHAMELEON_CLOUD_STATE:-$CLOUD_DIR/../../.cloud}")

# Debian's python3 must be found before any other one, and nothing of the caller's login may reach a service.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export no_proxy=$HOST,localhost NO_PROXY=$HOST,localhost
unset PYTHONPATH PYTHONHOME "${!OS_@}"
umask 022

say() { printf '[%3ds] %s\n' "$SECONDS" "$*" >&2; }

die() { say "FAILED: $*"; exit 1; }

# die_with_log NAME MESSAGE: fails, and shows what the log of NAME says.
die_with_log() {
  printf -- '--- the end of %s\n' "$STATE/log/$1.log" >&2
  tail -n 30 "$STATE/log/$1.log" >&2 || true
  die "$2"
}

# ---- state folder

is_state() { [[ -e $STATE/.chameleon-cloud ]]; }

# Creates the state folder, and keeps other runs on it out until this one ends (descriptor 9 holds the lock).
open_state() {
  # The path goes into ini files and URLs as it is; MariaDB's socket in it must stay under the kernel's 107 bytes.
  [[ $STATE =~ ^/[A-Za-z0-9/._+-]+$ ]] || die "the state folder \"$STATE\" may hold only letters, digits and /._+-"
  ((${#STATE} <= 85)) || die "the path of the state folder \"$STATE\" is over 85 characters; set CHAMELEON_CLOUD_STATE"
  if ! is_state; then
    [[ -z $(ls -A "$STATE" 2>/dev/null) ]] || die "\"$STATE\" is not empty and was not made by test/cloud/up"
    mkdir -p "$STATE"
    : >"$STATE/.chameleon-cloud"
  fi
  mkdir -p "$STATE"/{done,etc,facts,log,ports,run,tmp}
  chmod 700 "$STATE/run"
  lock_state
}

lock_state() {
  exec 9>"$STATE/lock"
  flock --timeout 600 9 || die "another run has held $STATE/lock for 600 s"
}

# put FILE: writes its input to FILE.
put() {
  mkdir -p "$(dirname "$1")"
  cat >"$1"
}

# fact NAME [VALUE]: prints what is recorded under NAME, or records VALUE. All facts end up in env.sh and cloud.json.
fact() {
  if (($# == 2)); then put "$STATE/facts/$1" <<<"$2"; else cat "$STATE/facts/$1"; fi
}

has_fact() { [[ -s $STATE/facts/$1 ]]; }

random_secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# once MARK LOG COMMAND...: runs COMMAND into the log LOG, unless it already ended well on this state.
once() {
  local mark=$STATE/done/$1 log=$2
  shift 2
  [[ -e $mark ]] && return
  "$@" >>"$STATE/log/$log.log" 2>&1 || die_with_log "$log" "$*"
  : >"$mark"
}

# ---- ports

port() { cat "$STATE/ports/$1"; }

is_free() { ! (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null; }

# claim_port NAME PROCESS: keeps the recorded port while PROCESS runs or nobody else listens there, else records another.
claim_port() {
  local candidate=''
  [[ -e $STATE/ports/$1 ]] && candidate=$(port "$1")
  if [[ -n $candidate ]] && { is_running "$2" || is_free "$candidate"; }; then return; fi
  # Below the range from which the kernel takes the ports of outgoing connections.
  while candidate=$(shuf -n 1 -i 20000-29999); do
    if ! grep -qsx "$candidate" "$STATE"/ports/* && is_free "$candidate"; then break; fi
  done
  put "$STATE/ports/$1" <<<"$candidate"
}

# ---- packages

# install_packages PACKAGE...: installs those that are missing in one run of apt, without any daemon being started.
install_packages() {
  local package missing=()
  while read -r package; do missing+=("$package"); done < <(
    comm -23 <(printf '%s\n' "$@" | sort -u) \
      <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort -u))
  ((${#missing[@]})) || return 0
  say "apt: ${missing[*]}"
  # The lock is the machine's, as policy-rc.d is: another checkout may be installing too.
  (
    exec 8>/run/lock/chameleon-cloud-packages
    flock 8
    forbid_daemon_starts
    apt_install "${missing[@]}" || { apt-get update && apt_install "${missing[@]}"; }
  ) >>"$STATE/log/apt.log" 2>&1 9>&- || die_with_log apt "apt-get install ${missing[*]}"
  say 'apt: done'
}

apt_install() {
  apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confold "$@"
}

# Until the (sub)shell ends; a policy that the machine already has stays, if it forbids too.
forbid_daemon_starts() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [[ -e $policy ]]; then
    "$policy" any start || status=$?
    ((status == 101)) && return
    echo "$policy would let apt start daemons; remove it, or let it exit 101"
    exit 1
  fi
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

# ---- processes: run/NAME.pid holds the process id and the kernel's start time, so a reused id is never taken for ours

# Nothing for a zombie: it has ended, and waits for an init that may take seconds to notice.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

is_running() {
  local pid started
  [[ -s $STATE/run/$1.pid ]] || return 1
  read -r pid started <"$STATE/run/$1.pid"
  [[ -n $started && $(start_time "$pid") == "$started" ]]
}

# launch NAME FILE... -- COMMAND...: starts COMMAND in the background; if it runs already, only when FILEs or COMMAND changed.
launch() {
  local name=$1 files=() digest
  shift
  while [[ $1 != -- ]]; do files+=("$1"); shift; done
  shift
  digest=$({ cat "${files[@]}"; printf '%s\n' "$@"; } | sha256sum)
  if is_running "$name"; then
    [[ $digest == "$(cat "$STATE/run/$name.digest")" ]] && return
    say "$name: its configuration changed"
    stop_processes "$name"
  fi
  say "$name: starting"
  (cd "$STATE/tmp" && exec setsid "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null 9>&-) &
  printf '%s\n' "$digest" >"$STATE/run/$name.digest"
  printf '%s %s\n' "$!" "$(start_time "$!")" >"$STATE/run/$name.pid"
}

# stop_processes NAME...: asks all of them to end, waits, and kills those (with their children) that remain after 20 s. Somebody else may be
# stopping one of them, too.
stop_processes() {
  local name pid started deadline=$((SECONDS + 20)) running
  for name in "$@"; do
    if is_running "$name" && read -r pid started <"$STATE/run/$name.pid"; then kill -TERM "$pid" || true; fi
  done
  while
    running=()
    for name in "$@"; do if is_running "$name"; then running+=("$name"); fi; done
    ((${#running[@]} && SECONDS < deadline))
  do sleep 0.1; done
  for name in "${running[@]}"; do
    say "$name: does not end, killed"
    if read -r pid started <"$STATE/run/$name.pid"; then kill -KILL -- "-$pid" || true; fi
  done
  for name in "$@"; do rm -f "$STATE/run/$name".{pid,digest}; done
}

# await NAME COMMAND...: repeats COMMAND until it succeeds; fails when the process NAME has ended, or after 120 s.
await() {
  local name=$1 deadline=$((SECONDS + 120))
  shift
  until "$@" 2>/dev/null; do
    is_running "$name" || die_with_log "$name" "$name has ended"
    ((SECONDS < deadline)) || die_with_log "$name" "$name: no success in 120 s of: $*"
    sleep 0.1
  done
}

# answers URL: whether there is an HTTP answer below 500.
answers() {
  local status
  status=$(curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "$1") && ((status < 500))
}

listens() { ! is_free "$1"; }
