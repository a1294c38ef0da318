import { RateLimit } from '../agent/shipping/token-bucket.ts'
import { isCode } from '../base/errors.ts'
import { matchesGlob } from '../base/glob.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { probe, requirePassed } from '../bucket/probe.ts'
import { retryingReads } from '../bucket/retrying-reads.ts'
import { type SyncOptions, syncOnce } from '../compactor/sync/sync.ts'
import { parseStoreUrl, placeOfAddress } from '../config/store-url.ts'
import {
  type Command,
  type CommandInput,
  durationOf,
  expectArguments,
  isSet,
  jsonOption,
  rateOf,
  textOf,
  textsOf,
  usageError,
} from './command.ts'
import { showingBytes } from './compact/compact-events.ts'
import { isNews, problemForPeople, SyncSum, syncedForMachine, troubleForPeople } from './compact/sync-report.ts'
import { openBucket, storeHelp, storeOptions, storeSettings, storeWords } from './compose/open-bucket.ts'
import { exits } from './exit.ts'

export const command: Command = {
  name: 'sync',
  options: {
    ...storeOptions,
    ...jsonOption,
    from: { type: 'string' },
    to: { type: 'string' },
    host: { type: 'string', multiple: true },
    rate: { type: 'string' },
    retention: { type: 'string' },
    interval: { type: 'string' },
    once: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  help: `
logcask sync --from URL --to URL [--once] [--host GLOB] [--rate 20MB/s] [--dry-run]

Copies the streams that one bucket has and another lacks: a destination that was down for a while, one that came later,
another region. It only creates, and only where the other's chain ends: nothing is overwritten, mixed or doubled. A
stream of which the two have different histories is named and left alone. Both ways, one after the other, make two
buckets equal. Kill it whenever you like, and run it again; several at once do no harm.
  --from URL        what is read
  --to URL          what is filled; a file:// directory is made. It must refuse to overwrite, which is tried first,
                    below probes/<host>/ of the first host that gets something
  --host GLOB       these hosts only: 'web-*'; may be repeated
  --rate 20MB/s     no faster
  --retention 30d   what was stored for so long expires in the target by a lifecycle rule: it is not brought again.
                    Without it, all that is missing there is brought
  --once            one pass, a summary, end
  --interval 5m     between two passes (default: 5m)
  --dry-run         one pass that only says what it would bring, by the names
  --json            a line per stream that gets something or cannot, and the summary

Seals and aliases come last, and only where the bytes that they speak for are there; digests where they continue the
target's own. Files delivered whole (when-complete) are no streams, and are not copied: your store replicates those.
A pass lists both buckets (a request per thousand objects), and of a stream that lacks something reads the ends of its
segments. Other settings for one of the two are in its URL: 's3://acme-eu?profile=eu&region=eu-central-1'.

${storeHelp}

Examples
  logcask sync --from s3://acme-logs-us/prod --to s3://acme-logs-eu/prod --once
  logcask sync --from s3://acme-logs/prod --to file:///mnt/nas/logs --host 'db-*' --rate 50MB/s

Exit status (--once): 0 the target has all · 1 something was refused or is no agent's · 2 usage · 3 streams diverged, or
bytes between are missing · 75 not all could be read or written: run it again
`,
  run: sync,
}

async function sync(input: CommandInput): Promise<number> {
  const { values, positionals, clock } = input
  const usage = 'logcask sync --from URL --to URL'
  expectArguments(positionals, usage, 0, 0)
  const from = textOf(values, 'from')
  const to = textOf(values, 'to')
  if (from === undefined) throw usageError('no bucket to read is named', usage)
  if (to === undefined) throw usageError('no bucket to fill is named', usage)
  refuseSame(input, from, to)
  const isDryRun = isSet(values, 'dry-run')
  const source = await openBucket(from, storeSettings(values), 'read', clock)
  try {
    const target = await openBucket(to, storeSettings(values), 'write', clock, { create: !isDryRun })
    try {
      return await passes(input, source, target, to)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

function refuseSame({ values }: CommandInput, from: string, to: string): void {
  const [source, target] = [from, to].map((url) => placeOfAddress(parseStoreUrl(url), textOf(values, 'endpoint')))
  if (source === target) throw usageError(`--to ${to}: is where --from is`, 'name two buckets, or two prefixes of one')
}

const intervalDefaultMs = 300_000

async function passes(input: CommandInput, source: Bucket, target: Bucket, to: string): Promise<number> {
  const { values, terminal, signal, clock } = input
  const intervalMs = durationOf(values, 'interval') ?? intervalDefaultMs
  const admission = admit(input, target, to)
  const rate = rateOf(values, 'rate')
  const limit = rate === undefined ? undefined : new RateLimit(rate, clock)
  const globs = textsOf(values, 'host')
  const common = {
    source: retryingReads(source, clock),
    target: retryingReads(target, clock),
    clock,
    admit: admission.admit,
    pass: limit && ((bytes: number, inner: AbortSignal) => limit.pass(bytes, inner)),
    isDryRun: isSet(values, 'dry-run'),
    retentionMs: durationOf(values, 'retention'),
    isWanted: (host: string) => globs.length === 0 || globs.some((glob) => matchesGlob(glob, host)),
    signal: AbortSignal.any([signal, admission.refused]),
  }
  if (isSet(values, 'once') || common.isDryRun) {
    const sum = await onePass(input, common)
    if (sum.hosts === 0) terminal.warn(`${source.url}: has no such host, or nothing at all`)
    return sum.status
  }
  terminal.say(`${source.url} → ${target.url}, until stopped`)
  while (!signal.aborted) {
    try {
      await onePass(input, common)
    } catch (error) {
      if (signal.aborted) break
      // Refused by the probe: nothing will go there until somebody acts.
      common.signal.throwIfAborted()
      terminal.warn(problemForPeople(source.url, error, terminal.paintMessage))
    }
    await clock.sleep(intervalMs, signal).catch(() => {})
  }
  terminal.say('stopped; nothing is half done')
  return exits.done
}

async function onePass(
  input: CommandInput,
  common: Omit<SyncOptions, 'onStream' | 'onProblem' | 'onStray' | 'onBytes'>,
): Promise<SyncSum> {
  const { values, terminal, clock } = input
  const isJson = isSet(values, 'json')
  const sum = new SyncSum()
  const startMs = clock.monotonic()
  let bytes = 0
  const options: SyncOptions = {
    ...common,
    onBytes: (count) => (bytes += count),
    onStray: () => sum.strays++,
    onStream(synced) {
      sum.add(synced)
      // Not awaited: a line is small, and where nobody reads any more the frame's signal ends the command.
      if (isJson && isNews(synced)) terminal.json(syncedForMachine(synced)).catch(() => {})
      for (const text of isJson ? [] : troubleForPeople(synced, terminal.paintMessage)) terminal.warn(text)
    },
    onProblem(host, problem) {
      sum.problems.push(problem)
      terminal.warn(problemForPeople(host, problem, terminal.paintMessage))
    },
  }
  const work = (): Promise<{ hosts: number; digests: number }> => syncOnce(options)
  Object.assign(sum, await showingBytes(terminal, clock, () => bytes, work))
  if (isJson) await terminal.json(sum.forMachine())
  else terminal.say(sum.forPeople(common.isDryRun, clock.monotonic() - startMs, terminal.paintMessage))
  return sum
}

/** The target's probe, once, before the first byte: as the host whose streams are about to be written. */
function admit(
  { values, clock, signal }: CommandInput,
  target: Bucket,
  to: string,
): { admit: (host: string) => Promise<void>; refused: AbortSignal } {
  const refusal = new AbortController()
  let passed: Promise<void> | undefined
  const ask = async (host: string): Promise<void> => {
    try {
      requirePassed(await probe(target, { host, clock, signal }), target.url, storeWords(to, storeSettings(values)))
    } catch (error) {
      // What it refuses holds for all streams: the first one tells, and ends the others. Unknown is asked again.
      if (isCode(error, 'unavailable')) passed = undefined
      else refusal.abort(error)
      throw error
    }
  }
  return { admit: (host) => (passed ??= ask(host)), refused: refusal.signal }
}
