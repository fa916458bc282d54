"""What the reference says beside what the program says of itself: a word for each thing that its code only names."""

from collections.abc import Mapping

MADE = "This page is made from the program's own code by `make reference`. Do not edit it by hand.\n"

API = """For programs of an organization: [Use the REST API](../how-to/use-the-api.md) shows how to begin. The server
tells the same at `/api/docs`, with an example and every value, and as OpenAPI 3.1 at `/api/openapi.json`. All paths
begin with `/api/v1`.
"""

SCOPES: Mapping[str, str] = {
    "organization:read": "See the organization and its brand.",
    "organization:write": "Change its title and its brand.",
    "connections:read": "See how connections are set up; never their secrets.",
    "connections:write": "Make, change and remove connections, and give them secrets.",
    "campaigns:read": "See campaigns and drafts.",
    "campaigns:write": "Save drafts, publish, close and open campaigns.",
    "participations:read": "See how far people came; nothing that they wrote.",
    "attempts:read": "See why a sign-in failed.",
    "entries:read": "See what people submitted. The only scope that shows personal values.",
    "statistics:read": "See the numbers of a campaign.",
    "tokens:read": "See the tokens of the organization; never their texts.",
    "tokens:write": "Make and revoke tokens. A token gives none that may more than itself.",
}

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
    "api": (
        "The REST API",
        "Its operations stand on a page of their own: [the REST API](api.md).",
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
    "initiate_login_refused": "A sign-in that a server initiates names another issuer, or can not be read.",
    "internal": "A mistake of ours. It is in the log with the same code, and nothing else is shown.",
    "preset_parameter_malformed": "A parameter of a preset is wrong, missing, or unknown; the message says which.",
    "setting_malformed": "A setting is wrong; the message says which and why, and never shows its value.",
}
"""Codes whose message is known only when they are raised."""

METRICS = """`GET /metrics` answers in the formats of Prometheus and OpenMetrics. Where `ENTRACTE_METRICS_TOKEN`
is set, the scraper shows it as a bearer token. With several processes (`entracte serve --workers N`) the numbers are
sums, whichever process is asked; they begin at nothing when the server does. A histogram has `_bucket`, `_sum` and
`_count`; times are seconds.

A single process also has Prometheus' usual `process_…` numbers. [Run in production](../how-to/run-in-production.md) has
alerts to begin with.
"""

CONNECTION = """A connection is one authorization server of an organization.
[`entracte connection add`](commands.md#connection-add) makes one; [Connect your
login](../how-to/connect-your-login.md) shows how. `--setting NAME=VALUE` sets whatever has no option of its own. The
client secret is not among these: it is sealed under the server's keys and never shown.
"""

PRESETS = """A preset is what is known of a provider: how its issuer is made of what you know, the settings that are
special there, and its quirks. `entracte connection add NAME --preset PRESET --preset-parameter NAME=VALUE` begins with
it, and whatever else is given stands; [Connect a known provider](../how-to/connect-a-known-provider.md) shows how. In
the REST API it is `preset`. Behind a quirk stands the title of the provider's page about it. Where a preset was not
checked against a live server, it is from those pages alone.
"""

CLAIMS = """A rule of the claim map finds one attribute of the profile: the first path that has a value, then the
constant. `--claim ATTRIBUTE=PATH,PATH` sets the paths of one attribute and leaves the others as they are below.
"""

BRAND = """`entracte organization add NAME --title TITLE --brand FILE` and `entracte organization brand FILE` read it:
YAML, with these keys at the top. Colours that are too weak to be read are corrected where they stand for text or for a
control (WCAG 2.2: 4.5 to 1 and 3 to 1).
"""
