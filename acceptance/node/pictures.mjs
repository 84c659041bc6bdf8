// Takes pictures of pages for the help. Reads {"origin", "folder", "pictures": [{"Story", "Lang", "File"}]} from
// standard input and writes each picture, in small, light and without what surrounds the page.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const { origin, folder, pictures } = JSON.parse(readFileSync(0, 'utf8'))
const tallest = 900 // of the page's pixels; what is below it is cut off

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
const context = await browser.newContext({
  reducedMotion: 'reduce', colorScheme: 'light', viewport: { width: 640, height: tallest },
})
await context.addInitScript(() => { HTMLFormElement.prototype.submit = () => {} })
const page = await context.newPage()
const tools = await context.newCDPSession(page)
for (const { Story, Lang, File } of pictures) {
  await page.goto(`${origin}/page/${Lang}/${Story}`, { waitUntil: 'load' })
  await page.evaluate(() => document.activeElement?.blur())
  const { x, y, width, height } = await page.locator('main').boundingBox()
  const clip = { x: x - 12, y: y - 12, width: width + 24, height: Math.min(height + 24, tallest - y), scale: 1 }
  const { data } = await tools.send('Page.captureScreenshot', { format: 'webp', quality: 60, clip })
  writeFileSync(join(folder, File), Buffer.from(data, 'base64'))
}
await browser.close()
