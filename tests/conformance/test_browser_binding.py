"""Whose sign-in it is: states, keys and handles that come from another browser, from another sign-in, from nobody."""

from hashlib import md5, sha1, sha256, sha512
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from entracte.connections.addresses import addresses_of
from entracte.participation.events import Outcome
from entracte.protocol.base64url import decode, encode
from entracte.protocol.errors import Reason
from entracte.protocol.seal import derive
from entracte.protocol.state import MAXIMUM_AGE, read_state
from entracte.settings import Settings
from entracte.values import entropy
from tests.conformance.stage import FORM, Stage, back, follow, handle_of, state_of, there
from tests.web.running import BRAND, Browser

EMAIL = "ada@northwind.example"


def other_browser(stage: Stage, browser: Browser, callback: str) -> None:
    """What came back is brought into a browser that did not begin it: nothing happens there, and nothing is lost."""
    answer = browser.get(browser.get(callback).path)
    assert answer.status == 400
    assert EMAIL not in answer.body
    assert answer.set_cookies == [] or stage.cookie not in answer.set_cookies[0]
    assert stage.asked() == []


# Another browser


@pytest.mark.conformance("MUST 1", "BAD 1")
def test_the_attackers_answer_in_the_victims_browser(stage: Stage) -> None:
    """A valid state and a valid code of the attacker, whole and unused: with no key, and with one of the victim's."""
    stage.connect()
    attacker, address = stage.at_the_login()
    callback = back(address)
    newcomer, victim = stage.site.browser(), stage.site.browser()
    victim.answer_questions(stage.campaign)
    for browser in (newcomer, victim):
        other_browser(stage, browser, callback)
    assert stage.participation(victim).profile is None
    assert stage.attempt(address).consumed_at is None
    assert follow(attacker, callback).status == 200, "and its own browser may still finish it"


@pytest.mark.conformance("MUST 1", "BAD 2")
def test_a_state_that_another_session_began_says_nothing_in_this_one(stage: Stage) -> None:
    """Both are at the login, both states are good: one has the state of the other with a code of its own."""
    stage.connect()
    _first, address = stage.at_the_login()
    second, own_address = stage.at_the_login()
    code = parse_qs(urlsplit(back(own_address)).query)["code"][0]
    query = urlencode({"state": state_of(address), "code": code, "iss": stage.provider.issuer})
    other_browser(stage, second, f"/oauth/callback?{query}")


@pytest.mark.conformance("BAD 3")
@pytest.mark.parametrize("state", ["x", "A" * 64, "../../x", "'; --", encode(bytes(48)), "%00", "\U0001f3b5"])
def test_a_made_up_state(stage: Stage, state: str) -> None:
    stage.connect()
    browser, _address = stage.at_the_login()
    answer = browser.get(f"/oauth/callback?{urlencode({'state': state, 'code': 'abc'})}")
    assert (answer.status, answer.has("location")) == (400, False)
    assert stage.asked() == []


@pytest.mark.conformance("BAD 4")
def test_a_login_that_the_attacker_began_is_nothing_in_who_follows_the_link(stage: Stage) -> None:
    """The victim is sent the address of the login, signs in there, and comes back: the account stays the victim's."""
    stage.connect()
    attacker, address = stage.at_the_login()
    victim = stage.site.browser()
    victim.answer_questions(stage.campaign)
    other_browser(stage, victim, back(address))
    assert stage.participation(attacker).profile is None
    assert EMAIL not in follow(attacker, stage.campaign).body


@pytest.mark.conformance("BAD 5")
def test_no_state_and_a_way_on_that_another_browser_opens(stage: Stage) -> None:
    """The callback without a state; the return to the campaign and the handle of a frame, each got by somebody else."""
    stage.connect()
    browser, address = stage.at_the_login()
    assert browser.get(f"/oauth/callback?{urlencode({'code': 'abc', 'iss': stage.provider.issuer})}").status == 400
    way_on = browser.get(back(address)).path
    assert stage.site.browser().get(way_on).status == 400
    assert stage.attempt(address).consumed_at is None
    framed, base = stage.in_a_frame()
    handle = handle_of(framed, framed.go_to_the_login(base))
    for place in (f"{stage.campaign}/return/{handle}", f"{stage.campaign}/in/nobody/return/{handle}"):
        answer = stage.site.browser().get(place)
        assert (answer.status, EMAIL in answer.body) == (303, False)
    assert follow(framed, f"{base}/return/{handle}").status == 200
    assert stage.participation_of(base).profile is not None, "it was the frame's"


