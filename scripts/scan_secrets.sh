#!/bin/sh
# Looks for secrets in every file of the repository. What is in .secrets.baseline has been looked at and is none.
# After a change that it takes for a secret and that is none: scripts/scan_secrets.sh --accept
set -eu

PATH=$PWD/.venv/bin:$PATH
BASELINE=.secrets.baseline
# Locks are full of hashes. Keywords are ruff's matter in code (S105 to S107), and in prose they are only words.
OPTIONS="--disable-plugin KeywordDetector --disable-plugin IPPublicDetector"

list() {
  git ls-files --cached --others --exclude-standard | grep -Ev '(^|/)(requirements.*\.lock|package-lock\.json)$|\.secrets\.baseline$'
}

if [ "${1:-}" = --accept ]; then
  # shellcheck disable=SC2086
  list | xargs -d '\n' detect-secrets scan --slim $OPTIONS >"$BASELINE"
else
  list | xargs -d '\n' detect-secrets-hook --baseline "$BASELINE"
fi
