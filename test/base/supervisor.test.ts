import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { supervisorOf } from '../../src/base/supervisor.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { cannotNotify, startSupervisor } from '../support/notify-socket.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const missing = cannotNotify()

describe('a service manager', () => {
  it.each([
    ['nobody', {}, undefined],
    ['nobody that can be reached', { NOTIFY_SOCKET: 'vsock:2:1' }, undefined],
    ['one that does not watch', { NOTIFY_SOCKET: '/run/x' }, { watchdogMs: undefined }],
    ['one that watches', { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '60000000' }, { watchdogMs: 60_000 }],
    ['one that watches us', { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '500000', WATCHDOG_PID: '7' }, { watchdogMs: 500 }],
    [
      'one that watches our parent',
      { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '500000', WATCHDOG_PID: '8' },
      { watchdogMs: undefined },
    ],
    ['one that says nonsense', { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: 'soon' }, { watchdogMs: undefined }],
  ])('is %s', (_, env, expected) => {
    const supervisor = supervisorOf(env, 7)
    if (expected === undefined) expect(supervisor).toBeUndefined()
    else expect(supervisor).toMatchObject(expected)
  })

  it.skipIf(missing !== undefined).each(['path', 'abstract name'])(
    `hears what it is told, in order, at a socket with a(n) %s${missing ? ` (${missing})` : ''}`,
    async (kind) => {
      const path = join(await tempDirectory('notify'), 'notify')
      const { heard, env } = await startSupervisor(kind === 'path' ? path : `@logcask${path}`)
      const supervisor = supervisorOf({ PATH: process.env.PATH, ...env }, process.pid)
      await Promise.all([
        supervisor?.tell('READY=1', 'STATUS=two\nlines; --and "words"'),
        supervisor?.tell('WATCHDOG=1'),
        supervisor?.tell('STOPPING=1'),
      ])
      const said = (): string[] => heard.filter((one) => one !== 'BARRIER=1')
      await expect.poll(said).toEqual(['READY=1', 'STATUS=two lines; --and "words"', 'WATCHDOG=1', 'STOPPING=1'])
    },
  )

  it('that is not there is told of, with the remedy, and the next word is tried again', async () => {
    const env = { PATH: process.env.PATH, NOTIFY_SOCKET: join(await tempDirectory('notify'), 'missing') }
    for (const supervisor of [supervisorOf(env, 1), supervisorOf(env, 1, '/missing/systemd-notify')]) {
      for (const word of ['READY=1', 'WATCHDOG=1'])
        await expect(supervisor?.tell(word)).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringContaining(word),
          hint: expect.stringContaining('NotifyAccess=all'),
        })
    }
  })
})