@pytest.mark.conformance("BAD 6")
@pytest.mark.parametrize("where", ["a frame", "a window of its own"])
def test_a_session_that_the_attacker_sent_is_not_the_victims(stage: Stage, where: str) -> None:
    """The attacker's key stands in a link. Browsers say that it is opened in a window: what is played there is another
    participation, which the attacker has no key of."""
    stage.connect()
    if where == "a frame":
        _attacker, base = stage.in_a_frame()
    else:
        attacker = stage.site.browser()
        attacker.answer_questions(stage.campaign)
        base = f"{stage.campaign}/in/{attacker.cookies[stage.cookie]}"
    victim = stage.site.browser()
    opened = victim.get(base, ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", "cross-site"))
    assert (opened.status, stage.cookie in victim.cookies) == (303, False)
    assert base not in opened.path
    victim.answer_questions(stage.campaign)
    assert victim.sign_in(stage.campaign).path == f"{stage.campaign}/details"
    for path in ("", "/details", "/sign-in", "/thanks"):
        assert EMAIL not in follow(stage.site.browser(), f"{base}{path}").body
    assert stage.participation_of(base).profile is None


@pytest.mark.conformance("MUST 13", "BAD 7")
def test_the_key_from_before_the_sign_in_opens_nothing_after_it(stage: Stage) -> None:
    stage.connect()
    browser, address = stage.at_the_login()
    thief = stage.site.browser()
    thief.cookies = dict(browser.cookies)
    assert EMAIL in follow(browser, back(address)).body
    assert thief.cookies[stage.cookie] != browser.cookies[stage.cookie]
    for path in ("/details", "/why", "/thanks", ""):
        assert EMAIL not in follow(thief, f"{stage.campaign}{path}").body
    assert thief.post(f"{stage.campaign}/details", FORM).status != 200
    assert stage.participation(browser).entered_at is None


@pytest.mark.conformance("MUST 13", "BAD 7")
def test_the_key_from_before_opens_nothing_of_the_person_even_while_the_new_one_is_on_its_way(stage: Stage) -> None:
    """Whoever planted the key asks right after the return, before the browser that came back asks for its next page:
    there are the answers that were there before, nothing of the person, and no new key."""
    stage.connect()
    browser, address = stage.at_the_login()
    thief, before = stage.site.browser(), browser.cookies[stage.cookie]
    thief.cookies = dict(browser.cookies)
    form = browser.get(browser.get(back(address)).path).path
    assert stage.participation(browser).profile is not None
    for path in ("/details", "/sign-in", "/sign-in/mishap", "/thanks", "/why", ""):
        seen = follow(thief, f"{stage.campaign}{path}")
        assert (seen.status, EMAIL in seen.body) == (200, False)
        assert thief.cookies[stage.cookie] == before
    assert "The sea" in thief.get(f"{stage.campaign}/why").body
    assert thief.post(f"{stage.campaign}/details", FORM).status == 303
    assert thief.post(f"{stage.campaign}/sign-out").status == 303
    assert EMAIL in browser.get(form).body
    assert stage.participation(browser).entered_at is None
    assert "The sea" not in follow(thief, f"{stage.campaign}/why").body, "the new key was seen: the old one is over"


@pytest.mark.conformance("MUST 13", "BAD 7", "BAD 43")
def test_the_address_of_a_frame_from_before_opens_nothing_of_the_person(stage: Stage) -> None:
    stage.connect()
    browser, base = stage.in_a_frame()
    handle = handle_of(browser, browser.go_to_the_login(base))
    after = browser.get(f"{base}/return/{handle}").path
    assert not after.startswith(f"{base}/")
    thief = stage.site.browser()
    for path in ("", "/details", "/sign-in", "/thanks"):
        seen = follow(thief, f"{base}{path}")
        assert (seen.status, EMAIL in seen.body) == (200, False)
        assert after.split("/in/")[1].partition("/")[0] not in seen.body
    assert EMAIL in follow(browser, after).body


@pytest.mark.conformance("MUST 13")
def test_an_answer_that_was_lost_is_given_again_to_who_has_the_return(stage: Stage) -> None:
    """The answer with the new key did not arrive. Reload is at the address of the return: that, and the key from
    before, bring the same again, as long as the new key was not seen; no earlier sign-in's return does."""
    stage.connect()
    browser, first = stage.at_the_login()
    first_return = browser.get(back(first)).path
    form = browser.get(first_return).path
    assert EMAIL in browser.get(form).body
    again = browser.post(f"{stage.campaign}/sign-in?another=1")["location"]
    second_return = browser.get(back(again)).path
    lost = dict(browser.cookies)
    browser.get(second_return)
    browser.cookies = dict(lost)
    assert browser.get(first_return).path == f"{stage.campaign}/sign-in", "that is not what began this key"
    assert browser.cookies == lost
    assert browser.get(second_return).path == form
    assert browser.cookies != lost
    assert EMAIL in browser.get(form).body
    browser.cookies = dict(lost)
    assert browser.get(second_return).status == 400, "the new key was seen"


@pytest.mark.conformance("MUST 13", "BAD 7")
def test_who_lost_the_answer_goes_on_with_the_key_from_before(stage: Stage) -> None:
    """Without the address of the return there are the answers, and one more sign-in; the key from before that one opens
    nothing of it either."""
    stage.connect()
    browser, address = stage.at_the_login()
    before = dict(browser.cookies)
    browser.get(browser.get(back(address)).path)
    kept_by_the_other = dict(browser.cookies)
    browser.cookies = before
    page = follow(browser, stage.campaign)
    assert (page.status, EMAIL in page.body, "saved as you go" in page.body) == (200, False, True)
    assert "The sea" in browser.get(f"{stage.campaign}/why").body
    assert EMAIL in follow(browser, browser.sign_in(stage.campaign).path).body
    browser.cookies = kept_by_the_other
    assert EMAIL not in follow(browser, stage.campaign).body


@pytest.mark.conformance("MUST 12")
def test_of_many_sign_ins_of_one_browser_the_oldest_are_over(stage: Stage) -> None:
    """Seven may be under way at once; the eighth ends the first, which says so calmly."""
    stage.connect()
    browser = stage.site.browser()
    browser.answer_questions(stage.campaign)
    addresses = [browser.go_to_the_login(stage.campaign) for _ in range(8)]
    mishap = browser.get(browser.get(back(addresses[0])).path)
    assert mishap.path == f"{stage.campaign}/sign-in/mishap"
    assert stage.asked() == []
    oldest = stage.attempt(addresses[0])
    assert (oldest.outcome, oldest.reason, oldest.consumed_at) == (Outcome.FAILED, Reason.STATE_EXPIRED.code, None)
    assert EMAIL in follow(browser, back(addresses[1])).body
    assert stage.attempt(addresses[1]).outcome is Outcome.SIGNED_IN


@pytest.mark.conformance("BAD 49")
@pytest.mark.parametrize("left", ["no cookie", "a broken one", "that of another campaign"])
def test_a_second_person_in_the_same_browser_without_the_cookie(stage: Stage, left: str) -> None:
    stage.connect()
    other = stage.campaign
    stage.connect()
    browser, address = stage.at_the_login()
    callback = back(address)
    assert EMAIL in follow(browser, callback).body
    browser.get(other)
    kept = {"a broken one": "A" * 60, "that of another campaign": browser.cookies[f"__Host-entracte-{other[3:]}"]}
    browser.cookies = {stage.cookie: kept[left]} if left in kept else {}
    for path in ("/details", "/sign-in", "/sign-in/mishap", "/thanks", "/why", ""):
        answer = follow(browser, f"{stage.campaign}{path}")
        assert (answer.status, EMAIL in answer.body, "The sea" in answer.body) == (200, False, False)
    assert follow(browser, callback).status == 400


# The state


@pytest.mark.conformance("MUST 2")
def test_a_state_is_used_up_before_the_code_is_spent_and_once(stage: Stage) -> None:
    """The provider refuses the code, and it is not asked again: neither by a reload nor by the state with another."""
    stage.connect()
    stage.provider.misbehaviour = "token_400"
    browser, address = stage.at_the_login()
    callback = back(address)
    assert follow(browser, callback).status == 200
    assert stage.attempt(address).consumed_at is not None
    stage.provider.misbehaviour = ""
    again = urlencode({"state": state_of(address), "code": "another", "iss": stage.provider.issuer})
    for target in (callback, f"/oauth/callback?{again}"):
        assert "Try again" in follow(browser, target).body
    assert stage.asked() == ["/token"]
    assert stage.attempt(address).outcome is Outcome.FAILED


@pytest.mark.conformance("MUST 3")
def test_a_state_names_all_of_its_sign_in_and_tells_nothing(stage: Stage) -> None:
    """64 characters hold key number, campaign, connection, participation, attempt and time. A campaign's number is of
    one organization; a connection's is of one issuer, client ID and redirect URI."""
    connection = stage.connect()
    browser, address = stage.at_the_login()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    state, keys = asked["state"], stage.site.program.keys
    content = read_state(state, keys)
    listed = there(stage.site.work(lambda store: store.campaigns.by_number(content.campaign)))
    assert (listed.organization, f"/c/{listed.name}") == (stage.site.organization.number, stage.campaign)
    named = there(stage.site.work(lambda store: store.connections.by_number(listed.organization, content.connection)))
    assert (named.config.issuer, named.config.client_id) == (stage.provider.issuer, asked["client_id"])
    assert named == connection
    assert asked["redirect_uri"] == stage.site.program.settings.redirect_uri
    assert content.participation == stage.participation(browser).id
    assert len(state) == 64
    assert decode(state)[0] == keys.newest
    hidden = (encode(derive(state, "code_verifier", keys)), encode(derive(state, "nonce", keys)[:16]))
    assert asked["nonce"] == hidden[1]
    told = f"{asked['state']} {browser.cookies} {decode(state)!r}"
    assert not any(secret in told or decode(secret) in decode(state) for secret in hidden)
    assert hidden[0] not in address
    assert MAXIMUM_AGE <= 600
    assert [limit.le for limit in Settings.model_fields["sign_in_maximum_age"].metadata if hasattr(limit, "le")] == [
        600
    ]


@pytest.mark.conformance("MUST 3")
def test_an_answer_of_the_server_before_is_not_for_the_one_that_the_connection_has_now(stage: Stage) -> None:
    """A state names its connection by number. Where its issuer was changed while somebody was at the login, the
    issuer in the answer is another one, and the code is told to neither."""
    kept = stage.connect()
    browser, address = stage.at_the_login()
    callback = back(address)
    moved = kept.with_config(kept.config.model_copy(update={"issuer": "http://127.0.0.1:9"}))
    assert stage.site.work(lambda store: store.connections.replace(moved))
    stage.wait_for_the_directory()
    follow(browser, callback)
    assert stage.attempt(address).reason == Reason.ISSUER_MISMATCH.code
    assert stage.asked() == []


@pytest.mark.conformance("MUST 4")
@pytest.mark.parametrize(
    "spoiled",
    ["unknown", "another key", "tampered", "5 KB", "60 KB", "a target in it"],
)
def test_a_state_that_does_not_open_leads_to_one_page_and_nowhere_else(stage: Stage, spoiled: str) -> None:
    stage.connect()
    browser, address = stage.at_the_login()
    state = state_of(address)
    wrong = {
        "unknown": encode(entropy(48)),
        "another key": encode(bytes([77]) + decode(state)[1:]),
        "tampered": state[:40] + ("A" if state[40] != "A" else "B") + state[41:],
        "5 KB": state * 80,
        "60 KB": state * 960,
        "a target in it": "https://evil.example/?x=" + state,
    }[spoiled]
    answer = browser.get(f"/oauth/callback?{urlencode({'code': 'abc', 'state': wrong})}")
    assert answer.status in (400, 414, 431)
    assert not answer.has("location")
    assert "evil.example" not in answer.body
    assert wrong[:64] not in answer.body
    assert stage.asked() == []


@pytest.mark.conformance("MUST 5")
def test_nonce_and_verifier_belong_to_one_attempt_of_one_browser(stage: Stage) -> None:
    """128 and 256 bits, derived from the state under the server's key. Every attempt has other ones; the code of one
    attempt is of no use with the state of another, because the verifier is another one."""
    stage.connect()
    browser = stage.site.browser()
    browser.answer_questions(stage.campaign)
    queries = [parse_qs(urlsplit(browser.go_to_the_login(stage.campaign)).query) for _ in range(20)]
    for name, length in (("nonce", 22), ("code_challenge", 43)):
        values = {query[name][0] for query in queries}
        assert len(values) == 20
        assert {len(value) for value in values} == {length}
    first, second = browser.go_to_the_login(stage.campaign), browser.go_to_the_login(stage.campaign)
    code = parse_qs(urlsplit(back(first)).query)["code"][0]
    mixed = urlencode({"state": state_of(second), "code": code, "iss": stage.provider.issuer})
    follow(browser, f"/oauth/callback?{mixed}")
    assert stage.attempt(second).reason == Reason.TOKEN_REFUSED.code
    assert stage.participation(browser).profile is None


@pytest.mark.conformance("MUST 6")
@pytest.mark.parametrize("supported", [None, ["plain"], ["S256"]])
def test_pkce_is_s256_whatever_the_server_says_of_itself(stage: Stage, supported: list[str] | None) -> None:
    stage.provider.metadata = {} if supported is None else {"code_challenge_methods_supported": supported}
    stage.connect()
    browser, address = stage.at_the_login()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    stage.provider.misbehaviour = "wrong_nonce"
    follow(browser, back(address))
    assert stage.attempt(address).reason == Reason.TOKEN_NONCE.code
    assert stage.provider.calls("/token")[0].form["code_verifier"]


@pytest.mark.conformance("MUST 12")
def test_seven_sign_ins_of_a_frame_are_under_way_at_once_and_the_oldest_gives_way(stage: Stage) -> None:
    """Where the window has no key of its own, each sign-in has a cookie with its own name, for this host alone."""
    stage.connect()
    browser, base = stage.in_a_frame()
    names: list[str] = []
    for _ in range(9):
        answer = browser.post(f"{base}/sign-in")
        names.append(
            f"__Host-entracte_attempt-{read_state(state_of(answer['location']), stage.site.program.keys).attempt:08x}"
        )
        [line] = [line for line in answer.set_cookies if line.startswith(names[-1])]
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "path=/"} <= attributes
        assert "domain" not in line.lower()
    assert [name for name in browser.cookies if "attempt" in name] == names[2:]


