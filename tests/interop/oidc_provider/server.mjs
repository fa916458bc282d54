// An authorization server by other hands: npm's `oidc-provider`, with plain pages of our own to log in and to consent.
//
// The first line on standard input is its configuration, as JSON:
//   port, host           where to listen; port 0 takes a free one
//   clients              client metadata as in OpenID Connect Dynamic Client Registration 1.0, section 2
//   accounts             { subject: { password, claims } }; people log in by subject or by `claims.email`;
//                        with `slow_seconds`, the token endpoint takes so long for them
//   resources            { resource indicator: { scope, audience, accessTokenFormat } }, RFC 8707
//   default_resource     the resource when a request names none; empty for access tokens for UserInfo
//   claims_in_id_token   whether scopes put their claims into the ID token, too
//   pkce_required        whether a request without a code challenge is refused
//   dpop_nonces          whether DPoP proofs have to have a nonce, RFC 9449 section 8
//   fapi                 { client_id: the FAPI profile that is the law for it, in the library's words }
//   tls                  { certificate, key, authority } in PEM: it then serves by TLS, and at a second port asks for
//                        client certificates, believing those of the authority; its metadata says where (RFC 8705)
//
//   forgets              the clients whose first access token is unknown as soon as it was given out
//
// It writes one line, `ready ISSUER`. Each further line on standard input is one of these, and it answers with a line:
//   { client: metadata }     one more client: `client CLIENT_ID`, or `refused REASON`
//   { asked: client_id }     what that client asked, in order, by the library's names: `asked token:200 userinfo:401`
// It stops on SIGTERM or when standard input ends (its parent has gone).

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

import { interactions, stepOf } from './pages.mjs';
import { clients, settings } from './settings.mjs';

// The library's routes of the endpoints at which a client may show a certificate
const SHOWN_A_CERTIFICATE = {
  introspection_endpoint: '/token/introspection',
  pushed_authorization_request_endpoint: '/request',
  revocation_endpoint: '/token/revocation',
  token_endpoint: '/token',
  userinfo_endpoint: '/me',
};

console.info = console.error; // the library's remarks; standard output is for our answers

// What each client asked
const asked = new Map();

function listening(server, port) {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server.address().port)));
}

function servers({ tls }) {
  if (!tls) return [createServer()];
  const { certificate: cert, key, authority: ca } = tls;
  const asking = { requestCert: true, rejectUnauthorized: false };
  return [createTlsServer({ cert, key }), createTlsServer({ cert, key, ca, ...asking })];
}

async function serve(configuration) {
  const host = configuration.host ?? '127.0.0.1';
  const [server, asking] = servers(configuration);
  const issuer = `${asking ? 'https' : 'http'}://${host}:${await listening(server, configuration.port ?? 0)}`;
  let aliases;
  if (asking) {
    const base = `https://${host}:${await listening(asking, 0)}`;
    aliases = Object.fromEntries(Object.entries(SHOWN_A_CERTIFICATE).map(([name, path]) => [name, `${base}${path}`]));
  }
  const provider = new Provider(issuer, settings(configuration, aliases));
  provider.use(async (context, next) => {
    await next();
    const { client, route } = context.oidc ?? {};
    if (client) asked.set(client.clientId, [...(asked.get(client.clientId) ?? []), `${route}:${context.status}`]);
  });
  provider.on('server_error', (context, error) => console.error(error));
  const interact = interactions(provider, configuration.accounts);
  const answer = provider.callback();
  for (const one of asking ? [server, asking] : [server]) {
    one.on('request', (request, response) => {
      const step = stepOf(request);
      if (step) interact(request, response, step);
      else answer(request, response);
    });
  }
  process.stdout.write(`ready ${issuer}\n`);
  return provider;
}

async function addClient(provider, metadata) {
  try {
    clients.set(metadata.client_id, metadata);
    await provider.Client.find(metadata.client_id);
    return `client ${metadata.client_id}`;
  } catch (error) {
    return `refused ${error.error_description ?? error.message}`;
  }
}

async function answerTo(provider, { client, asked: clientId }) {
  const line = client ? await addClient(provider, client) : ['asked', ...(asked.get(clientId) ?? [])].join(' ');
  process.stdout.write(`${line}\n`);
}

let serving;
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  if (!serving) serving = serve(JSON.parse(line));
  else serving.then((provider) => answerTo(provider, JSON.parse(line)));
});
input.on('close', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
