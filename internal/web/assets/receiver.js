// The two halves of a code receiver's pages.
//
//   <form method="post" action="…" data-receiver="KEY">   makes this browser a receiver
//     data-receiver   the server's public key, base64url (W3C Push API, applicationServerKey)
//     data-waiting, data-denied, data-unsupported, data-failed   what to say
//     <input type="hidden" name="subscription">   where this browser can be reached, JSON
//     <button type="button" data-start hidden>    shown where it works
//     <p data-say role="status"></p>              where words appear
//
//   <section data-received hidden>                shows the newest code, until its time is over
//     <… data-slot="code">                        a part of it
//     <… data-row="place">                        hidden where there is no such part
//   <p data-none>                                 shown while there is none
//
// Nothing here lets another browser in: a code is read here and typed there.
(() => {
  'use strict'
  const store = 'receiver'
  const base = new URL(document.currentScript.src).pathname.replace(/\/assets\/.*$/, '')
  const newest = base + '/receiver/newest'
  const lang = document.documentElement.lang
  const able = window.isSecureContext && 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window

  const worker = async () => {
    const r = await navigator.serviceWorker.register(base + '/receiver-sw.js', { scope: base + '/receiver', updateViaCache: 'none' })
    const coming = r.installing || r.waiting
    if (r.active || !coming) return r
    await new Promise((done, failed) => coming.addEventListener('statechange', () => {
      if (coming.state === 'activated') done()
      if (coming.state === 'redundant') failed(new Error('the worker was not taken'))
    }))
    return r
  }

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
  const same = (buffer, key) => buffer && new Uint8Array(buffer).join() === key.join()

  // A subscription to another key would never hear of us.
  const subscribe = async (key) => {
    const manager = (await worker()).pushManager
    const old = await manager.getSubscription()
    if (old && same(old.options.applicationServerKey, key)) return old
    if (old) await old.unsubscribe()
    return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
  }

  document.querySelectorAll('form[data-receiver]').forEach((form) => {
    const start = form.querySelector('[data-start]')
    const say = (key) => { form.querySelector('[data-say]').textContent = key ? form.dataset[key] || '' : '' }
    if (!able) return say('unsupported')
    start.hidden = false
    start.addEventListener('click', async () => {
      start.disabled = true
      say('waiting')
      try {
        if (await Notification.requestPermission() !== 'granted') return say('denied')
        form.elements.subscription.value = JSON.stringify(await subscribe(bytes(form.dataset.receiver)))
        form.submit()
      } catch (e) {
        say(e.name === 'NotAllowedError' ? 'denied' : 'failed')
      } finally {
        start.disabled = false
      }
    })
  })

  const box = document.querySelector('[data-received]')
  if (!box || !('caches' in window)) return

  const forget = async () => (await caches.open(store)).delete(newest)
  const known = async () => {
    const kept = await (await caches.open(store)).match(newest)
    if (!kept) return null
    const c = await kept.json()
    if (Date.parse(c.until) > Date.now()) return c
    await forget()
    return null
  }

  const clock = (instant) => new Date(instant).toLocaleTimeString(lang, { hour: '2-digit', minute: '2-digit' })
  let timer
  const show = async () => {
    const c = await known()
    clearTimeout(timer)
    box.hidden = !c
    document.querySelectorAll('[data-none]').forEach((e) => { e.hidden = !!c })
    if (!c) return
    const parts = { ...c, time: clock(c.at), until: clock(c.until) }
    box.querySelectorAll('[data-slot]').forEach((e) => { e.textContent = parts[e.dataset.slot] || '' })
    box.querySelectorAll('[data-row]').forEach((e) => { e.hidden = !parts[e.dataset.row] })
    timer = setTimeout(show, Math.min(Math.max(0, Date.parse(c.until) - Date.now()) + 500, 2 ** 30))
  }

  new BroadcastChannel(store).addEventListener('message', show)
  document.addEventListener('visibilitychange', show)
  addEventListener('pageshow', show)
  if (able && document.querySelector('[data-receiver-home]')) worker().catch(() => {}) // a newer worker, if there is one
  show()
})()