@pytest.mark.conformance("MUST 14")
def test_a_link_chooses_nothing_of_what_the_login_is_asked(stage: Stage) -> None:
    """Neither in the address nor in the form of the sign-in."""
    stage.connect()
    wanted = {
        "scope": "openid admin", "claims": '{"id_token":{"ssn":null}}', "prompt": "none", "redirect_uri": BRAND,
        "response_type": "token", "response_mode": "fragment", "client_id": "evil", "resource": "https://evil.example",
        "login_hint": "evil@evil.example", "id_token_hint": "a.b.c", "max_age": "0", "acr_values": "none",
        "request": "a.b.c", "request_uri": "https://evil.example/r", "target_link_uri": "https://evil.example/",
        "iss": "https://evil.example", "nonce": "evil", "state": "evil", "code_challenge": "evil", "ui_locales": "xx",
    }  # fmt: skip
    asked = []
    for query, form in (("", []), (f"?{urlencode(wanted)}", list(wanted.items()))):
        browser = stage.site.browser()
        browser.get(f"{stage.campaign}{query}")
        browser.answer_questions(stage.campaign)
        address = browser.post(f"{stage.campaign}/sign-in{query}", form)["location"]
        fields = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert "evil" not in address
        asked.append({name: value for name, value in fields.items() if name not in FRESH} | dict.fromkeys(FRESH))
    assert asked[0] == asked[1]


