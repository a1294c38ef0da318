import { describe, expect, it } from 'vitest'
import { forEachConcurrently } from '../../src/base/concurrency.ts'
import { storedStream } from '../support/stored-stream.ts'
import { accessibilityProblems, keepScreenshot, narrow, openPage, withBrowser } from './open-page.ts'
import { bornAgo, giveSigns, openPlace } from './place.ts'

withBrowser()

describe('the first visit', () => {
  it('says that nothing is there and what to do, and shows what comes by itself', async () => {
    const place = await openPlace()
    const { page } = await openPage(place.url)
    await page.getByRole('heading', { name: 'Nothing has been delivered yet' }).waitFor()
    await keepScreenshot(page, 'first-visit')
    expect(await accessibilityProblems(page)).toEqual([])
    await storedStream(place.bucket, 'web-1', bornAgo(5), '/var/log/syslog').append('hello\n')
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    await page.getByText('1 host').waitFor()
    await page.getByRole('img', { name: '6 B in 24 hours' }).waitFor()
  })
})

describe('a fleet of 1,000 hosts', () => {
  const silent = [7, 77, 777]
  const nameOf = (at: number): string => `web-${String(at).padStart(4, '0')}`

  const openFleet = () =>
    openPlace({
      isPublished: false,
      async fill(bucket) {
        const hosts = Array.from({ length: 1000 }, (_, at) => at)
        await forEachConcurrently(hosts, 16, async (at) => {
          await storedStream(bucket, nameOf(at), bornAgo(at), '/var/log/syslog').append('x'.repeat(100 + at))
          // Every hundredth was delivered by hand; the silent ones stopped five hours ago.
          if (at % 100 !== 50) await giveSigns(bucket, nameOf(at), silent.includes(at) ? 5 : 0)
        })
      },
    })

  it('is shown whole, the silent ones first and by name, filtered, and on a narrow screen in the dark', async () => {
    const place = await openFleet()
    const { page } = await openPage(place.url)
    await page.getByText('1,000 hosts').waitFor()
    await page.getByRole('button', { name: 'Silent 3' }).waitFor()
    await page.getByRole('button', { name: 'No agent 10' }).waitFor()
    await page.getByRole('button', { name: 'Alive 987' }).waitFor()
    await page.getByText('3 silent hosts').waitFor()
    const names = (): Promise<string[]> => page.locator('tbody tr td:first-child').allTextContents()
    expect((await names()).slice(0, 4)).toEqual([...silent.map(nameOf), nameOf(0)])
    expect(await names()).toHaveLength(1000)
    // The rows that are seen are filled: each says when its last bytes came, and how many.
    await page
      .getByRole('row', { name: /web-0000/ })
      .getByRole('img', { name: '100 B in 24 hours' })
      .waitFor()
    await page
      .getByRole('row', { name: /web-0007/ })
      .getByRole('img', { name: '107 B in 24 hours' })
      .waitFor()
    await keepScreenshot(page, 'fleet')
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByRole('button', { name: 'Silent 3' }).click()
    expect(await names()).toEqual(silent.map(nameOf))
    await page.getByRole('button', { name: 'All 1,000' }).click()
    await page.getByRole('searchbox', { name: 'Filter hosts by name' }).fill('web-05')
    expect(await names()).toHaveLength(100)
    await page.getByRole('searchbox').fill('nothing')
    await page.getByText('No host fits.').waitFor()
    await page.getByRole('searchbox').fill('web-0777')
    await page.getByRole('link', { name: 'web-0777' }).last().click()
    await page.getByRole('heading', { name: 'web-0777' }).waitFor()

    const small = await openPage(place.url, { viewport: narrow, colorScheme: 'dark' })
    await small.page.getByText('1,000 hosts · as of').waitFor()
    await small.page.getByRole('searchbox').fill('web-000')
    await small.page
      .getByRole('row', { name: /web-0001/ })
      .getByRole('img')
      .waitFor()
    for (const one of await small.page.locator('tbody tr').all()) {
      await one.scrollIntoViewIfNeeded()
      await one.getByRole('img').waitFor()
    }
    await keepScreenshot(small.page, 'fleet-narrow-dark')
    expect(await accessibilityProblems(small.page)).toEqual([])
  })
})
