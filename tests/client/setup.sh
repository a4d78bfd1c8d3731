#!/bin/sh
# Makes the virtual environment that the client driver runs in.
# usage: tests/client/setup.sh DIR   (DIR is kept if it is complete already)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:?usage: setup.sh DIR}
wanted=$(cat "$here/requirements.txt" && python3 --version)
if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/complete" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi
rm -rf "$venv"
python3 -m venv "$venv" || {
    echo "python3 -m venv failed: install the package python3-venv" >&2
    exit 1
}
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
"$venv/bin/python" -c 'import cffi, cryptography, importlib.util as i; assert i.find_spec("moonlight_python")'
printf '%s\n' "$wanted" > "$venv/complete"
