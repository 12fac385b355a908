#!/usr/bin/env bash
# Makes minimal Debian or Ubuntu systems with debootstrap, and does in them what a new user does.
#
# usage: tools/fresh_machine.sh [--mirror URL] [--keep] SUITE [CASE...]
#
# SUITE is bookworm, trixie, jammy, ... Each case gets a new system, which has nothing but what the case itself
# installs. Without CASE these are run:
#
#   demo-as-root  ./dev demo, as root and without sudo
#   demo          ./dev demo, as a user who has sudo
#   install-1, install-2, ...
#                 the rows of README's section "Install", in their order, as a user who has sudo: the Debian
#                 packages of the row, its command, and then a program that uses what was installed
#   subproject    a CMake project that takes a copy of the sources in with FetchContent
#
# and only when they are named:
#
#   test          ./dev test, as root
#   warnings      builds everything with each g++ from 12 and clang from 14 that the suite has; warnings are errors
#   warnings-COMPILER
#                 with one of them, as in warnings-g++-13 or warnings-clang-19
#
# Packages come from --mirror, or from the mirrors that apt of this machine uses. Needs root (it calls sudo), and
# the packages debootstrap, git and util-linux. Everything is in build/fresh/SUITE; a log for each case stays there,
# and with --keep the systems, too. All mounts are in a namespace that ends with this script, however it ends.
set -euo pipefail

usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}

mirror='' keep=''
while [ $# -gt 0 ]; do
  case $1 in
    --mirror) [ $# -gt 1 ] || usage; mirror=$2; shift 2 ;;
    --keep) keep=1; shift ;;
    -*) usage ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || usage
suite=$1
shift

source=$(cd "$(dirname "$0")/.." && pwd)
folder=$source/build/fresh/$suite
base=$folder/base
system=$folder/system

if [ "$(id -u)" != 0 ]; then
  exec sudo --preserve-env=http_proxy,https_proxy,no_proxy,PIP_INDEX_URL,PIP_CERT \
    "$0" ${mirror:+--mirror "$mirror"} ${keep:+--keep} "$suite" "$@"
fi
if [ -z "${FRESH_MACHINE_NAMESPACE:-}" ]; then
  FRESH_MACHINE_NAMESPACE=1 exec unshare --mount --pid --fork --kill-child \
    "$0" ${mirror:+--mirror "$mirror"} ${keep:+--keep} "$suite" "$@"
fi
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '\n== %s\n' "$*"; }

fail() {
  echo "fresh_machine: $*" >&2
  exit 1
}

# --- the base system

find_mirror() {
  local origin uri
  for origin in Debian Ubuntu; do
    for uri in $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Origin: $origin" | sort -u); do
      if /usr/lib/apt/apt-helper download-file "${uri%/}/dists/$suite/InRelease" "$folder/InRelease" \
          >/dev/null 2>&1; then
        echo "$uri"
        return
      fi
    done
  done
}

# What this machine needs to reach its mirrors: proxies and the like, and certificates that it trusts in addition.
copy_settings_of_network() {
  cp /etc/resolv.conf /etc/hosts "$base/etc/"
  apt-config dump | grep '^Acquire::' >"$base/etc/apt/apt.conf.d/90network" || true
  if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
    mkdir -p "$base/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$base/usr/local/share/ca-certificates/"
  fi
}

make_base() {
  command -v debootstrap >/dev/null || fail "needs the package debootstrap"
  [ -n "$mirror" ] || mirror=$(find_mirror)
  [ -n "$mirror" ] || fail "no mirror of this machine has $suite: give one with --mirror"
  local components=main
  # On Ubuntu most of the packages are in universe, which is switched on there.
  if grep -q '^Origin: Ubuntu' "$folder/InRelease" 2>/dev/null; then components=main,universe; fi
  say "making a minimal system of $suite"
  rm -rf --one-file-system "$base"
  debootstrap --variant=minbase --components="$components" --include=sudo,tar --cache-dir="$folder/packages" \
    "$suite" "$base" "$mirror" >"$folder/debootstrap.log" 2>&1 || { tail "$folder/debootstrap.log"; fail "debootstrap"; }
  copy_settings_of_network
  # This system is thrown away: it need not survive a power cut.
  echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/unsafe-io"
  # Debian's package keeps nothing that it downloads; here the next system wants it.
  echo 'APT::Keep-Downloaded-Packages "true";' >"$base/etc/apt/apt.conf.d/91keep"
  chroot "$base" useradd --create-home --shell /bin/bash user
  echo 'user ALL=(ALL) NOPASSWD: ALL' >"$base/etc/sudoers.d/user"
}

