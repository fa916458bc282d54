// The provider's pages, in plain HTML: to log in, to consent, to log out. Buttons alone move a person on.

export const ACR_VALUES = ['urn:northwind:password'];

export const escaped = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export function page(title, body) {
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

// A person who typed a password signed in by it, whatever else was asked for.
const acrOf = (wanted = '') => ACR_VALUES.find((value) => wanted.split(' ').includes(value));

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

export function interactions(provider, accounts) {
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
        const acr = acrOf(interaction.params.acr_values);
        await provider.interactionFinished(request, response, { login: { accountId, acr, amr: ['pwd'] } });
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

export function stepOf({ method, url }) {
  const path = /^\/interaction\/[\w-]+(?:\/(login|consent|cancel))?$/.exec(url);
  if (!path) return undefined;
  return method === 'POST' ? path[1] : 'show';
}

// Logging out (OpenID Connect RP-Initiated Logout 1.0): the library's own form, by a button of ours

export function logoutPage(context, form) {
  context.type = 'html';
  context.body = page('Sign out', `${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
}

export function loggedOutPage(context) {
  context.type = 'html';
  context.body = page('Signed out', '<p>You have left.</p>');
}
