# Shared by up, down and exec: where a host's state is, and how it is entered.
# shellcheck shell=bash

# shellcheck disable=SC2034 # For those who source this file.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NAME=${1:-image-tools-host}
[[ $NAME =~ ^[a-z][a-z0-9-]{0,40}$ ]] || { echo "systemd-host: \"$NAME\" is no name of a host: small letters, digits, dashes" >&2; exit 2; }
# Hosts of two checkouts may have the same name where each has a folder of its own.
STATE=${SYSTEMD_HOSTS:-/run/image-tools-systemd-host}/$NAME

say() { echo "systemd-host: $*" >&2; }

# A process id and the moment it was started, by which it is told from a later process of the same id.
started_at() { echo "$1 $(awk '{ print $22 }' "/proc/$1/stat")"; }

nspawn_pid() {
  local pid moment
  read -r pid moment 2>/dev/null <"$STATE/nspawn.pid" || return 1
  [[ -d /proc/$pid && "$(started_at "$pid")" == "$pid $moment" ]] || return 1
  echo "$pid"
}

# The host's own PID 1.
init_pid() {
  local nspawn init
  nspawn=$(nspawn_pid) || return 1
  read -r init _ 2>/dev/null <"/proc/$nspawn/task/$nspawn/children" || true
  [[ -n ${init:-} ]] || return 1
  echo "$init"
}

in_host() {
  local init
  init=$(init_pid) || { say "$NAME is not up: test/systemd-host/up $NAME"; return 125; }
  nsenter --target "$init" --all --wd=/proc/"$init"/root -- /usr/bin/env --ignore-environment HOME=/root LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

system_state() { in_host systemctl is-system-running 2>/dev/null || true; }

install_missing() {
  if command -v systemd-nspawn >/dev/null && [[ -x /lib/systemd/systemd ]]; then return; fi
  say 'installing systemd-container'
  export DEBIAN_FRONTEND=noninteractive
  local options=(-qq -o DPkg::Lock::Timeout=600) packages=(systemd systemd-sysv dbus systemd-container)
  {
    apt-get "${options[@]}" install --yes --no-install-recommends "${packages[@]}" ||
      { apt-get "${options[@]}" update && apt-get "${options[@]}" install --yes --no-install-recommends "${packages[@]}"; }
  } >&2
}

# Of what this machine has enabled nothing shall start there, and nothing that was installed by hand here shall be taken for ours.
make_bare() {
  local root=$1 unit
  find "$root/etc/systemd/system" -mindepth 2 -path '*.wants/*' -delete
  rm -rf "$root"/etc/systemd/system/*.requires "$root"/etc/rc[0-6S].d/* "$root/var/log/journal"
  ln -sfn /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
  for unit in systemd-{networkd,resolved,timesyncd,udevd,modules-load,sysctl,logind}.service apt-daily{,-upgrade}.timer e2scrub_all.timer \
    fstrim.timer man-db.timer console-getty.service getty.target; do
    ln -sfn /dev/null "$root/etc/systemd/system/$unit"
  done
  : >"$root/etc/machine-id"
  echo "$NAME" >"$root/etc/hostname"
}