# --- a system for each case

new_system() {
  rm -rf --one-file-system "$system"
  cp -a --reflink=auto "$base" "$system"
  mount -t proc proc "$system/proc"
  mount --rbind /sys "$system/sys"
  mount --rbind /dev "$system/dev"
  mount --bind "$folder/packages" "$system/var/cache/apt/archives"
  local home
  for home in root home/user; do
    mkdir "$system/$home/safechunk"
    git -C "$source" ls-files -z --cached --others --exclude-standard |
      (cd "$source" && xargs -0 ls -d 2>/dev/null) | tar -C "$source" -cf - -T - | tar -C "$system/$home/safechunk" -xf -
  done
  chroot "$system" chown -R user:user /home/user
}

end_system() {
  umount -R "$system/proc" "$system/sys" "$system/dev" "$system/var/cache/apt/archives"
  [ -n "$keep" ] || rm -rf --one-file-system "$system"
}

# in_system USER COMMAND: runs a line of shell in the copy of the sources, with the environment of a fresh login.
in_system() {
  local user=$1 home variable environment=()
  home=$([ "$user" = root ] && echo /root || echo /home/user)
  for variable in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_CERT; do
    [ -z "${!variable:-}" ] || environment+=("$variable=${!variable}")
  done
  printf '\n%s$ %s\n' "$user" "$2"
  chroot --userspec="$user:$user" "$system" env -i HOME="$home" USER="$user" LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" \
    bash -euo pipefail -c "cd ~/safechunk && $2"
}

install_packages_in_system() {  # ... USER PACKAGE...
  local user=$1 sudo=sudo
  shift
  [ "$user" = user ] || sudo=
  in_system "$user" "$sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $*"
}

# --- the cases

# install_rows: the rows of README's "Install" whose middle cell is one command, as COMMAND<tab>PACKAGES.
install_rows() {
  awk -F ' *[|] *' '
    /^## / { inside = $0 == "## Install" }
    inside && $3 ~ /^`[^`]*`$/ {
      gsub(/`/, "", $3)
      packages = $4 ~ /^`[^`]*`$/ ? $4 : ""
      gsub(/`/, "", packages)
      print $3 "\t" packages
    }' "$source/README.md"
}

library_packages() { install_rows | awk -F '\t' '$1 ~ /preset library/ { print $2 }'; }

# Uses what is installed, in the way that README names.
use_installed() {
  local command=$1
  case $command in
    *pip*)
      awk '/^```python$/ { inside = 1; next } /^```$/ && inside { exit } inside' "$source/README.md" \
        >"$system/home/user/example.py"
      in_system user "cd ~ && safechunk/.venv/bin/python example.py"
      return
      ;;
    *package*) in_system user "safechunk --version && man_page=\$(find /usr -name 'safechunk.1*') && [ -n \"\$man_page\" ]" ;;
  esac
  # The program itself uses nlohmann/json. A Debian package brings no compiler.
  install_packages_in_system user g++ cmake make pkg-config nlohmann-json3-dev
  in_system user "cmake -S tests/install/consumer -B ~/consumer -D KINDS=shared && cmake --build ~/consumer \
    && ~/consumer/with_shared ~/data"
  in_system user "g++ -std=c++20 tests/install/consumer/main.cc \$(pkg-config --cflags --libs safechunk) -o ~/program \
    && ~/program ~/data2"
}

