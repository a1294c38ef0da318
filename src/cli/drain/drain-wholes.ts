import type { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import { isCode } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { showsContent } from '../../bucket/sameness.ts'
import type { Lack } from './drain-verify.ts'

/** Of files that go whole: what is not complete even now, and what a destination, asked anew, does not show. */
export async function verifyWholes(
  wholes: WholeShipper | undefined,
  bucketOf: (destination: string) => Bucket | undefined,
  signal: AbortSignal,
): Promise<Lack[]> {
  const lacks: Lack[] = []
  for (const file of wholes?.met ?? []) {
    const { path, completion } = file
    for (const destination of wholes?.destinationsOf(file) ?? []) {
      if (completion.kind === 'held') {
        lacks.push({ path, destination, problem: `is not complete: ${completion.why}` })
        continue
      }
      const delivery = file.deliveries.get(destination)
      const bucket = bucketOf(destination)
      if (bucket === undefined || delivery === undefined) {
        lacks.push({ path, destination, problem: 'it is not there' })
        continue
      }
      const { key } = delivery
      try {
        if (!(await showsContent(bucket, key, delivery, (ask) => ask(signal))))
          lacks.push({ path, destination, problem: `${key} is not there, or does not hold the file` })
      } catch (error) {
        if (!isCode(error, 'unavailable', 'refused', 'corrupt')) throw error
        lacks.push({ path, destination, problem: error.message })
      }
    }
  }
  return lacks
}
