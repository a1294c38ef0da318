import { describe, expect, it } from 'vitest'
import { storedStream } from '../support/stored-stream.ts'
import { accessibilityProblems, keepScreenshot, narrow, openPage, withBrowser } from './open-page.ts'
import { bornAgo, giveSigns, openPlace, token } from './place.ts'

withBrowser()

describe('names and bytes of a hostile host', () => {
  const host = '<b>web</b>\u001b[2J\u202e1-bew\n'
  const path = '/var/<script>alert(1)</script>\u001b]0;x\u0007\n\u202egol.txt<img src=x onerror=alert(2)>'
  const content =
    'a <script>alert(3)</script> line\n\u001b[31mred\u001b[0m \u202eturned\u202c \u0000 nul\nbroken \xff\xfe\n'

  it('are shown escaped, run nothing and turn nothing', async () => {
    const stream = bornAgo(30)
    const place = await openPlace({
      async fill(bucket) {
        const labels = { '<i>': '\u202e"><script>alert(4)</script>' }
        const stored = storedStream(bucket, host, stream, path, { labels, agent: '<u>1\u001b', machine: '\u202eabc' })
        await stored.append(Buffer.concat([Buffer.from(content.slice(0, -3)), Buffer.from([0xff, 0xfe, 10])]))
        await giveSigns(bucket, host, 0)
      },
    })
    const { page } = await openPage(place.url)
    const shownHost = '<b>web</b>\\x1b[2J\\u202e1-bew\\x0a'
    await page.getByRole('link', { name: shownHost }).waitFor()
    await page.getByRole('img', { name: 'in 24 hours' }).waitFor()
    await keepScreenshot(page, 'hostile-hosts')
    await page.getByRole('link', { name: shownHost }).click()
    const shownPath = '/var/<script>alert(1)</script>\\x1b]0;x\\x07\\x0a\\u202egol.txt<img src=x onerror=alert(2)>'
    await page.getByRole('link', { name: shownPath }).waitFor()
    await keepScreenshot(page, 'hostile-streams')
    await page.getByRole('link', { name: shownPath }).click()
    await page.getByText('a <script>alert(3)</script> line').waitFor()
    const lines = await page.locator('.line .text').allTextContents()
    expect(lines).toEqual([
      'a <script>alert(3)</script> line',
      '\\x1b[31mred\\x1b[0m \\u202eturned\\u202c \\x00 nul',
      'broken \\xff\\xfe',
    ])
    await keepScreenshot(page, 'hostile-content')
    // In all that is there, also in attributes and in the title of the window.
    const text = await page.evaluate(() => document.documentElement.outerHTML + document.title)
    expect(text.replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(await page.locator('main script, main img, main b, main i, main u').count()).toBe(0)
    expect(await accessibilityProblems(page)).toEqual([])
  })
})

describe('a server that wants to know who asks', () => {
  it('says of a wrong token that it is wrong, lets a right one in, and forgets it', async () => {
    const place = await openPlace({
      hasToken: true,
      fill: (bucket) => storedStream(bucket, 'web-1', bornAgo(10), '/var/log/a.log').append('hello\n'),
    })
    const { page } = await openPage(place.url)
    const field = page.getByLabel('Token')
    await field.waitFor()
    await keepScreenshot(page, 'sign-in')
    await field.fill('logcask_wrong')
    await field.press('Enter')
    await page.getByText('The server does not know this token.').waitFor()
    await keepScreenshot(page, 'wrong-token')
    expect(await accessibilityProblems(page)).toEqual([])
    await field.fill('no token')
    await field.press('Enter')
    await page.getByText('This is no token').waitFor()
    await field.fill(token)
    await field.press('Enter')
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('link', { name: '/var/log/a.log' }).click()
    await page.getByText('hello').waitFor()
    // With a token in a header a link cannot download: the bytes are fetched, and saved under the file's own name.
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('a.log')
    expect(await textOf(await download.createReadStream())).toBe('hello\n')
    await page.reload()
    await page.getByText('hello').waitFor()
    expect(page.url()).not.toContain(token)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
    expect(
      await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])),
    ).toBe('[{},{},""]')
  })

  it('fits a narrow screen', async () => {
    const place = await openPlace({ hasToken: true })
    const { page } = await openPage(place.url, { viewport: narrow })
    await page.getByLabel('Token').waitFor()
    await keepScreenshot(page, 'sign-in-narrow')
  })
})

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts).toString()
}
