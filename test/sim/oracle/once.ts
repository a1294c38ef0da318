import { type Chronicle, linesOf, placedLinesOf, unpacked, type WrittenFile, type WrittenLife } from '../chronicle.ts'
import { couldGive, type StreamView } from './bucket-view.ts'

export type Streams = ReadonlyMap<string, StreamView>

/** I1: every chain is the beginning of something that one file held. */
export function findStrangers(chronicle: Chronicle, streams: Streams): string[] {
  const found: string[] = []
  for (const view of streams.values()) {
    if (view.chain.length === 0) continue
    const versions = chronicle.family(view.identity).flatMap(versionsOf)
    if (!couldGive(versions, view))
      found.push(
        `I1 mixed: ${view.stream} (${view.path}) holds ${view.chain.length} B that no file held: ${brief(view.chain)}`,
      )
  }
  return found
}

function versionsOf(file: WrittenFile): Buffer[] {
  return file.lives
    .flatMap((life) => life.versions)
    .flatMap((version) => (file.kind === 'packed' ? [version, unpacked(version) ?? version] : [version]))
}

/** I1: what a file holds now is delivered. `present`: the files that an agent can read, by path. */
export function findMissing(
  chronicle: Chronicle,
  streams: Streams,
  present: Iterable<readonly [string, WrittenFile]>,
): string[] {
  const found: string[] = []
  for (const [path, file] of present) {
    const life = file.lives.at(-1)
    const whole = life?.versions.at(-1) ?? Buffer.alloc(0)
    const content = file.kind === 'packed' ? whole : solid(whole)
    if (life === undefined || content.length === 0) continue
    const own = streamsOf(streams, file)
    // A clone's file may have been edited where nobody looks, and be what a bucket was filled with.
    const twins = chronicle.files.filter(({ identity }) => identity === file.identity)
    const recent = twins.flatMap(sinceTruncation)
    const versions = recent.flatMap((one) => one.versions)
    const wasEdited = recent.some((one) => one.versions.length > 1)
    const wanted = file.kind === 'packed' ? [content, unpacked(content) ?? content] : [content]
    const isThere = own.some(
      (view) =>
        wanted.some((bytes) => startsWith(view.chain, bytes)) ||
        (wasEdited && view.chain.length >= content.length && isFromAny(versions, view.chain, content.length)),
    )
    if (!isThere)
      found.push(
        `I1 missing: ${file.machine}:${path} (${file.identity}, ${content.length} B) is in none of ${own.map((view) => `${view.stream} ${view.chain.length} B`).join(', ') || 'no stream'}`,
      )
  }
  return found
}

/** The life now, and those before it that a power cut ended: what they left stands at its beginning, edits and all. */
function sinceTruncation({ lives }: WrittenFile): WrittenLife[] {
  const before = lives.slice(0, -1)
  const cut = before.findLastIndex(({ end }) => end?.cause !== 'power')
  return lives.slice(cut + 1)
}

/** A read in the middle of an edit has some bytes from before it, and some from after it. */
function isFromAny(versions: readonly Buffer[], chain: Buffer, length: number): boolean {
  for (let at = 0; at < length; at++) if (!versions.some((version) => version[at] === chain[at])) return false
  return true
}

/** Trailing NULs may be no bytes yet. */
function solid(content: Buffer): Buffer {
  let end = content.length
  while (end > 0 && content[end - 1] === 0) end--
  return content.subarray(0, end)
}

export function startsWith(whole: Buffer, beginning: Buffer): boolean {
  return whole.length >= beginning.length && whole.subarray(0, beginning.length).equals(beginning)
}

/** Streams of the file, and of those that it is a copy of. */
export function streamsOf(streams: Streams, file: WrittenFile): StreamView[] {
  const identities = new Set<string>()
  for (let one: WrittenFile | undefined = file; one; one = one.source) identities.add(one.identity)
  return [...streams.values()].filter((view) => identities.has(view.identity))
}

/**
 * I1, I3: a line is in as many streams as it was written to files; besides in forks that name what they share, and in
 * lives that were truncated while two agents ran.
 */
export function findRepeated(chronicle: Chronicle, streams: Streams): string[] {
  const holders = new Map<number, StreamView[]>()
  for (const view of streams.values()) {
    for (const line of ownLines(streams, view)) holders.set(line, [...(holders.get(line) ?? []), view])
  }
  const found = new Map<string, string>()
  for (const [number, views] of holders) {
    const line = chronicle.lines.get(number)
    if (line === undefined || views.length <= line.writings + uncutCopies([...line.files]).length) continue
    const wasCut = [...line.files].some((file) => file.lives.some((life) => life.end && life.end.cause !== 'deleted'))
    if (chronicle.hadTwoAgents && wasCut) continue
    // Known: a disk was turned back, and its file copied and cut before anything of it was delivered since. What the bucket
    // has of that identity differs from the copy, and the file that both began as is gone: nothing but its name ties the
    // copy to that stream, so that it does not name what the two share.
    if (chronicle.hadOtherHistories && [...line.files].some((file) => file.kind === 'copy')) continue
    if ([...line.files].some((file) => isLeftAlone(file) || isOfEdited(streams, file))) continue
    const names = views.map((view) => view.stream).join(' and ')
    if (!found.has(names)) found.set(names, `I1 twice: line ${number}, written ${line.writings} times, is in ${names}`)
  }
  return [...found.values()]
}

