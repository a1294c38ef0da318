import { link, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatBytes } from '../../src/cli/terminal/units.ts'
import { advance, beforeOf, chainStart } from '../../src/format/chain.ts'
import { segmentKey } from '../../src/format/keys.ts'
import { storedStream } from '../support/stored-stream.ts'
import { accessibilityProblems, keepScreenshot, narrow, openPage, withBrowser } from './open-page.ts'
import { bornAgo, giveSigns, openPlace, storedAgo } from './place.ts'

withBrowser()

const numbered = (count: number): string => Array.from({ length: count }, (_, at) => `line ${at} of the log\n`).join('')

describe('the streams of a host', () => {
  it('show their life: rotations, generations, a gap, a fork, and what they hold', async () => {
    /** Bytes by how many hours ago they were delivered. */
    const perHour = new Map<number, number>()
    const nowMs = Date.now()
    const place = await openPlace({
      async fill(bucket, root) {
        // Rotated every eight hours, delivered every hour.
        for (const [at, bornHoursAgo] of [20, 12, 4].entries()) {
          const stream = bornAgo(bornHoursAgo * 60)
          const one = storedStream(bucket, 'web-1', stream, '/var/log/nginx/access.log', { labels: { name: 'nginx' } })
          const lastHour = at < 2 ? bornHoursAgo - 7 : 0
          for (let ago = bornHoursAgo; ago >= lastHour; ago--) {
            const text = numbered(100 + ((ago * 37) % 11) * 60)
            await one.append(text)
            if (at < 2 && ago === lastHour) await one.seal()
            await storedAgo(root, 'web-1', stream, ago)
            perHour.set(ago, text.length)
          }
        }
        const cut = storedStream(bucket, 'web-1', bornAgo(250, 'cut'), '/var/log/app.log')
        await cut.append('cut\n')
        await cut.gap('truncated')
        await storedStream(bucket, 'web-1', `${bornAgo(250, 'cut')}.1`, '/var/log/app.log').append('after the cut\n')
        const left = bornAgo(150, 'left')
        await storedStream(bucket, 'web-1', left, '/var/log/auth.log').append('one history\n')
        const fork = { forkOf: { stream: left, shared: 4 } }
        const forked = storedStream(bucket, 'web-1', `${left}.1`, '/var/log/auth.log', fork)
        await forked.append('one other\n')
        await forked.stray(3, '0123456789abcdef', 'stray')
        await giveSigns(bucket, 'web-1', 0, 1, 5, 6)
      },
    })
    const { page } = await openPage(place.url)
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('link', { name: '/var/log/nginx/access.log' }).first().waitFor()
    expect(await page.getByRole('link', { name: '/var/log/nginx/access.log' }).count()).toBe(3)
    await page.getByText('gap at 4: truncated, how much is unknown').waitFor()
    await page.getByText('fork of generation 0, shares 4 B').waitFor()
    await page.getByText('1 stray').waitFor()
    expect(await page.getByText('generation 1').count()).toBe(2)
    await page.getByText(/No sign of life in the last 7 days: .* \(3 h\)/).waitFor()
    await page.getByText('7 streams').first().waitFor()
    // What was cut and has a later life will not grow, though nothing sealed it.
    const states = await page.locator('td:last-child .pill').allTextContents()
    expect(states).toEqual(['live', 'ended', 'live', 'sealed', 'sealed', 'live', 'ended'])
    perHour.set(0, (perHour.get(0) ?? 0) + 'cut\nafter the cut\none history\none other\n'.length)
    const total = [...perHour.values()].reduce((sum, bytes) => sum + bytes, 0)
    await page.getByText(`${formatBytes(total)} in 24 hours`).waitFor()
    await page.getByText('As numbers').click()
    const table = page.getByRole('region', { name: 'Bytes per hour, as a table' })
    for (const [ago, bytes] of perHour) {
      const hour = new Date(nowMs - ago * 3_600_000).toISOString().slice(0, 13).replace('T', ' ')
      const row = table.getByRole('row', { name: `${hour}:00` })
      expect([ago, await row.getByRole('cell').last().textContent()]).toEqual([ago, formatBytes(bytes)])
    }
    await page.getByText('As numbers').click()
    await keepScreenshot(page, 'host')
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByRole('button', { name: '7 days' }).click()
    await page.getByText('in 7 days').waitFor()
    await page.getByLabel('With').selectOption('gap')
    await page.getByRole('link', { name: '/var/log/nginx/access.log' }).first().waitFor({ state: 'detached' })
    expect(await page.locator('tbody .life').count()).toBe(1)
    const dark = await openPage(page.url(), { colorScheme: 'dark' })
    await dark.page.getByText('in 24 hours').waitFor()
    await dark.page.getByText('1 stray').waitFor()
    await keepScreenshot(dark.page, 'host-dark')
    expect(await accessibilityProblems(dark.page)).toEqual([])
    const small = await openPage(page.url(), { viewport: narrow })
    await small.page.getByText('in 24 hours').waitFor()
    await small.page.getByText('1 stray').waitFor()
    await keepScreenshot(small.page, 'host-narrow')
    expect(await accessibilityProblems(small.page)).toEqual([])
  })
})

