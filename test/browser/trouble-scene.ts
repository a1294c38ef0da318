import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { storedStream } from '../support/stored-stream.ts'
import { keepScreenshot, openPage, withBrowser } from './open-page.ts'
import { bornAgo, giveSigns, openPlace, token } from './place.ts'
import { openProxy } from './proxy.ts'

withBrowser()

const problem = (status: number, detail: string, hint?: string) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ type: 'about:blank', title: 'x', status, detail, hint }),
})

async function oneStream() {
  const stream = bornAgo(10)
  const place = await openPlace({
    async fill(bucket) {
      await storedStream(bucket, 'web-1', stream, '/var/log/a.log').append('hello\n')
      await giveSigns(bucket, 'web-1', 0)
    },
  })
  return { ...place, stream, place }
}

describe('where not all can be had', () => {
  it('a store that refuses leaves what is shown, says so, and is asked again', async () => {
    const { url } = await oneStream()
    const { page } = await openPage(url)
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    await page.route('**/api/v1/hosts?*', (route) =>
      route.fulfill(problem(502, 'the store refuses: <b>AccessDenied</b>')),
    )
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('What is shown is from before: the store refuses: <b>AccessDenied</b>').waitFor()
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    await keepScreenshot(page, 'store-refuses')
    await page.unroute('**/api/v1/hosts?*')
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('What is shown is from before').waitFor({ state: 'detached' })
  })

  it('a view that cannot begin says why and what to do', async () => {
    const { url } = await oneStream()
    const { page } = await openPage('about:blank')
    await page.route('**/api/v1/hosts?*', (route) => route.fulfill(problem(502, 'no such bucket', 'make it')))
    await page.goto(url)
    await page.getByRole('alert').getByText('no such bucket').waitFor()
    await page.getByRole('alert').getByText('make it').waitFor()
    await page.unroute('**/api/v1/hosts?*')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    await page.goto(`${url}#/host/nobody`)
    await page.getByText('no such host').waitFor()
    await page.goto(`${url}#/host/web-1/0-99`)
    await page.getByText('no such stream').waitFor()
  })

  it('one part of a host that cannot be had takes nothing from the others', async () => {
    const { url } = await oneStream()
    const { page } = await openPage('about:blank')
    for (const part of ['digests', 'activity'])
      await page.route(`**/api/v1/hosts/web-1/${part}?*`, (route) => route.fulfill(problem(502, `too many ${part}`)))
    await page.goto(`${url}#/host/web-1`)
    await page.getByText('too many digests').waitFor()
    await page.getByText('too many activity').waitFor()
    await page.getByRole('link', { name: '/var/log/a.log' }).waitFor()
    await keepScreenshot(page, 'host-in-parts')
  })

  it('a stream whose content cannot be read shows what is known of it', async () => {
    const { url, stream } = await oneStream()
    const { page } = await openPage('about:blank')
    await page.route('**/content', (route) => route.fulfill(problem(502, 'the store lost it')))
    await page.goto(`${url}#/host/web-1/${stream}`)
    await page.getByText('the store lost it').waitFor()
    await page.getByRole('heading', { name: '/var/log/a.log' }).waitFor()
    await page.getByRole('button', { name: 'Lengths only' }).click()
    await page.getByText('Fine, as far as lengths tell.').waitFor()
  })

  it('a follow or a download that is refused leaves the lines', async () => {
    const place = await openPlace({
      hasToken: true,
      fill: (bucket) => storedStream(bucket, 'web-1', bornAgo(9), '/var/log/a.log').append('hello\n'),
    })
    const { page } = await openPage(place.url)
    await signIn(page)
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('link', { name: '/var/log/a.log' }).click()
    await page.getByText('hello').waitFor()
    await page.route('**/follow', (route) => route.fulfill(problem(503, 'too many are following')))
    await page.getByRole('button', { name: 'Follow' }).click()
    await page.getByText('Not followed: too many are following').waitFor()
    expect(await page.getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed')).toBe('false')
    await page.route('**/content', (route) => route.fulfill(problem(502, 'not now')))
    await page.getByRole('button', { name: 'Download' }).click()
    await page.getByText('Cannot be read: not now').waitFor()
    await page.getByText('hello').waitFor()
  })
})

describe('behind a proxy, below a path', () => {
  it('all is found; a server that is away behind it is waited for', async () => {
    const { place } = await oneStream()
    const url = await openProxy(() => place.url, '/cask/')
    const { page } = await openPage(url)
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('link', { name: '/var/log/a.log' }).click()
    await page.getByText('hello').waitFor()
    await page.getByRole('button', { name: 'Every byte' }).click()
    await page.getByText('Fine: every byte').waitFor()
    await place.stop()
    await page.getByRole('link', { name: 'Logcask', exact: true }).click()
    await page.getByText('The server has not answered since').waitFor()
    await place.start()
    await page.getByRole('link', { name: 'web-1' }).waitFor()
  })
})

describe('a token', () => {
  it('that is for some hosts shows these, and of others that they are not to be read', async () => {
    const place = await openPlace({
      hasToken: true,
      tokenHosts: ['web-*'],
      async fill(bucket) {
        for (const host of ['web-1', 'db-1']) await storedStream(bucket, host, bornAgo(9), '/var/log/a.log').append('x')
      },
    })
    const { page } = await openPage(place.url)
    await signIn(page)
    await page.getByText('1 host ·').waitFor()
    expect(await page.getByText('db-1').count()).toBe(0)
    await page.goto(`${place.url}#/host/db-1`)
    await page.getByText('this host is not among those to read').waitFor()
    // One that the server no longer knows: said, and asked for.
    await page.evaluate(() => sessionStorage.setItem('logcask-token', 'logcask_revoked'))
    await page.goto(place.url)
    await page.getByText('The server no longer knows the token of this tab.').waitFor()
    await signIn(page)
    await page.getByRole('link', { name: 'web-1' }).waitFor()
  })
})

describe('by the keyboard alone', () => {
  it('one gets from the list to a line, and back', async () => {
    const { url } = await oneStream()
    const { page } = await openPage(url)
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    /** Forward until that has the focus; it is always to be seen. */
    const tabTo = async (name: string): Promise<void> => {
      for (let left = 40; left > 0; left--) {
        await page.keyboard.press('Tab')
        const found = await page.evaluate(() => {
          const { activeElement: at } = document
          const label = at?.getAttribute('aria-label') ?? at?.closest('label')?.textContent ?? at?.textContent ?? ''
          return { label, outline: at ? getComputedStyle(at).outlineStyle : 'none' }
        })
        if (!found.label.includes(name)) continue
        expect(found.outline).not.toBe('none')
        return
      }
      throw new Error(`no Tab leads to ${name}`)
    }
    await tabTo('To the content')
    await page.keyboard.press('Enter')
    await tabTo('web-1')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: '/var/log/a.log' }).waitFor()
    await tabTo('/var/log/a.log')
    await page.keyboard.press('Enter')
    await page.getByText('hello').waitFor()
    await tabTo('Lengths only')
    await page.keyboard.press('Enter')
    await page.getByText('Fine, as far as lengths tell.').waitFor()
    await tabTo('Find in this file')
    await page.keyboard.type('ell')
    await page.keyboard.press('Enter')
    await page.getByText('Found at byte 1.').waitFor()
    await tabTo('Follow')
    await page.keyboard.press('Space')
    await page.getByText('Following.').waitFor()
    await tabTo('lines')
    await page.keyboard.press('Home')
    await page.goBack()
    await page.getByRole('link', { name: '/var/log/a.log' }).waitFor()
  })
})

