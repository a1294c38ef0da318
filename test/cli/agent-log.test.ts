import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../../src/agent/context.ts'
import { withoutRepetitions } from '../../src/cli/agent/agent-log.ts'
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
