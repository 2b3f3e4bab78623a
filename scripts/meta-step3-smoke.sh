#!/usr/bin/env bash
# Publishes once through the public API and says whether a campaign and an ad set came out of it.
#
#   API_URL       where the API answers             (default http://localhost:3001)
#   COOKIE_FILE   curl's cookie jar                 (default /tmp/meta-step3-smoke-cookies.txt)
#
# Whose session it uses, the first of these that is set:
#   TEST_USER_EMAIL + TEST_USER_PASSWORD    logs in and keeps the cookie in COOKIE_FILE
#   SESSION_COOKIE + CUSTOMER_ID            the value of the cookie `session`, and its customer
#   COOKIE_FILE                             a jar that holds a session; the customer is asked from the API
#
# Needs bash (3.2 is enough) and curl. Exit code 0 with campaign_id and adset_id, or 1 with one FAIL: line.
set -u

API_URL=${API_URL:-http://localhost:3001}
API_URL=${API_URL%/}
COOKIE_FILE=${COOKIE_FILE:-/tmp/meta-step3-smoke-cookies.txt}
POLL_SECONDS=90
PAUSE_SECONDS=1
# Stand for escaped characters while a text is taken apart; neither occurs in JSON.
MARK_1=$'\001'
MARK_2=$'\002'
BACKSLASH=$'\\'
QUOTE='"'

STATUS=""
BODY=""
CUSTOMER_ID=${CUSTOMER_ID:-}

fail() {
  printf 'FAIL: %s\n' "$1"
  exit 1
}

step() {
  printf '[%s/7] %s\n' "$1" "$2"
}

# text_of KEY JSON: the text behind the first "KEY":" of compact JSON; fails when there is none.
text_of() {
  local json=$2 marker="\"$1\":\"" value
  json=${json//"$BACKSLASH$BACKSLASH"/"$MARK_1"}
  json=${json//"$BACKSLASH$QUOTE"/"$MARK_2"}
  value=${json#*"$marker"}
  [ "$value" != "$json" ] || return 1
  value=${value%%"$QUOTE"*}
  value=${value//"$MARK_2"/"$QUOTE"}
  value=${value//"$MARK_1"/"$BACKSLASH"}
  printf '%s' "$value"
}

# json_text TEXT: the text as a JSON string.
json_text() {
  local text=$1
  text=${text//"$BACKSLASH"/"$BACKSLASH$BACKSLASH"}
  text=${text//"$QUOTE"/"$BACKSLASH$QUOTE"}
  printf '"%s"' "$text"
}

# request METHOD PATH [BODY]: leaves the answer in STATUS and BODY. The body goes through stdin, because
# arguments of a command are visible to every user of the machine.
request() {
  local method=$1 path=$2 body=${3-} answer code
  set -- -q -sS --connect-timeout 5 --max-time 20 -X "$method" -b "$COOKIE_FILE" -w '\n%{http_code}'
  if [ "$method" = POST ]; then
    set -- "$@" -H 'content-type: application/json' --data-binary @-
  fi
  if [ -n "$CUSTOMER_ID" ]; then
    set -- "$@" -H "x-customer-id: $CUSTOMER_ID"
  fi
  if [ "$path" = /auth/login ]; then
    set -- "$@" -c "$COOKIE_FILE"
  fi
  answer=$(printf '%s' "$body" | curl "$@" "$API_URL$path" 2>/dev/null)
  code=$?
  [ "$code" -eq 0 ] || fail "no answer from $API_URL$path (curl exit code $code); is the API running?"
  STATUS=${answer##*$'\n'}
  BODY=${answer%$'\n'*}
}

# refused WHAT: ends with the API's own words for the answer that request left.
refused() {
  local message hint
  message=$(text_of message "$BODY") || message="no message"
  hint=$(text_of hint "$BODY") || hint=""
  fail "$1 answered $STATUS: $message${hint:+ ($hint)}"
}

require() {
  [ "$STATUS" = "$1" ] || refused "$2"
}

keep_session_cookie() {
  local host=${API_URL#*://}
  host=${host%%/*}
  host=${host%:*}
  printf '%s\tFALSE\t/\tFALSE\t0\tsession\t%s\n' "$host" "$1" >"$COOKIE_FILE"
}

check_health() {
  request GET /health
  case $BODY in
    *'"ok":true'*) ;;
    *) fail "the API is not healthy ($STATUS): ${BODY:0:200}" ;;
  esac
}

# The jar holds a session: only its owner may read it.
prepare_cookie_file() {
  rm -f "$COOKIE_FILE" 2>/dev/null
  (umask 077 && : >"$COOKIE_FILE") 2>/dev/null || fail "cannot write the cookie file $COOKIE_FILE"
}

open_session() {
  if [ -n "${TEST_USER_EMAIL:-}" ]; then
    [ -n "${TEST_USER_PASSWORD:-}" ] || fail "TEST_USER_EMAIL is set, TEST_USER_PASSWORD is not"
    prepare_cookie_file
    CUSTOMER_ID=""
    request POST /auth/login "{\"email\":$(json_text "$TEST_USER_EMAIL"),\"password\":$(json_text "$TEST_USER_PASSWORD")}"
    require 200 "the login"
    CUSTOMER_ID=$(text_of customerId "$BODY") || fail "the login named no customer"
  elif [ -n "${SESSION_COOKIE:-}" ]; then
    [ -n "$CUSTOMER_ID" ] || fail "SESSION_COOKIE is set, CUSTOMER_ID is not"
    prepare_cookie_file
    keep_session_cookie "$SESSION_COOKIE"
  elif [ -r "$COOKIE_FILE" ]; then
    CUSTOMER_ID=""
    request GET /auth/me
    require 200 "the session in $COOKIE_FILE"
    CUSTOMER_ID=$(text_of customerId "$BODY") || fail "/auth/me named no customer"
  else
    fail "no session: set TEST_USER_EMAIL and TEST_USER_PASSWORD, or SESSION_COOKIE and CUSTOMER_ID, or COOKIE_FILE"
  fi
}

check_connection() {
  local status account hint
  request GET /meta/status
  require 200 "/meta/status"
  status=$(text_of status "$BODY") || status="unknown"
  hint=$(text_of hint "$BODY") || hint="connect Meta in Settings"
  [ "$status" = connected ] || fail "Meta is not connected: status is $status ($hint)"
  account=$(text_of selectedAdAccountId "$BODY") || fail "no ad account is selected; select one in Settings"
  printf '      connected, ad account %s\n' "$account"
}

show_ads_status() {
  local mode name marker rest word hint
  request GET /ads/status
  require 200 "/ads/status"
  mode=$(text_of metaWriteMode "$BODY") || fail "/ads/status names no metaWriteMode"
  printf '      metaWriteMode: %s\n' "$mode"
  for name in website inventory templates meta; do
    marker="\"$name\":{"
    rest=${BODY#*"$marker"}
    rest=${rest%%\}*}
    hint=""
    case $rest in
      *'"ok":true'*) word=ok ;;
      *)
        word="not ok"
        hint=$(text_of hint "$rest") || hint=""
        ;;
    esac
    printf '      %s: %s%s\n' "$name" "$word" "${hint:+ ($hint)}"
  done
}

start_publish() {
  request POST /ads/publish '{}'
  case $STATUS in
    200 | 201) ;;
    *) refused "/ads/publish" ;;
  esac
  RUN_ID=$(text_of runId "$BODY") || fail "/ads/publish named no run"
  case $BODY in
    *'"deduped":true'*) printf '      run %s, which was open already\n' "$RUN_ID" ;;
    *) printf '      run %s\n' "$RUN_ID" ;;
  esac
}

follow_run() {
  local deadline=$((SECONDS + POLL_SECONDS)) marker="\"id\":\"$RUN_ID\"" run status="not listed" message
  while [ "$SECONDS" -lt "$deadline" ]; do
    request GET "/ads/runs?limit=50"
    require 200 "/ads/runs"
    # The part of the list that belongs to our run: its fixed fields end with createdAt.
    run=${BODY#*"$marker"}
    if [ "$run" != "$BODY" ]; then
      run=${run%%\"createdAt\"*}
      status=$(text_of status "$run") || status="unknown"
      case $status in
        success) return ;;
        failed)
          message=$(text_of errorMessage "$run") || message="(none given)"
          printf 'error_message: %s\n' "$message"
          fail "run $RUN_ID failed"
          ;;
      esac
    fi
    sleep "$PAUSE_SECONDS"
  done
  fail "run $RUN_ID did not end within $POLL_SECONDS s; its status is: $status"
}

show_objects() {
  local campaign adset
  request GET /ads/objects
  require 200 "/ads/objects"
  campaign=$(text_of campaignId "$BODY") || fail "the run succeeded, and /ads/objects has no campaign id"
  adset=$(text_of adsetId "$BODY") || fail "the run succeeded, and /ads/objects has no ad set id"
  printf 'campaign_id: %s\nadset_id: %s\n' "$campaign" "$adset"
}

command -v curl >/dev/null 2>&1 || fail "curl is not installed"
step 1 "health of $API_URL"
check_health
step 2 "session"
open_session
step 3 "connection with Meta"
check_connection
step 4 "prerequisites"
show_ads_status
step 5 "publish"
start_publish
step 6 "waiting for the run"
follow_run
step 7 "created objects"
show_objects
