// Service worker of a code receiver. It shows that a code has come and keeps the newest one
// for the page that shows it, until its time is over. It answers no requests, tells the server
// which push it has shown and nothing else, and can let no one in.
'use strict'
const page = new URL(self.registration.scope).pathname
const store = 'receiver'
const newest = page + '/newest'

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

const read = (data) => {
  try {
    const c = data.json()
    return typeof c.code === 'string' && typeof c.title === 'string' ? c : null
  } catch { return null }
}

// What a locked phone may show is the title and the body; the code is in neither.
const arrived = async (c) => {
  const cache = await caches.open(store)
  await cache.put(newest, new Response(JSON.stringify(c), { headers: { 'Content-Type': 'application/json' } }))
  new BroadcastChannel(store).postMessage('new')
  await self.registration.showNotification(c.title, { body: c.body, lang: c.lang, tag: 'code', renotify: true })
  await tell(c.ack)
}

// So that the page that waits for the code can say that it was shown. Whether this arrives
// changes nothing else.
const tell = async (ack) => {
  if (!/^[0-9a-z.]{1,80}$/.test(ack)) return
  try {
    await fetch(page + '/shown/' + ack, { method: 'POST', credentials: 'omit', redirect: 'error' })
  } catch { /* offline */ }
}

self.addEventListener('push', (event) => {
  const c = event.data && read(event.data)
  if (c) event.waitUntil(arrived(c))
})

// The page that waits for the code, where there is one; else the receiver's own.
const open = async () => {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const waiting = windows.find((w) => /\/push(\/|$)/.test(new URL(w.url).pathname)) || windows.find((w) => new URL(w.url).pathname === page)
  if (waiting) return waiting.focus()
  return self.clients.openWindow(page)
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open())
})
