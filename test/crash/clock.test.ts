import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Running } from '../scenarios/logcask-process.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { fakedTime, findFaketime, tellTime } from './faketime.ts'
import { untilDelivered } from './histories/agent-history.ts'
import { publish } from './histories/publish.ts'
import { append, expectWholeAfterRestart, newSite, writeLogs } from './new-site.ts'
import { sample } from './sample.ts'
import { waitFor } from './wait-for.ts'

guardLeaks()

const library = findFaketime()
const not = library ? '' : ' (not run: no libfaketime; node test/crash/faketime.ts fetches it from Debian)'

describe.skipIf(library === undefined)(`a clock that is set${not}`, { timeout: 120_000 }, () => {
  it('I1, I5: two days back, a year ahead, an hour back, running and between runs: each byte once', async () => {
    const site = await newSite('clock')
    const config = await site.configure()
    const clock = join(site.directory, 'clock')
    const env = fakedTime(library ?? '', clock)
    const start = (): Running => site.processes.start(['agent', '-c', config], { env })
    const inDirectory = async (agent: Running): Promise<void> => {
      const isThere = async (): Promise<boolean> => (await site.compare(await site.files())).get('file')?.lost === 0
      await waitFor('the directory has every byte', isThere, { context: agent.stderr })
      await site.look()
    }
    tellTime(clock, '+0')
    await writeLogs(site, 5)
    let agent = start()
    await untilDelivered(site, await site.files(), [agent])
    for (const step of sample(['-2d', '+1y', '-1h'], 1)) {
      tellTime(clock, step)
      await append(site, '1.log', `the clock says ${step}\n`)
      await append(site, `at ${step}.log`, 'new\n')
      await inDirectory(agent)
      // A store that compares clocks refuses us until somebody sets ours; what it says is passed on, with the remedy.
      if (step === '-2d')
        await waitFor('it is said', () => /clock is .* behind .*set it/.test(agent.stderr()), {
          context: agent.stderr,
        })
      agent.process.kill('SIGKILL')
      await agent.ended
      await append(site, '2.log', `while nobody looked, at ${step}\n`)
      agent = start()
      await inDirectory(agent)
    }
    agent.process.kill('SIGKILL')
    await agent.ended
    tellTime(clock, '+0')
    // What is touched without being written, and dated from 1970 or from the future, is the same file.
    await utimes(join(site.logs, '3.log'), 0, 0)
    await utimes(join(site.logs, '4.log'), 4e9, 4e9)
    await append(site, '4.log', 'more\n')
    await expectWholeAfterRestart(site, config)
    const [file] = site.stores
    if (file)
      expect(await publish(site, file, await site.files())).toMatchObject({ lost: 0, doubled: 0, different: [] })
  })
})
