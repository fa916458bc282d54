"""What the browser carries to a login and back."""

from collections.abc import Sequence

from entracte.connections.model import ConnectionConfig
from entracte.protocol.authorization import RESPONSE_TYPES, carrier, is_response_token
from tests.interop.node_row import Row
from tests.interop.participant import Step

CARRIED = {
    "query": ("GET", "/oauth/callback"),
    "fragment": ("POST", "/oauth/callback/fragment"),
    "form_post": ("POST", "/oauth/callback"),
}


def check_the_way(config: ConnectionConfig, row: Row, oauth: str, steps: Sequence[Step]) -> None:
    """What the browser carried there and back is what the connection says. `oauth` is the URL of our OAuth service."""
    [asked] = [step.parameters for step in steps if step.address == config.authorization_endpoint]
    if config.push_requests or config.request_object == "reference":
        begin = "urn:" if config.push_requests else f"{oauth}/oauth/clients/"
        assert asked["request_uri"].startswith(begin)
    assert ("request" in asked) is (config.request_object == "value" and not config.push_requests)
    referred = {"request_uri", "request"} & asked.keys()
    assert asked.keys() <= {"client_id", "response_type", "scope", *referred} if referred else "state" in asked
    method, path = CARRIED[carrier(config.mode, config.response_type).value]
    [answer] = [step for step in steps if step.method == method and step.address == f"{oauth}{path}"]
    tokens = {"response"} if is_response_token(config.mode) else {"state", *RESPONSE_TYPES[config.response_type]}
    assert tokens <= answer.parameters.keys()
    assert answer.parameters.get("iss", config.issuer) == config.issuer
    assert "iss" in answer.parameters or "iss" not in row.features
    assert ("code" in answer.parameters) is ("code" in tokens)
