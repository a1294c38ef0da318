import { LogcaskError } from '../../base/errors.ts'
import { listObjects } from '../../bucket/bucket.ts'
import { parseKey, streamPrefix } from '../../format/keys.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import type { OpenFile } from '../files/files.ts'
import { decodedBytesMax } from '../identity/decoded.ts'
import { hashFile } from '../identity/generations.ts'
import { inspectChain } from '../identity/inspect.ts'
import { type Delivery, isOwnStream, type Life } from '../life.ts'
import { isSealStored } from './finish.ts'

/** A destination that does not show the whole of a file within this is asked again later: other files wait for the answer (I5). */
const answerMs = 60_000

/** [delete] The whole chain, the seal and the gaps are listed again in every destination. */
export async function confirm(
  context: AgentContext,
  life: Life,
): Promise<{ isEverywhere: boolean; hasOpenGap: boolean }> {
  let isEverywhere = true
  let hasOpenGap = false
  for (const [name, delivery] of life.deliveries) {
    const courier = context.couriers.get(name)
    if (courier === undefined) return { isEverywhere: false, hasOpenGap }
    await within(context, `${name} did not answer within ${answerMs / 1000} s`, async (timed) => {
      isEverywhere &&= await isWhole(timed, courier, delivery)
      hasOpenGap ||= await hasGapBeyond(timed, courier, delivery)
    })
  }
  return { isEverywhere, hasOpenGap }
}

/** Runs `work` with a context whose requests end after a while: rejects with `why` then. */
async function within<T>(context: AgentContext, why: string, work: (timed: AgentContext) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const cancel = context.clock.timer(answerMs, () => late.abort(new LogcaskError('unavailable', why)))
  const signal = AbortSignal.any([context.signal, late.signal])
  try {
    return await work(Object.create(context, { signal: { value: signal } }) as AgentContext)
  } finally {
    cancel()
  }
}

async function isWhole(context: AgentContext, courier: Courier, { stream, sealed }: Delivery): Promise<boolean> {
  if (stream === undefined || sealed === undefined) return false
  const { footprint } = await inspectChain(context, courier, stream)
  return footprint.offset === sealed.length && (await isSealStored(context, courier, stream, sealed))
}

/** A seal closes an open gap that does not begin after its end. */
async function hasGapBeyond(context: AgentContext, courier: Courier, { stream, sealed }: Delivery): Promise<boolean> {
  if (stream === undefined || sealed === undefined) return false
  const { destination } = courier
  const prefix = streamPrefix('gaps', context.settings.host, stream)
  const objects = await destination.request(
    (signal) => listObjects(destination.bucket, prefix, { signal }),
    context.signal,
  )
  return objects.some((object) => {
    const key = parseKey(object.key)
    return key?.kind === 'gap' && key.end === 'open' && key.offset > sealed.length
  })
}

/** The bytes on the disk, all of them read again, are those that the seals speak of. */
export async function isAsSealed(context: AgentContext, life: Life, file: OpenFile): Promise<boolean> {
  const hashes = new Map<boolean, string>()
  for (const { stream, sealed } of life.deliveries.values()) {
    if (stream === undefined || sealed === undefined) return false
    const isDecoded = life.copy?.reason === 'compressed' && !isOwnStream(life, stream)
    const hash = hashes.get(isDecoded) ?? (isDecoded ? await hashDecoded(context, file) : await hashWhole(file))
    hashes.set(isDecoded, hash)
    if (hash !== `${sealed.length} ${sealed.sha256}`) return false
  }
  return life.deliveries.size > 0
}

async function hashWhole(file: OpenFile): Promise<string> {
  const { size } = file.stat()
  return `${size} ${await hashFile({ file, size })}`
}

/** Decoded anew: from what is there now. */
async function hashDecoded(context: AgentContext, file: OpenFile): Promise<string> {
  const decoded = await context.files.decode(file, decodedBytesMax)
  if (decoded === undefined || decoded === 'too-large') return ''
  try {
    return await hashWhole(decoded)
  } finally {
    await decoded.close()
  }
}