run_case() {
  local row
  case $1 in
    demo-as-root)
      # A new machine has no sudo where root logs in.
      rm "$system/usr/bin/sudo"
      in_system root "./dev demo && cd build/demo && ../package/cli/safechunk verify iso_codes"
      ;;
    demo) in_system user "./dev demo && cd build/demo && ../package/cli/safechunk verify iso_codes" ;;
    install-*)
      row=$(install_rows | sed -n "${1#install-}p")
      [ -n "$row" ] || fail "README has no row $1"
      [ -z "${row#*$'\t'}" ] || install_packages_in_system user "${row#*$'\t'}"
      in_system user "${row%$'\t'*}"
      use_installed "${row%$'\t'*}"
      ;;
    subproject)
      install_packages_in_system user "$(library_packages)" nlohmann-json3-dev
      in_system user "cp -r . ~/copy && cmake -S tests/install/parent -B ~/parent -G Ninja -D SAFECHUNK=\$HOME/copy \
        && cmake --build ~/parent && ~/parent/with_shared ~/data && ~/parent/with_static ~/data2 \
        && cmake --install ~/parent --prefix ~/prefix && [ \"\$(find ~/prefix -type f)\" = ~/prefix/bin/with_static ]"
      ;;
    test) in_system root "CI=true ./dev test" ;;
    warnings) compile_with_each '^(g\+\+-1[2-9]|clang-(1[4-9]|[2-9][0-9]))$' ;;
    warnings-*) compile_with_each "^$(sed 's/+/\\+/g' <<<"${1#warnings-}")$" ;;
    *) fail "unknown case '$1'" ;;
  esac
}

compile_with_each() {  # compile_with_each PATTERN: the packages of the compilers
  local compilers compiler cxx flags
  in_system root "apt-get update -qq"
  compilers=$(chroot "$system" apt-cache search --names-only "$1" | cut -d' ' -f1)
  [ -n "$compilers" ] || fail "$suite has no such compiler"
  # shellcheck disable=SC2086
  install_packages_in_system root $compilers $(library_packages) nlohmann-json3-dev libcli11-dev libgtest-dev \
    libsimdjson-dev libfuse3-dev python3
  for compiler in $compilers; do
    cxx=${compiler/clang-/clang++-}
    # g++ finds some of its warnings only while it optimises, clang finds all without.
    flags=$([ "$cxx" = "$compiler" ] && echo -O2 || echo -O0)
    in_system root "mkdir -p build && cmake -S . -B build/$compiler -G Ninja -D CMAKE_BUILD_TYPE=None -D CMAKE_CXX_FLAGS=$flags \
      -D CMAKE_C_COMPILER=${compiler/g++/gcc} -D CMAKE_CXX_COMPILER=$cxx -D SAFECHUNK_WERROR=ON \
      -D SAFECHUNK_BUILD_BENCH=ON >build/$compiler.log && cmake --build build/$compiler -- -k 0 \
      && rm -r build/$compiler"
  done
}

mkdir -p "$folder/packages/partial"
[ -d "$base" ] && [ -f "$folder/ready" ] || { make_base && touch "$folder/ready"; }
cases=("$@")
if [ $# = 0 ]; then
  cases=(demo-as-root demo)
  for row in $(seq "$(install_rows | wc -l)"); do cases+=("install-$row"); done
  cases+=(subproject)
fi
failed=0
for name in "${cases[@]}"; do
  say "$suite: $name"
  new_system
  begin=$SECONDS
  # Not as the condition of an if: a failing command in there would not stop the case.
  set +e
  (set -e; run_case "$name") >"$folder/$name.log" 2>&1
  status=$?
  set -e
  if [ "$status" = 0 ]; then
    echo "passed in $((SECONDS - begin)) s"
  else
    failed=$((failed + 1))
    tail -n 30 "$folder/$name.log"
    echo "FAILED: the whole log is $folder/$name.log"
  fi
  end_system
done
say "$suite: $((${#cases[@]} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
