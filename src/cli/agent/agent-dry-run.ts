import { dirname } from 'node:path'
import { localFiles } from '../../agent/files/local-files.ts'
import { isNamedAsRotation } from '../../agent/identity/rules.ts'
import type { Life } from '../../agent/life.ts'
import { FileCheckpoint } from '../../agent/state/checkpoint.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import type { AgentConfig, SourceConfig } from '../../config/agent-config.ts'
import { type CommandInput, isSet } from '../command.ts'
import { filesText } from '../ship/run-report.ts'
import { dryRun } from '../ship/ship-dry-run.ts'
import { formatBytes } from '../terminal/units.ts'

/** What `agent --once` would deliver, and what would go afterwards; no destination is asked, and nothing is written. */
export async function agentDryRun(input: CommandInput, config: AgentConfig, directory: string): Promise<number> {
  const code = await dryRun(input, config.sources)
  const { terminal, values } = input
  const names = config.destinations.map(({ name }) => name)
  const lives = await new FileCheckpoint(directory).load(names)
  const files = localFiles({ birthTimes: true, spoolDirectory: '' })
  const { found } = await files.scan(config.sources)
  const byDirectory = Map.groupBy(found.keys(), (path) => dirname(path))
  const totals = { now: { files: 0, bytes: 0 }, later: { files: 0, bytes: 0 } }
  for (const [path, name] of found) {
    const source = config.sources.find((one) => one.name === name)
    if (source === undefined || source.after === 'keep') continue
    const file = await files.open(path, false).catch(() => undefined)
    if (file === undefined) continue
    const { size } = file.stat()
    await file.close()
    const life = lives.find((one) => one.identity === file.identity && !one.ended)
    if (!isRotated(path, life, byDirectory.get(dirname(path)) ?? [])) continue
    const isDelivered = life !== undefined && isWhole(life, source, size)
    const total = totals[isDelivered ? 'now' : 'later']
    total.files++
    total.bytes += size
    const when = isDelivered ? 'is delivered' : 'once it is delivered everywhere'
    if (isSet(values, 'json')) await terminal.json({ path, length: size, after: source.after, isDelivered })
    else await terminal.line(`would ${source.after} ${pathForPeople(path)} (${when})`)
  }
  if (config.sources.some(({ after }) => after !== 'keep'))
    terminal.say(
      `${filesText(totals.now.files)} · ${formatBytes(totals.now.bytes)} would go now, ${filesText(totals.later.files)} · ${formatBytes(totals.later.bytes)} once delivered; each is looked at again right before`,
    )
  return code
}

function isRotated(path: string, life: Life | undefined, others: readonly string[]): boolean {
  if (life !== undefined && (life.path !== life.origin.path || path !== life.origin.path)) return true
  return others.some((other) => other !== path && isNamedAsRotation(path, other))
}

/** By what the checkpoint knows. */
function isWhole(life: Life, { to }: SourceConfig, size: number): boolean {
  return to.every((name) => {
    const delivery = life.deliveries.get(name)
    return delivery?.sealed !== undefined && delivery.sealed.length === size && delivery.acked.offset === size
  })
}
