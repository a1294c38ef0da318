import type { Store } from '../store.ts'
import type { World } from '../world.ts'
import type { WrittenWhole } from './ledger.ts'

/** What the store has of files that go whole, against what was written. */
export function judgeWholes(world: World, store: Store): string[] {
  const ledger = world.rescue
  if (ledger === undefined) return []
  const seesWriters = world.setup.rescue?.seesWriters === true
  const found = ledger.missing(store)
  const holders = new Map<WrittenWhole, string[]>()
  for (const [key, object] of store.objects) {
    if (!key.startsWith('wholes/')) continue
    const body = Buffer.from(object.body)
    const whole = ledger.wholes.find(({ versions }) => versions.some((version) => version.equals(body)))
    if (whole === undefined) {
      found.push(`I1 whole: ${key} holds ${body.length} B that no file held`)
      continue
    }
    const isAll = whole.versions.at(-1)?.equals(body) === true
    // Where nobody sees writers, idleness is all that there is; of a file that went under its writer, what was kept goes.
    if (!isAll && seesWriters && !whole.wasCutOff)
      found.push(`I6 whole: ${key} has ${body.length} of ${whole.versions.at(-1)?.length} B of ${whole.name}`)
    holders.set(whole, [...(holders.get(whole) ?? []), `${key} ${body.length}`])
  }
  for (const [{ name, mayRepeat }, keys] of holders)
    if (keys.length > 1 && !mayRepeat && seesWriters) found.push(`I1 whole: ${name} is there as ${keys.join(' and ')}`)
  return found
}
