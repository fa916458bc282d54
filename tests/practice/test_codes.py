from entracte.practice.codes import AuthorizationCode, Codes


def code(text: str, issued_at: int = 1000) -> AuthorizationCode:
    return AuthorizationCode(
        text, "client", "http://127.0.0.1:9/", "openid", "ana", None, 900, "c" * 43, "S256", issued_at
    )


def test_spent_once() -> None:
    codes = Codes()
    codes.keep(code("one"))
    assert codes.spend("one", "client", 1060) is not None
    assert codes.spend("one", "client", 1060) is None


def test_too_late() -> None:
    codes = Codes()
    codes.keep(code("one"))
    assert codes.spend("one", "client", 1061) is None


def test_another_client_spends_nothing() -> None:
    codes = Codes()
    codes.keep(code("one"))
    assert codes.spend("one", "another", 1000) is None
    assert codes.spend("one", "client", 1000) is not None


def test_replay_revokes_the_token() -> None:
    codes = Codes()
    codes.keep(code("one"))
    codes.spend("one", "client", 1000)
    codes.remember_token("one", "token")
    assert not codes.is_revoked("token")
    codes.spend("one", "client", 1000)
    assert codes.is_revoked("token")


def test_expired_codes_are_dropped() -> None:
    codes = Codes()
    codes.keep(code("old", 1000))
    codes.keep(code("new", 1100))
    assert codes.spend("old", "client", 1000) is None
    assert codes.spend("new", "client", 1100) is not None


def test_repr_hides_the_code() -> None:
    assert "one" not in repr(code("one"))