FRESH = ("state", "nonce", "code_challenge")
"""What each attempt has anew."""


@pytest.mark.conformance("MUST 14")
def test_a_server_that_sends_somebody_chooses_the_hint_alone(stage: Stage) -> None:
    """A login that a third party initiates: its issuer is the connection's, or nothing begins; the hint is passed on;
    a target, a scope, a prompt or a redirect URI is not."""
    own = addresses_of(stage.connect(), "").initiate_login_uri
    evil = dict.fromkeys(
        ("target_link_uri", "redirect_uri", "scope", "prompt", "claims", "state"), "https://evil.example/"
    )
    for issuer in ("https://evil.example", f"{stage.provider.issuer}/", ""):
        refused = stage.site.ask(f"{own}?{urlencode({'iss': issuer, **evil})}")
        assert (refused.status, refused.has("location")) == (400, False)
    browser = stage.site.browser()
    begun = browser.get(f"{own}?{urlencode({'iss': stage.provider.issuer, 'login_hint': 'ada@x.example', **evil})}")
    assert begun.path.startswith(f"{stage.campaign}/sign-in/initiated?")
    assert browser.get(begun.path).path.startswith(f"{stage.campaign}/")
    browser.answer_questions(stage.campaign)
    address = browser.go_to_the_login(stage.campaign)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert "evil" not in address
    assert (asked["login_hint"], asked["scope"]) == ("ada@x.example", "openid profile email")
    assert "prompt" not in asked


