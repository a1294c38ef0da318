import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { storedStream } from '../support/stored-stream.ts'
import { keepScreenshot, openPage, withBrowser } from './open-page.ts'
import { bornAgo, inBackground, openPlace } from './place.ts'

withBrowser()

const lastLine = (page: Page, text: string) => page.locator('.line').last().getByText(text, { exact: true }).waitFor()

describe('a file that grows', () => {
  it('is followed live, through its rotation', async () => {
    const place = await openPlace()
    const log = join(place.directory, 'app.log')
    const state = join(place.directory, 'state')
    await mkdir(state)
    await writeFile(log, 'line 0\n')
    const config = join(place.directory, 'agent.yaml')
    const sources = `sources: [{ name: app, include: ["${log}*"] }]`
    await writeFile(config, `host: web-1\n${sources}\ndestinations: [{ url: "${place.bucketUrl}" }]\n`)
    inBackground(['agent', '-c', config, '--state', state])
    const { page } = await openPage(place.url)
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('link', { name: log }).click()
    await page.getByRole('button', { name: 'Follow' }).click()
    for (let at = 1; at <= 60; at++) {
      await appendFile(log, `line ${at}\n`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await lastLine(page, 'line 60')
    await keepScreenshot(page, 'live')
    await rename(log, `${log}.1`)
    await writeFile(log, 'first of the next\n')
    await page.getByText('The file was rotated, and goes on here.').waitFor()
    await lastLine(page, 'first of the next')
    await appendFile(log, 'second of the next\n')
    await lastLine(page, 'second of the next')
    expect(await page.getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed')).toBe('true')
    await keepScreenshot(page, 'live-rotated')
    await page.getByRole('link', { name: 'What was before' }).click()
    await page.getByText('line 60', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('row').nth(2).waitFor()
    // What the plot and what the table say is the same, and what was written.
    const written = Array.from({ length: 61 }, (_, at) => `line ${at}\n`).join('').length + 37
    await page.getByText(`${written} B in 24 hours`).waitFor()
    expect(await page.locator('td[data-label="Bytes"]').allTextContents()).toEqual(['37 B', `${written - 37} B`])
    await keepScreenshot(page, 'live-life-line')
  })
})

describe('a server that goes away and comes back', () => {
  it('is waited for; what is followed goes on without a byte lost or doubled', async () => {
    const place = await openPlace()
    const stored = storedStream(place.bucket, 'web-1', bornAgo(10), '/var/log/a.log')
    await stored.append('before 1\n')
    const { page } = await openPage(place.url)
    await page.getByRole('link', { name: 'web-1' }).click()
    await page.getByRole('link', { name: '/var/log/a.log' }).click()
    await page.getByRole('button', { name: 'Follow' }).click()
    await stored.append('before 2\n')
    await lastLine(page, 'before 2')
    await place.stop()
    await page.getByText('The server has not answered since').waitFor()
    await page.getByText('before 2', { exact: true }).waitFor()
    await keepScreenshot(page, 'server-away')
    await stored.append('while away\n')
    await place.start()
    await page.getByText('The server is back').waitFor()
    await lastLine(page, 'while away')
    await keepScreenshot(page, 'server-back')
    await stored.append('after\n')
    await lastLine(page, 'after')
    expect(await page.locator('.line .text').allTextContents()).toEqual(['before 1', 'before 2', 'while away', 'after'])
    await page.getByText('The server is back').waitFor({ state: 'detached' })
  })

  it('is told of in the list of hosts, too, and asked at once where somebody wants it', async () => {
    const place = await openPlace()
    await storedStream(place.bucket, 'web-1', bornAgo(10), '/var/log/a.log').append('x')
    const { page } = await openPage(place.url)
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    await place.stop()
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('The server has not answered since').waitFor()
    await page.getByRole('link', { name: 'web-1' }).waitFor()
    await storedStream(place.bucket, 'web-2', bornAgo(5), '/var/log/a.log').append('x')
    await place.start()
    await page.getByRole('button', { name: 'Ask now' }).click()
    await page.getByRole('link', { name: 'web-2' }).waitFor()
  })
})
