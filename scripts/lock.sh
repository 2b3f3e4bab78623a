#!/bin/sh
# Resolves all dependencies anew and writes the two hash-pinned lock files. Needs uv on the PATH (`make lock` sees to it).
set -eu

uv lock -q
uv export -q --all-packages --all-groups --no-emit-workspace --no-header -o requirements.lock
# The installer itself, for machines without one.
uv pip compile -q --generate-hashes --universal --no-header --no-annotate -o requirements-uv.lock - <<'REQUIREMENTS'
uv>=0.13,<0.14
REQUIREMENTS
