#!/bin/sh
# Makes .venv with the locked packages and the members of this workspace. Run again, it only adds what changed.
# Usage: scripts/install.sh MEMBER_FOLDER...   PYTHON=/path/to/python chooses the interpreter.
set -eu

VENV=.venv

stop() {
  printf '%s\n' "$@" >&2
  exit 1
}

# The wheels with the embedded servers exist for these versions.
suits() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1
}

find_python() {
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$candidate" >/dev/null 2>&1 && suits "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  found=$( (${PYTHON:-python3} --version) 2>&1) || found="no python3"
  stop "This needs Python 3.11, 3.12, 3.13 or 3.14; found: $found." \
    "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13)," \
    "or name it: make PYTHON=/path/to/python3.13"
}

make_venv() {
  python=$(find_python) || exit 1
  "$python" -c 'import venv, ensurepip' 2>/dev/null || stop \
    "$python comes without the venv module, which Debian and Ubuntu keep in a package of its own." \
    "Install it and run make again: apt-get install python3-venv"
  printf 'Creating %s with %s\n' "$VENV" "$("$python" --version)"
  rm -rf "$VENV"
  "$python" -m venv "$VENV" || {
    rm -rf "$VENV"
    stop "Could not create $VENV; see above."
  }
}

if ! suits "$VENV/bin/python"; then make_venv; fi

if command -v uv >/dev/null 2>&1; then
  uv=uv
else
  uv=$VENV/bin/uv
  [ -x "$uv" ] || "$VENV/bin/python" -m pip --disable-pip-version-check install -q --require-hashes -r requirements-uv.lock
fi

"$uv" pip install -q --python "$VENV/bin/python" --require-hashes -r requirements.lock
for member in "$@"; do
  set -- "$@" -e "$member"
  shift
done
"$uv" pip install -q --python "$VENV/bin/python" --no-deps --no-build-isolation "$@"
printf 'Installed into %s\n' "$VENV"
