import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

const over = 'haproxy-20130704T0000Z.log'
const key = `haproxy/2013/07/04/${over}.gz`

/** An hour that is over, one that is not, and a configuration for them. */
async function stage() {
  const directory = await tempDirectory('why-whole')
  const [logs, config, store] = [join(directory, 'logs'), join(directory, 'agent.yaml'), join(directory, 'store')]
  await mkdir(logs)
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(logs, name)
    await writeFile(path, text)
    const at = new Date(Date.now() - 60_000)
    await utimes(path, at, at)
    return path
  }
  await writeFile(
    config,
    `state: ${directory}/state
sources:
  - { name: hourly, include: ["${logs}/*"], mode: when-complete, compress: gzip, as: "{prefix}/{year}/{month}/{day}/{filename}" }
destinations: [{ name: nas, url: "file://${store}" }]
`,
  )
  const why = async (path: string): Promise<string> => {
    const { code, stdout } = await commandLine(['why', path, '-c', config])
    expect(code).toBe(0)
    return stdout
  }
  return { config, write, why }
}

describe('why, of a file that goes whole', () => {
  it('says what it waits for, what it will be called, and then what is there', async () => {
    const { config, write, why } = await stage()
    const path = await write(over, 'one\n')
    const live = await write(`haproxy-${new Date().toISOString().slice(0, 13).replaceAll('-', '')}Z.log`, 'so far')
    expect(await why(path)).toMatch(/complete, by the period in its name.*\nnas: not there yet; it will be /)
    expect(await why(path)).toContain(`it will be ${key}\n`)
    expect(await why(live)).toContain('not complete: the period in its name ends at ')
    expect((await commandLine(['agent', '--once', '-c', config])).code).toBe(0)
    expect(await why(path)).toContain(
      `nas: all of it is there, as ${key} (4 B, SHA-256 ${sha256(Buffer.from('one\n'))})`,
    )
    await write(over, 'one\ntwo\n')
    expect(await why(path)).toContain(`nas: has it as it was before: ${key} (4 B,`)
  })
})
