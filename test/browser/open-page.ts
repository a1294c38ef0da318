import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'

const screenshots = process.env.LOGCASK_SCREENSHOTS ?? join(tmpdir(), 'logcask-screenshots')
const wide = { width: 1280, height: 800 }
export const narrow = { width: 360, height: 740 }

let browser: Browser

/** One browser for the tests of a file. */
export function withBrowser(): void {
  beforeAll(async () => {
    await mkdir(screenshots, { recursive: true })
    browser = await chromium.launch({
      executablePath: process.env.LOGCASK_CHROMIUM ?? '/usr/bin/chromium',
      // As root, in a container with little shared memory.
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    })
  })
  afterAll(() => browser?.close())
}

export interface OpenPage {
  page: Page
  /** What the page broke: errors of its scripts, and of its policy. */
  complaints: string[]
}

/** A page of its own, with nothing from before; at the test's end it has broken nothing. */
export async function openPage(
  url: string,
  { colorScheme = 'light', viewport = wide, ...options }: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'UTC', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', async (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`)
    await dialog.dismiss()
  })
  page.on('console', (message) => {
    // That a request was refused, or nobody answered, is what some tests are about.
    if (message.type() === 'error' && !/Failed to load resource|ERR_/.test(message.text()))
      complaints.push(message.text())
  })
  onTestFinished(async () => {
    await context.close()
    expect(complaints).toEqual([])
  })
  page.setDefaultTimeout(150_000)
  await page.goto(url)
  return { page, complaints }
}

/** What it looks like, kept for a person's eyes; and what a machine can see of it: nothing is cut off at the side. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const [width = 0, windowWidth = 0, height = 0] = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement
    return [scrollWidth, window.innerWidth, scrollHeight]
  })
  // Of a very long page what a window shows: nobody looks at the rest.
  const fullPage = height < 3000
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage, animations: 'disabled' })
  expect(width, `${name}: wider than its window`).toBeLessThanOrEqual(windowWidth)
}

/** What axe finds against WCAG 2.2 AA, as sentences. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(source)
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (options: object) => Promise<{ violations: Violation[] }> } }
    return (await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
      .violations
  })
  return found.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
  )
}

interface Violation {
  id: string
  help: string
  nodes: { target: string[]; failureSummary: string }[]
}
