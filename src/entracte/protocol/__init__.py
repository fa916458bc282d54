"""An OAuth 2.0 and OpenID Connect relying party without input or output.

No clock, randomness, environment, network or log in here: time and entropy are arguments, requests
and answers are values (`messages`). Each file is a part of the specifications: `state` and
`authorization` begin a sign-in, `token`, `client_auth`, `keys`, `id_token`, `access_token` and
`userinfo` prove it, `metadata` reads discovery, `errors` lists every reason to refuse.
"""
