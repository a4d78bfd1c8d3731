#!/bin/sh
# Takes the README's picture: a host, the real client core, something typed in
# the terminal of the default app, and one decoded frame of what arrived.
# usage: tests/client/picture.sh PYTHON EARTHSHINE OUT.png
#
# Ports and directories are throw-away ones. PICTURE_PORT is the base port.
set -eu

python=$1 earthshine=$2 out=$3
port=${PICTURE_PORT:-55989}
repository=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d /tmp/earthshine-picture.XXXXXX)
# A host that is root runs desktops as other users, who must get through.
chmod 711 "$scratch"
host=
pairing=

# SIGTERM: the host ends what it has started.
finish() {
    [ -z "$pairing" ] || kill "$pairing" 2>/dev/null || true
    if [ -n "$host" ]; then
        kill "$host" 2>/dev/null || true
        wait "$host" || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

driver() {
    "$python" "$repository/tests/client/driver.py" --identity "$scratch/client" --port "$port" "$@"
}

fail() {
    echo "$1" >&2
    tail -n 30 "$scratch"/*.log >&2
    exit 1
}

# One line of JSON for each thing the client is to do; see commands.py.
orders() {
    sleep 2 # until the terminal has the focus
    # A larger font: Ctrl and +.
    echo '{"do": "key", "code": 162, "action": "down", "modifiers": 2}'
    for _ in 1 2 3 4 5 6 7 8 9 10; do echo '{"do": "key", "code": 187, "modifiers": 2}'; done
    echo '{"do": "key", "code": 162, "action": "up"}'
    sleep 1
    type_line "cd $scratch/earthshine; PS1='\\\\[\\\\e[1;34m\\\\]\\\\W\\\\[\\\\e[0m\\\\] \$ '; clear"
    sleep 1
    type_line 'ls --color -w 100'
    type_line 'sed -n 3,13p README.md'
    type_line "for i in {0..115}; do printf '\\\\e[48;2;%d;120;%dm ' \$((2*i)) \$((250-2*i)); done; printf '\\\\e[m\\\\n'"
    sleep 3 # until the picture has its full quality
    echo '{"do": "quit"}'
    sleep 1
}

type_line() {
    printf '{"do": "type", "text": "%s\\n", "pause": 0.01}\n' "$1"
    sleep 1
}

# Something to see, where the desktop's user may look.
mkdir "$scratch/earthshine"
(cd "$repository" && git ls-files -z | tar c --null -T -) | tar x -C "$scratch/earthshine"
chmod -R a+rX "$scratch/earthshine"

printf '[host]\ndiscovery = false\n' >"$scratch/config.toml"
"$earthshine" serve --config "$scratch/config.toml" --bind 127.0.0.1 --port "$port" --state-dir "$scratch/state" --runtime-dir "$scratch/run" \
    >"$scratch/ready.log" 2>"$scratch/host.log" &
host=$!
tries=0
until grep -q '"ready"' "$scratch/ready.log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$host" 2>/dev/null; then fail "the host is not ready"; fi
    sleep 0.1
done

driver pair --pin 1234 >"$scratch/pair.log" 2>&1 &
pairing=$!
tries=0
until "$earthshine" pair --api-socket "$scratch/run/api.sock" 1234 >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -le 100 ] || fail "the client does not ask to be paired"
    sleep 0.1
done
wait "$pairing" || fail "the client is not paired"
pairing=

orders | driver stream --app Desktop --width 1280 --height 720 --fps 30 --bitrate 15000 --color-space 1 \
    --video "$scratch/video.h264" >"$scratch/stream.log" 2>&1 || fail "the stream failed"

# The last frame of the last second.
ffmpeg -v error -y -i "$scratch/video.h264" -update 1 "$scratch/last.png" || fail "the stream cannot be decoded"
# A palette: a third of the size, and no difference that an eye could see.
ffmpeg -v error -y -i "$scratch/last.png" -vf 'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none' \
    "$scratch/small.png"
mv "$scratch/small.png" "$out"
ls -l "$out"
