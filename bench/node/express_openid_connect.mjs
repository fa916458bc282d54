// express-openid-connect as its documentation sets it up: every page needs a login, the session is an encrypted cookie.
//
//   node express_openid_connect.mjs PORT ISSUER CLIENT_ID CLIENT_SECRET

import { randomBytes } from 'node:crypto'

import express from 'express'
import connect from 'express-openid-connect'

const [port, issuerBaseURL, clientID, clientSecret] = process.argv.slice(2)
const app = express()

app.use(
  connect.auth({
    baseURL: `http://localhost:${port}`,
    issuerBaseURL,
    clientID,
    clientSecret,
    clientAuthMethod: 'client_secret_basic',
    secret: randomBytes(32).toString('hex'),
    authRequired: true,
    idTokenSigningAlg: 'RS256',
    authorizationParams: { response_type: 'code', scope: 'openid profile email' },
  }),
)
app.get('/', (request, response) => response.send(`<!doctype html><p>${request.oidc.user.email}</p>`))
app.listen(Number(port), '127.0.0.1')