# Handles


@pytest.mark.conformance("BAD 26")
def test_what_a_sign_in_brought_is_of_one_account_and_taken_once(stage: Stage) -> None:
    """A handle of the first account, after the second one signed in; and each handle after it was used."""
    stage.connect()
    browser, base = stage.in_a_frame()
    first = handle_of(browser, browser.go_to_the_login(base))
    stage.provider.person = {"sub": "person-2", "given_name": "Grace", "email": "grace@northwind.example"}
    second = handle_of(browser, browser.go_to_the_login(base))
    base = browser.get(f"{base}/return/{second}").path
    assert "grace@northwind.example" in follow(browser, base).body
    for used in (first, second, first):
        body = follow(browser, f"{base}/return/{used}").body
        assert EMAIL not in body
    kept = stage.participation_of(base)
    assert kept.profile is not None
    assert kept.profile.account == "grace@northwind.example"


@pytest.mark.conformance("BAD 27")
def test_nothing_that_links_can_be_computed(stage: Stage) -> None:
    """What is kept of a person is keyed; what the browser carries is sealed. Without the keys of this installation
    none of it can be made, though all that goes into it is known."""
    stage.connect()
    browser, address = stage.at_the_login()
    follow(browser, back(address))
    kept = there(stage.participation(browser).profile)
    issuer, subject = stage.provider.issuer, str(stage.provider.person["sub"])
    known = [issuer + joint + subject for joint in ("", "\0", ":", "|", "/")] + [subject, issuer]
    guesses = {hash_(text.encode()).digest() for text in known for hash_ in (md5, sha1, sha256, sha512)}
    assert kept.person not in guesses
    assert len(kept.person) == 32
    framed, base = stage.in_a_frame()
    handles = {handle_of(framed, framed.go_to_the_login(base)) for _ in range(3)}
    assert len(handles) == 3
    changed = [handle[:-2] + ("A" if handle[-2] != "A" else "B") + handle[-1] for handle in handles]
    for handle in changed:
        assert stage.participation_of(base).profile is None, follow(framed, f"{base}/return/{handle}")


@pytest.mark.conformance("BAD 43")
def test_who_knows_the_number_of_a_sign_in_gets_nothing_of_it(stage: Stage) -> None:
    """The attacker begins it in a frame, has the victim go through the login, and asks everywhere with the own key.
    Another address to come back to can not be asked for: the login is told ours, whatever the request says."""
    stage.connect()
    attacker, base = stage.in_a_frame()
    address = attacker.post(
        f"{base}/sign-in?redirect_uri=https%3A%2F%2Fevil.example", [("page", "https://evil.example")]
    )
    sent = address["location"]
    assert parse_qs(urlsplit(sent).query)["redirect_uri"] == [stage.site.program.settings.redirect_uri]
    victim = stage.site.browser()
    victim.answer_questions(stage.campaign)
    other_browser(stage, victim, back(sent))
    for path in ("", "/details", "/sign-in", "/sign-in/mishap", "/thanks", f"/return/{state_of(sent)}"):
        assert EMAIL not in follow(attacker, f"{base}{path}").body
    assert stage.participation_of(base).profile is None
