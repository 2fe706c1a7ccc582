# Shared by the scripts that install Debian packages: names what a host lacks, and installs it.
# shellcheck shell=bash

missing=()
need() { # need COMMAND PACKAGE
  command -v "$1" >/dev/null || missing+=("$2")
}

install_missing() { # install_missing WHO
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || { echo "$1: run as root to install: ${missing[*]}" >&2; exit 1; }
  echo "$1: installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  install_packages() { apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}" >>"$log" 2>&1; }
  install_packages || { apt-get update >>"$log" 2>&1 && install_packages; } || { tail -n 20 "$log" >&2; exit 1; }
  rm -f "$log"
}

# mirror_of LABEL DEFAULT: where this machine has that archive of Debian from.
mirror_of() {
  local found
  # shellcheck disable=SC2016 # apt's own variables
  found=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Identifier: Packages' | sed -n "s/^Debian|$1|//p" | head -n 1)
  echo "${found:-$2}"
}
