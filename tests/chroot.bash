# Sourced by the scripts that try things in a Debian of its own, in a folder: a chroot. They run as root.
# shellcheck disable=SC2154  # they set `root`, the folder of the project, and `work`, a temporary one

# Makes one with terminals and a TUN device, where apt-get knows of all packages: chroot_make FOLDER RELEASE [PACKAGE,...]
# A mirror's list of packages in a release that is not out yet is valid for a week, and a mirror may be older than that.
chroot_make() {
  mmdebstrap --quiet --variant=apt --skip=cleanup/apt/lists --aptopt='Acquire::Check-Valid-Until "false"' \
    ${3:+--include="$3"} "$2" "$1"
  mount -t proc proc "$1/proc"
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
  ln --symbolic --force pts/ptmx "$1/dev/ptmx"
  mkdir --parents "$1/dev/net"
  mknod "$1/dev/net/tun" c 10 200
}

# Lets a folder be seen there under its own name: chroot_share FOLDER SHARED
chroot_share() {
  mkdir -p "$1$2"
  mount --bind "$2" "$1$2"
}

# Runs a command there: chroot_run FOLDER COMMAND...
chroot_run() {
  local folder=$1
  shift
  env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    chroot "$folder" "$@"
}

# Has ordercache, as the command there that is named, miss, hit and add on real servers. These are tests/demo's, whose
# sockets are shared: chroot_try FOLDER COMMAND...
chroot_try() {
  export -f chroot_run chroot_share
  # shellcheck disable=SC2016  # for the shell that tests/demo starts
  "$root/tests/demo" bash -c '
    set -euxo pipefail
    debian=$1
    program=("${@:2}")
    sockets=${PG_SERVICE_URI#*host=}
    chroot_share "$debian" "$sockets"
    trap "umount $debian$sockets" EXIT
    ordercache() {
      chroot_run "$debian" env PG_SERVICE_URI="$PG_SERVICE_URI" REDIS_SERVICE_URI="$REDIS_SERVICE_URI" "${program[@]}" "$@"
    }
    [[ $(ordercache count) == 12000 ]]
    [[ $(ordercache count -v 2>&1) == *"Found num_orders:all, value is 12000"* ]]
    [[ $(ordercache add --date 2023-03-10 --customer 9999 --net 23.00 --tax 1.80) == 12001 ]]
    [[ $(ordercache count) == 12001 ]]
  ' chroot_try "$@"
}

# Removes it, and never what it shared.
chroot_remove() {
  local mounted
  while mounted=$(findmnt --noheadings --list --output TARGET | grep "^$1/" | tail -n 1); do
    umount "$mounted"
  done
  rm -rf --one-file-system "$1"
}

passed=0
failed=0

# check SENTENCE COMMAND...: the command's output is shown where it fails.
check() {
  local sentence=$1 status=0
  shift
  # Not as a condition: bash would let the command go on after a failure within it.
  set +e
  (
    set -e
    "$@"
  ) >"$work/log" 2>&1
  status=$?
  set -e
  if ((status == 0)); then
    printf 'ok      %s\n' "$sentence"
    ((passed += 1))
  else
    printf 'FAILED  %s\n' "$sentence"
    sed 's/^/        /' "$work/log"
    ((failed += 1))
  fi
}