describe('more hosts than one page has', () => {
  it('are loaded as far as it has, and the others found by name', async () => {
    const { url } = await oneStream()
    const { page } = await openPage('about:blank')
    const names = Array.from({ length: 20_000 }, (_, at) => `web-${String(at).padStart(6, '0')}`)
    await page.route('**/api/v1/hosts?*', async (route) => {
      const { searchParams } = new URL(route.request().url())
      const [after, name] = [searchParams.get('after') ?? '', (searchParams.get('name') ?? '').replaceAll('*', '')]
      const found = names.filter((one) => one > after && one.includes(name))
      const hosts = found.slice(0, 200).map((host) => ({ host, sign: 'alive', lastDigestHour: null }))
      await route.fulfill({ json: { hosts, next: found.length > 200 ? hosts.at(-1)?.host : null } })
    })
    await page.route('**/activity?*', (route) => route.fulfill(problem(404, 'not asked here')))
    await page.goto(url)
    await page.getByText('5,000 hosts and more · as of').waitFor()
    expect(await page.locator('tbody tr').count()).toBe(1000)
    await page.getByRole('button', { name: 'Show more' }).click()
    expect(await page.locator('tbody tr').count()).toBe(2000)
    await page.getByRole('searchbox').fill('019999')
    await page.getByRole('link', { name: 'web-019999' }).waitFor()
    await page.getByText('1 host of this name').waitFor()
    await page.getByRole('searchbox').fill('')
    await page.getByText('5,000 hosts and more · as of').waitFor()
  })
})

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
