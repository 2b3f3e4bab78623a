"""One tree of errors. The three branches say what to do next; leaves carry a stable code and a status.

AppError
├── Rejected         the request can never succeed as it is: record the failure, acknowledge
├── Retryable        nothing happened, later may work: back off `retry_after_seconds`
└── OutcomeUnknown   it may have happened: look, never repeat the call
"""

from collections.abc import Sequence
from typing import ClassVar

from contracts.errors import AuthErrorBody, ErrorBody, Issue, NestedError


class AppError(Exception):
    """Something that a caller gets told. Anything else that is raised is a bug."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(
        self, message: str, *, hint: str | None = None, issues: Sequence[Issue] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.issues = list(issues) if issues else None

    def flat_body(self) -> ErrorBody:
        """Shape B of the HTTP contract."""
        return ErrorBody(error=self.code, message=self.message, hint=self.hint, issues=self.issues)

    def nested_body(self) -> AuthErrorBody:
        """Shape A of the HTTP contract."""
        return AuthErrorBody(
            error=NestedError(code=self.code, message=self.message), message=self.message, hint=self.hint
        )


class Rejected(AppError):
    """The request can never succeed as it is."""

    code = "VALIDATION_ERROR"
    status = 400


class Retryable(AppError):
    """Nothing happened; the same request may work after `retry_after_seconds`."""

    code = "UNAVAILABLE"
    status = 503

    def __init__(self, message: str, *, hint: str | None = None, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(AppError):
    """It may have happened: a lost answer, a cut connection, a 5xx on a create."""


class ValidationFailed(Rejected):
    """The body, a query or a header is not what the route takes."""


class MissingPrerequisite(Rejected):
    """Something has to be set up first; the hint says what."""

    code = "MISSING_PREREQUISITE"


class ConfigProblem(Rejected):
    """The installation is not configured for this."""

    code = "CONFIG_ERROR"


class FeatureDisabled(ConfigProblem):
    """A development feature that is switched off here."""

    status = 403


class Unauthorized(Rejected):
    """Nobody, or nobody any more, is logged in."""

    code = "UNAUTHORIZED"
    status = 401


class Forbidden(Rejected):
    """Logged in, but not for this."""

    code = "FORBIDDEN"
    status = 403


class NotFound(Rejected):
    """There is no such route, or nothing with this id that the caller may see."""

    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(Rejected):
    """The route exists for another method."""

    status = 405


class RequestTimeout(Rejected):
    """The body did not arrive in time."""

    status = 408


class Conflict(Rejected):
    """The same idempotency key came with another body."""

    code = "CONFLICT"
    status = 409


class PayloadTooLarge(Rejected):
    """The body is longer than any that this service needs."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class RateLimited(Retryable):
    """Too many tries; wait as long as `Retry-After` says."""

    code = "RATE_LIMITED"
    status = 429


class Unavailable(Retryable):
    """A part that this needs does not answer now."""


class MetaApiError(Rejected):
    """Meta refused or could not answer a call made on behalf of the user."""

    code = "META_API_ERROR"
    status = 502


class Internal(AppError):
    """A bug of ours; the log has the traceback, the caller gets no detail."""


def error_classes() -> list[type[AppError]]:
    """Every error class, for the generated documentation."""

    def below(cls: type[AppError]) -> list[type[AppError]]:
        return [cls, *(leaf for sub in cls.__subclasses__() for leaf in below(sub))]

    return below(AppError)
