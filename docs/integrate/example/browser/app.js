// A board inside the browser behind Countersign, with oidc-client-ts 3. Serve this folder at an
// origin of its own; /callback answers with index.html, too. config.js is yours:
//   export const authority = "https://sign-in.example.com", clientID = "board", afterSignOut = "/";
import { authority, clientID, afterSignOut } from "/config.js";

const { UserManager, WebStorageStateStore, InMemoryWebStorage } = globalThis.oidc;
const here = location.origin;
const manager = new UserManager({
  authority,
  client_id: clientID,
  redirect_uri: `${here}/callback`,
  popup_redirect_uri: `${here}/callback`,
  post_logout_redirect_uri: here + afterSignOut, // registered, as the redirect URI is
  scope: "openid profile email offline_access", // offline_access: a refresh token, to renew with
  automaticSilentRenew: true, // by the refresh token, a minute before the access token ends
  // By default the library hides acr, amr and auth_time, by which you know what was proved.
  filterProtocolClaims: ["nbf", "jti", "nonce", "azp", "at_hash"],
  // Tokens stay in memory: what is in the browser's storage, every script of the page can read.
  userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
});

const byId = (id) => document.getElementById(id);
const say = (text) => { byId("said").textContent = text; };
const show = (user) => {
  byId("who").textContent = user ? `Signed in as ${user.profile.name} (${user.profile.email}), level ${user.profile.acr}` : "Signed out";
};
let renewals = 0;
const press = (id, act) => byId(id).addEventListener("click", () => act().catch((e) => say(`Failed: ${e.message}`)));

press("sign-in", () => manager.signinRedirect());
press("sign-in-popup", async () => show(await manager.signinPopup()));
press("who-am-i", async () => {
  const user = await manager.getUser();
  const { userinfo_endpoint: at } = await manager.metadataService.getMetadata();
  const answer = await fetch(at, { headers: { authorization: `Bearer ${user.access_token}` } });
  if (answer.status === 401) return manager.signinRedirect(); // ended, or too little by now
  const info = await answer.json();
  say(`Userinfo: ${info.name} of ${info.tenant.name}`);
});
press("renew", async () => {
  const before = await manager.getUser();
  const after = await manager.signinSilent(); // with the refresh token: no frame, no page
  show(after);
  say(after.refresh_token !== before.refresh_token ? `Renewed (${++renewals})` : "Not renewed");
});
press("sign-out", () => manager.signoutRedirect()); // with the ID token, so that no one is asked

if (location.pathname === "/callback") {
  if (window.opener) { // the window of signinPopup: hands its address over and closes
    await manager.signinPopupCallback();
  } else {
    try {
      await manager.signinRedirectCallback();
    } catch (e) {
      say(`Failed: ${e.message}`);
    }
    history.replaceState(null, "", "/");
  }
}
show(await manager.getUser());
