import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Ended, Running } from '../scenarios/logcask-process.ts'
import { untilDelivered } from './histories/agent-history.ts'
import { Site } from './site.ts'

const whole = { lost: 0, doubled: 0, different: [] }

/** A site that the test leaves behind nothing of. */
export async function newSite(label: string): Promise<Site> {
  const site = await Site.create(label)
  onTestFinished(() => site.close())
  return site
}

/** Writes `lines` lines to `count` logs, each its own. */
export async function writeLogs(site: Site, count: number, lines = 100): Promise<void> {
  for (let at = 0; at < count; at++) await writeFile(join(site.logs, `${at}.log`), `line of ${at}\n`.repeat(lines))
}

export function append(site: Site, name: string, text: string): Promise<void> {
  return appendFile(join(site.logs, name), text)
}

export async function stop({ process: child, ended }: Running): Promise<Ended> {
  child.kill('SIGTERM')
  return ended
}

/** A site whose stores have passed their probe, and hold what is in the first logs. */
export async function newSiteAtWork(label: string): Promise<{ site: Site; config: string }> {
  const site = await newSite(label)
  const config = await site.configure()
  await writeLogs(site, 10)
  const agent = site.processes.start(['agent', '-c', config])
  await untilDelivered(site, await site.files(), [agent])
  expect(await stop(agent)).toMatchObject({ code: 0 })
  await site.look()
  return { site, config }
}

/** Every store has every byte of the logs as they are now, once, and nothing that was there has changed. */
export async function expectWhole(site: Site): Promise<void> {
  await site.look()
  for (const [store, comparison] of await site.compare(await site.files()))
    expect({ store, ...comparison }).toMatchObject({ store, ...whole })
  expect(site.rewritten).toEqual([])
}

/** An agent without anything in its way delivers what is left; then all is whole. */
export async function expectWholeAfterRestart(site: Site, config: string): Promise<void> {
  await site.look()
  // Something to wait for: an agent that is asked to stop before it has begun shows nothing.
  await append(site, 'after.log', 'after the restart\n')
  const agent = site.processes.start(['agent', '-c', config])
  await untilDelivered(site, await site.files(), [agent])
  const { code, stderr } = await stop(agent)
  expect(code, stderr).toBe(0)
  expect(stderr).not.toMatch(/"forked"|"gap"/)
  await expectWhole(site)
}
