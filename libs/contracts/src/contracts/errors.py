"""The two error bodies of the HTTP contract, both fixed because a frontend reads them."""

from pydantic import BaseModel, Field


class NestedError(BaseModel):
    code: str
    message: str


class AuthErrorBody(BaseModel):
    """Shape A: login pages read the nested part, the rest of the client the copy above it."""

    error: NestedError
    message: str
    hint: str | None = None


class Issue(BaseModel):
    """One thing wrong with a body; `path` leads to it."""

    path: list[str | int] = Field(default_factory=list)
    message: str
    code: str


class ErrorBody(BaseModel):
    """Shape B, for `/meta/*`, `/ads/*` and internal calls."""

    error: str
    message: str
    hint: str | None = None
    issues: list[Issue] | None = None
