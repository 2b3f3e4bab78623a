"""One tree of errors: a caller reads code and status, a consumer reads the branch."""

import pytest

from chassis.errors import (
    AppError,
    ConfigProblem,
    Conflict,
    FeatureDisabled,
    Forbidden,
    Internal,
    MetaApiError,
    MissingPrerequisite,
    NotFound,
    OutcomeUnknown,
    PayloadTooLarge,
    RateLimited,
    Rejected,
    Retryable,
    Unauthorized,
    Unavailable,
    ValidationFailed,
    error_classes,
)
from contracts.errors import Issue


@pytest.mark.parametrize(
    ("error_class", "code", "status"),
    [
        (ValidationFailed, "VALIDATION_ERROR", 400),
        (MissingPrerequisite, "MISSING_PREREQUISITE", 400),
        (ConfigProblem, "CONFIG_ERROR", 400),
        (FeatureDisabled, "CONFIG_ERROR", 403),
        (Unauthorized, "UNAUTHORIZED", 401),
        (Forbidden, "FORBIDDEN", 403),
        (NotFound, "NOT_FOUND", 404),
        (Conflict, "CONFLICT", 409),
        (PayloadTooLarge, "PAYLOAD_TOO_LARGE", 413),
        (RateLimited, "RATE_LIMITED", 429),
        (MetaApiError, "META_API_ERROR", 502),
        (Internal, "INTERNAL", 500),
        (Unavailable, "UNAVAILABLE", 503),
    ],
)
def test_codes_and_statuses_are_those_of_the_http_contract(
    error_class: type[AppError], code: str, status: int
) -> None:
    assert (error_class.code, error_class.status) == (code, status)


def test_every_error_of_ours_says_what_to_do_next_or_is_a_bug() -> None:
    for error_class in error_classes():
        branches = [issubclass(error_class, branch) for branch in (Rejected, Retryable, OutcomeUnknown)]
        assert sum(branches) == 1 or error_class in (AppError, Internal), error_class


def test_every_error_class_is_listed_once() -> None:
    classes = error_classes()
    assert len(classes) == len(set(classes))
    assert {AppError, Rejected, FeatureDisabled, RateLimited, OutcomeUnknown} <= set(classes)


def test_an_error_gives_both_bodies() -> None:
    issue = Issue(path=["name"], message="Name is required", code="missing")
    error = ValidationFailed("Name is required", hint="Fill it in.", issues=[issue])
    assert error.flat_body().model_dump(exclude_none=True) == {
        "error": "VALIDATION_ERROR",
        "message": "Name is required",
        "hint": "Fill it in.",
        "issues": [{"path": ["name"], "message": "Name is required", "code": "missing"}],
    }
    assert error.nested_body().model_dump(exclude_none=True) == {
        "error": {"code": "VALIDATION_ERROR", "message": "Name is required"},
        "message": "Name is required",
        "hint": "Fill it in.",
    }


def test_what_may_be_retried_says_when() -> None:
    assert Unavailable("Away").retry_after_seconds == 1
    assert RateLimited("Too many tries", retry_after_seconds=30).retry_after_seconds == 30


def test_the_text_of_an_error_is_its_message() -> None:
    assert str(Conflict("Another body")) == "Another body"
