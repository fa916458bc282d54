// What the provider can do, from the configuration of a test. Nearly all is on: it is the metadata of a client that says
// what is used.

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { errors } from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

import { ACR_VALUES, escaped, loggedOutPage, logoutPage, page } from './pages.mjs';

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

const SIGNING = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'HS384', 'HS512',
];
const KEY_MANAGEMENT = [
  'RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW',
];
const CONTENT_ENCRYPTION = [
  'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512', 'A128GCM', 'A192GCM', 'A256GCM',
];
const AUTHENTICATION = ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'];
const WITH_A_CERTIFICATE = ['tls_client_auth', 'self_signed_tls_client_auth'];
// What is kept: the library's own way in memory, and the clients that came later, which it would forget among the rest
export const clients = new Map();

const keeping = (forgets) => class extends MemoryAdapter {
  async find(id) {
    return (this.model === 'Client' && clients.get(id)) || super.find(id);
  }

  async upsert(id, payload, seconds) {
    if (this.model === 'Client') clients.set(id, payload);
    const first = this.model === 'AccessToken' && payload.gty === 'authorization_code';
    return first && forgets.includes(payload.clientId) ? undefined : super.upsert(id, payload, seconds);
  }

  async destroy(id) {
    if (this.model === 'Client') clients.delete(id);
    return super.destroy(id);
  }
};

const RESPONSE_TYPES = ['code', 'code id_token', 'code token', 'code id_token token', 'id_token', 'id_token token'];

function algorithms() {
  const uses = ['idToken', 'userinfo', 'introspection', 'authorization', 'requestObject'];
  const asymmetric = SIGNING.filter((alg) => !alg.startsWith('HS'));
  return {
    ...Object.fromEntries(uses.flatMap((use) => [
      [`${use}SigningAlgValues`, SIGNING],
      [`${use}EncryptionAlgValues`, KEY_MANAGEMENT],
      [`${use}EncryptionEncValues`, CONTENT_ENCRYPTION],
    ])),
    clientAuthSigningAlgValues: SIGNING,
    dPoPSigningAlgValues: asymmetric,
  };
}

function keys() {
  const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  const curve = (namedCurve) => generateKeyPairSync('ec', { namedCurve });
  const pairs = [
    [{ use: 'sig' }, rsa()], // for every RS and PS algorithm
    [{ use: 'sig', alg: 'ES256' }, curve('P-256')],
    [{ use: 'sig', alg: 'ES384' }, curve('P-384')],
    [{ use: 'sig', alg: 'ES512' }, curve('P-521')],
    [{ use: 'sig', alg: 'EdDSA' }, generateKeyPairSync('ed25519')],
    [{ use: 'enc' }, rsa()],
    [{ use: 'enc' }, curve('P-256')],
  ];
  return pairs.map(([says, { privateKey }]) => ({ ...privateKey.export({ format: 'jwk' }), ...says, kid: randomUUID() }));
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

// RFC 8705: what the client showed in TLS on this connection
const certificates = {
  getCertificate: (context) => context.socket.getPeerX509Certificate?.(),
  certificateAuthorized: (context) => context.socket.authorized === true,
  certificateSubjectMatches(context, property, expected) {
    const { subject } = context.socket.getPeerX509Certificate();
    return property === 'tls_client_auth_subject_dn' && subject === expected;
  },
};

function features(configuration) {
  const { dpop_nonces: nonces = false, fapi = {}, tls } = configuration;
  return {
    backchannelLogout: { enabled: true },
    claimsParameter: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true, requireNonce: () => nonces, nonceSecret: nonces ? randomBytes(32) : undefined },
    encryption: { enabled: true },
    fapi: { enabled: true, profile: (context, client) => fapi[client?.clientId] },
    introspection: { enabled: true },
    jwtIntrospection: { enabled: true },
    jwtResponseModes: { enabled: true },
    jwtUserinfo: { enabled: true },
    mTLS: {
      enabled: Boolean(tls), certificateBoundAccessTokens: true, selfSignedTlsClientAuth: true, tlsClientAuth: true, ...certificates,
    },
    pushedAuthorizationRequests: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
    requestObjects: { request: true, requestUri: true, requireUriRegistration: false },
    resourceIndicators: resourceIndicators(configuration),
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true, logoutSource: logoutPage, postLogoutSuccessSource: loggedOutPage },
    userinfo: { enabled: true },
  };
}

// `aliases` are the endpoints at which clients show a certificate (RFC 8705 section 5).
export function settings(configuration, aliases) {
  const { accounts } = configuration;
  return {
    acrValues: ACR_VALUES,
    adapter: keeping(configuration.forgets ?? []),
    clientAuthMethods: aliases ? [...AUTHENTICATION, ...WITH_A_CERTIFICATE] : AUTHENTICATION,
    clients: configuration.clients,
    claims: CLAIMS,
    conformIdTokenClaims: !configuration.claims_in_id_token,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    discovery: aliases ? { mtls_endpoint_aliases: aliases } : {},
    enabledJWA: algorithms(),
    jwks: { keys: keys() },
    pkce: { methods: ['S256'], required: () => configuration.pkce_required ?? true },
    responseTypes: RESPONSE_TYPES,
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
    features: features(configuration),
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    renderError(context, { error, error_description: description }) {
      context.type = 'html';
      context.body = page('This sign-in does not work', `<p><code>${escaped(error)}</code>: ${escaped(description ?? '')}</p>`);
    },
  };
}
