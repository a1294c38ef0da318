import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { afterWarnings } from '../../src/cli/agent/after-rights.ts'
import { findMatches } from '../../src/cli/validate/matches.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

async function setUp() {
  const directory = await tempDirectory('after')
  const logs = join(directory, 'logs')
  await mkdir(logs)
  await writeFile(join(logs, 'app.log'), 'live\n')
  await writeFile(join(logs, 'app.log.1'), 'rotated\n')
  const config = join(directory, 'agent.yaml')
  const source = { name: 'app', include: [`${logs}/*`], after: 'move', moveTo: join(logs, 'old') }
  const destinations = [{ url: `file://${directory}/bucket` }]
  await writeFile(
    config,
    JSON.stringify({ host: 'web-1', state: join(directory, 'state'), sources: [source], destinations }),
  )
  return { directory, logs, config, source }
}

describe('after: move', () => {
  it('--once --dry-run says what would go, does nothing; --once moves; nothing is left to say', async () => {
    const { directory, logs, config } = await setUp()
    const dry = await commandLine(['agent', '--once', '--dry-run', '-c', config])
    expect(dry.code).toBe(0)
    expect(dry.stdout).toContain(`would move ${logs}/app.log.1 (once it is delivered everywhere)`)
    expect(dry.stdout).not.toContain(`would move ${join(logs, 'app.log ')}`)
    expect(existsSync(join(directory, 'bucket'))).toBe(false)
    expect((await commandLine(['agent', '--once', '-c', config])).code).toBe(0)
    expect(readdirSync(logs).sort()).toEqual(['app.log', 'old'])
    expect(readdirSync(join(logs, 'old'))).toEqual(['app.log.1'])
    expect((await commandLine(['agent', '--once', '--dry-run', '-c', config])).stdout).not.toContain('would')
  })

  it('a dry run of a daemon is refused', async () => {
    const { config } = await setUp()
    const { code, stderr } = await commandLine(['agent', '--dry-run', '-c', config])
    expect(code).toBe(2)
    expect(stderr).toContain('logcask agent --once --dry-run')
  })

  it('validate names the rights that the unit needs', async () => {
    const { logs, config } = await setUp()
    const { stderr } = await commandLine(['validate', '-c', config])
    expect(stderr).toContain(`ReadWritePaths=${logs} ${logs}/old`)
  })

  const isRoot = process.getuid?.() === 0
  it.skipIf(isRoot)(`and those that the user lacks${isRoot ? ' (not run: root lacks none)' : ''}`, async () => {
    const { logs, source } = await setUp()
    chmodSync(logs, 0o555)
    const sources = [
      { ...source, exclude: [], followSymlinks: false, copies: 'new-stream', to: [], sealAfterMs: 1, after: 'move' },
    ] as const
    const settings = sources.map((one) => ({ ...one, exclude: [], to: [] as string[], after: 'move' as const }))
    const warnings = await afterWarnings(settings, await findMatches(settings))
    chmodSync(logs, 0o755)
    expect(warnings[0]).toContain(`needs write on ${logs}, which this user has not`)
  })
})
