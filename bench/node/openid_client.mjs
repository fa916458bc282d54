// openid-client 5 on Node's bare http: login, callback, page with the claims. State and session are encrypted cookies.
//
//   node openid_client.mjs PORT ISSUER CLIENT_ID CLIENT_SECRET

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import http from 'node:http'

import { Issuer, custom, generators } from 'openid-client'

const [port, issuerUrl, clientId, clientSecret] = process.argv.slice(2)
const base = `http://localhost:${port}`
const agent = new http.Agent({ keepAlive: true })
const key = randomBytes(32)

custom.setHttpOptionsDefaults({ agent, timeout: 10_000 })

function seal(value) {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
}

function open(text) {
  const raw = Buffer.from(text, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', key, raw.subarray(0, 12))
  decipher.setAuthTag(raw.subarray(12, 28))
  return JSON.parse(Buffer.concat([decipher.update(raw.subarray(28)), decipher.final()]))
}

function cookie(request, name) {
  const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split('='))
  return pairs.find(([found]) => found === name)?.[1]
}

const issuer = await Issuer.discover(issuerUrl)
const client = new issuer.Client({
  client_id: clientId,
  client_secret: clientSecret,
  redirect_uris: [`${base}/callback`],
  response_types: ['code'],
})

const routes = {
  '/login': (request, response) => {
    const [state, nonce, verifier] = [generators.state(), generators.nonce(), generators.codeVerifier()]
    const location = client.authorizationUrl({
      scope: 'openid profile email',
      state,
      nonce,
      code_challenge: generators.codeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    response.writeHead(302, {
      location,
      'set-cookie': `attempt=${seal({ state, nonce, verifier })}; HttpOnly; SameSite=Lax; Path=/`,
    })
    response.end()
  },
  '/callback': async (request, response) => {
    const { state, nonce, verifier } = open(cookie(request, 'attempt'))
    const parameters = client.callbackParams(request)
    const tokens = await client.callback(`${base}/callback`, parameters, { state, nonce, code_verifier: verifier })
    response.writeHead(302, {
      location: '/',
      'set-cookie': [
        `session=${seal(tokens.claims())}; HttpOnly; SameSite=Lax; Path=/`,
        'attempt=; Max-Age=0; Path=/',
      ],
    })
    response.end()
  },
  '/': (request, response) => {
    const claims = open(cookie(request, 'session'))
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(`<!doctype html><p>${claims.email}</p>`)
  },
}

http
  .createServer(async (request, response) => {
    try {
      await routes[request.url.split('?')[0]](request, response)
    } catch (error) {
      response.writeHead(500)
      response.end(error.name)
    }
  })
  .listen(Number(port), '127.0.0.1')
