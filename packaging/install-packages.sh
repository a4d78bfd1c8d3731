#!/bin/sh
# Installs the system packages that are missing, after saying which and why.
# usage: packaging/install-packages.sh build|run|test|bench|arm|vm ...
#
# For Debian 12 and 13 and Ubuntu 24.04. Without root and without sudo it says
# what to install and ends with status 1. Every package is accounted for in
# third_party/README.md.
set -eu

wanted=
reasons=

# want PACKAGE GROUP REASON
want() {
    case " $groups " in *" $2 "*) ;; *) return 0 ;; esac
    if dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; then
        return 0
    fi
    wanted="$wanted $1"
    reasons="$reasons
  $1: $3"
}

groups=${*:-build run}
for group in $groups; do
    case $group in
    build | run | test | bench | arm | vm) ;;
    *)
        echo "usage: $0 build|run|test|bench|arm|vm ..." >&2
        exit 2
        ;;
    esac
done
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is no Debian or Ubuntu: install by yourself what third_party/README.md lists." >&2
    exit 1
fi

want gcc build "C compiler, for aws-lc and as linker"
want g++ build "C++ compiler, for OpenH264"
want cmake build "builds aws-lc and Opus"
want nasm build "assembler: without it OpenH264 is 2.8 times slower"
want pkg-config build "finds libpulse"
want libpulse-dev build "recording a desktop's sound"

want sway run "the default compositor"
want foot run "the terminal of the default desktop"
want pulseaudio run "the sound server of every desktop"
want xwayland run "X11 applications on the desktops"
want fonts-dejavu-core run "a font for the terminal"

want python3 test "runs the driver of the real Moonlight client core"
want python3-venv test "keeps the driver's Python packages apart"
want ffmpeg test "decodes what the client received"
want python3-av test "encodes HEVC and AV1 in the place of NVENC"
want libva2 test "loads the stand-in for a VA driver"
want libopus0 test "decodes the sound that the client received"
want pulseaudio-utils test "plays tones on the desktops"
want cage test "the second compositor"
want grim test "screenshots to compare with"
want wf-recorder test "captures a desktop beside ours"
want wlr-randr test "looks at a compositor's outputs"
want mesa-vulkan-drivers test "Vulkan on the CPU, for conversion as GPUs do it"
want vulkan-validationlayers test "checks each call of Vulkan"
want strace test "which system calls a request makes"
want iproute2 test "network namespaces with paths of every MTU"
want valgrind test "counts instructions"

want libisal2 bench "Intel's FEC, to measure ours beside"

want g++-aarch64-linux-gnu arm "compiles for ARM"
want qemu-user arm "runs what was compiled for ARM"

want qemu-system-x86 vm "the virtual machine of tests/vm"
want mmdebstrap vm "the system that runs in it"

if [ -z "$wanted" ]; then
    exit 0
fi
echo "Missing system packages ($groups):$reasons"
if [ "$(id -u)" -eq 0 ]; then
    sudo=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo=sudo
    echo "Installing them with sudo."
else
    echo "Neither root nor sudo: have an administrator run"
    echo "  apt-get install -y --no-install-recommends$wanted"
    exit 1
fi
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q
# shellcheck disable=SC2086 # the list is meant to be split
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $wanted
