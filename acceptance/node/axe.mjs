// Holds every page to the accessibility rules, in one browser. Reads
// {"origin", "langs", "stories"} from standard input, draws each story at both widths in
// both colour schemes, and prints one line for each thing that is wrong; then it exits 1.
// Further languages change words and nothing else, so they are only held to the width of a small phone;
// the body of each is put into the page before it, which takes a tenth of the time that loading takes.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

// How many stops of the keyboard the main button may be away. Pages for administrators begin with their navigation,
// and a list stands before what can be done with it.
const maxTabs = (story) => (/^(company|desk)\//.test(story) ? 40 : 8)
const lanes = 3 // pages at work side by side
const phone = { width: 360, height: 780 }
const desk = { width: 1280, height: 900 }
const narrow = { width: 320, height: 640 }
// The second look is for what depends on colours and widths; the page's structure is the same as in the first.
const looksAt = [[phone, 'light', []], [desk, 'dark', ['color-contrast', 'target-size', 'scrollable-region-focusable', 'link-in-text-block']]]

// axe's own numbers (WCAG 1.4.3) but for ignorePseudo; it takes all of them or none.
const contrast = {
  ignoreUnicode: true, ignoreLength: true, ignorePseudo: true, boldValue: 700, boldTextPt: 14, largeTextPt: 18,
  contrastRatio: { normal: { expected: 4.5 }, large: { expected: 3 } }, shadowOutlineEmMax: 0.2, textStrokeEmMin: 0.03,
}

const { origin, langs, stories } = JSON.parse(readFileSync(0, 'utf8'))
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const problems = new Set()
let looks = 0

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-gpu'],
  })
  try {
    const todo = [...stories]
    if (todo.length === 0) problems.add('there are no stories')
    await Promise.all(Array.from({ length: lanes }, () => lane(browser, todo)))
    for (const lang of langs.slice(1)) await widths(browser, lang)
  } finally {
    await browser.close()
  }
}

// wait makes pages stay that press a button of their own or go on by themselves, to be looked at. (Routing requests
// would do as well, but it switches the browser's cache off.)
const wait = () => {
  HTMLFormElement.prototype.submit = () => {}
  addEventListener('DOMContentLoaded', () => {
    document.querySelectorAll('[data-go-on]').forEach((e) => { delete e.dataset.goOn })
  })
}

// lane works through the stories with a page of its own.
async function lane(browser, todo) {
  const context = await browser.newContext({ reducedMotion: 'reduce', viewport: phone })
  await context.addInitScript(wait)
  await context.addInitScript({ path: axe })
  const page = await context.newPage()
  let where = ''
  page.on('console', (m) => { if (/Content.Security.Policy/i.test(m.text())) problems.add(`${where}: ${m.text()}`) })
  page.on('pageerror', (e) => problems.add(`${where}: ${e.message}`))
  for (let next = todo.shift(); next; next = todo.shift()) {
    where = next
    try {
      await story(page, next, (text) => problems.add(`${where}: ${text}`))
    } catch (e) {
      problems.add(`${where}: ${e.message}`)
    }
  }
  await context.close()
}

async function story(page, name, wrong) {
  await page.setViewportSize(phone)
  const answer = await page.goto(`${origin}/page/${langs[0]}/${name}`, { waitUntil: 'load' })
  if (!answer.headers()['content-type']?.startsWith('text/html')) wrong(`is ${answer.headers()['content-type']}`)
  await tabs(page, name, wrong)
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true }))
  for (const [size, colorScheme, only] of looksAt) {
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme })
    await rules(page, only, (text) => wrong(`${size.width} ${colorScheme}: ${text}`))
  }
  await page.setViewportSize(narrow)
  fits(await page.evaluate(measure), langs[0], wrong)
}

