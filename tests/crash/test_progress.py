"""What is seen of a campaign while it runs."""

import io

from crash_lab.campaign import _jobs, line_count
from crash_lab.points import DELETION, OAUTH, SWEEP
from crash_lab.progress import progress
from rich.console import Console


def test_on_a_terminal_a_bar_counts_below_the_lines() -> None:
    out = io.StringIO()
    with progress(
        "lines", 2, console=Console(file=out, force_terminal=True, force_interactive=True, width=80)
    ) as advance:
        advance("ok  first")
        advance("")
    text = out.getvalue()
    assert "ok  first" in text
    assert "2/2" in text


def test_in_a_pipe_there_are_only_the_lines() -> None:
    out = io.StringIO()
    with progress("lines", 2, console=Console(file=out)) as advance:
        advance("ok  [first]" + "x" * 200)
        advance("")
    assert out.getvalue() == "ok  [first]" + "x" * 200 + "\n"


def test_the_bar_counts_to_the_last_line_of_the_matrix() -> None:
    assert line_count() == len(_jobs(1)) + len(SWEEP) + len(OAUTH) + len(DELETION)
