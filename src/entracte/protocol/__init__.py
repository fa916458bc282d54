"""An OAuth 2.0 and OpenID Connect relying party without input or output.

No clock, randomness, environment, network or log in here: time and entropy are arguments, requests
and answers are values (`messages`). Each file is a part of the specifications. `state`, `authorization`,
`pushed_request`, `request_object` and `dpop` begin a sign-in; `jarm`, `token`, `client_auth`, `keys`, `jws`,
`jwe`, `id_token`, `access_token`, `userinfo`, `introspection` and `claim_sources` prove it, and `posted_user`
reads the name that nobody proves; `refresh`, `revocation`, `logout` and `session_management` come after.
`metadata`, `webfinger` and `registration` set a connection up, and `errors` lists every reason to refuse.
"""
