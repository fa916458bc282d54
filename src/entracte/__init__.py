"""Entracte: sign-in for interactive campaigns.

A person starts a campaign at once and plays anonymously (`participation`). At the form step the
browser goes to the brand's own authorization server (`connections`), carrying a sealed `state`
(`protocol.state`). It comes back to one fixed address, which opens the state and sends it on to the
campaign; the campaign proves that this browser began this attempt, consumes the attempt once,
redeems the code server to server (`fetch`, `protocol.token`) and proves the answer
(`protocol.id_token`). The claim map turns claims into a profile (`connections.claims`), the profile
prefills the form (`participation.prefill`), and the entry is durable (`store`) before the thanks
page is sent. `statistics` counts all of it and can not name a person. `web` shows it, `wiring`
builds the program from settings, and `cli` is the command.
"""

__version__ = "0.1.0"
