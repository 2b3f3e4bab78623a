"""Meta as this installation is configured to reach it."""

from chassis.errors import ConfigProblem
from meta_auth.graph import Graph
from meta_auth.oauth import MetaOAuth
from meta_auth.settings import Settings
from meta_auth.transport import MetaTransport


class Meta:
    """The clients for the configured app, on one pool of connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._transport = MetaTransport()
        self._oauth: MetaOAuth | None = None
        self._graph: Graph | None = None
        if app := settings.meta_app:
            version = settings.meta_graph_version
            self._oauth = MetaOAuth(
                app=app,
                dialog_url=f"{settings.meta_dialog_base_url}/{version}/dialog/oauth",
                token_url=f"{settings.meta_graph_base_url}/{version}/oauth/access_token",
                scopes=settings.meta_scopes,
                transport=self._transport,
            )
            self._graph = Graph(
                base_url=settings.meta_graph_base_url,
                version=version,
                app=app,
                transport=self._transport,
            )

    @property
    def oauth(self) -> MetaOAuth:
        """The OAuth client.

        Raises:
            ConfigProblem: the app's settings are incomplete.
        """
        if self._oauth is None:
            raise self._not_configured()
        return self._oauth

    @property
    def graph(self) -> Graph:
        """The Graph client.

        Raises:
            ConfigProblem: the app's settings are incomplete.
        """
        if self._graph is None:
            raise self._not_configured()
        return self._graph

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _not_configured(self) -> ConfigProblem:
        missing = "META_APP_ID and META_REDIRECT_URL environment variables"
        if self._settings.meta_app_id and self._settings.meta_redirect_url:
            missing = "META_APP_SECRET environment variable"
        return ConfigProblem("Meta OAuth not configured", hint=f"Set {missing}")
