"""`python -m sample_service.telling`: logs and traces with planted secrets, as a careless service might."""

import json
import logging

import structlog
from pydantic import SecretStr

from chassis.settings import ServiceSettings
from chassis.telemetry import current_traceparent, get_logger, setup_telemetry, span, trace_id_of
from sample_service.planted import META_TOKEN, PLANTED

KEPT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_log = get_logger("sample")
_foreign = logging.getLogger("some.library")


def tell_secrets() -> None:
    """Every way in which a secret has been seen to reach a log."""
    value = iter(PLANTED)
    _log.info("query", url=f"https://graph.example/me?fields=id&access_token={next(value)}&limit=5")
    _log.info("form", body=f"client_secret={next(value)}&code={next(value)}&grant=x")
    _log.info("exchange", url=f"https://graph.example/oauth?fb_exchange_token={next(value)}")
    _log.info(
        "header", headers={"Authorization": f"Bearer {next(value)}", "cookie": f"session={next(value)}"}
    )
    _log.info("nested", calls=[{"body": {"password": next(value), "email": "kept@example.com"}}])
    _log.info("argument", access_token=next(value))
    _log.info("argument", accessToken=next(value))
    _log.info("argument", app_secret=next(value))
    _log.info("argument", appsecret_proof=next(value))
    _log.info("argument", service_token=next(value))
    _log.info("argument", code=next(value))
    _log.info("model", sealed=SecretStr(next(value)))
    _log.info("json", body=json.dumps({"access_token": next(value), "expires": 5}))
    _log.info("dict", text=str({"accessToken": next(value), "expires": 5}))
    _log.info("address", url=f"postgresql://gateway:{next(value)}@db:5432/auto_ads")
    _log.info("address", url=f"redis://:{next(value)}@redis:6379/0")
    _log.info("meta", text=f"Error validating {META_TOKEN}: expired")
    _log.info(f"in the event itself: bearer {next(value)}")
    _foreign.warning("a library says access_token=%s", next(value))
    for log in (_log, _foreign):
        try:
            int(f"input_token={next(value)}")
        except ValueError:
            log.exception("failed")


def tell_traces() -> None:
    """Log inside and outside of spans."""
    _log.info("outside")
    with span("click") as outer:
        _log.info("inside", traceparent=current_traceparent())
        kept = current_traceparent()
        outer.set_attribute("kept", kept or "")
    with span("later", traceparent=kept):
        _log.info("continued", trace=trace_id_of(kept))
    with span("from outside", traceparent=KEPT):
        _log.info("adopted", traceparent=current_traceparent())
    for broken in ("", "00-xyz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é" * 55):
        with span("from outside", traceparent=broken):
            _log.info("fresh", traceparent=current_traceparent())


def main() -> None:
    setup_telemetry("sample", ServiceSettings.load())
    with structlog.contextvars.bound_contextvars(run_id="run-1"):
        tell_secrets()
    tell_traces()
    _log.debug("below the level")
    logging.getLogger("httpx").info("HTTP Request: GET https://graph.example/me?secret=x")


if __name__ == "__main__":
    main()
