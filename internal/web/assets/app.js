// Comforts only: every page works without this file. No state, no network but the delivery view.
(() => {
  'use strict'
  const all = (selector, f) => document.querySelectorAll(selector).forEach(f)
  // English dates are written as on the rest of the page and in emails: 29 Nov 2026, 14:05.
  const lang = document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang
  const started = performance.now()

  // Times of day in the person's own time zone.
  all('time[data-clock]', (e) => {
    e.textContent = new Date(e.dateTime).toLocaleTimeString(lang, { hour: '2-digit', minute: '2-digit' })
  })

  // Times of day within a sentence, which are about today: "10:42 UTC".
  const local = (sentence) => sentence.replace(/\b(\d\d):(\d\d) UTC\b/g, (_, hours, minutes) => {
    const at = new Date()
    at.setUTCHours(hours, minutes, 0, 0)
    return at.toLocaleTimeString(lang, { hour: '2-digit', minute: '2-digit' })
  })
  all('[data-utc]', (e) => { e.textContent = local(e.textContent) })

  // Days and times in the person's own time zone, and what happened as long ago as it is; the
  // server's words, in UTC, stay where there is no script.
  const whole = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short' })
  all('time:not([data-clock])', (e) => {
    const at = new Date(e.dateTime)
    e.textContent = whole.format(at)
    if (!('ago' in e.dataset) || !Intl.RelativeTimeFormat) return
    const minutes = Math.round((at - Date.now()) / 60000)
    const past = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' })
    e.title = e.textContent
    if (minutes > -60) e.textContent = past.format(Math.min(minutes, 0), 'minute')
    else if (minutes > -1440) e.textContent = past.format(Math.round(minutes / 60), 'hour')
    else if (minutes > -10080) e.textContent = past.format(Math.round(minutes / 1440), 'day')
  })

  // Milliseconds until an instant by the server's clock, because this one may be wrong.
  const until = (instant, now) => Date.parse(instant) - Date.parse(now) - (performance.now() - started)
  const words = (ms) => {
    const s = Math.max(0, Math.ceil(ms / 1000))
    return Math.floor(s / 60) + ':' + String(s % 60).padStart(2, '0')
  }
  const every = (f) => { if (f() !== false) { const id = setInterval(() => { if (f() === false) clearInterval(id) }, 1000) } }

  all('[data-until]', (e) => every(() => {
    const ms = until(e.dataset.until, e.dataset.now)
    e.textContent = e.dataset.left.replace('@', words(ms))
    if (ms > 0) return true
    all('[data-over]', (o) => { o.hidden = false })
    return false
  }))

  // What is still being counted is asked for again, and a search that has found nothing goes on, unless someone types.
  all('a[data-go-on]', (e) => setTimeout(() => {
    const busy = document.activeElement && document.activeElement.matches('input, select, textarea')
    if ('goOn' in e.dataset && !busy) location.replace(e.href)
  }, Number(e.dataset.goOn)))

  all('form[data-go-on]', (e) => setTimeout(() => e.requestSubmit(), Number(e.dataset.goOn)))

  // How much of a text field is used, while someone types.
  all('[data-counts]', (e) => {
    const area = document.getElementById(e.dataset.counts)
    area.addEventListener('input', () => { e.textContent = e.dataset.words.replace('@', [...area.value].length) })
  })

  all('button[data-from]', (e) => {
    const label = e.textContent
    all('.plain', (p) => { p.hidden = true })
    every(() => {
      const ms = until(e.dataset.from, e.dataset.now)
      e.disabled = ms > 0
      e.textContent = ms > 0 ? e.dataset.wait.replace('@', words(ms)) : label
      return ms > 0
    })
  })

  all('[data-peek]', (e) => {
    const input = document.getElementById(e.dataset.peek)
    const show = e.textContent
    e.hidden = false
    e.addEventListener('click', () => {
      const hidden = input.type === 'password'
      input.type = hidden ? 'text' : 'password'
      e.textContent = hidden ? e.dataset.hide : show
      e.setAttribute('aria-pressed', String(hidden))
    })
    // A browser must not remember the password as ordinary text.
    input.form.addEventListener('submit', () => { input.type = 'password' })
  })

  // "123 456" and "123-456" lose their gaps as they are pasted; letters stay, to be seen.
  all('[data-digits]', (e) => e.addEventListener('input', () => {
    const tidy = e.value.replace(/[\s-]/g, '')
    if (tidy !== e.value) e.value = tidy
  }))

  all('[data-copy]', (e) => {
    if (!navigator.clipboard) return
    e.hidden = false
    e.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(e.dataset.copy).textContent.trim())
      e.textContent = e.dataset.done
    })
  })

  all('[data-print]', (e) => {
    e.hidden = false
    e.addEventListener('click', () => print())
  })

  // Backup codes: the box opens once they were downloaded, copied or printed. The server takes
  // the box alone, and typing a code always works.
  all('[data-after-saving]', (box) => {
    const hint = document.querySelector('[data-before-saving]')
    box.disabled = true
    hint.hidden = false
    all('[data-saves]', (e) => e.addEventListener('click', () => {
      box.disabled = false
      hint.hidden = true
    }))
  })

  // Finds an entry of a long list by any of its names.
  all('[data-find]', (e) => {
    const list = document.getElementById(e.dataset.find)
    e.hidden = false
    e.addEventListener('input', () => {
      const wanted = e.value.trim().toLowerCase()
      const entries = [...list.options].filter((o) => o.dataset.search)
      const found = wanted && (entries.find((o) => o.dataset.search.startsWith(wanted)) || entries.find((o) => o.dataset.search.includes(wanted)))
      if (found) list.value = found.value
    })
    e.addEventListener('keydown', (event) => { if (event.key === 'Enter') { event.preventDefault(); list.focus() } })
  })

  // A second press of the same button sends nothing twice; coming back makes it work again.
  all('form', (f) => {
    let sent = 0
    f.addEventListener('submit', (event) => {
      if (Date.now() - sent < 5000) event.preventDefault()
      else sent = Date.now()
    })
    addEventListener('pageshow', () => { sent = 0 })
  })

  // Whether a form is on its way: its answer is the next page, whatever else is found out meanwhile.
  let leaving = false
  addEventListener('submit', (e) => { leaving ||= !e.defaultPrevented })
  addEventListener('pageshow', () => { leaving = false })

  // What happened to the message, every two seconds until nothing more can happen.
  all('[data-delivery]', (box) => {
    const text = box.querySelector('[data-text]')
    box.querySelector('[data-again]').hidden = true
    if ('settled' in box.dataset) return
    const clock = document.querySelector('[data-until]')
    const look = async () => {
      if (until(clock.dataset.until, clock.dataset.now) <= 0) return
      try {
        const r = await fetch(box.dataset.delivery, { headers: { Accept: 'application/json' } })
        if (r.ok) {
          const d = await r.json()
          box.className = 'post ' + d.state
          const now = local(d.text || '')
          if (now && now !== text.textContent) text.textContent = now
          if (d.settled) return
        } else if (r.status === 404 && !leaving) {
          return location.replace(box.querySelector('[data-again]').href) // it went on in another tab
        } else if (r.status < 500 && !leaving) return
      } catch { /* offline: the next look may succeed */ }
      setTimeout(look, 2000)
    }
    setTimeout(look, 2000)
  })

  // How far something long is, every two seconds until it has ended.
  all('[data-progress]', (text) => {
    const look = async () => {
      try {
        const r = await fetch(text.dataset.progress, { headers: { Accept: 'application/json' } })
        if (!r.ok && r.status < 500) return
        if (r.ok) {
          const d = await r.json()
          if (d.ended) return leaving || location.reload()
          if (text.textContent !== d.text) text.textContent = d.text
        }
      } catch { /* offline: the next look may succeed */ }
      setTimeout(look, 2000)
    }
    setTimeout(look, 2000)
  })
})()
