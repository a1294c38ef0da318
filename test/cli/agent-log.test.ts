import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../../src/agent/context.ts'
import { newDelivery, newLife } from '../../src/agent/life.ts'
import { systemClock } from '../../src/base/clock.ts'
import { jsonLog, withoutRepetitions } from '../../src/cli/agent/agent-log.ts'
import { LogFile } from '../../src/cli/agent/log-file.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

describe("the agent's log", () => {
  const problem = (place: string, message: string): AgentEvent => ({
    kind: 'problem',
    code: 'scan-failed',
    place,
    message,
  })

  function quietLog() {
    const clock = createVirtualClock()
    const said: string[] = []
    const sink = {
      event: (event: AgentEvent) =>
        void said.push(event.kind === 'problem' ? `${event.place}: ${event.message}` : event.kind),
      info: () => {},
    }
    return { clock, said, log: withoutRepetitions(sink, clock) }
  }

  it('says a problem that stands once in ten minutes, and each change of it at once', async () => {
    const { clock, said, log } = quietLog()
    for (let second = 0; second < 599; second++) {
      log.event(problem('checkpoint', 'ENOSPC'))
      await clock.run(clock.sleep(1_000))
    }
    expect(said).toEqual(['checkpoint: ENOSPC'])
    log.event(problem('checkpoint', 'EIO'))
    log.event(problem('other', 'ENOSPC'))
    await clock.run(clock.sleep(2_000))
    log.event(problem('checkpoint', 'ENOSPC'))
    expect(said).toEqual(['checkpoint: ENOSPC', 'checkpoint: EIO', 'other: ENOSPC', 'checkpoint: ENOSPC'])
  })

  it('I7: remembers a bounded number of them', () => {
    const { said, log } = quietLog()
    for (let at = 0; at < 1_001; at++) log.event(problem(`${at}`, 'x'))
    log.event(problem('1000', 'x'))
    log.event(problem('0', 'x'))
    expect(said.slice(1_001)).toEqual(['0: x'])
  })
})

it('every line of level warn has a code, and no other has', async () => {
  const directory = await tempDirectory('agent-log')
  const path = join(directory, 'agent.log')
  const file = new LogFile(path, systemClock)
  const log = jsonLog('debug', file)
  const life = newLife({
    identity: '0-1',
    firstGeneration: 0,
    origin: { path: '/a', identity: '0-1', agent: '0' },
    source: 's',
    path: '/a',
    destinations: ['eu'],
  })
  const delivery = newDelivery('eu')
  const events: AgentEvent[] = [
    { kind: 'problem', code: 'spool-full', place: 'spool', message: 'x' },
    { kind: 'ended', life, why: 'truncated' },
    { kind: 'gap', life, delivery, offset: 0, reason: 'truncated' },
    { kind: 'forked', life, delivery, from: '0-1', why: 'x' },
    { kind: 'edited', life, delivery },
    { kind: 'rotated', life, from: '/b' },
    { kind: 'began', life, delivery, how: 'new' },
    { kind: 'removed', life, to: undefined },
    { kind: 'ignored', life, delivery, original: '/c' },
  ]
  for (const event of events) log.event(event)
  log.info('agent', {})
  file.close()
  const lines = (await readFile(path, 'utf8')).trim().split('\n')
  const said = lines.map((line): { level: string; code?: string } => JSON.parse(line))
  expect(said.filter(({ level }) => level === 'warn').map(({ code }) => code)).toEqual([
    'spool-full',
    'life-ended',
    'gap',
    'forked',
    'edited-in-place',
  ])
  expect(said.filter(({ level, code }) => level !== 'warn' && code !== undefined)).toEqual([])
  expect(said).toHaveLength(events.length + 1)
})
