"""`python -m graph_sandbox`: serve the sandbox until interrupted."""

from pathlib import Path
from typing import Annotated

import typer

from graph_sandbox.app import create_app
from graph_sandbox.server import make_server
from graph_sandbox.state import App

DEFAULT_APP_ID = "100000000000001"
DEFAULT_APP_SECRET = "sandbox-app-secret"  # noqa: S105 - a stand-in's own default, of no value anywhere else
DEFAULT_REDIRECT_URI = "http://localhost:3001/meta/oauth/callback"


def main(  # noqa: PLR0917 - typer passes options by name
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3004,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    app_id: Annotated[str, typer.Option(envvar="SANDBOX_APP_ID")] = DEFAULT_APP_ID,
    app_secret: Annotated[str, typer.Option(envvar="SANDBOX_APP_SECRET")] = DEFAULT_APP_SECRET,
    app_secret_file: Annotated[
        Path | None,
        typer.Option(envvar="SANDBOX_APP_SECRET_FILE", help="File that holds the secret instead."),
    ] = None,
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Registered redirect address, exact; repeat for more.")
    ] = None,
    redirect_uris: Annotated[
        str, typer.Option(envvar="SANDBOX_REDIRECT_URIS", help="The same as a comma list.")
    ] = "",
    deauthorize_url: Annotated[
        str | None,
        typer.Option(envvar="SANDBOX_DEAUTHORIZE_URL", help="Called when a person removes the app."),
    ] = None,
    data_deletion_url: Annotated[
        str | None,
        typer.Option(
            envvar="SANDBOX_DATA_DELETION_URL", help="Called when a person wants their data deleted."
        ),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(envvar="SANDBOX_STATE", help="File that keeps the state between starts.")
    ] = None,
    log_level: Annotated[str, typer.Option(envvar="LOG_LEVEL")] = "warning",
) -> None:
    """Serve a stand-in for Meta's OAuth dialog and Marketing API."""
    listed = [uri.strip() for uri in redirect_uris.split(",") if uri.strip()]
    registered = [*(redirect_uri or []), *listed] or [DEFAULT_REDIRECT_URI]
    if app_secret_file:
        app_secret = app_secret_file.read_text().strip()
    served = App(
        app_id,
        app_secret,
        tuple(registered),
        deauthorize_url=deauthorize_url or None,
        data_deletion_url=data_deletion_url or None,
    )
    app = create_app(served, state_file=state)
    typer.echo(
        f"Graph sandbox on http://{host}:{port} for app {app_id}; redirects to {', '.join(registered)}"
    )
    make_server(app, host=host, port=port, log_level=log_level).run()


if __name__ == "__main__":
    typer.run(main)
