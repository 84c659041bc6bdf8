// Copy buttons, mails that arrive by themselves, frames as high as their mail. The pages
// work without this file.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const words = button.firstChild;
    const before = words.textContent;
    words.textContent = "Copied";
    setTimeout(() => { words.textContent = before; }, 1500);
  });
}

function fit(frame) {
  const grow = () => {
    const page = frame.contentDocument && frame.contentDocument.documentElement;
    if (page) frame.height = Math.max(320, page.scrollHeight + 2);
  };
  frame.addEventListener("load", grow);
  grow();
}
document.querySelectorAll("[data-fit]").forEach(fit);

// Only what has changed is replaced, so that a text that somebody reads stays put.
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
    old.replaceChildren(...now.childNodes);
    old.querySelectorAll("[data-fit]").forEach(fit);
  }
}
if (document.querySelector("[data-live]")) {
  setInterval(() => renew().catch(() => {}), 1500);
  document.addEventListener("visibilitychange", () => renew().catch(() => {}));
}
