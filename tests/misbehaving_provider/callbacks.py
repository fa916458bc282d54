"""How the authorization response goes wrong: its parameters, and the way that it comes."""

from collections.abc import Callable, Mapping

from tests.misbehaving_provider.model import OTHER_ISSUER, Parameters

Good = dict[str, str]


def good_callback(good: Good) -> Parameters:
    return [*good.items()]


def _with(**values: str) -> Callable[[Good], Parameters]:
    return lambda good: [*{**good, **values}.items()]


def _without(name: str) -> Callable[[Good], Parameters]:
    return lambda good: [pair for pair in good.items() if pair[0] != name]


def _again(name: str, value: str) -> Callable[[Good], Parameters]:
    """A parameter twice."""
    return lambda good: [*{name: value, **good}.items(), (name, value)]


def _error(error: str) -> Callable[[Good], Parameters]:
    def callback(good: Good) -> Parameters:
        rest = [pair for pair in good.items() if pair[0] in ("state", "iss")]
        return [("error", error), ("error_description", "<b>told by the provider</b>"), *rest]

    return callback


CALLBACKS: Mapping[str, Callable[[Good], Parameters]] = {
    "callback_wrong_iss": _with(iss=OTHER_ISSUER),
    "callback_empty_iss": _with(iss=""),
    "callback_slash_iss": lambda good: [*{**good, "iss": good["iss"] + "/"}.items()],
    "callback_missing_iss": _without("iss"),
    "callback_wrong_state": _with(state="another-state"),
    "callback_missing_state": _without("state"),
    "callback_error": _error("server_error"),
    "callback_access_denied": _error("access_denied"),
    "callback_user_cancelled": _error("user_cancelled_authorize"),
    "callback_login_required": _error("login_required"),
    "callback_unknown_error": _error("<script>alert(1)</script>"),
    "callback_code_and_error": lambda good: [*good.items(), ("error", "server_error")],
    "callback_neither": _without("code"),
    "callback_double_code": lambda good: [*good.items(), ("code", "another-code")],
    "callback_double_state": _again("state", "another-state"),
    "callback_double_iss": _again("iss", OTHER_ISSUER),
    "callback_double_id_token": _again("id_token", "another-token"),
    "callback_double_response": _again("response", "another-response"),
    "callback_missing_id_token": _without("id_token"),
    "callback_missing_access_token": _without("access_token"),
    "callback_foreign_id_token": _with(id_token="a.b.c"),
    "callback_huge_code": _with(code="x" * 5_000),
    "callback_line_break": _with(error="server_error\r\nSet-Cookie: a=b", code=""),
    "callback_nothing": lambda good: [],
    "callback_ampersand": lambda good: [],
    "callback_plain": good_callback,
    "callback_other_mode": good_callback,
}
"""`callback_plain` leaves out the JWT that was asked for; `callback_other_mode` comes another way than asked;
`callback_ampersand` is a query of `&` alone."""
