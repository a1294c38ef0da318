import { rescueDefects } from './rescue-defects.ts'

/** One change of the product's text; it must be found there exactly once. */
export interface Patch {
  file: string
  from: string
  to: string
}

/** A defect that somebody could write some day, and the steps in which it would show. */
export interface Defect {
  name: string
  patches: Patch[]
  kinds: readonly string[]
}

const everyday = ['rotate', 'truncate', 'recreate', 'kill']
const copies = ['copytruncate', 'rotate', 'kill']
const stores = ['store bad', 'store late', 'rotate', 'kill']
const servers = ['compactor kill', 'torn write', 'rotate', 'server disk full', 'second compactor']

export const defects: Defect[] = [
  {
    name: 'an answer 412 is an ack, whatever is there',
    patches: [
      {
        file: 'src/agent/shipping/settle.ts',
        from: 'return Buffer.compare(ours.subarray(0, overlap), stored.subarray(0, overlap)) === 0',
        to: 'return stored.byteLength > 0',
      },
    ],
    kinds: ['VM clone', 'VM roll back', 'VM snapshot'],
  },
  {
    name: 'a listing that breaks off passes for a whole one',
    patches: [
      {
        file: 'src/bucket/retrying-reads.ts',
        from: 'await waitAfter(error, attempt, sinceMs, options.signal)',
        to: 'return',
      },
    ],
    kinds: ['store bad-list', 'state deleted', 'copytruncate'],
  },
  {
    name: 'a stream goes on by inode and birth alone',
    patches: [
      {
        file: 'src/agent/identity/rules.ts',
        from: "one.length > 0 && one.comparison !== 'different' && !one.isEnded",
        to: 'one.length > 0 && !one.isEnded',
      },
    ],
    kinds: ['state deleted', 'truncate', 'rotate'],
  },
  {
    name: 'bytes before the offset are not looked at (E3)',
    patches: [
      {
        file: 'src/agent/identity/rules.ts',
        from: "facts.deliveries.filter((delivery) => delivery.sent === 'different')",
        to: '[] as LookFacts["deliveries"][number][]',
      },
    ],
    kinds: everyday,
  },
  {
    name: 'what was read is not looked at again',
    patches: [
      {
        file: 'src/agent/shipping/segment-reader.ts',
        from: 'if (!isStill || !(await isOneLife(life, now, footprint))) return undefined',
        to: '',
      },
    ],
    kinds: ['rewrite in bursts', 'sync'],
  },
  {
    name: 'the seal hashes the file as it is now',
    patches: [
      {
        file: 'src/agent/identity/inspect.ts',
        from: 'if (local.rollup === delivery.rollup) return local.sha256',
        to: 'return local.sha256',
      },
    ],
    kinds: ['edit', 'rotate', 'kill', 'stop'],
  },
  {
    name: 'a record is renamed before it is synced',
    patches: [
      {
        file: 'src/base/atomic-file.ts',
        from: '      await handle.sync()\n    } finally {\n      await handle.close()\n    }\n    await disk.rename',
        to: '    } finally {\n      await handle.close()\n    }\n    await disk.rename',
      },
    ],
    kinds: ['power cut', 'kill', 'state deleted'],
  },
  {
    name: 'the compactor records what it has not synced',
    patches: [
      { file: 'src/compactor/published-file.ts', from: '        await handle.datasync()\n', to: '' },
      { file: 'src/compactor/plan.ts', from: 'if (file.window !== record.window) {', to: 'if (file.size < 0) {' },
    ],
    kinds: servers,
  },
  {
    name: 'a chain takes the first segment at its end, whatever comes before it',
    patches: [
      {
        file: 'src/format/chain.ts',
        from: 'return this.#at.get(end.offset)?.get(beforeOf(end))',
        to: 'return this.startingAt(end.offset)[0]',
      },
    ],
    kinds: ['hostile strays', 'hostile keys', 'rotate', 'kill'],
  },
  {
    name: 'a lock that is taken is taken again',
    patches: [
      {
        file: 'src/base/lock.ts',
        from: "if (held === 'busy') throw conflict(path, await readOwner(ownerPath, disk))",
        to: "if (held === 'busy') return { release: async () => {} }",
      },
    ],
    kinds: servers,
  },
  {
    name: 'the next generation does not wait for the end of the one before',
    patches: [
      {
        file: 'src/agent/identity/attach.ts',
        from: 'if (before && !before.hasGap) return true',
        to: '',
      },
    ],
    kinds: ['truncate', 'kill', 'state deleted', 'store bad'],
  },
  {
    name: 'a life that ends leaves no gap',
    patches: [
      {
        file: 'src/agent/ending/record-end.ts',
        from: 'if (delivery.stream !== undefined && !isWhole)',
        to: 'if (delivery.stream === "" && !isWhole)',
      },
    ],
    kinds: ['truncate', 'recreate', 'store slow', 'store down'],
  },
  {
    name: 'a directory that could not be read looks empty',
    patches: [
      { file: 'src/agent/discovery/missing.ts', from: 'if (!isKnown) return', to: '' },
      {
        file: 'src/agent/discovery/missing.ts',
        from: ".catch(() => 'unknown' as const)",
        to: '.catch(() => undefined as string | undefined | "unknown")',
      },
      { file: 'src/agent/discovery/missing.ts', from: 'if (mayBeElsewhere(context, life, scan)) return', to: '' },
    ],
    kinds: ['directory unreadable', 'kill', 'rotate'],
  },
  {
    name: 'a fork does not say what it shares',
    patches: [{ file: 'src/agent/identity/fork.ts', from: 'delivery.forkOf = { stream: from, shared }', to: 'void 0' }],
    kinds: ['VM snapshot', 'VM roll back', 'VM clone'],
  },
  {
    name: 'a fork claims to share all of what it left',
    patches: [
      {
        file: 'src/agent/identity/fork.ts',
        from: 'delivery.forkOf = { stream: from, shared }',
        to: 'delivery.forkOf = { stream: from, shared: shared + 20 }',
      },
    ],
    kinds: ['VM snapshot', 'VM roll back', 'VM clone'],
  },
  {
    name: 'a copy is judged while it may still grow',
    patches: [
      { file: 'src/agent/context.ts', from: 'export const copyHoldMs = 5_000', to: 'export const copyHoldMs = 0' },
    ],
    kinds: copies,
  },
  {
    name: 'a copy is judged before the files that it may be a copy of were looked at',
    patches: [
      {
        file: 'src/agent/identity/new-file.ts',
        from: 'const unseen = await unseenSource(context, courier, life)',
        to: 'const unseen = false ? await unseenSource(context, courier, life) : undefined',
      },
    ],
    kinds: copies,
  },
  {
    name: 'any file with a copy’s name is a copy',
    patches: [
      {
        file: 'src/agent/identity/agreement.ts',
        from: "if (!['same', 'short'].includes(await compareDelivered(context, courier, content, found))) return undefined",
        to: 'return { length }',
      },
      {
        file: 'src/agent/identity/agreement.ts',
        from: "if (read.offset > 0 && content.size >= read.offset && compare(read, await sampleAt(content, read)) !== 'same')\n    return undefined",
        to: '',
      },
    ],
    kinds: ['truncate', 'rotate', 'copytruncate'],
  },
  {
    name: 'what is acked by the checkpoint is never listed again',
    patches: [
      { file: 'src/agent/life.ts', from: '    isChecked: false,\n', to: '    isChecked: true,\n' },
      { file: 'src/agent/discovery/rounds.ts', from: 'delivery.isChecked = false', to: '' },
    ],
    kinds: ['bucket emptied', 'bucket backed up', 'bucket restored', 'kill'],
  },
  {
    name: 'an outage of one store holds up the others',
    patches: [
      {
        file: 'src/agent/deliver.ts',
        from: 'if (life.ended) return recordEnd(',
        to: "if ([...context.couriers.values()].some((one) => one.destination.health.state !== 'ok')) return false\n  if (life.ended) return recordEnd(",
      },
    ],
    kinds: ['store down', 'store refusing', 'rotate'],
  },
  {
    name: 'the last window of a chain is taken from the file unseen',
    patches: [
      {
        file: 'src/agent/shipping/as-shipped.ts',
        from: 'if (found?.footprint.window !== delivery.acked.window) return undefined',
        to: 'if (found === undefined) return undefined',
      },
    ],
    kinds: copies,
  },
  {
    name: 'a PUT without an answer counts as stored',
    patches: [
      {
        file: 'src/agent/destination.ts',
        from: "if (!isCode(error, 'unavailable', 'refused') ||",
        to: "if (isCode(error, 'unavailable') && attempt > 0) return 'created' as T\n        if (!isCode(error, 'unavailable', 'refused') ||",
      },
      { file: 'src/agent/discovery/rounds.ts', from: 'delivery.isChecked = false', to: '' },
    ],
    kinds: stores,
  },
  {
    name: 'the segment’s key names what the file holds now, not what was delivered',
    patches: [
      {
        file: 'src/agent/shipping/ship.ts',
        from: 'const cargo = { chunk: { offset, bytes }, sha256: read.sha256, after: { offset, window }, isWhole, release }',
        to: 'const cargo = { chunk: { offset, bytes }, sha256: read.sha256, after: { offset, window: bytes.slice(0, 4096) }, isWhole, release }',
      },
    ],
    kinds: everyday,
  },
  {
    name: 'a chain is verified by 1 KiB only',
    patches: [
      { file: 'src/format/limits.ts', from: 'export const windowBytes = 4096', to: 'export const windowBytes = 1024' },
    ],
    kinds: everyday,
  },
  {
    name: 'a seal is one byte short',
    patches: [
      {
        file: 'src/agent/ending/finish.ts',
        from: 'const key = sealKey(context.settings.host, stream, length, digest)',
        to: 'const key = sealKey(context.settings.host, stream, length - 1, digest)',
      },
    ],
    kinds: ['rotate', 'delete'],
  },
  {
    name: 'the compactor writes a segment one byte too early after a restart',
    patches: [
      {
        file: 'src/compactor/plan.ts',
        from: "return { kind: 'continue', from: record.length }",
        to: "return { kind: 'continue', from: Math.max(0, record.length - 1) }",
      },
    ],
    kinds: servers,
  },
  {
    name: 'the first segments of a listing are all that there is',
    patches: [
      {
        file: 'src/bucket/stream-listing.ts',
        from: "if (key?.kind === 'segment') segments.push(listedSegment(entry, key))",
        to: "if (key?.kind === 'segment' && segments.length < 2) segments.push(listedSegment(entry, key))",
      },
    ],
    kinds: ['rotate', 'kill', 'state deleted'],
  },
  {
    name: 'what a file holds after its seal is not shipped',
    patches: [
      {
        file: 'src/agent/shipping/ship.ts',
        from: 'const reason = completionOf(context, life)',
        to: 'if (delivery.sealed) return undefined\n  const reason = completionOf(context, life)',
      },
    ],
    kinds: ['rotate', 'append after rotation', 'append to any'],
  },
  {
    name: 'the checkpoint says what was sent, not what was acked',
    patches: [
      {
        file: 'src/agent/state/checkpoint.ts',
        from: 'const { stream, acked, rollup, confirmed, forkOf, hasGap, sealed, hasAlias } = one',
        to: 'const { stream, sent: acked, rollup, confirmed, forkOf, hasGap, sealed, hasAlias } = one',
      },
      { file: 'src/agent/discovery/rounds.ts', from: 'delivery.isChecked = false', to: '' },
    ],
    kinds: ['kill', 'store bad', 'store slow', 'store down'],
  },
  {
    name: 'of several segments in flight the last answer is taken for the first one’s',
    patches: [
      {
        file: 'src/agent/shipping/ship.ts',
        from: 'const answer = await first.answer',
        to: 'const answer = await (flights.at(-1) ?? first).answer',
      },
      { file: 'src/agent/discovery/rounds.ts', from: 'delivery.isChecked = false', to: '' },
    ],
    kinds: ['kill', 'store bad', 'store late'],
  },
  ...rescueDefects,
]
