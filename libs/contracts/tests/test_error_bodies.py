"""The two error bodies, key for key: a frontend reads them and cannot be changed."""

from contracts.errors import AuthErrorBody, ErrorBody, Issue, NestedError


def test_shape_a_has_the_nested_error_and_the_copy_of_its_message() -> None:
    body = AuthErrorBody(
        error=NestedError(code="UNAUTHORIZED", message="Not logged in"),
        message="Not logged in",
        hint="Log in to continue.",
    )
    assert body.model_dump_json(exclude_none=True) == (
        '{"error":{"code":"UNAUTHORIZED","message":"Not logged in"},"message":"Not logged in",'
        '"hint":"Log in to continue."}'
    )


def test_shape_b_has_the_code_as_text_and_may_list_issues() -> None:
    issue = Issue(path=["formatsJson", 0], message="At least one format required", code="value_error")
    body = ErrorBody(error="VALIDATION_ERROR", message=issue.message, hint="Choose a format.", issues=[issue])
    assert body.model_dump_json(exclude_none=True) == (
        '{"error":"VALIDATION_ERROR","message":"At least one format required","hint":"Choose a format.",'
        '"issues":[{"path":["formatsJson",0],"message":"At least one format required","code":"value_error"}]}'
    )


def test_what_there_is_nothing_to_say_about_is_left_out_of_both_shapes() -> None:
    nested = AuthErrorBody(
        error=NestedError(code="INTERNAL", message="Internal error"), message="Internal error"
    )
    assert nested.model_dump_json(exclude_none=True) == (
        '{"error":{"code":"INTERNAL","message":"Internal error"},"message":"Internal error"}'
    )
    flat = ErrorBody(error="INTERNAL", message="Internal error")
    assert flat.model_dump_json(exclude_none=True) == '{"error":"INTERNAL","message":"Internal error"}'