/** Copytruncates that were interrupted: their source was not cut for them, and both are files with these bytes. */
function uncutCopies(files: readonly WrittenFile[]): WrittenFile[] {
  const copies = files.filter(({ kind }) => kind === 'copy')
  return copies.filter((copy) => {
    const beganMs = copy.lives[0]?.beganMs ?? 0
    const cutMs = copy.source?.lives.find(({ end }) => end?.cause === 'truncate' && end.atMs >= beganMs)?.end?.atMs
    // The cut is the later copy's.
    return (
      cutMs === undefined || copies.some((other) => other.source === copy.source && isBetween(other, beganMs, cutMs))
    )
  })
}

function isBetween({ lives }: WrittenFile, afterMs: number, untilMs: number): boolean {
  const beganMs = lives[0]?.beganMs ?? 0
  return beganMs > afterMs && beganMs <= untilMs
}

/** Known: the copy of a file that was edited in place, and is nothing that was delivered of its source. */
function isOfEdited(streams: Streams, { kind, source, lives }: WrittenFile): boolean {
  if (kind !== 'copy' || !source?.lives.some(({ versions }) => versions.length > 1)) return false
  const content = lives.at(-1)?.versions.at(-1) ?? Buffer.alloc(0)
  const delivered = [...streams.values()].filter(({ identity }) => identity === source.identity)
  return !delivered.some(({ chain }) => chain.length > 0 && (startsWith(chain, content) || startsWith(content, chain)))
}

/**
 * Known: the copy of a file that was cut and deleted while no agent ran: nothing is left that says that it was cut, and not
 * just deleted.
 */
function isLeftAlone({ kind, source }: WrittenFile): boolean {
  if (kind !== 'copy' || source === undefined || source.inode.links > 0) return false
  return source.lives.some(({ end, wasSeenCut }) => end?.cause === 'truncate' && !wasSeenCut)
}

/**
 * The lines of a stream, less those that it has in common with the one that it forked from: what it says that it shares,
 * and, since equal bytes at equal offsets are one history, what comes after an edit at the same place.
 */
function ownLines(streams: Streams, { chain, forkOf }: StreamView): number[] {
  if (forkOf === undefined) return linesOf(chain)
  const from = streams.get(forkOf.stream)?.chain
  const isShared = (start: number, end: number): boolean =>
    from === undefined ? end <= forkOf.shared : chain.subarray(start, end).equals(from.subarray(start, end))
  return placedLinesOf(chain).flatMap(({ line, start, end }) => (isShared(start, end) ? [] : [line]))
}

/**
 * I1: what a fork says that it shares, it does share: here, or (an origin is made once, and is the same everywhere) in the
 * store where it was made. What is younger there than the fork itself took the place of what the bucket lost: nothing was
 * said of it.
 */
export function findFalseForks(chronicle: Chronicle, streams: Streams, others: readonly Streams[]): string[] {
  return [...streams.values()].flatMap((view) => {
    if (view.forkOf === undefined || isTrueFork(streams, view, view.forkOf)) return []
    const { stream, shared } = view.forkOf
    if (wasEditedSince(chronicle, view, streams.get(stream)?.chain.subarray(0, shared))) return []
    const isMadeElsewhere = others.some((other) => {
      const there = other.get(view.stream)
      return there && other.has(stream) && there.forkOf?.shared === shared && isTrueFork(other, there, there.forkOf)
    })
    return isMadeElsewhere ? [] : [`I1 fork: ${view.stream} does not share ${shared} B with ${stream}`]
  })
}

function isTrueFork(
  streams: Streams,
  view: StreamView,
  { stream, shared }: { stream: string; shared: number },
): boolean {
  const from = streams.get(stream)
  if (from === undefined) return true
  const saidMs = view.segments[0]?.storedAtMs ?? 0
  const replaced = from.segments.find((segment) => segment.storedAtMs > saidMs)?.offset ?? from.chain.length
  const length = Math.min(shared, view.chain.length, replaced)
  return view.chain.subarray(0, length).equals(from.chain.subarray(0, length))
}

/**
 * Its file was edited in place after it was held against the other stream, and before it was shipped (DESIGN.md section 4: "what
 * was shipped is kept", and an origin is made once, before the rest is read): the life that the fork holds did share it.
 */
function wasEditedSince(chronicle: Chronicle, view: StreamView, shared: Buffer | undefined): boolean {
  const lives = chronicle.files.filter(({ identity }) => identity === view.identity).flatMap((file) => file.lives)
  return lives.some(
    ({ versions }) =>
      shared !== undefined &&
      couldGive(versions, view) &&
      versions.slice(0, -1).some((version) => startsWith(version, shared)),
  )
}

export function brief(bytes: Buffer): string {
  const text = bytes
    .toString('latin1')
    .replace(/#{9,}/g, '#…')
    .replace(/\.{4,}/g, '…')
    .replaceAll('\n', ' ')
  return text.length > 300 ? `${text.slice(0, 200)} … ${text.slice(-80)}` : text
}
