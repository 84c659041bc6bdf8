// An authenticator app made with otplib: it is given what a set-up page offers to scan, and
// instants, and says what it would list and which codes it would show.
import { generate } from 'otplib'
import { parse } from '@otplib/uri'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const { uri, at } = JSON.parse(Buffer.concat(chunks))
const { type, label, params } = parse(uri)
const { secret, issuer, algorithm, digits, period } = params
const codes = []
for (const epoch of at) codes.push(await generate({ strategy: type, secret, algorithm, digits, period, epoch }))
process.stdout.write(JSON.stringify({ type, label, issuer, codes }))
