#!/bin/sh
# make-venv.sh FOLDER REQUIREMENTS: a Python environment with exactly these packages. FOLDER/.ready marks it complete.
set -eu
folder=$1 requirements=$2 python=${PYTHON:-python3.11}

fail() {
    echo "setup: $1" >&2
    echo "  $2" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "$python is not there." "Install Python 3.11 (Debian 12: apt install python3.11-venv), or name one: make setup PYTHON=/path/to/python3.11"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$version" = 3.11 ] ||
    fail "$python is Python $version, but PyCaret 3.3.2 needs 3.11." "Name one: make setup PYTHON=/path/to/python3.11"

start=$(date +%s)
echo "setup: $folder from $requirements …"
[ -x "$folder/bin/pip" ] || "$python" -m venv "$folder" ||
    fail "cannot create $folder." "Debian keeps venv in a package of its own: apt install python3.11-venv"
log=$folder/install.log
"$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >"$log" 2>&1 || {
    grep -v '^WARNING' "$log" | tail -n 15 >&2
    fail "pip could not install $requirements." "The whole log is in $log; run make setup again when the cause is gone."
}
# The desk's environment finds the shared package wherever a program is started from.
[ "$folder" != .venv ] || echo "$PWD/layers/core" >"$folder/lib/python3.11/site-packages/contender.pth"
touch "$folder/.ready"
echo "setup: $folder is ready after $(($(date +%s) - start)) s"
