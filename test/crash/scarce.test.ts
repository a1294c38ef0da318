import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLong, whenLong } from '../scenarios/long.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { untilDelivered } from './histories/agent-history.ts'
import { append, expectWhole, expectWholeAfterRestart, newSite, stop, writeLogs } from './new-site.ts'

guardLeaks()

/** `sh -c SCRIPT`, which ends in becoming what follows. */
const under = (script: string): string[] => ['sh', '-c', `${script} && exec "$@"`, 'sh']

const watchesMax = 20
const fewWatches = ['unshare', '-Ur', ...under(`echo ${watchesMax} > /proc/sys/user/max_inotify_watches`)]
const canLimitWatches = spawnSync(fewWatches[0] ?? '', [...fewWatches.slice(1), 'true']).status === 0

describe('what the system has little of', { timeout: 120_000 }, () => {
  const files = whenLong(200, 130)
  it(`I1, I7: 100 file descriptors for ${files} files: each line once, before and after a restart`, async () => {
    const site = await newSite('descriptors')
    const config = await site.configure()
    const by = under('ulimit -n 100')
    await writeLogs(site, files, 5)
    const agent = site.processes.start(['agent', '-c', config], { by })
    await untilDelivered(site, await site.files(), [agent])
    expect(readFileSync(`/proc/${agent.process.pid}/limits`, 'utf8')).toMatch(/^Max open files\s+100 /m)
    for (let at = 0; at < files; at += 3) await append(site, `${at}.log`, 'more\n')
    await untilDelivered(site, await site.files(), [agent])
    agent.process.kill('SIGKILL')
    await agent.ended
    await append(site, '7.log', 'while nobody looked\n')
    const again = site.processes.start(['agent', '-c', config], { by })
    await untilDelivered(site, await site.files(), [again])
    const { code, stderr } = await stop(again)
    expect(code, stderr).toBe(0)
    expect(stderr).not.toMatch(/"forked"|"gap"/)
    await expectWhole(site)
  })

  it.skipIf(!canLimitWatches)(
    `I1: ${watchesMax} inotify watches for 40 directories: scans find the rest, and it says so${canLimitWatches ? '' : ' (not run: user namespaces are not allowed here)'}`,
    async () => {
      const site = await newSite('watches')
      const config = await site.configure()
      for (let at = 0; at < 40; at++) {
        await mkdir(join(site.logs, `d${at}`))
        await writeFile(join(site.logs, `d${at}/app.log`), `first ${at}\n`)
      }
      const agent = site.processes.start(['agent', '-c', config], { by: fewWatches })
      await untilDelivered(site, await site.files(), [agent])
      for (let at = 0; at < 40; at++) {
        await append(site, `d${at}/app.log`, 'more\n')
        await append(site, `d${at}/new.log`, `new ${at}\n`)
      }
      await untilDelivered(site, await site.files(), [agent])
      expect(agent.stderr()).toMatch(/max_user_watches.*until then files are found by scans/)
      expect((await stop(agent)).code).toBe(0)
      await expectWhole(site)
    },
  )

  if (isLong)
    it('I1: more events than the queue holds, while it stands still: what was lost of them costs no byte', async () => {
      const site = await newSite('overflow')
      const config = await site.configure()
      await writeLogs(site, 4)
      const agent = site.processes.start(['agent', '-c', config])
      await untilDelivered(site, await site.files(), [agent])
      agent.process.kill('SIGSTOP')
      const queued = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'))
      // Equal events in a row are one: it takes two files in turn.
      for (let at = 0; at < queued + 1000; at++) appendFileSync(join(site.logs, `${at % 2}.log`), 'x\n')
      for (let at = 0; at < 50; at++) await append(site, `after-${at}.log`, `nobody heard of ${at}\n`)
      await append(site, '3.log', 'nor of this\n')
      agent.process.kill('SIGCONT')
      await untilDelivered(site, await site.files(), [agent])
      expect((await stop(agent)).code).toBe(0)
      await expectWholeAfterRestart(site, config)
    })
})
