// Copy buttons, mails that arrive by themselves, frames as high as their mail. The pages
// work without this file.
"use strict";

function offerCopies(within) {
  if (!navigator.clipboard) return;
  for (const button of within.querySelectorAll("[data-copy]")) button.hidden = false;
}
offerCopies(document);
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.firstChild;
  const before = words.textContent;
  words.textContent = "Copied";
  setTimeout(() => { words.textContent = before; }, 1500);
});

function fit(frame) {
  const grow = () => {
    const page = frame.contentDocument && frame.contentDocument.documentElement;
    if (page) frame.height = Math.max(320, page.scrollHeight + 2);
  };
  frame.addEventListener("load", grow);
  grow();
}
document.querySelectorAll("[data-fit]").forEach(fit);

// Only what has changed is replaced, so that a text that someone reads stays put.
async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (!now || now.innerHTML === old.dataset.seen) continue;
    const first = old.dataset.seen === undefined;
    old.dataset.seen = now.innerHTML;
    if (first && now.textContent === old.textContent) continue;
    const held = [...old.querySelectorAll("a, button")].indexOf(document.activeElement);
    old.replaceChildren(...now.childNodes);
    old.querySelectorAll("[data-fit]").forEach(fit);
    offerCopies(old);
    if (held >= 0) old.querySelectorAll("a, button")[held]?.focus({ preventScroll: true });
  }
}
if (document.querySelector("[data-live]")) {
  setInterval(() => renew().catch(() => {}), 1500);
  document.addEventListener("visibilitychange", () => renew().catch(() => {}));
}