// widths measures each story of a language.
async function widths(browser, lang) {
  const context = await browser.newContext({ viewport: narrow, bypassCSP: true })
  await context.addInitScript(wait)
  const page = await context.newPage()
  for (const name of stories) {
    const wrong = (text) => problems.add(`${name} ${lang}: ${text}`)
    const address = `${origin}/page/${lang}/${name}`
    try {
      const html = await (await fetch(address)).text()
      if (!(await page.evaluate(putIn, html))) await page.goto(address, { waitUntil: 'load' })
      fits(await page.evaluate(measure), lang, wrong)
    } catch (e) {
      wrong(e.message)
    }
  }
  await context.close()
}

// putIn runs in the browser: the body of another page takes the place of this one's. It does nothing and returns
// false where that page has other style sheets, as it would then look otherwise than it does by itself.
function putIn(html) {
  const other = new DOMParser().parseFromString(html, 'text/html')
  const sheets = (doc) => [...doc.querySelectorAll('link[rel=stylesheet]')].map((l) => l.getAttribute('href')).join(' ')
  if (sheets(other) !== sheets(document)) return false
  const root = document.documentElement
  for (const { name } of [...root.attributes]) root.removeAttribute(name)
  for (const { name, value } of other.documentElement.attributes) root.setAttribute(name, value)
  document.body.replaceWith(document.adoptNode(other.body))
  return true
}

function measure() {
  document.querySelectorAll('details').forEach((d) => { d.open = true }) // they are wider than closed ones
  return { lang: document.documentElement.lang, width: document.documentElement.scrollWidth }
}

function fits({ lang, width }, wanted, wrong) {
  if (lang !== wanted) wrong(`says that it is in another language: ${lang}`)
  if (width > narrow.width) wrong(`scrolls sideways: ${width} px wide in a window of ${narrow.width}`)
}

// rules asks axe: only some rules, or every rule it has switched on, and the size of targets (WCAG 2.5.8). It
// would leave every contrast undecided because of the ribbon, a pseudo-element that has no
// text upon it; so those are overlooked, and a contrast that stays undecided is wrong.
async function rules(page, only, wrong) {
  const { violations, incomplete, passes } = await page.evaluate(([options, only]) => {
    globalThis.axe.configure({ checks: [{ id: 'color-contrast', options }] })
    return globalThis.axe.run(document, {
      ...(only.length > 0 && { runOnly: only }),
      rules: { 'target-size': { enabled: true } },
      resultTypes: ['violations', 'incomplete'],
      preload: false, // nothing comes from another origin
    })
  }, [contrast, only])
  looks++
  if (!passes.some((p) => p.id === 'color-contrast') && !violations.some((v) => v.id === 'color-contrast')) wrong('no contrast was looked at')
  for (const v of violations.concat(incomplete.filter((i) => i.id === 'color-contrast'))) {
    for (const n of v.nodes) wrong(`${v.id} (${v.impact}): ${n.target.join(' ')}: ${n.failureSummary?.replace(/\s+/g, ' ')}`)
  }
}

// tabs goes from the top of the page to its main button with the keyboard, looking for
// the ring around whatever has the focus.
async function tabs(page, story, wrong) {
  const there = await page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame) // autofocus comes with a frame
    const body = document.body
    body.tabIndex = -1
    body.focus()
    body.removeAttribute('tabindex')
    window.mainButton = [...document.querySelectorAll('main :is(a, button).button')].find((e) => e.checkVisibility()) // not one for touch screens, nor of a preview
    return window.mainButton !== undefined
  })
  if (!there) return
  for (let i = 1; i <= maxTabs(story); i++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const e = document.activeElement
      const style = getComputedStyle(e)
      return {
        what: e.outerHTML.slice(0, 80),
        ring: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none',
        main: e === window.mainButton,
      }
    })
    if (!at.ring) wrong(`no ring around ${at.what}`)
    if (at.main) return
  }
  wrong(`the main button is not among the first ${maxTabs(story)} stops of the keyboard`)
}

await main()
for (const p of problems) console.log(p)
const expected = stories.length * looksAt.length
if (looks !== expected) console.log(`axe looked ${looks} times instead of ${expected}`)
process.exitCode = problems.size > 0 || looks !== expected ? 1 : 0
