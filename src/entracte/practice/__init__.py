"""The practice identity provider and the demo brand's site: everything a brand would bring, in one process.

Nothing here knows how the rest of the program works: it is built on Authlib's provider side, so that a sign-in
that works against it has been read by two independent programs. All state is in memory and ends with the process.

    listening = listen("127.0.0.1", 0)                        # serving: the port is known before the app exists
    client = PracticeClient("campaigns", Secret("…"), ("https://play.example/oauth/callback",))
    provider = PracticeProvider(listening.url, [client])      # provider: an OpenID provider with personas
    with Served(provider.app, listening) as served:
        served.url

    with serve(brand_site("http://127.0.0.1:8000")) as site:  # brand_site: home page, and an article with an embed
        site.url

Sign-in pages: big rows, one per persona (`people.PERSONAS`), or e-mail and password; registration; forgotten
password; consent. Protocol: discovery, code flow with PKCE S256, UserInfo, JWT access tokens (RFC 9068), `iss` in
responses (RFC 9207), RP-initiated logout, and a REST profile API at `/api/profile`.
"""
