import { pathForPeople } from '../base/path-bytes.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { listHosts } from '../bucket/stream-inventory.ts'
import { verifyHost } from '../compactor/verify.ts'
import type { VerifiedStream } from '../compactor/verify-stream.ts'
import { type StreamVerdict, worstOf } from '../compactor/verify-verdict.ts'
import {
  type Command,
  type CommandInput,
  expectArguments,
  isSet,
  jsonOption,
  textOf,
  textsOf,
  usageError,
} from './command.ts'
import { exits } from './exit.ts'
import { storeHelp, storeOptions } from './open-bucket.ts'
import { noSuchHost, saysNothingHere, withReader } from './read-bucket.ts'
import { countText, formatBytes } from './units.ts'
import { verifiedForMachine, verifiedForPeople } from './verify-rows.ts'

export const command: Command = {
  name: 'verify',
  options: {
    ...storeOptions,
    ...jsonOption,
    from: { type: 'string' },
    host: { type: 'string', multiple: true },
    quick: { type: 'boolean' },
  },
  help: `
logcask verify --from URL [--host HOST] [--quick]

Reads every stream of a bucket, follows its chain byte by byte, and holds each seal against the content. Only reads.
Prints a line for each stream that is not as it should be: a seal that says something else, bytes that are missing, a
key that was written twice. A live stream promises nothing yet; of it the chain is checked.
  --from URL      the bucket
  --host HOST     this host only; may be repeated
  --quick         lengths only, from the names: a request per thousand segments and a few small ones for each stream
                  (without it: all that was delivered is read, which costs its transfer, and a GET for each segment)
  --json          a line per stream, fine or not, then one with the sum

${storeHelp}

Examples
  logcask verify --from s3://acme-logs
  logcask verify --from file:///mnt/nas --host web-1 --json | jq 'select(.verdict != "fine")'

Exit status: 0 all is there and as sealed · 1 something differs · 2 usage, or nothing is there · 3 bytes are missing:
gaps that are not closed, expired, or fewer than a seal says · 75 not all could be read: run it again
`,
  async run(input) {
    expectArguments(input.positionals, 'logcask verify --from URL', 0, 0)
    const from = textOf(input.values, 'from')
    if (from === undefined) throw usageError('no bucket is named', 'logcask verify --from URL')
    return withReader(input, from, (bucket) => verifyBucket(input, bucket))
  },
}

const statuses: Readonly<Record<StreamVerdict, number>> = {
  fine: exits.done,
  gaps: exits.lossy,
  unread: exits.undelivered,
  differs: exits.failed,
}

async function verifyBucket(input: CommandInput, bucket: Bucket): Promise<number> {
  const { values, terminal, signal } = input
  const named = textsOf(values, 'host')
  const hosts = named.length > 0 ? named : await listHosts(bucket, { signal })
  if (hosts.length === 0) throw usageError(await saysNothingHere(bucket, signal), 'is its prefix right? logcask ls URL')
  const sum = { streams: 0, bytes: 0, sealed: 0, strays: 0, tampered: 0, fine: 0, gaps: 0, unread: 0, differs: 0 }
  let bytesRead = 0
  for (const host of hosts) {
    const before = sum.streams
    await verifyHost(bucket, host, {
      isQuick: isSet(values, 'quick'),
      signal,
      onBytes(bytes) {
        bytesRead += bytes
        terminal.live(`${countText(sum.streams, 'stream')} · ${formatBytes(bytesRead)}`)
      },
      onStray: () => sum.strays++,
      onTampered(key) {
        sum.tampered++
        tellTampered(input, key)
      },
      onStream(verified) {
        sum.streams++
        sum.bytes += verified.bytes
        sum.strays += verified.strays
        sum[verified.verdict]++
        if (verified.completeness.kind === 'sealed') sum.sealed++
        tell(input, verified)
      },
    })
    if (sum.streams === before) throw await noSuchHost(bucket, host, signal)
  }
  terminal.live(undefined)
  const verdicts = (['gaps', 'unread', 'differs'] as const).filter((one) => sum[one] > 0)
  const verdict = worstOf(sum.tampered > 0 ? [...verdicts, 'differs'] : verdicts)
  if (isSet(values, 'json')) await terminal.json({ kind: 'sum', hosts: hosts.length, verdict, ...sum })
  else terminal.say(sumText(sum, isSet(values, 'quick')))
  return statuses[verdict]
}

function tell({ values, terminal }: CommandInput, verified: VerifiedStream): void {
  // Not awaited: a line is small, and where nobody reads any more the frame's signal ends the command.
  if (isSet(values, 'json')) terminal.json(verifiedForMachine(verified)).catch(() => {})
  else if (verified.verdict !== 'fine') terminal.line(verifiedForPeople(verified, terminal.paint)).catch(() => {})
}

function tellTampered({ values, terminal }: CommandInput, key: string): void {
  const { red } = terminal.paint
  if (isSet(values, 'json')) terminal.json({ kind: 'tampered', key }).catch(() => {})
  else
    terminal
      .line(`${red('DIFFERS')} ${pathForPeople(key)}: has several versions: written twice, or deleted`)
      .catch(() => {})
}

type Sum = Record<'streams' | 'bytes' | 'sealed' | 'strays' | 'tampered' | 'gaps' | 'unread' | 'differs', number>

function sumText(sum: Sum, isQuick: boolean): string {
  const parts = [countText(sum.streams, 'stream'), `${formatBytes(sum.bytes)} ${isQuick ? 'by name' : 'read'}`]
  parts.push(isQuick ? `${sum.sealed} as long as sealed` : `${sum.sealed} sealed`)
  if (sum.differs > 0) parts.push(`${sum.differs} differ`)
  if (sum.unread > 0) parts.push(`${sum.unread} not read`)
  if (sum.gaps > 0) parts.push(`${sum.gaps} with bytes missing`)
  if (sum.tampered > 0) parts.push(`${countText(sum.tampered, 'record')} written twice`)
  if (sum.differs + sum.unread + sum.gaps + sum.tampered === 0) parts.push('all as it should be')
  if (sum.strays > 0) parts.push(`${countText(sum.strays, 'stray')}: on no chain`)
  return parts.join(' · ')
}
