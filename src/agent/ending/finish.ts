import { isoTime } from '../../base/clock.ts'
import { sha256 } from '../../base/hash.ts'
import { encodeAlias } from '../../format/alias.ts'
import { beforeOf, chainStart } from '../../format/chain.ts'
import { aliasKey, sealKey, segmentKey } from '../../format/keys.ts'
import { encodeSeal, type SealReason } from '../../format/seal.ts'
import { type AgentContext, doubt } from '../context.ts'
import type { Courier } from '../courier.ts'
import type { SealRef } from '../identity/catalogue.ts'
import { contentOf, sampleAt } from '../identity/content.ts'
import { compare } from '../identity/evidence.ts'
import { hashContent, inspectChain } from '../identity/inspect.ts'
import { type Delivery, isOwnStream, type Life, originAt } from '../life.ts'
import { listAsShipped } from '../shipping/as-shipped.ts'
import { completionOf } from './complete.ts'

/** Creates a small record, or finds it there: its key is its content. */
export async function createRecord(
  context: AgentContext,
  courier: Courier,
  key: string,
  text: string,
): Promise<'created' | 'exists'> {
  const body = Buffer.from(text)
  const { destination } = courier
  return destination.request(
    (signal) => destination.bucket.put(key, body, { mode: 'create', sha256: sha256(body), signal }),
    context.signal,
  )
}

/** Alias and seal of a life that is complete and delivered. True where something was written. */
export async function finish(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
): Promise<boolean> {
  const content = contentOf(life, delivery)
  const reason = completionOf(context, life)
  const stream = delivery.stream
  if (content === undefined || stream === undefined) return false
  // A live file's alias does not wait for its end.
  if (reason === undefined && (life.copy?.reason !== 'adopted' || delivery.hasAlias)) return false
  const { offset } = delivery.acked
  if (offset > content.size) {
    delivery.isBeyond = reason !== undefined
    return false
  }
  if (offset < content.size) return false
  if (!isOwnStream(life, stream) && !delivery.hasAlias) {
    await recordAlias(context, courier, life, delivery, stream)
    return true
  }
  if (reason === undefined) return false
  if (delivery.sealed?.length === offset) return isSealGone(context, courier, delivery, stream, delivery.sealed)
  if (!['same', 'edited'].includes(compare(delivery.acked, await sampleAt(content, delivery.acked)))) {
    doubt(context, life)
    return false
  }
  return seal(context, courier, life, delivery, stream, reason)
}

async function recordAlias(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  stream: string,
): Promise<void> {
  const key = aliasKey(context.settings.host, life.identity, stream)
  const record = { reason: life.copy?.reason ?? 'copy', origin: life.origin, at: isoTime(context.clock.now()) }
  await createRecord(context, courier, key, encodeAlias(record))
  ;(await courier.knownCatalogue)?.addKey(key)
  delivery.hasAlias = true
  context.changed(life)
}

/** The whole chain is listed again, then the statement that it is complete is made, with the hash of what was shipped. */
async function seal(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  stream: string,
  reason: SealReason,
): Promise<boolean> {
  const length = delivery.acked.offset
  const found =
    (await listAsShipped(context, courier, life, delivery, stream)) ?? (await inspectChain(context, courier, stream))
  if (delivery.stream !== stream || delivery.acked.offset !== length || life.ended) return true
  if (found.footprint.offset !== length || found.footprint.window !== delivery.acked.window) {
    // Somebody shipped on, or the bucket lost something: see what is there, and fill it again.
    delivery.isChecked = false
    delivery.isWholeCheck = true
    return true
  }
  const digest = await hashContent(context, courier, life, delivery, found)
  const now = contentOf(life, delivery)
  if (digest === undefined || delivery.stream !== stream || now === undefined || now.size !== length) {
    doubt(context, life)
    return false
  }
  const wasThere = await isSealedThere(context, courier, stream, { length, sha256: digest })
  if (!wasThere) {
    const origin = originAt(life, delivery)
    const key = sealKey(context.settings.host, stream, length, digest)
    await createRecord(context, courier, key, encodeSeal({ origin, reason, sealedAt: isoTime(context.clock.now()) }))
    ;(await courier.knownCatalogue)?.addKey(key)
  }
  delivery.sealed = { length, sha256: digest }
  life.seals++
  context.changed(life)
  context.report({ kind: 'sealed', life, delivery, length, sha256: digest, reason, wasThere })
  return true
}

/** Where the bucket was turned back, a seal that we know may be gone: then it is made again. */
async function isSealGone(
  context: AgentContext,
  courier: Courier,
  delivery: Delivery,
  stream: string,
  sealed: SealRef,
): Promise<boolean> {
  if (!delivery.isSealUnseen) return false
  const { isOneShot } = context.settings
  // A one-shot run lists them all now; what a daemon listed at its start may be long ago.
  if (isOneShot) await courier.catalogue()
  const isThere = isOneShot
    ? await isSealedThere(context, courier, stream, sealed)
    : await isSealStored(context, courier, stream, sealed)
  delivery.isSealUnseen = false
  if (isThere) return false
  ;(await courier.knownCatalogue)?.forgetRecords(stream)
  if (delivery.sealed === sealed) delivery.sealed = undefined
  return true
}

/** By what was listed; a `final` segment is the seal as well. */
async function isSealedThere(context: AgentContext, courier: Courier, stream: string, seal: SealRef): Promise<boolean> {
  const catalogue = await courier.knownCatalogue
  if (catalogue?.seals(stream).some((one) => one.length === seal.length && one.sha256 === seal.sha256)) return true
  return isFinal(context, courier, stream, seal)
}

/** Asks for it, whatever was listed before. */
export async function isSealStored(
  context: AgentContext,
  courier: Courier,
  stream: string,
  seal: SealRef,
): Promise<boolean> {
  return (await isStored(context, courier, stream, seal)) || (await isFinal(context, courier, stream, seal))
}

async function isStored(context: AgentContext, courier: Courier, stream: string, seal: SealRef): Promise<boolean> {
  const key = sealKey(context.settings.host, stream, seal.length, seal.sha256)
  const { destination } = courier
  return (await destination.request((signal) => destination.bucket.head(key, { signal }), context.signal)) !== undefined
}

async function isFinal(context: AgentContext, courier: Courier, stream: string, seal: SealRef): Promise<boolean> {
  if (seal.length === 0) return false
  const key = segmentKey(context.settings.host, stream, 0, beforeOf(chainStart))
  const { destination } = courier
  const first = await destination.request((signal) => destination.bucket.head(key, { signal }), context.signal)
  return first?.size === seal.length && first.metadata.final === seal.sha256
}
