"""What the reference says beside what the program says of itself: a word for each thing that its code only names."""

from collections.abc import Mapping

MADE = "This page is made from the program's own code by `make reference`. Do not edit it by hand.\n"

SETTINGS = """Settings come from the environment. Each variable can also be read from a file: put `_FILE` behind its
name, and the path of the file in it. `ENTRACTE_SECRET_KEYS_FILE=/run/secrets/keys` reads the keys from that file.
Blanks and line ends around the value are cut off. The variable itself goes before the file.

A value that can not be used stops the program at its start. It names every such variable at once, and never shows a
value.
"""

MUST_BE_SET = frozenset({"secret_keys"})
"""Settings without which the server does not start, although the model has a default."""

COMMANDS = """`entracte --version` shows the version, and `--help` behind any command shows what is here.

A command that can not do its work says why on standard error, each problem with a [code](problem-codes.md), and its
exit status is 1. A command that is written wrongly has the exit status 2.
"""

ROUTES: Mapping[str, tuple[str, str]] = {
    "take-part": ("Participants", "What people who take part open."),
    "frame": (
        "Campaigns in a frame",
        "The same steps inside a page of the brand. The participation key stands in the address: do not log paths "
        "under `/c/*/in/`.",
    ),
    "oauth": ("The OAuth service", "The one redirect URI of an installation."),
    "manager": (
        "The manager",
        "For members, who sign in. What belongs to another organization is answered as what is not there.",
    ),
    "assets": ("Scripts and pictures", "Public, and the same for everybody."),
    "operations": ("Operations", "For load balancers and those who watch. They need no sign-in."),
}
"""The groups of addresses: title and a word about it."""

FAULTS: Mapping[str, str] = {
    "browser": "the browser's way back",
    "participant": "the participant's choice",
    "provider": "the authorization server",
    "us": "our side",
}

REASONS = """Every sign-in that did not succeed has one of these codes. The attempt keeps it, the statistics count it,
and a code never changes its meaning. *The participant reads* is the title of the page that is shown; each such page
also has a short code, such as `K7Q-2M4`, and the ways on. *The manager reads* is how the campaign's page in the manager
says it.

How each check works stands in [how a sign-in works](../explanation/sign-in.md).
"""

PROBLEMS = """A problem has a code that never changes, a message, often a hint, and the place. Commands print the code
in brackets at the end of the line; the web shows it on the page and writes it into the log. An ellipsis (…) stands for
what is known only when it happens. *Status* is the HTTP status when it happens in the web.

Sign-ins that fail have codes of their own: [reason codes](reason-codes.md).
"""

PROBLEMS_BY_ROOM: Mapping[str, str] = {
    "settings": "Settings and the start of the server",
    "listening": "Settings and the start of the server",
    "fetch": "Settings and the start of the server",
    "cli": "Commands",
    "demo": "Commands",
    "practice": "Commands",
    "organizations": "Organizations and members",
    "connections": "Connections",
    "campaigns": "Campaign files",
    "store": "The store",
    "participation": "Taking part",
    "deliveries": "Exports",
    "statistics": "Statistics",
    "web": "The web",
}
"""The heading under which a module's codes stand, in the order of the page."""

SAID_LATER: Mapping[str, str] = {
    "brand_malformed": "The file of brand settings can not be used; the reader says where and why.",
    "campaign_malformed": "Something is not as the campaign file has it; the message says what.",
    "connection_setting_malformed": "A setting of the connection is wrong; the message says which and why.",
    "internal": "A mistake of ours. It is in the log with the same code, and nothing else is shown.",
    "setting_malformed": "A setting is wrong; the message says which and why, and never shows its value.",
}
"""Codes whose message is known only when they are raised."""

CONNECTION = """A connection is one authorization server of an organization.
[`entracte connection add`](commands.md#connection-add) makes one; [Connect your
login](../how-to/connect-your-login.md) shows how. The client secret is not among these: it is sealed under the server's
keys and never shown.
"""

CLAIMS = """A rule of the claim map finds one attribute of the profile: the first path that has a value, then the
constant. `--claim ATTRIBUTE=PATH,PATH` sets the paths of one attribute and leaves the others as they are below.
"""

FIELDS: Mapping[str, str] = {
    "ConnectionConfig.name": "What commands and campaign files call it.",
    "ConnectionConfig.issuer": "The server's issuer, byte for byte as its metadata says it. Empty: plain OAuth 2.0, "
    "with no ID token.",
    "ConnectionConfig.authorization_endpoint": "Where the browser is sent. A query that it has is kept.",
    "ConnectionConfig.token_endpoint": "Where the code is redeemed, server to server.",
    "ConnectionConfig.jwks_uri": "Where the server's public keys are. Needed for an ID token and a JWT access token.",
    "ConnectionConfig.userinfo_endpoint": "Where UserInfo is.",
    "ConnectionConfig.end_session_endpoint": "Kept from discovery. Not used yet.",
    "ConnectionConfig.issuer_in_response": "Whether every authorization response must have `iss` (RFC 9207). Discovery "
    "says it.",
    "ConnectionConfig.client_id": "Our name at the authorization server.",
    "ConnectionConfig.authentication": "How we prove ourselves at the token endpoint.",
    "ConnectionConfig.scopes": "What is asked for. `openid` asks for an ID token.",
    "ConnectionConfig.extra_parameters": "More parameters of the authorization request, such as `prompt`, `acr_values` "
    "or `resource`. They can not be those that we set.",
    "ConnectionConfig.id_token_algorithms": "The algorithms that a token may be signed with. Discovery chooses RS256 "
    "where the server has it.",
    "ConnectionConfig.profile_source": "Where the profile comes from. The command line takes `userinfo` when there is "
    "no ID token, or `rest` with --rest-url.",
    "ConnectionConfig.rest": "For the source `rest`: the profile API.",
    "ConnectionConfig.access_token_types": "The `typ` that a JWT access token may have, in lower case.",
    "ConnectionConfig.claims": "The claim map: for each attribute of the profile, where it is found.",
    "RestSource.url": "The address of the profile API.",
    "RestSource.method": "The method of the request. With the token in a form it is always POST.",
    "RestSource.bearer": "Where the access token goes: `Authorization: Bearer`, or `access_token` in a posted form.",
    "ClaimRule.paths": "Dotted paths, the best one first. A number is a place in a list. A name with dots in it can "
    "stand in double quotes.",
    "ClaimRule.constant": "The value when no path has one.",
    "ClaimRule.transform": "What is done with the text before it is used.",
    "Brand.mark": "One or two characters on a tile of the brand's colour.",
    "Brand.color": "The brand's colour, `#rrggbb`.",
    "Brand.accent": "The colour of small things that should be seen, `#rrggbb`.",
    "Brand.paper": "The background of the page, `#rrggbb`.",
    "Brand.ink": "The text, `#rrggbb`.",
}
"""Fields that the models name without a description."""

BRAND = """`entracte organization add NAME --title TITLE --brand FILE` and `entracte organization brand FILE` read it:
YAML, with these keys at the top. Colours that are too weak to be read are corrected where they stand for text or for a
control (WCAG 2.2: 4.5 to 1 and 3 to 1).
"""
