import { forEachConcurrently } from '../base/concurrency.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { listHosts, listStreams } from '../bucket/stream-inventory.ts'
import { type StreamRow, surveyStream } from '../bucket/stream-row.ts'
import { type Command, type CommandInput, expectArguments, isSet, jsonOption, usageError } from './command.ts'
import { storeHelp, storeOptions } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { rowForMachine, streamTableRows, tableRows } from './read/ls-rows.ts'
import { noSuchHost, readsAtOnce, saysNothingHere, withReader } from './read/read-bucket.ts'
import { matchPath } from './read/read-names.ts'
import { createServerClient, isServerUrl } from './read/server-client.ts'
import { tableLines } from './terminal/table.ts'
import { countText, formatBytes } from './terminal/units.ts'

export const command: Command = {
  name: 'ls',
  options: { ...storeOptions, ...jsonOption },
  help: `
logcask ls URL                hosts
logcask ls URL HOST           its streams by name, those that a name had before indented below it
logcask ls URL HOST NAME      every stream of one file: its path, or the end of it where that is clear

Only reads: a request per thousand segments, and two small ones for each stream. Lengths come from the segments' names;
cat and compact check the chain byte by byte.
  --json    one line per host or stream
URL may be a server, too (logcask serve): https://logs.example:8470, with its token in LOGCASK_TOKEN.

State: live · sealed (with its SHA-256) · unsealed (it ended unseen, or grew after its seal) · gaps that are not closed

${storeHelp}

Examples
  logcask ls s3://acme-logs
  logcask ls s3://acme-logs web-1
  logcask ls file:///mnt/nas web-1 access.log
  logcask ls s3://acme-logs web-1 --json | jq 'select(.state != "sealed") | .name'
`,
  async run(input) {
    expectArguments(input.positionals, 'logcask ls URL [HOST [NAME]]', 1, 3)
    const [url = '', host, name] = input.positionals
    if (isServerUrl(url)) return listServer(input, url, host, name)
    return withReader(input, url, async (bucket) => {
      if (host === undefined) await printHosts(input, bucket)
      else await printStreams(input, bucket, host, name)
      return exits.done
    })
  },
}

/** The same of what a server answers. */
async function listServer(
  input: CommandInput,
  url: string,
  host: string | undefined,
  name: string | undefined,
): Promise<number> {
  const { values, terminal } = input
  const { serverHosts, serverRows } = await import('./read/server-rows.ts')
  const server = await createServerClient(input, url)
  if (host === undefined) {
    for (const one of await serverHosts(server)) {
      if (isSet(values, 'json')) await terminal.json({ host: one })
      else await terminal.line(pathForPeople(one))
    }
    return exits.done
  }
  const rows: StreamRow[] = []
  for await (const page of serverRows(server, host)) rows.push(...page)
  const shown = name === undefined ? rows : namedRows(rows, name, `logcask ls ${server.url} ${pathForPeople(host)}`)
  await printRows(input, host, shown, { isNamed: name !== undefined, strays: 0 })
  return exits.done
}

async function printHosts({ values, terminal, signal }: CommandInput, bucket: Bucket): Promise<void> {
  let strays = 0
  const hosts = await listHosts(bucket, { signal, onStray: () => strays++ })
  for (const host of hosts) {
    if (isSet(values, 'json')) await terminal.json({ host })
    else await terminal.line(pathForPeople(host))
  }
  if (hosts.length === 0) terminal.say(await saysNothingHere(bucket, signal))
  if (strays > 0) terminal.warn(`${countText(strays, 'stray')} where hosts are: written by no agent`)
}

async function printStreams(
  input: CommandInput,
  bucket: Bucket,
  host: string,
  name: string | undefined,
): Promise<void> {
  const { terminal, signal } = input
  const rows: StreamRow[] = []
  let strays = 0
  await forEachConcurrently(
    listStreams(bucket, host, { signal, onStray: () => strays++ }),
    readsAtOnce,
    async (listed) => {
      rows.push(await surveyStream(bucket, host, listed, signal))
      terminal.live(countText(rows.length, 'stream'))
    },
  )
  terminal.live(undefined)
  if (rows.length === 0) throw await noSuchHost(bucket, host, signal)
  const shown = name === undefined ? rows : namedRows(rows, name, `logcask ls ${bucket.url} ${pathForPeople(host)}`)
  await printRows(input, host, shown, { isNamed: name !== undefined, strays })
}

async function printRows(
  { values, terminal, clock }: CommandInput,
  host: string,
  shown: readonly StreamRow[],
  { isNamed, strays: others }: { isNamed: boolean; strays: number },
): Promise<void> {
  if (isSet(values, 'json')) {
    for (const row of shown) await terminal.json(rowForMachine(host, row))
    return
  }
  const table = isNamed ? streamTableRows : tableRows
  const right = isNamed ? [2] : [1]
  for (const line of tableLines(table(shown, clock.now(), terminal.paint), right)) await terminal.line(line)
  const strays = shown.reduce((sum, row) => sum + row.strays, others)
  const bytes = shown.reduce((sum, row) => sum + row.bytes, 0)
  terminal.say(
    [
      countText(shown.length, 'stream'),
      formatBytes(bytes),
      ...(strays > 0 ? [`${countText(strays, 'stray')}: on no chain`] : []),
    ].join(' · '),
  )
}

/** The rows of the one name that `name` means; wrong usage with the candidates where it is none, or several. */
export function namedRows(rows: readonly StreamRow[], name: string, lookup: string): StreamRow[] {
  const match = matchPath(
    name,
    rows.flatMap(({ origin }) => origin ?? []),
  )
  if ('path' in match) return rows.filter(({ origin }) => origin?.path === match.path)
  throw noSuchName(name, match.candidates, lookup)
}

/** How many candidates fit a message. */
const candidatesMax = 20

/** `otherwise`: what a command takes besides a name. */
export function noSuchName(name: string, candidates: readonly string[], lookup: string, otherwise = ''): Error {
  if (candidates.length === 0)
    return usageError(`no stream is called ${pathForPeople(name)}`, `${lookup} lists them all`)
  const shown = candidates.slice(0, candidatesMax).map(pathForPeople)
  const more = candidates.length > shown.length ? [`and ${candidates.length - shown.length} more`] : []
  return usageError(
    [`${pathForPeople(name)} is the end of several names:`, ...shown, ...more].join('\n'),
    `name one of them in full${otherwise}`,
  )
}
