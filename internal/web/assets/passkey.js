// Passkeys and security keys. A form that wants one carries:
//
//   <form method="post" action="…" data-passkey="get" data-options="{…}">
//     data-passkey   get: ask for a passkey when the button is pressed
//                    conditional: the same, and offer passkeys in the autofill of a field
//                      with autocomplete="username webauthn"; the form hides where the
//                      browser has no passkeys
//                    create: make a new one when the button is pressed
//     data-options   what the server asks for: PublicKeyCredentialRequestOptionsJSON, or
//                    …CreationOptionsJSON (WebAuthn L3 §5.1.9, §5.1.10)
//     data-begin     in place of data-options: where a POST begins and answers with
//                    {"options": {…}, "draft": "…"}, for a field named draft
//     data-refresh   optional: where fresh {"options": {…}, "token": "…"} come from (GET),
//                    because an offer ends after five minutes
//     data-waiting, data-cancelled, data-exists, data-insecure, data-unsupported,
//     data-failed    what to say, in the person's language
//
//   <input type="hidden" name="assertion">   the answer, JSON
//   <input type="hidden" name="token" …>     optional: renewed with the options
//   <button type="button" data-start hidden> shown where it works
//   <p data-say role="status"></p>           where words appear
//
// The answer is put into its field and the form is sent. Nothing is kept and nothing else
// is sent anywhere.
(() => {
  'use strict'
  const lasts = 4 * 60 * 1000 // of the server's five minutes

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
  const words = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')

  // Browsers before 2023 to 2025 do not read or write JSON themselves.
  const named = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }))
  const forGet = (o) => ({ ...o, challenge: bytes(o.challenge), allowCredentials: named(o.allowCredentials) })
  const forCreate = (o) => ({ ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: named(o.excludeCredentials) })
  const parse = (o, create) => {
    const K = window.PublicKeyCredential
    if (create) return K.parseCreationOptionsFromJSON ? K.parseCreationOptionsFromJSON(o) : forCreate(o)
    return K.parseRequestOptionsFromJSON ? K.parseRequestOptionsFromJSON(o) : forGet(o)
  }
  const json = (c) => {
    try { // what password managers put in place of the browser's own may lack it
      return c.toJSON()
    } catch { /* by hand, then */ }
    const r = c.response
    const response = { clientDataJSON: words(r.clientDataJSON) }
    for (const part of ['authenticatorData', 'signature', 'userHandle', 'attestationObject']) {
      if (r[part]) response[part] = words(r[part])
    }
    if (r.getTransports) response.transports = r.getTransports()
    return { id: c.id, rawId: words(c.rawId), type: c.type, authenticatorAttachment: c.authenticatorAttachment || undefined, response, clientExtensionResults: c.getClientExtensionResults() }
  }

  const mistakes = { NotAllowedError: 'cancelled', InvalidStateError: 'exists', SecurityError: 'insecure', NotSupportedError: 'unsupported', ConstraintError: 'unsupported' }

  document.querySelectorAll('form[data-passkey]').forEach((form) => {
    const { passkey: mode, refresh } = form.dataset
    const create = mode === 'create'
    const start = form.querySelector('[data-start]')
    const say = (key) => { form.querySelector('[data-say]').textContent = key ? form.dataset[key] || '' : '' }
    if (!window.isSecureContext || !window.PublicKeyCredential || !navigator.credentials) {
      if (mode === 'conditional') form.hidden = true
      else say(window.isSecureContext ? 'unsupported' : 'insecure')
      return
    }
    let options = form.dataset.options ? JSON.parse(form.dataset.options) : null
    let since = performance.now()
    let waiting = null // the autofill that waits
    let busy = false

    const renew = async () => {
      if (form.dataset.begin) {
        const r = await fetch(form.dataset.begin, { method: 'POST', headers: { Accept: 'application/json' }, body: new URLSearchParams(new FormData(form)) })
        if (r.redirected) return location.assign(r.url) // someone must first show who they are
        const begun = await r.json()
        options = begun.options
        form.elements.draft.value = begun.draft
        return
      }
      if (!refresh || performance.now() - since < lasts) return
      const r = await fetch(refresh, { headers: { Accept: 'application/json' } })
      if (!r.ok) return
      const fresh = await r.json()
      options = fresh.options
      form.elements.token.value = fresh.token
      since = performance.now()
    }
    const send = (credential) => {
      form.elements.assertion.value = JSON.stringify(json(credential))
      if (form.requestSubmit) form.requestSubmit()
      else form.submit()
    }
    const ask = (more) => {
      const request = { publicKey: parse(options, create), ...more }
      return create ? navigator.credentials.create(request) : navigator.credentials.get(request)
    }

    // Passkeys in the autofill. A new offer takes the place of the one that waits.
    const wait = async () => {
      if (mode !== 'conditional' || busy) return
      const K = window.PublicKeyCredential
      if (!K.isConditionalMediationAvailable || !await K.isConditionalMediationAvailable()) return
      if (waiting) waiting.abort()
      const mine = waiting = new AbortController()
      try {
        await renew()
        if (mine.signal.aborted) return
        const credential = await ask({ mediation: 'conditional', signal: mine.signal })
        if (credential && !mine.signal.aborted) send(credential)
      } catch { /* no one had asked for it: the button is there */ }
    }

    // Enter in a field of the form means the button: without an answer there is nothing to
    // send. Before anyone else hears of it, who might take it for the first of two.
    form.addEventListener('submit', (e) => {
      if (form.elements.assertion.value) return
      e.preventDefault()
      e.stopImmediatePropagation()
      start.click()
    }, { capture: true })

    form.elements.assertion.value = '' // what a browser kept of the page's last life
    start.hidden = false
    if (start.autofocus) start.focus()
    start.addEventListener('click', async () => {
      if (busy) return
      busy = start.disabled = true
      if (waiting) waiting.abort()
      say('waiting')
      try {
        await renew()
        if (!options) return
        const credential = await ask({})
        say('')
        send(credential)
      } catch (e) {
        say(mistakes[e.name] || 'failed')
      }
      busy = start.disabled = false
      start.focus()
      if (!form.elements.assertion.value) wait()
    })

    wait()
    if (!refresh || mode !== 'conditional') return
    const again = () => { if (!document.hidden && performance.now() - since >= lasts) wait() }
    setInterval(again, 15000)
    document.addEventListener('visibilitychange', again)
    addEventListener('pageshow', (e) => { if (e.persisted) { form.elements.assertion.value = ''; wait() } })
  })
})()