describe('a file of 10 GB', () => {
  const part = 64 * 1024 * 1024
  const parts = 160
  const head = 'the very first line\n'
  const row = (at: number): string => `${String(at).padStart(12, '0')} GET /some/path HTTP/1.1 200 of this part\n`

  /** 161 segments that share one body on disk, as names of the same file. */
  async function storeLarge(bucket: Parameters<typeof storedStream>[0], root: string, stream: string): Promise<number> {
    await storedStream(bucket, 'web-1', stream, '/var/log/large.log').append(head)
    const rows = Array.from({ length: Math.floor(part / row(0).length) }, (_, at) => row(at)).join('')
    const body = Buffer.from(rows.padEnd(part - 1, 'x').concat('\n'))
    const first = advance(chainStart, Buffer.from(head))
    const model = segmentKey('web-1', stream, first.offset, beforeOf(first))
    await bucket.put(model, body, { mode: 'create' })
    let end = advance(first, body)
    for (let at = 1; at < parts; at++) {
      await link(
        join(root, model),
        join(root, dirname(model), segmentKey('web-1', stream, end.offset, beforeOf(end)).split('/').at(-1) ?? ''),
      )
      end = { ...end, offset: end.offset + part }
    }
    return end.offset
  }

  it('opens at once, at any place, by keys, bar and number, and is searched', async () => {
    const stream = bornAgo(60)
    let length = 0
    const place = await openPlace({
      isPublished: false,
      fill: async (bucket, root) => {
        length = await storeLarge(bucket, root, stream)
      },
    })
    let received = 0
    const { page } = await openPage(place.url)
    page.on('response', async (response) => {
      if (response.url().endsWith('/content')) received += Number(response.headers()['content-length'])
    })
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    const beganAtMs = performance.now()
    await page.goto(`${place.url}#/host/web-1/${stream}`)
    const comma = (count: number): string => count.toLocaleString('en-US')
    await page.getByText(`of ${comma(length)} (10.0 GiB)`).waitFor()
    const lines = page.getByRole('document', { name: 'lines' })
    const texts = (): Promise<string[]> => page.locator('.line .text').allTextContents()
    const offsets = async (): Promise<number[]> =>
      (await page.locator('.line .at').allTextContents()).map((one) => Number(one.replaceAll(',', '')))
    // A live stream is shown from its end.
    await page.locator('.line').first().waitFor()
    // For the reader of the output; a busy machine takes longer.
    console.log(
      `10 GB were seen after ${Math.round(performance.now() - beganAtMs)} ms and ${received} bytes of content`,
    )
    expect(received).toBeLessThan(1024 * 1024)
    await keepScreenshot(page, 'viewer-10gb')
    expect(await accessibilityProblems(page)).toEqual([])
    await lines.press('Home')
    await page.getByText(head.trim()).waitFor()
    expect((await texts()).slice(0, 3)).toEqual([head.trim(), row(0).trim(), row(1).trim()])
    await lines.press('ArrowDown')
    await page.getByText(head.trim()).waitFor({ state: 'detached' })
    expect((await texts())[0]).toBe(row(0).trim())
    await lines.press('PageDown')
    await expect.poll(async () => (await texts())[0], { timeout: 150_000 }).not.toBe(row(0).trim())
    const at = (await offsets())[0] ?? 0
    expect((await texts())[0]).toBe(row((at - head.length) / row(0).length).trim())
    await lines.press('PageUp')
    await expect.poll(async () => (await texts())[0], { timeout: 150_000 }).toBe(row(0).trim())
    // Half way: the line that holds that byte.
    await page.getByLabel('Go to').fill('50 %')
    await page.getByLabel('Go to').press('Enter')
    await expect
      .poll(async () => Math.abs(((await offsets())[0] ?? 0) - length / 2), { timeout: 150_000 })
      .toBeLessThan(2100)
    await page.getByRole('slider', { name: 'Place in the file' }).fill('2600')
    await expect
      .poll(async () => Math.abs(((await offsets())[0] ?? 0) - length * 0.26), { timeout: 150_000 })
      .toBeLessThan(2100)
    // A line in the midst is where arithmetic says it is.
    const [offset = 0] = await offsets()
    const within = (offset - head.length) % part
    expect((await texts())[0]).toBe(row(within / row(0).length).trim())
    await page.getByRole('searchbox').fill('000001000000 get')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Found at byte').waitFor()
    expect(await page.locator('mark.now').textContent()).toBe('000001000000 GET')
    await keepScreenshot(page, 'viewer-found')
    await page.getByLabel('Aa').check()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Not in the next 64.0 MiB').waitFor()
    // To verify it takes long: it tells how far it is, and stops when it is told to, as often as one likes.
    for (let turn = 0; turn < 3; turn++) {
      await page.getByRole('button', { name: 'Every byte' }).click()
      await page.getByText(/^[1-9][\d.]* [KMG]iB read …$/).waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByText('Stopped; nothing is known.').waitFor()
    }
    // All of this, and not a hundredth of the file.
    expect(received).toBeLessThan(length / 50)
  })
})

