import { LogcaskError } from '../../base/errors.ts'
import type { AgentContext } from '../context.ts'
import { type Life, newDelivery, newLife } from '../life.ts'
import { lifeKey } from '../state/checkpoint.ts'
import type { SpoolFiles, SpoolRecord } from './spool-files.ts'

/**
 * The life of an entry goes on, with what is kept as its file. Rejects, with nothing changed but that the life is left to
 * another run, where the entry cannot be opened, or none of its destinations is there any more.
 */
export async function restoreEntry(context: AgentContext, files: SpoolFiles, record: SpoolRecord): Promise<void> {
  const { book, settings, couriers, clock } = context
  const known = [...book.all()].find((life) => lifeKey({ ...life, ended: undefined }) === record.key)
  const file = await files.open(record, record.life.identity).catch((error) => {
    // What cannot be opened now is not gone (I4): nothing is recorded of it.
    if (known) book.forget(known)
    throw error
  })
  const life = known ? revived(context, known) : born(record)
  for (const name of record.to)
    if (couriers.has(name) && !life.deliveries.has(name)) life.deliveries.set(name, newDelivery(name))
  if (life.deliveries.size === 0) {
    await file.close()
    throw new LogcaskError('invalid', `${life.path}: was kept for ${record.to.join(', ')}, which is no destination`, {
      hint: 'put that destination back into the configuration, and restart: it is delivered then',
    })
  }
  const seen = Math.max(record.seen, life.size)
  // Durable before the life's own size forgets it.
  if (seen > record.seen) await files.note({ ...record, seen })
  if (known === undefined) book.restore(life)
  life.file = file
  life.isUnlinked = life.isMet = life.isWatched = true
  life.isUnspooled = false
  // What is kept is delivered; then it is recorded that the rest is lost, or that nobody saw the end.
  if (seen > record.end || !record.isOver) life.cutFrom = seen
  life.size = record.end
  life.stamp = file.stat().stamp
  life.grewAtMs = clock.monotonic()
  life.pendingSinceMs = life.grewAtMs
  if (settings.isOneShot) life.limit = record.end
}

/** Its end was to be recorded: what is kept is delivered first. */
function revived({ book }: AgentContext, life: Life): Life {
  if (life.ended === undefined) return life
  book.forget(life)
  life.ended = undefined
  for (const delivery of life.deliveries.values()) {
    delivery.hasGap = false
    delivery.isChecked = false
  }
  book.restore(life)
  return life
}

function born({ life: saved }: SpoolRecord): Life {
  const life = newLife({ ...saved, destinations: [] })
  life.isOwn = saved.isOwn
  life.copy = saved.copy
  return life
}
