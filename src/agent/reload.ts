import { type AgentContext, type SourceSettings, sourceOf } from './context.ts'
import { Courier } from './courier.ts'
import type { DestinationSettings } from './destination.ts'
import { address } from './discovery/explore.ts'

/** What an agent at work takes in place of what it had. */
export interface Reload {
  sources: readonly SourceSettings[]
  /** The very settings that a destination was made of: it goes on undisturbed. Others of its name take its place. */
  destinations: readonly DestinationSettings[]
}

/**
 * Takes other sources and destinations. What is known of files stays, and so does every descriptor, until a scan has shown
 * that no source asks for its file any more. `begin` starts a courier's own work. Resolves when nothing works for a
 * destination any more that is not among the new ones: its bucket may be closed then.
 */
export async function reload(
  context: AgentContext,
  couriers: Map<string, Courier>,
  next: Reload,
  begin: (courier: Courier) => void,
): Promise<void> {
  const left = [...couriers.values()].filter(({ destination }) => !next.destinations.includes(destination.settings))
  for (const { name } of left) couriers.delete(name)
  await Promise.all(left.map((courier) => courier.stop()))
  const names = new Set(next.destinations.map(({ name }) => name))
  for (const life of context.book.all())
    for (const { name } of left) {
      const delivery = life.deliveries.get(name)
      if (delivery === undefined) continue
      context.changed(life)
      // It may be asked again some day: then its bucket tells. What is open there now, nobody else does.
      if (!names.has(name)) life.deliveries.delete(name)
      else {
        delivery.sent = delivery.acked
        delivery.isChecked = false
      }
    }
  for (const settings of next.destinations) {
    if (couriers.has(settings.name)) continue
    const courier = new Courier(context, settings)
    couriers.set(settings.name, courier)
    begin(courier)
  }
  context.book.unasked = new Set([...context.book.current.values()].filter(({ file }) => file !== undefined))
  context.settings = { ...context.settings, sources: next.sources }
  // No scan meets a file without a name. What is left of one in the spool is only for those that it was kept for.
  for (const life of context.book.current.values()) {
    const source = sourceOf(context, life)
    if (!life.isUnlinked || life.file === undefined || life.file.keptFrom !== undefined || source === undefined)
      continue
    address(context, life, source)
    context.look(life)
  }
  context.scan()
}
