import { matchesGlob } from '../base/glob.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { listHosts } from '../bucket/stream-inventory.ts'
import { verifyHost } from '../compactor/verify.ts'
import type { Counterpart } from '../compactor/verify-against.ts'
import { type VerifiedDigests, verifyDigests } from '../compactor/verify-digests.ts'
import type { VerifiedStream } from '../compactor/verify-stream.ts'
import type { StreamVerdict } from '../compactor/verify-verdict.ts'
import {
  type Command,
  type CommandInput,
  durationOf,
  expectArguments,
  isSet,
  jsonOption,
  textOf,
  textsOf,
  usageError,
} from './command.ts'
import { openCounterpart } from './compact/verify-place.ts'
import { openReport, type VerifyReport } from './compact/verify-report.ts'
import { digestsForPeople, verifiedForMachine, verifiedForPeople } from './compact/verify-rows.ts'
import { VerifySum } from './compact/verify-sum.ts'
import { storeHelp, storeOptions } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { version } from './help.ts'
import { noSuchHost, saysNothingHere, withReader } from './read/read-bucket.ts'
import { countText, formatBytes } from './terminal/units.ts'

export const command: Command = {
  name: 'verify',
  options: {
    ...storeOptions,
    ...jsonOption,
    from: { type: 'string' },
    against: { type: 'string', multiple: true },
    as: { type: 'string' },
    retention: { type: 'string' },
    host: { type: 'string', multiple: true },
    quick: { type: 'boolean' },
    report: { type: 'string' },
  },
  help: `
logcask verify --from URL [--against DIR|URL]… [--host GLOB] [--quick] [--report FILE]

Reads every stream of a bucket, follows its chain byte by byte, and holds each seal against the content; and the digests
of each host's agents against each other. Only reads. Prints a line for each stream that is not as it should be: a seal
that says something else, bytes that are missing, a key that was written twice or deleted (of which the oldest version
counts). A live stream promises nothing yet; of it the chain is checked.
  --from URL      the bucket
  --against DIR   the directory of a compactor; or by its URL a second bucket, or an archive: every byte of one is held
                  against the other, and what differs or is missing is named by its range. What is on its way counts as
                  missing. May be repeated: all are held against one reading. Of an archive every object is decoded, and
                  held against what it says of itself, too; only what is sealed is to be there
  --as TEMPLATE   how an archive names its objects, as for compact --archive (the default is known by itself)
  --retention 30d   what was sealed longer ago may have expired from the bucket, where an archive has all of it
  --host GLOB     these hosts only: 'web-*'; may be repeated
  --quick         lengths only, from the names: a request per thousand segments and a few small ones for each stream
                  (without it: all that was delivered is read, which costs its transfer, and a GET for each segment)
  --report FILE   what was checked, when and how, with the SHA-256 of each stream, as JSON, to be kept
  --json          a line per stream, fine or not, one per host with digests, then one with the sum

${storeHelp}

Examples
  logcask verify --from s3://acme-logs --against /srv/logs --against s3://acme-archive/logs
  logcask verify --from s3://acme-logs-eu --against s3://acme-logs-us --report verified.json
  logcask verify --from file:///mnt/nas --host 'web-*' --json | jq 'select(.verdict != "fine")'

Exit status: 0 all is there and as sealed · 1 something differs · 2 usage, or nothing is there · 3 bytes are missing:
gaps that are not closed, expired, fewer than a seal says, or not on both sides · 75 not all could be read: run it again
`,
  async run(input) {
    expectArguments(input.positionals, 'logcask verify --from URL', 0, 0)
    const from = textOf(input.values, 'from')
    if (from === undefined) throw usageError('no bucket is named', 'logcask verify --from URL')
    return withReader(input, from, async (bucket) => {
      const against: Counterpart[] = []
      try {
        for (const named of textsOf(input.values, 'against')) against.push(await openCounterpart(input, named))
        return await verifyBucket(input, bucket, against)
      } finally {
        await Promise.all(against.map((one) => one.close()))
      }
    })
  },
}

const statuses: Readonly<Record<StreamVerdict, number>> = {
  fine: exits.done,
  gaps: exits.lossy,
  unread: exits.undelivered,
  differs: exits.failed,
}

