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
//
// It writes one line, `ready ISSUER`, and stops on SIGTERM or when standard input ends (its parent has gone).

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import Provider, { errors } from 'oidc-provider';

const CLAIMS = {
  openid: ['sub'],
  email: ['email', 'email_verified'],
  profile: [
    'name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username', 'picture', 'profile',
    'website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at',
  ],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
};

// The pages

const escaped = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>
<link rel="icon" href="data:,"></head>
<body><main><h1>${escaped(title)}</h1>
${body}
</main></body>
</html>
`;
}

function loginPage(action, { hint = '', refused = false } = {}) {
  return page('Sign in', `${refused ? '<p role="alert">This login and this password do not belong together.</p>' : ''}
<form method="post" action="${action}/login">
<p><label for="login">Login</label> <input id="login" name="login" autocomplete="username" required value="${escaped(hint)}"></p>
<p><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required></p>
<button>Sign in</button>
</form>
${cancelForm(action)}`);
}

function consentPage(action, client, wanted) {
  return page('Consent', `<p>${escaped(client)} asks for: ${escaped(wanted.join(', ') || 'nothing new')}.</p>
<form method="post" action="${action}/consent"><button>Continue</button></form>
${cancelForm(action)}`);
}

const cancelForm = (action) => `<form method="post" action="${action}/cancel"><button>Cancel</button></form>`;

// The interactions

async function formOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function send(response, html, status = 200) {
  response.writeHead(status, {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; img-src data:",
    'content-type': 'text/html; charset=utf-8',
  });
  response.end(html);
}

function accountOf(accounts, login, password) {
  const found = Object.entries(accounts).find(
    ([subject, account]) => subject === login || account.claims.email?.toLowerCase() === login.toLowerCase(),
  );
  return found && found[1].password === password ? found[0] : undefined;
}

async function grantFor(provider, { grantId, session, params, prompt: { details } }) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return grant.save();
}

function interactions(provider, accounts) {
  const steps = {
    async show(interaction, request, response) {
      const action = `/interaction/${interaction.uid}`;
      const { prompt, params } = interaction;
      if (prompt.name === 'login') {
        send(response, loginPage(action, { hint: params.login_hint }));
      } else {
        const { missingOIDCScope = [], missingOIDCClaims = [], missingResourceScopes = {} } = prompt.details;
        const wanted = [...missingOIDCScope, ...missingOIDCClaims, ...Object.values(missingResourceScopes).flat()];
        send(response, consentPage(action, params.client_id, wanted));
      }
    },
    async login(interaction, request, response) {
      const form = await formOf(request);
      const login = form.get('login') ?? '';
      const accountId = accountOf(accounts, login, form.get('password') ?? '');
      if (accountId) {
        await provider.interactionFinished(request, response, { login: { accountId } });
      } else {
        send(response, loginPage(`/interaction/${interaction.uid}`, { hint: login, refused: true }), 403);
      }
    },
    async consent(interaction, request, response) {
      const grantId = await grantFor(provider, interaction);
      await provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
    },
    async cancel(interaction, request, response) {
      const result = { error: 'access_denied', error_description: 'The person cancelled.' };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    },
  };
  return async (request, response, step) => {
    try {
      await steps[step](await provider.interactionDetails(request, response), request, response);
    } catch (error) {
      send(response, page('This sign-in has ended', `<p>${escaped(error.error_description ?? error.message)}</p>`), 400);
    }
  };
}

function stepOf({ method, url }) {
  const path = /^\/interaction\/[\w-]+(?:\/(login|consent|cancel))?$/.exec(url);
  if (!path) return undefined;
  return method === 'POST' ? path[1] : 'show';
}

// The server

function keys() {
  const pairs = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ];
  return pairs.map(([alg, { privateKey }]) => ({
    ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID(),
  }));
}

function resourceIndicators(configuration) {
  const { resources = {}, default_resource: defaultResource } = configuration;
  return {
    enabled: true,
    defaultResource: () => defaultResource || undefined,
    useGrantedResource: () => true,
    getResourceServerInfo(context, indicator) {
      if (!Object.hasOwn(resources, indicator)) throw new errors.InvalidTarget();
      return { accessTokenFormat: 'jwt', audience: indicator, jwt: { sign: { alg: 'RS256' } }, ...resources[indicator] };
    },
  };
}

function claimsOfScopes(account, scopes) {
  const names = scopes.flatMap((scope) => CLAIMS[scope] ?? []);
  return Object.fromEntries(Object.entries(account.claims).filter(([name]) => names.includes(name)));
}

function settings(configuration) {
  const { accounts, clients } = configuration;
  return {
    clients,
    claims: CLAIMS,
    conformIdTokenClaims: !configuration.claims_in_id_token,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    jwks: { keys: keys() },
    pkce: { methods: ['S256'], required: () => configuration.pkce_required ?? true },
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (context, subject) => accounts[subject] && {
      accountId: subject,
      claims: () => ({ sub: subject, ...accounts[subject].claims }),
    },
    // A brand whose profile comes in the JWT access token puts the claims of the scopes that the person granted there.
    async extraTokenClaims(context, token) {
      const account = accounts[token.accountId];
      await sleep(1000 * (account?.slow_seconds ?? 0));
      const granted = context.oidc.entities.Grant?.getOIDCScope() ?? '';
      return account && claimsOfScopes(account, granted.split(' '));
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      introspection: { enabled: true },
      jwtResponseModes: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: resourceIndicators(configuration),
      revocation: { enabled: true },
      userinfo: { enabled: true },
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    renderError(context, { error, error_description: description }) {
      context.type = 'html';
      context.body = page('This sign-in does not work', `<p><code>${escaped(error)}</code>: ${escaped(description ?? '')}</p>`);
    },
  };
}

function serve(configuration) {
  const host = configuration.host ?? '127.0.0.1';
  const server = createServer();
  server.listen(configuration.port ?? 0, '127.0.0.1', () => {
    const issuer = `http://${host}:${server.address().port}`;
    const provider = new Provider(issuer, settings(configuration));
    provider.on('server_error', (context, error) => console.error(error));
    const interact = interactions(provider, configuration.accounts);
    const answer = provider.callback();
    server.on('request', (request, response) => {
      const step = stepOf(request);
      if (step) interact(request, response, step);
      else answer(request, response);
    });
    process.stdout.write(`ready ${issuer}\n`);
  });
}

let started = false;
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  if (started) return;
  started = true;
  serve(JSON.parse(line));
});
input.on('close', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
