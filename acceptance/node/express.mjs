// An app made with express-openid-connect. ADDRESS is where the issuer's host is found: its
// name is in no name server.
import tls from 'node:tls'
import express from 'express'
import openid from 'express-openid-connect'

const { ISSUER, ADDRESS, CLIENT_ID, CLIENT_SECRET, BASE_URL, ALG } = process.env
const [address, port] = ADDRESS.split(':')
const connect = tls.connect
tls.connect = (options, ...rest) =>
  options.host === new URL(ISSUER).hostname || options.servername === new URL(ISSUER).hostname
    ? connect({ ...options, host: address, port: Number(port), servername: new URL(ISSUER).hostname }, ...rest)
    : connect(options, ...rest)

const app = express()
app.use(openid.auth({
  issuerBaseURL: ISSUER,
  baseURL: BASE_URL,
  clientID: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  secret: 'a long random string for the cookie of this app only',
  ...(ALG ? { idTokenSigningAlg: ALG } : {}), // the library expects RS256
  idpLogout: true,
  authRequired: false,
  authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access' },
}))
app.get('/', openid.requiresAuth(), async (req, res) => {
  const info = await req.oidc.fetchUserInfo()
  const before = req.oidc.accessToken
  const after = await before.refresh()
  res.json({ user: req.oidc.user, info, renewed: after.access_token !== before.access_token })
})
app.use((err, req, res, next) => res.status(500).json({ failed: err.message }))
const server = app.listen(Number(new URL(BASE_URL).port), '127.0.0.1', () => process.stdout.write('ready\n'))
process.stdin.on('end', () => server.close(() => process.exit(0))).resume()
