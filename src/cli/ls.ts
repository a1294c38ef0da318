import { pathForPeople } from '../base/path-bytes.ts'
import type { StreamRow } from '../bucket/stream-row.ts'
import { type Command, type CommandInput, expectArguments, isSet, jsonOption, usageError } from './command.ts'
import { storeHelp, storeOptions } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { type Inventory, withInventory } from './read/inventory.ts'
import { rowForMachine, streamTableRows, tableRows } from './read/ls-rows.ts'
import { noSuchName } from './read/no-such-name.ts'
import { isPattern, matchPaths } from './read/read-names.ts'
import { selectHosts } from './read/read-place.ts'
import { timeHelp, timeNotice, timeOptions, timesOf } from './read/read-times.ts'
import { shellWord } from './terminal/shell-word.ts'
import { tableLines } from './terminal/table.ts'
import { countText, formatBytes } from './terminal/units.ts'

export const command: Command = {
  name: 'ls',
  options: { ...storeOptions, ...timeOptions, ...jsonOption },
  help: `
logcask ls URL                hosts
logcask ls URL HOST           its streams by name, those that a name had before indented below it
logcask ls URL HOST NAME      every stream of one file: its path, or the end of it where that is clear

HOST and NAME may be patterns: * stands for any characters (slashes, too), ? for one.
Only reads: a request per thousand segments, and two small ones for each stream. Lengths come from the segments' names;
cat and compact check the chain byte by byte.
${timeHelp}.
                  Streams of which bytes were delivered then, shown as they are now
  --json          one line per host or stream
URL may be a server, too (logcask serve): https://logs.example:8470, with its token in LOGCASK_TOKEN.

State: live · sealed (with its SHA-256) · unsealed (it ended unseen, or grew after its seal) · gaps that are not closed

${storeHelp}

Examples
  logcask ls s3://acme-logs
  logcask ls s3://acme-logs web-1
  logcask ls file:///mnt/nas web-1 access.log
  logcask ls s3://acme-logs 'web-*' '*/nginx/*' --since 1h
  logcask ls s3://acme-logs web-1 --json | jq 'select(.state != "sealed") | .name'
`,
  async run(input) {
    const { values, positionals, clock, terminal } = input
    expectArguments(positionals, 'logcask ls URL [HOST [NAME]]', 1, 3)
    const [url = '', host, name] = positionals
    const times = timesOf(values, clock)
    if (times !== undefined && host === undefined)
      throw usageError('--since and --until are for the streams of hosts', "logcask ls URL '*' --since 1h")
    await withInventory(input, url, async (place) => {
      if (host === undefined) return printHosts(input, place)
      if (times !== undefined) terminal.say(timeNotice)
      const hosts = await selectHosts(place, host)
      const several = isPattern(host)
      let shown = 0
      for (const one of hosts) {
        const { rows, strays } = await place.rows(one, times)
        const named = name === undefined ? rows : namedRows(rows, name, lookupOf(place, one), several)
        shown += named.length
        if (named.length === 0 && several) continue
        if (several && !isSet(values, 'json')) await terminal.line(`${pathForPeople(one)}:`)
        await printRows(input, one, named, { isNamed: name !== undefined && !isPattern(name), strays })
      }
      if (shown === 0 && several && name !== undefined)
        throw usageError(
          `no stream is called ${pathForPeople(name)} on any of ${countText(hosts.length, 'host')}`,
          lookupOf(place, host),
        )
    })
    return exits.done
  },
}

function lookupOf(place: Inventory, host: string): string {
  return `logcask ls ${place.url} ${shellWord(pathForPeople(host))}`
}

async function printHosts({ values, terminal }: CommandInput, place: Inventory): Promise<void> {
  const hosts = await place.hosts()
  for (const host of hosts) {
    if (isSet(values, 'json')) await terminal.json({ host })
    else await terminal.line(pathForPeople(host))
  }
  const nothing = hosts.length === 0 ? await place.nothing() : undefined
  if (nothing !== undefined) terminal.say(nothing)
  const strays = place.strays()
  if (strays > 0) terminal.warn(`${countText(strays, 'stray')} where hosts are: written by no agent`)
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

/** The rows of what `name` means; wrong usage with the candidates where it is none, or several and not `several`. */
function namedRows(rows: readonly StreamRow[], name: string, lookup: string, several: boolean): StreamRow[] {
  const match = matchPaths(
    name,
    rows.flatMap(({ origin }) => origin ?? []),
    { several },
  )
  if ('paths' in match) return rows.filter(({ origin }) => origin !== undefined && match.paths.includes(origin.path))
  throw noSuchName(name, match.candidates, lookup)
}
