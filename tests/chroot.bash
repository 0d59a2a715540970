# Sourced by the scripts that try things in a Debian of its own, in a folder: a chroot. They run as root.

# Makes one with terminals and a TUN device, where apt-get knows of all packages: chroot_make FOLDER RELEASE [PACKAGE,...]
chroot_make() {
  mmdebstrap --quiet --variant=apt --skip=cleanup/apt/lists ${3:+--include="$3"} "$2" "$1"
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

# Removes it, and never what it shared.
chroot_remove() {
  local mounted
  while mounted=$(findmnt --noheadings --list --output TARGET | grep "^$1/" | tail -n 1); do
    umount "$mounted"
  done
  rm -rf --one-file-system "$1"
}
