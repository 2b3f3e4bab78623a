"""Defences of secrets, each taken away in a copy of the source: the canaries must mind."""

from crash_lab.mutants import Mutant

CANARIES = "tests/security/test_canaries.py"
NOWHERE = (f"{CANARIES}::test_no_secret_is_anywhere_in_any_shape",)
CHASSIS = "libs/chassis/src/chassis"

REDACTIONS = (
    Mutant(
        bug="logs are not redacted",
        file=f"{CHASSIS}/telemetry.py",
        old="        _redact_event,\n    ]",
        new="    ]",
        tests=NOWHERE,
    ),
    Mutant(
        bug="what Meta says is kept with the tokens in it",
        file="services/ads-publisher/src/ads_publisher/outcomes.py",
        old="return str(redact(printable))[:MAX_TEXT]",
        new="return printable[:MAX_TEXT]",
        tests=NOWHERE,
    ),
    Mutant(
        bug="what Meta says about a token is shown with the token",
        file="services/meta-auth/src/meta_auth/graph_errors.py",
        old='text=redact(str(error.get("message", "")))',
        new='text=str(error.get("message", ""))',
        tests=NOWHERE,
    ),
    Mutant(
        bug="a refused body is echoed",
        file=f"{CHASSIS}/http.py",
        old="return Issue(path=path, message=message, code=code)",
        new="return Issue(path=path, message=f\"{message}: {error['input']}\", code=code)",
        tests=NOWHERE,
    ),
    Mutant(
        bug="spans have the query: codes and states",
        file=f"{CHASSIS}/http.py",
        old='current.set_attribute("url.path", without_ids(scope["path"]))',
        new='current.set_attribute("url.path", scope["path"] + str(scope["query_string"]))',
        tests=NOWHERE,
    ),
    Mutant(
        bug="session cookies are stored as they are",
        file="services/gateway/src/gateway/throttle.py",
        old='return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()',
        new="return text",
        tests=NOWHERE,
    ),
    Mutant(
        bug="dead letters are shown as they are",
        file=f"{CHASSIS}/dead_letters.py",
        old="return json.dumps(redact(json.loads(self.body)), indent=2, ensure_ascii=False)",
        new="return self.body",
        tests=NOWHERE,
    ),
)
