// A dashboard of one's own behind Countersign, in Node with openid-client 6:
//   npm install openid-client
//   COUNTERSIGN_URL=https://sign-in.example.com CLIENT_ID=board CLIENT_SECRET=… node dashboard.mjs
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import * as oidc from "openid-client";

const { COUNTERSIGN_URL, CLIENT_ID, CLIENT_SECRET, HOME_URL = "http://localhost:3000" } = process.env;
const issuer = new URL(COUNTERSIGN_URL);
// Plain http is for a demo on this machine only.
const options = issuer.protocol === "http:" ? { execute: [oidc.allowInsecureRequests] } : undefined;
const config = await oidc.discovery(issuer, CLIENT_ID, CLIENT_SECRET, undefined, options);

const going = new Map(); // by state: what must come back
const people = new Map(); // by the app's own cookie: tokens

const escape = (s) => String(s).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const cookieOf = (req, name) => new Map((req.headers.cookie ?? "").split("; ").map((c) => c.split("="))).get(name);
const cookie = (name, value, more = "") => `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${more}`; // behind https: __Host-… and Secure
const go = (res, to, ...cookies) => res.writeHead(303, { location: String(to), "set-cookie": cookies }).end();
const show = (res, body) => res.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" })
  .end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>My board</title><h1>My board</h1>${body}`);

async function begin(res, more = {}) {
  const state = oidc.randomState(), nonce = oidc.randomNonce(), verifier = oidc.randomPKCECodeVerifier();
  going.set(state, { nonce, verifier });
  const to = oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${HOME_URL}/callback`, scope: "openid profile email offline_access", state, nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", ...more,
  });
  go(res, to, cookie("board-state", state, "; Max-Age=600"));
}

async function callback(req, res) {
  const state = cookieOf(req, "board-state"), left = going.get(state);
  going.delete(state);
  if (!left) return show(res, `That sign-in did not begin in this browser. <a href="/sign-in">Sign in</a>`);
  const tokens = await oidc.authorizationCodeGrant(config, new URL(req.url, HOME_URL), { pkceCodeVerifier: left.verifier, expectedNonce: left.nonce, expectedState: state });
  const name = randomUUID();
  people.set(name, { tokens, until: Date.now() + 1000 * tokens.expires_in, sub: tokens.claims().sub });
  go(res, "/", cookie("board", name), cookie("board-state", "", "; Max-Age=0"));
}

// One renewal at a time: each refresh token is good once.
async function fresh(p) {
  if (Date.now() < p.until - 10_000) return p.tokens.access_token;
  p.renewing ??= oidc.refreshTokenGrant(config, p.tokens.refresh_token).then((t) => {
    p.tokens = { ...p.tokens, ...t };
    p.until = Date.now() + 1000 * t.expires_in;
  }).finally(() => { p.renewing = undefined; });
  await p.renewing;
  return p.tokens.access_token;
}

async function page(req, res) {
  const p = people.get(cookieOf(req, "board"));
  if (!p) return show(res, `<a href="/sign-in">Sign in</a>`);
  try {
    const who = await oidc.fetchUserInfo(config, await fresh(p), p.sub);
    show(res, `<p>${escape(who.name)} of ${escape(who.tenant.name)}, ${escape(who.acr)}</p><form method="post" action="/sign-out"><button>Sign out</button></form>`);
  } catch (err) {
    if (!(err instanceof oidc.WWWAuthenticateChallengeError) && !(err instanceof oidc.ResponseBodyError)) throw err;
    const asked = err.cause?.[0]?.parameters ?? {};
    if (asked.error === "insufficient_user_authentication") return begin(res, { acr_values: asked.acr_values }); // RFC 9470
    show(res, `Your sign-in has ended. <a href="/sign-in">Sign in</a>`);
  }
}

function signOut(req, res) {
  const name = cookieOf(req, "board"), p = people.get(name);
  if (!p || req.headers["sec-fetch-site"] !== "same-origin") return go(res, "/"); // another site's form signs no one out
  people.delete(name);
  go(res, oidc.buildEndSessionUrl(config, { id_token_hint: p.tokens.id_token, post_logout_redirect_uri: `${HOME_URL}/` }), cookie("board", "", "; Max-Age=0"));
}

const routes = { "GET /": page, "GET /sign-in": (req, res) => begin(res), "GET /callback": callback, "POST /sign-out": signOut };
createServer((req, res) => {
  const handle = routes[`${req.method} ${new URL(req.url, HOME_URL).pathname}`];
  if (!handle) return res.writeHead(404).end("There is no such page.");
  Promise.resolve(handle(req, res)).catch((err) => {
    console.error(err);
    if (!res.headersSent) res.writeHead(500);
    res.end("That did not work.");
  });
}).listen(new URL(HOME_URL).port, "localhost", () => console.log("open", HOME_URL));