async function verifyBucket(input: CommandInput, bucket: Bucket, against: readonly Counterpart[]): Promise<number> {
  const { values, terminal, signal, clock } = input
  const isQuick = isSet(values, 'quick')
  const hosts = await hostsToVerify(bucket, against, textsOf(values, 'host'), signal)
  const path = textOf(values, 'report')
  const facts = { logcask: version, from: bucket.url, against: placesText(against), quick: isQuick, hosts }
  const report = path === undefined ? undefined : await openReport(path, facts, clock)
  try {
    const sum = await verifyHosts(input, bucket, against, hosts, report)
    terminal.live(undefined)
    const { kind, ...numbers } = sum.forMachine()
    const sha256 = await report?.finish({ tampered: sum.tampered, sum: numbers })
    if (isSet(values, 'json')) await terminal.json({ kind, ...numbers })
    else terminal.say(sum.forPeople(isQuick))
    if (sha256 !== undefined) terminal.say(`${path}: SHA-256 ${sha256}`)
    return statuses[sum.verdict]
  } finally {
    await report?.close()
  }
}

/** One, or a list of several. */
function placesText(against: readonly Counterpart[]): string | string[] | undefined {
  const urls = against.map(({ url }) => url)
  return urls.length > 1 ? urls : urls[0]
}

/** Those that are meant, wherever they are; wrong usage where there is none. */
async function hostsToVerify(
  bucket: Bucket,
  against: readonly Counterpart[],
  globs: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const here = await listHosts(bucket, { signal })
  const all = [...new Set([...here, ...(await Promise.all(against.map((one) => one.hosts()))).flat()])].sort()
  for (const glob of globs)
    if (!all.some((host) => matchesGlob(glob, host))) throw await noSuchHost(bucket, glob, signal)
  if (all.length === 0) throw usageError(await saysNothingHere(bucket, signal), 'is its prefix right? logcask ls URL')
  return globs.length === 0 ? all : all.filter((host) => globs.some((glob) => matchesGlob(glob, host)))
}

async function verifyHosts(
  input: CommandInput,
  bucket: Bucket,
  against: readonly Counterpart[],
  hosts: readonly string[],
  report: VerifyReport | undefined,
): Promise<VerifySum> {
  const { values, terminal, signal, clock } = input
  const isQuick = isSet(values, 'quick')
  const retentionMs = durationOf(values, 'retention')
  const sum = new VerifySum()
  let bytesRead = 0
  const onStray = (): void => void sum.strays++
  const onTampered = (key: string): void => {
    sum.tampered++
    tellTampered(input, key)
    keep(report, { kind: 'tampered', key })
  }
  for (const host of hosts) {
    sum.hosts++
    await verifyHost(bucket, host, {
      isQuick,
      against,
      expiredBeforeMs: retentionMs === undefined ? undefined : clock.now() - retentionMs,
      signal,
      onBytes(bytes) {
        bytesRead += bytes
        terminal.live(`${countText(sum.streams, 'stream')} · ${formatBytes(bytesRead)}`)
      },
      onStray,
      onTampered,
      onStream(verified) {
        sum.add(verified)
        tell(input, verified)
        keep(report, verifiedForMachine(verified))
      },
    })
    const digests = await verifyDigests(bucket, host, { untilMs: clock.now(), isQuick, signal, onStray, onTampered })
    sum.addDigests(digests)
    tellDigests(input, digests)
    if (digests.digests > 0) keep(report, { kind: 'digests', ...digests })
  }
  return sum
}

/** Not awaited: what it cannot write, `finish` rejects with. */
function keep(report: VerifyReport | undefined, row: Record<string, unknown>): void {
  report?.add(row).catch(() => {})
}

function tell({ values, terminal }: CommandInput, verified: VerifiedStream): void {
  // Not awaited: a line is small, and where nobody reads any more the frame's signal ends the command.
  if (isSet(values, 'json')) terminal.json(verifiedForMachine(verified)).catch(() => {})
  else if (verified.verdict !== 'fine') terminal.line(verifiedForPeople(verified, terminal.paint)).catch(() => {})
}

function tellDigests({ values, terminal }: CommandInput, digests: VerifiedDigests): void {
  if (isSet(values, 'json')) {
    if (digests.digests > 0) terminal.json({ kind: 'digests', ...digests }).catch(() => {})
    return
  }
  for (const text of digestsForPeople(digests, terminal.paint)) terminal.line(text).catch(() => {})
}

function tellTampered({ values, terminal }: CommandInput, key: string): void {
  const { red } = terminal.paint
  if (isSet(values, 'json')) terminal.json({ kind: 'tampered', key }).catch(() => {})
  else
    terminal
      .line(`${red('DIFFERS')} ${pathForPeople(key)}: has several versions: written twice, or deleted`)
      .catch(() => {})
}
