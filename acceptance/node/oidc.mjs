// An app made with openid-client, the most used library of the JavaScript world. It talks
// with the test through lines of JSON: it prints where to send the browser, reads where
// the browser came back, and reports what the library made of it.
import https from 'node:https'
import readline from 'node:readline'
import * as client from 'openid-client'

const { ISSUER, ADDRESS, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, POST_LOGOUT_URI } = process.env
const [address, port] = ADDRESS.split(':')

// The issuer's name is not in any name server: requests go to ADDRESS under that name.
function fetchAtAddress(target, { method, headers, body } = {}) {
  const url = new URL(target)
  return new Promise((resolve, reject) => {
    const request = https.request(
      { host: address, port, servername: url.hostname, method, path: url.pathname + url.search, headers: { ...Object.fromEntries(new Headers(headers)), host: url.host } },
      (answer) => {
        const chunks = []
        answer.on('data', (c) => chunks.push(c))
        answer.on('end', () => resolve(new Response(chunks.length ? Buffer.concat(chunks) : null, { status: answer.statusCode, headers: flat(answer.headers) })))
      },
    )
    request.on('error', reject)
    request.end(body === undefined || body === null ? undefined : body instanceof URLSearchParams ? body.toString() : body)
  })
}

const flat = (headers) => Object.entries(headers).flatMap(([k, v]) => [v].flat().map((one) => [k, one]))

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const hear = async () => JSON.parse((await lines.next()).value)

async function visit(config, extra = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true }
  if (extra.max_age) checks.maxAge = Number(extra.max_age)
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope: 'openid email profile offline_access', state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...extra,
  })
  say({ go: url.href })
  return { back: new URL((await hear()).back), checks }
}

const refused = async (attempt) => {
  try {
    await attempt()
    return 'accepted'
  } catch (e) {
    return e.error ?? e.code ?? e.message
  }
}

const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, { [client.customFetch]: fetchAtAddress })
const { back, checks } = await visit(config, { acr_values: 'urn:countersign:acr:1e' })
const tokens = await client.authorizationCodeGrant(config, back, checks)
const claims = tokens.claims()
const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
const replay = await refused(() => client.authorizationCodeGrant(config, back, checks))

const second = await visit(config, { max_age: '3600' })
const fresh = await client.authorizationCodeGrant(config, second.back, second.checks)
const rotated = await client.refreshTokenGrant(config, fresh.refresh_token)
await client.refreshTokenGrant(config, rotated.refresh_token) // the newest was used: nothing older is answered again
const reuse = await refused(() => client.refreshTokenGrant(config, fresh.refresh_token))

const third = await visit(config, { prompt: 'none' })
const silent = await client.authorizationCodeGrant(config, third.back, third.checks)
const wrong = await visit(config, { prompt: 'none' })
const verifier = await refused(() => client.authorizationCodeGrant(config, wrong.back, { ...wrong.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }))
const mixup = await visit(config, { prompt: 'none' })
mixup.back.searchParams.set('iss', 'https://other.example.test')
const otherIssuer = await refused(() => client.authorizationCodeGrant(config, mixup.back, mixup.checks))

const end = client.buildEndSessionUrl(config, { id_token_hint: silent.id_token, post_logout_redirect_uri: POST_LOGOUT_URI, state: 'bye' })
say({ claims, info, replay, rotated: Boolean(rotated.access_token && rotated.refresh_token !== fresh.refresh_token), reuse, verifier, otherIssuer, end: end.href })
process.exit(0)
