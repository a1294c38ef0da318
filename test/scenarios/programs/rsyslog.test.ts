import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { guardLeaks } from '../../support/leak-guard.ts'
import { alone } from '../alone.ts'
import { expectNothingElse } from '../family.ts'
import { onDisk } from '../log-file.ts'
import { until } from '../logcask-process.ts'
import { endProcess, Program } from './program.ts'

guardLeaks()

const rsyslogd = new Program('rsyslogd')

describe.skipIf(rsyslogd.path === undefined)(`rsyslogd${rsyslogd.missing}`, () => {
  it('moved away and HUP, while it goes on receiving, also while the agent is down: each message once', async (context) => {
    const { stage, room } = await alone(context, 'rsyslog')
    const port = await freePort()
    const config = join(stage.directory, 'rsyslog.conf')
    writeFileSync(
      config,
      `module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="${port}")
template(name="line" type="string" string="%msg%\\n")
action(type="omfile" file="${room.path('app.log')}" template="line")
`,
    )
    const modules = ['-M', join(rsyslogd.root, 'usr/lib/x86_64-linux-gnu/rsyslog')]
    const daemon = rsyslogd.start(context, [
      '-n',
      '-f',
      config,
      '-i',
      join(stage.directory, 'pid'),
      ...(rsyslogd.root === '/' ? [] : modules),
    ])
    await until('rsyslogd listens', () => isOpen(port), { withinMs: 60_000, everyMs: 100 })
    await stage.agent.start()
    const socket = connect(port, '127.0.0.1')
    context.onTestFinished(() => void socket.destroy())
    let sent = 0
    const send = (count: number): void => {
      for (let at = 0; at < count; at++) socket.write(`<13>Nov 21 15:00:00 host test: message ${++sent}\n`)
    }
    const written = (): number => linesOf(readdirSync(room.directory).map((name) => room.path(name))).length
    for (let round = 0; round < 4; round++) {
      send(1_000)
      await until('most of it is written', () => written() > sent - 500, { everyMs: 20 })
      if (round === 2) await stage.agent.stop()
      for (let at = round; at > 0; at--) renameSync(room.path(`app.log.${at}`), room.path(`app.log.${at + 1}`))
      renameSync(room.path('app.log'), room.path('app.log.1'))
      send(100)
      daemon.kill('SIGHUP')
      // It opens the next file when it has something to write there.
      const isOpened = (): boolean => {
        send(1)
        return readdirSync(room.directory).includes('app.log')
      }
      await until('it has opened the next file', isOpened, { everyMs: 20 })
      if (round === 2) await stage.agent.start()
    }
    await until('all of it is written', () => written() === sent, { everyMs: 50 })
    await endProcess(daemon)
    const names = ['app.log.4', 'app.log.3', 'app.log.2', 'app.log.1', 'app.log']
    expect(readdirSync(room.directory).sort()).toEqual([...names].sort())
    await room.holds(...names.map((name) => onDisk(room.path(name))))
    const numbers = linesOf(names.map((name) => room.path(name)))
    expect(numbers).toEqual(Array.from({ length: sent }, (_, at) => `message ${at + 1}`))
    await stage.agent.stop()
    await expectNothingElse(stage, [room])
  })
})

function linesOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(0, -1)).map((line) => line.trim())
}

async function freePort(): Promise<number> {
  const server = createServer()
  const listening = new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await listening
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', end(true)).once('error', end(false))
  })
}
