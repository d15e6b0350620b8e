"""GraphQL over HTTP to the webserver, with errors that say what is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from shared_lib.dagster_client.errors import (
    AccessRefusedError,
    DagsterClientError,
    DagsterUnavailableError,
    NotDagsterError,
    WebserverConfigurationError,
)
from shared_lib.dagster_client.webserver import AUTHORITY_VARIABLE, URL_VARIABLE, Webserver

if TYPE_CHECKING:
    from dagster_graphql import DagsterGraphQLClient
    from gql.transport.requests import RequestsHTTPTransport
    from requests import PreparedRequest, Response

_TOO_MANY = 429
_OWN_TROUBLE = 500
_NO_ACCESS = (401, 403)
_REDIRECTS = range(300, 400)


class Connection:
    """A connection to the webserver that any number of threads may use at once."""

    def __init__(self, webserver: Webserver) -> None:
        """Query ``webserver``; nothing is sent yet."""
        self.webserver = webserver

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send a GraphQL query and return its data.

        Raises:
            DagsterUnavailableError: no answer arrives in time.
            AccessRefusedError: the token is missing or wrong.
            NotDagsterError: the server that answers is not Dagster.
            WebserverConfigurationError: the certificate is not trusted.
        """
        import gql

        with self._translated():
            client = gql.Client(transport=self._transport())
            return client.execute(gql.GraphQLRequest(query, variable_values=variables))

    @contextmanager
    def library_client(self) -> Iterator["DagsterGraphQLClient"]:
        """Yield Dagster's own client; transport errors are those of :meth:`ask`."""
        from dagster_graphql import DagsterGraphQLClient

        parts = urlsplit(self.webserver.url)
        with self._translated():
            yield DagsterGraphQLClient(
                parts.hostname or "",
                port_number=parts.port,
                transport=self._transport(),
                use_https=self.webserver.is_encrypted,
                path_prefix=parts.path,
            )

    def _transport(self) -> "RequestsHTTPTransport":
        # one for each request, because gql's handles only one at a time
        from gql.transport.requests import RequestsHTTPTransport

        webserver = self.webserver
        return RequestsHTTPTransport(
            f"{webserver.url}/graphql",
            # requests accepts a pair, which gql passes on
            timeout=cast("int", (webserver.connect_seconds, webserver.answer_seconds)),
            verify=str(webserver.authority_file) if webserver.authority_file else True,
            auth=cast("Any", self._add_token),
            # a redirect would send the token to its target
            allow_redirects=False,
            # before gql, which checks the status only if the body is not JSON
            hooks={"response": self._look_at_status},
        )

    def _add_token(self, request: "PreparedRequest") -> "PreparedRequest":
        # as `auth`, or requests would use the host's entry in a .netrc
        header = self.webserver.token_value
        if header is not None:
            request.headers[header[0]] = header[1]
        return request

    def _look_at_status(self, response: "Response", **_sending: Any) -> None:
        code, url = response.status_code, self.webserver.url
        if code in _NO_ACCESS:
            given = "refuses the token" if self.webserver.token else "asks for a token"
            raise AccessRefusedError(
                f"Dagster at {url} {given} (HTTP {code}): set DAGSTER_WEBSERVER_TOKEN_FILE, and "
                "DAGSTER_WEBSERVER_TOKEN_HEADER if it is not a bearer token"
            )
        if code == _TOO_MANY or (code >= _OWN_TROUBLE and not _is_graphql(response)):
            raise DagsterUnavailableError(
                f"Dagster at {url} reports an error (HTTP {code}): try again later",
                # a proxy also reports this when only the answer was lost
                may_have_arrived=code != _TOO_MANY,
            )
        if code in _REDIRECTS:
            raise self._not_dagster(f"a redirect to {response.headers.get('Location')}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import requests
        from gql.transport.exceptions import (
            TransportConnectionFailed,
            TransportProtocolError,
            TransportQueryError,
            TransportServerError,
        )

        try:
            yield
        except DagsterClientError:
            raise
        except Exception as error:
            match _transport_error(error):
                case TransportConnectionFailed(__cause__=requests.RequestException() as cause):
                    raise self._not_reached(cause) from error
                case TransportConnectionFailed(__cause__=DagsterClientError() as cause):
                    raise cause from None
                case TransportServerError(code=code):
                    raise self._not_dagster(f"HTTP {code}") from error
                case TransportQueryError() as error:
                    message = f"Dagster at {self.webserver.url} cannot answer: {error}"
                    raise NotDagsterError(message) from error
                case TransportProtocolError():
                    raise self._not_dagster("a page") from error
            raise

    def _not_reached(self, cause: Exception) -> DagsterClientError:
        import requests
        from urllib3.exceptions import MaxRetryError, NewConnectionError

        url = self.webserver.url
        if isinstance(cause, requests.exceptions.SSLError):
            return WebserverConfigurationError(
                f"the certificate of {url} is not trusted: set {AUTHORITY_VARIABLE} to its "
                "authority's certificate; the address must be a name in the certificate"
            )
        reason = cause.args[0] if cause.args else None
        if isinstance(reason, MaxRetryError):
            reason = reason.reason
        never_arrived = isinstance(cause, requests.ConnectTimeout) or isinstance(
            reason, NewConnectionError
        )
        if isinstance(cause, requests.ReadTimeout):
            what = f"did not answer within {self.webserver.answer_seconds:g} s"
        elif never_arrived:
            what = f"cannot be reached: is it running, and is {URL_VARIABLE} right?"
        else:
            what = "closed the connection without an answer"
        return DagsterUnavailableError(
            f"Dagster at {url} {what}", may_have_arrived=not never_arrived
        )

    def _not_dagster(self, what: str) -> NotDagsterError:
        return NotDagsterError(
            f"what answers at {self.webserver.url} is not Dagster's GraphQL, but {what}: check "
            f"{URL_VARIABLE}, its path prefix included"
        )


def _is_graphql(response: "Response") -> bool:
    """Whether Dagster itself answers; it uses status 500 when its own code fails."""
    try:
        answer = response.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and ("data" in answer or "errors" in answer)


def _transport_error(error: BaseException) -> BaseException | None:
    """Return gql's error: ``error`` or a cause of it, as Dagster's client wraps gql's errors."""
    from gql.transport.exceptions import TransportError

    found: BaseException | None = error
    while found is not None and not isinstance(found, TransportError):
        found = found.__cause__
    return found
