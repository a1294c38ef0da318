import { rmSync } from 'node:fs'
import { place, readRecord } from './place.ts'
import { end } from './processes.ts'

/** Ends what `up` started, the readers and writers before the store, and removes all that it wrote. */
export async function down(): Promise<number> {
  const processes = readRecord()?.processes ?? []
  // The agents deliver what they can within 20 s.
  await Promise.all(processes.slice(1).map((running) => end(running, 30_000)))
  const [store] = processes
  if (store) await end(store, 10_000)
  rmSync(place, { recursive: true, force: true })
  return processes.length
}

if (process.argv[1] === import.meta.filename) {
  const ended = await down()
  process.stdout.write(ended === 0 ? 'nothing was up\n' : `${ended} processes ended, ${place} removed\n`)
}
