import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import { eventForMachine, eventForPeople } from '../../src/cli/compact/compact-events.ts'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import type { CompactorEvent } from '../../src/compactor/event.ts'
import { RequestsUsedUp } from '../../src/compactor/host-requests.ts'
import { OverQuota } from '../../src/compactor/quota.ts'

const paint = createPaint(false)
const facts = { host: 'h', stream: 's', name: 'n', length: 1 }
const problem = (error: unknown): CompactorEvent => ({ kind: 'problem', error })
const errno = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })

describe('what the compactor tells', () => {
  it.each<[CompactorEvent, string | undefined]>([
    [{ kind: 'published', ...facts }, undefined],
    [{ kind: 'archived', isSealed: true, ...facts }, undefined],
    [{ kind: 'listed', hosts: 1, requests: 1, tookMs: 1, everyMs: 1 }, undefined],
    [{ kind: 'mismatch', sealed: 'a', ...facts }, 'seal-mismatch'],
    [{ kind: 'short', missing: 1, ...facts }, 'seal-short'],
    [{ kind: 'tampered', host: 'h', stream: 's', key: 'k', versions: 2 }, 'tampered'],
    [{ kind: 'queue', url: 'q', state: 'back' }, undefined],
    [{ kind: 'queue', url: 'q', state: 'lost', error: new LogcaskError('unavailable', 'x') }, 'queue-lost'],
    [{ kind: 'queue', url: 'q', state: 'kept', why: 'x' }, 'queue-message-foreign'],
    [problem(new LogcaskError('unavailable', 'x')), 'place-unavailable'],
    [problem(new LogcaskError('refused', 'x')), 'place-refused'],
    [problem(errno), 'place-refused'],
    [problem(new LogcaskError('corrupt', 'x')), 'content-corrupt'],
    [problem(new LogcaskError('conflict', 'x')), 'content-conflict'],
    [problem(new LogcaskError('invalid', 'x')), 'settings-invalid'],
    [problem(new OverQuota('h', 's', 'x', 'bytes')), 'over-quota'],
    [problem(new RequestsUsedUp('h', 10)), 'over-quota'],
    [problem(new TypeError('x')), 'bug'],
  ])('%j has the code %s, for machines and for people', (event, code) => {
    const { text, isTrouble } = eventForPeople(event, paint)
    // All that is no news has one, and only that.
    expect(isTrouble).toBe(code !== undefined)
    expect(/ \[([\w-]+)\]$/.exec(text.split('\n')[0] ?? '')?.[1]).toBe(code)
    expect(eventForMachine(event).code).toBe(code)
  })
})
