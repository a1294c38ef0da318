import { createHash } from 'node:crypto'
import type { Chronicle, WrittenFile, WrittenLife } from '../chronicle.ts'
import { couldGive, type StreamView } from './bucket-view.ts'
import { type Streams, streamsOf } from './once.ts'

/** I6: bytes that an agent knew of, and that are in no stream, have a gap that no seal closes. */
export function findSilentLosses(chronicle: Chronicle, streams: Streams): string[] {
  const found: string[] = []
  for (const file of chronicle.files) {
    if (file.kind === 'packed') continue
    for (const life of file.lives) {
      const cause = life.end?.cause
      if (cause !== 'truncate' && cause !== 'deleted') continue
      const seen = Math.min(Math.max(0, ...life.seen.values()), life.versions.at(-1)?.length ?? 0)
      if (seen === 0 || !isKnown(streams, file, life)) continue
      if (isDelivered(chronicle, streams, file, life, seen) || isSaid(streams, file, life)) continue
      // Two agents count generations by what each of them saw: one's gap may stand where the other went on.
      if (chronicle.hadTwoAgents && streamsOf(streams, file).some(({ gaps }) => gaps.length > 0)) continue
      found.push(
        `I6 silent: ${file.identity}: ${seen} B were seen and ${cause === 'deleted' ? 'deleted' : 'cut'}, ${streamsOf(streams, file).map(describe).join(', ') || 'no stream'} says nothing`,
      )
    }
  }
  return found
}

/**
 * An agent can know that there was such a life: it saw the file shrink, or delivered of it what no later life has. (A file
 * that was only asked for its size, and is longer the next time, may have been anything in between.)
 */
function isKnown(streams: Streams, file: WrittenFile, life: WrittenLife): boolean {
  if (life.wasSeenCut) return true
  const later = file.lives.slice(file.lives.indexOf(life) + 1).flatMap(({ versions }) => versions)
  return streamsOf(streams, file).some(
    (view) => view.chain.length > 0 && couldGive(life.versions, view) && !couldGive(later, view),
  )
}

/** In a stream of its own, or in that of a copy of it (copytruncate's, where the file's own stream went on otherwise). */
function isDelivered(
  chronicle: Chronicle,
  streams: Streams,
  file: WrittenFile,
  life: WrittenLife,
  seen: number,
): boolean {
  const copies = chronicle.files.filter(({ source }) => source === file)
  return [file, ...copies]
    .flatMap((one) => streamsOf(streams, one))
    .some((view) => view.chain.length >= seen && couldGive(life.versions, view, seen))
}

function isSaid(streams: Streams, file: WrittenFile, life: WrittenLife): boolean {
  return streamsOf(streams, file).some((view) => {
    if (!couldGive(life.versions, view)) return false
    const sealed = Math.max(-1, ...view.seals.map((seal) => seal.length))
    return view.gaps.some(({ reason, offset, end }) => {
      // Who has no memory of it, and met other bytes than the bucket has, cannot know whether there was more of them.
      if ((reason === 'diverged' && !life.wasForgotten) || offset > view.chain.length) return false
      // A seal says that nothing is missing that nobody saw.
      return end === 'open' ? offset > sealed : end > view.chain.length
    })
  })
}

/** I1, I6: a seal tells the length and the hash of what is there. */
export function findFalseSeals(streams: Streams): string[] {
  return [...streams.values()].flatMap((view) =>
    view.seals
      .filter(({ length, sha256 }) => {
        const sealed = view.chain.subarray(0, length)
        return sealed.length !== length || createHash('sha256').update(sealed).digest('hex') !== sha256
      })
      .map(
        (seal) =>
          `I6 seal: ${view.stream} is sealed at ${seal.length} with another hash, or has only ${view.chain.length} B`,
      ),
  )
}

/** I4: nobody says of a file that stands as it always did that it was truncated or is gone. */
export function findFalseGaps(chronicle: Chronicle, streams: Streams): string[] {
  const found: string[] = []
  for (const view of streams.values()) {
    const files = chronicle.files.filter((file) => file.identity === view.identity)
    const [file] = files
    const gap = view.gaps.find(({ reason }) => reason === 'truncated' || reason === 'gone')
    if (gap === undefined || file === undefined || files.length > 1) continue
    const [life] = file.lives
    const isUntouched =
      file.lives.length === 1 && life?.end === undefined && !life?.wasGone && life?.versions.length === 1
    if (isUntouched && file.kind !== 'packed' && file.inode.links > 0)
      found.push(`I4 gap: ${view.stream} says ${gap.reason}, and its file stands as it always did`)
  }
  return found
}

export function describe(view: StreamView): string {
  const gaps = view.gaps.map(({ offset, end, reason }) => `${offset}-${end} ${reason}`).join(' ')
  const seals = view.seals.map((seal) => seal.length).join(' ')
  return `${view.stream} [${view.path ?? ''}] ${view.chain.length} B${gaps && ` gaps ${gaps}`}${seals && ` seals ${seals}`}`
}