describe('a stream', () => {
  it('is verified, also where the published file was changed; downloaded; searched; wrapped', async () => {
    const stream = bornAgo(60)
    const content = numbered(5000)
    const place = await openPlace({
      async fill(bucket) {
        const stored = storedStream(bucket, 'web-1', stream, '/var/log/a.log')
        await stored.append(content)
        await stored.append(`${'long '.repeat(300)}\n`)
        await stored.seal()
      },
    })
    const { page } = await openPage(`${place.url}#/host/web-1/${stream}`)
    await page.getByText('line 0 of the log').waitFor()
    await page.getByText('all of it').waitFor()
    await page.getByRole('button', { name: 'Every byte' }).click()
    await page.getByText('Fine: every byte that was promised is there').waitFor()
    await page.getByText('compared with the published file').waitFor()
    await page.getByText('= its seal').waitFor()
    await keepScreenshot(page, 'verified')
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByRole('button', { name: 'Lengths only' }).click()
    await page.getByText('Fine, as far as lengths tell.').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    const parts: Buffer[] = []
    for await (const part of await download.createReadStream()) parts.push(part)
    expect(Buffer.concat(parts).toString()).toBe(`${content}${'long '.repeat(300)}\n`)
    // By the keyboard alone: the lines, a search, on to the next match.
    await page.getByRole('document', { name: 'lines' }).focus()
    await page.keyboard.press('/')
    await page.keyboard.type('line 4321 ')
    await page.keyboard.press('Enter')
    await page.locator('mark.now').waitFor()
    await page.getByRole('document', { name: 'lines' }).press('End')
    await page.getByLabel('Wrap lines').check()
    await page.getByText('long long').waitFor()
    await keepScreenshot(page, 'wrapped')
    const dark = await openPage(page.url(), { colorScheme: 'dark', viewport: narrow })
    await dark.page.getByText('line 0 of the log').waitFor()
    // Where there is little room, lines are wrapped; one that is taller than what is seen is scrolled through.
    expect(await dark.page.getByLabel('Wrap lines').isChecked()).toBe(true)
    await dark.page.getByRole('document', { name: 'lines' }).press('End')
    await dark.page.getByText('long long').waitFor()
    await keepScreenshot(dark.page, 'stream-narrow-end')
    await dark.page.getByRole('document', { name: 'lines' }).press('Home')
    await dark.page.getByText('line 0 of the log').waitFor()
    await keepScreenshot(dark.page, 'stream-narrow-dark')
    expect(await accessibilityProblems(dark.page)).toEqual([])
    const file = join(place.logs, `web-1/var/log/a.log~${stream}`)
    await writeFile(file, content.replace('line 7 ', 'LINE 7 ').concat(`${'long '.repeat(300)}\n`))
    await page.getByRole('button', { name: 'Every byte' }).click()
    await page.getByText('The content is not what it should be.').waitFor()
    await page.getByText(/bytes [\d,]+ to [\d,]+ differ/).waitFor()
    await keepScreenshot(page, 'verify-differs')
  })

  it('whose first bytes have expired is shown from where it begins; an empty one as empty', async () => {
    const [expired, empty] = [bornAgo(60), bornAgo(50)]
    const place = await openPlace({
      isPublished: false,
      async fill(bucket) {
        const begin = advance(chainStart, Buffer.from('gone\n'))
        await bucket.put(segmentKey('web-1', expired, begin.offset, beforeOf(begin)), Buffer.from('still there\n'), {
          mode: 'create',
        })
        await storedStream(bucket, 'web-1', empty, '/var/log/empty.log').seal()
      },
    })
    const { page } = await openPage(`${place.url}#/host/web-1/${expired}`)
    await page.getByText('still there').waitFor()
    await page.getByText('before 5 expired').waitFor()
    expect(await page.locator('.line .at').allTextContents()).toEqual(['5'])
    await page.goto(`${place.url}#/host/web-1/${empty}`)
    await page.getByRole('heading', { name: '/var/log/empty.log' }).waitFor()
    await page.getByText('No byte').waitFor()
  })
})
