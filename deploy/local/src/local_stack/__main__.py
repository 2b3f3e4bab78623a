"""`python -m local_stack up | down | demo | smoke`."""

from local_stack.cli import app

app(prog_name="python -m local_stack")
