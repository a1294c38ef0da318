import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isLong } from '../scenarios/long.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { untilDelivered } from './histories/agent-history.ts'
import { compactArgs, publish } from './histories/publish.ts'
import { type CallName, failingAt, oneFileThread, whyNoStrace } from './named-point.ts'
import { append, expectWholeAfterRestart, newSite, newSiteAtWork, writeLogs } from './new-site.ts'
import { sample } from './sample.ts'
import { waitFor } from './wait-for.ts'

guardLeaks()

const isHere = whyNoStrace === undefined
const not = isHere ? '' : ` (not run: ${whyNoStrace})`

/** When: the first one, and every so many-th after it. */
const underAgent: [CallName, string, string][] = [
  ['fsync', 'EIO', '4+5'],
  ['link', 'EIO', '2+3'],
  ['pwrite', 'EIO', '3+4'],
  ['pwrite', 'ENOSPC', '4+4'],
  ['mkdir', 'EIO', '3+7'],
]
const underCompact: [CallName, string][] = [
  ['fdatasync', '3+3'],
  ['rename', '4+3'],
  ['pwrite', '6+4'],
  ['fsync', '5+4'],
]

/** strace answers for the disk: from the first number on, every so many-th call fails. */
describe.skipIf(!isHere)(`a disk that fails${not}`, { timeout: 120_000 }, () => {
  it.each(sample(underAgent, 1))(
    'I1, I2: %s fails with %s now and then: all is delivered all the same, and nothing twice',
    async (call, errno, when) => {
      const { site, config } = await newSiteAtWork('broken')
      const by = failingAt({ call, when }, join(site.directory, 'trace'), errno)
      const agent = site.processes.start(['agent', '-c', config], { by, env: oneFileThread })
      for (let at = 0; at < 5; at++) {
        await append(site, `${at}.log`, 'more\n')
        await append(site, `new-${at}.log`, 'new\n')
        await sleep(100)
      }
      await untilDelivered(site, await site.files(), [agent])
      agent.process.kill('SIGKILL')
      const { stderr, signal } = await agent.ended
      expect(signal, stderr).toBe('SIGKILL')
      await expectWholeAfterRestart(site, config)
    },
  )

  if (isLong)
    it('I3: the checkpoint can never be synced: it is said, delivery goes on, and a restart doubles nothing', async () => {
      const { site, config } = await newSiteAtWork('broken-checkpoint')
      const paths = [join(site.state, 'checkpoint.jsonl')]
      const by = failingAt({ call: 'fdatasync', when: '1+', paths }, join(site.directory, 'trace'), 'EIO')
      const agent = site.processes.start(['agent', '-c', config], { by })
      const isSaid = async (): Promise<boolean> => {
        await append(site, '1.log', 'more\n')
        return /cannot write .*checkpoint.*EIO/.test(agent.stderr())
      }
      await waitFor('it is said', isSaid, { everyMs: 500, context: agent.stderr })
      await untilDelivered(site, await site.files(), [agent])
      agent.process.kill('SIGKILL')
      await agent.ended
      await expectWholeAfterRestart(site, config)
    })

  if (isLong)
    it('I4, I5: a log that cannot be read is told, costs the other files nothing, and is delivered once it can be', async () => {
      const { site, config } = await newSiteAtWork('broken-log')
      for (let at = 0; at < 10; at++) await append(site, `${at}.log`, 'more\n')
      const by = failingAt(
        { call: 'pread', when: '1+', paths: [join(site.logs, '2.log')] },
        join(site.directory, 'trace'),
        'EIO',
      )
      const agent = site.processes.start(['agent', '-c', config], { by })
      const files = await site.files()
      files.delete(join(site.logs, '2.log'))
      await untilDelivered(site, files, [agent])
      await waitFor('it is said', () => /2\.log.*EIO/.test(agent.stderr()), { context: agent.stderr })
      agent.process.kill('SIGKILL')
      await agent.ended
      await expectWholeAfterRestart(site, config)
    })

  it.each(sample(underCompact, 1))(
    'I8: %s fails under compact now and then: nothing wrong is published, and the next one completes it',
    async (call, when) => {
      const site = await newSite('broken-sink')
      await writeLogs(site, 12, 2_000)
      const ship = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
      expect((await site.processes.run(ship)).code).toBe(0)
      const [file] = site.stores
      if (file === undefined) throw new Error('no such store')
      const by = failingAt({ call, when }, join(site.directory, 'trace'), 'EIO')
      const { code, stderr } = await site.processes.run([...compactArgs(site, file), '--once'], {
        by,
        env: oneFileThread,
      })
      expect({ code, isSaid: stderr.includes('EIO') }, stderr).toEqual({ code: 75, isSaid: true })
      await site.look()
      expect(await publish(site, file, await site.files())).toMatchObject({ lost: 0, doubled: 0, different: [] })
      expect(site.rewritten).toEqual([])
    },
  )
})
