#!/bin/sh
# Makes the tarball and the packages for arm64: natively on an arm64 machine, else in an arm64 container.
#
# Elsewhere it needs docker or podman, and a kernel that runs arm64 programs through qemu-user
# (Debian: apt-get install qemu-user-static binfmt-support). A compiler that runs emulated takes hours.
set -eu
checkout=$(cd "$(dirname "$0")/../.." && pwd)
image=swift:6.2-bookworm

fail() {
  echo "build-arm64: $1" >&2
  echo "  $2" >&2
  exit 1
}

if [ "$(uname -m)" = aarch64 ]; then exec make -C "$checkout" dist; fi

engine=$(command -v podman || command -v docker) ||
  fail "neither podman nor docker is here" "install one, or run 'make dist' on an arm64 machine with Debian 12 and Swift"
said=$("$engine" run --rm --platform linux/arm64 "$image" uname -m 2>&1) ||
  fail "the container does not start: $said" "qemu-user-static and binfmt-support let an x86_64 kernel run arm64 programs"
# A copy: what is built for this machine in .build must not meet what is built for that one.
folder=$checkout/.build/dist-arm64
mkdir -p "$folder/source"
git -C "$checkout" ls-files -z | tar -C "$checkout" --null -T - -cf - | tar -C "$folder/source" -xf -
"$engine" run --rm --platform linux/arm64 --volume "$folder/source:/source" --workdir /source "$image" \
  sh -c 'apt-get update -qq && apt-get install -y -qq make git && make build dist-bootstrap &&
    provisioning/dist/build.sh .build/release .build/dist'
ls -l "$folder/source/.build/dist"
