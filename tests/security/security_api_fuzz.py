"""Drives schemathesis as one identity, in a process of its own: `python security_api_fuzz.py JOB`.

JOB is a file that says where, as whom and how much; what happened is written beside it. A process for each
identity, since the library keeps its hooks in globals, and so that two cores have work.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""What the contract promises of every answer. Whether refused data should be taken is not among it: a
prerequisite that is missing is a refusal, and fields that nobody knows are ignored."""


class Identity:
    """Who asks: nobody, or a customer whose sessions are many, since some requests end the one they carry."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.customer_id: str | None = job["customer_id"]
        self.cookies: list[str] = job["cookies"]
        self.spare: list[str] = job["spare_cookies"]
        self.ends_sessions: set[str] = set(job["ends_sessions"])

    def dress(self, case: Any) -> None:
        """Send the cookie and the header of this identity, unless the case is about sending others."""
        if self.customer_id is None:
            return
        headers = {**(case.headers or {})}
        name = f"{case.operation.method.upper()} {case.operation.path}"
        if name in self.ends_sessions:
            cookie = self.spare.pop()
        else:
            cookie = self.cookies[0]
            headers["x-customer-id"] = self.customer_id
        case.headers = headers
        case.cookies = {**(case.cookies or {}), "session": cookie}

    def mind(self, response: Any) -> None:
        """Take the next session when this one is over."""
        if response.status_code == 401 and len(self.cookies) > 1 and b"Session expired" in response.content:
            self.cookies.pop(0)


def main(job_path: Path) -> None:
    job = json.loads(job_path.read_text())
    identity = Identity(job)

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        identity.dress(case)

    @schemathesis.hook
    def after_call(context: Any, case: Any, response: Any) -> None:
        identity.mind(response)

    schema = schemathesis.openapi.from_url(job["url"], config=_config(job))
    statuses: dict[str, Counter[int]] = {}
    failures: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _count(event.recorder, statuses, failures)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(f"schemathesis itself: {event!r}")
    job_path.with_suffix(".result.json").write_text(
        json.dumps(
            {
                "statuses": {name: dict(counter) for name, counter in statuses.items()},
                "failures": failures,
                "sessions_left": len(identity.cookies),
            }
        )
    )


def _config(job: dict[str, Any]) -> SchemathesisConfig:
    examples = {"max-examples": job["examples"], "no-shrink": True, "database": "none"}
    phases = {
        "examples": {"enabled": True},
        "coverage": {"enabled": True},
        "fuzzing": {"enabled": True, "generation": examples},
        "stateful": {
            "enabled": True,
            "max-steps": 8,
            "generation": {**examples, "max-examples": job["walks"]},
        },
    }
    return SchemathesisConfig.from_dict(
        {
            "seed": job["seed"],
            "continue-on-failure": True,
            "request-timeout": 20,
            "max-redirects": 0,
            "workers": 1,
            "generation": {"with-security-parameters": False, "database": "none"},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "phases": phases,
            "operations": [
                {"include-path": path, "phases": {"fuzzing": {"generation": {"max-examples": count}}}}
                for path, count in job["fewer"].items()
            ],
        }
    )


def _count(recorder: Any, statuses: dict[str, Counter[int]], failures: list[str]) -> None:
    for case_id, interaction in recorder.interactions.items():
        case = recorder.cases[case_id].value if case_id in recorder.cases else None
        name = f"{case.operation.method.upper()} {case.operation.path}" if case else "unknown"
        status = interaction.response.status_code if interaction.response else 0
        # A method that the document does not have is a case of its own.
        sent = interaction.request.method.upper()
        if case and sent != case.operation.method.upper():
            name = f"{sent} instead of {name}"
        statuses.setdefault(name, Counter())[status] += 1
        for check in recorder.checks.get(case_id, []):
            if check.failure_info is not None:
                body = interaction.response.content[:300] if interaction.response else b""
                failures.append(
                    f"{check.name}: {sent} {interaction.request.uri} {status} {body!r}: "
                    f"{check.failure_info.failure.message}\n{check.failure_info.code_sample}"
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
