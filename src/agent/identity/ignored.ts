import { type AgentContext, sourceOf } from '../context.ts'
import type { Courier } from '../courier.ts'
import type { Delivery, Life } from '../life.ts'
import { agreesWithFile } from './agreement.ts'
import type { Content } from './content.ts'
import { agreementBytes } from './rules.ts'

/**
 * `copies: ignore`: the older file, present and on its way to this destination, that holds every byte of this one. Less
 * than 64 KiB in common is chance, and never ignored.
 */
async function originalOf(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
): Promise<Life | undefined> {
  if (sourceOf(context, life)?.copies !== 'ignore' || content.size < agreementBytes) return undefined
  for (const other of context.book.current.values()) {
    // Of two with the same bytes the older is the original: neither must be ignored for the other.
    if (other.ended || other.isUnlinked || other.identity >= life.identity) continue
    if (other.size < content.size || courier.delivery(other) === undefined) continue
    if (await holds(context, other, content)) return other
  }
  return undefined
}

/** Also one that was closed since, because all of it is delivered. */
async function holds(context: AgentContext, other: Life, content: Content): Promise<boolean> {
  const opened =
    other.file === undefined
      ? await context.files.open(other.path, sourceOf(context, other)?.followSymlinks ?? false)
      : undefined
  const file = other.file ?? opened
  try {
    if (file === undefined || file.identity !== other.identity) return false
    return (await agreesWithFile(content, { file, size: content.size })) !== undefined
  } finally {
    await opened?.close()
  }
}

/** Whether nothing of this file goes there (for now), because another one's stream has all of it; asked again when it changes. */
export async function isIgnored(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  content: Content,
): Promise<boolean> {
  const original = await originalOf(context, courier, life, content)
  if (original === undefined) return false
  if (courier.delivery(original)?.stream === undefined) {
    courier.waitFor(life, original)
    return true
  }
  if (!delivery.isBeyond) context.report({ kind: 'ignored', life, delivery, original: original.path })
  delivery.isBeyond = true
  delivery.waitingFor = `holds what ${original.path} holds (copies: ignore)`
  return true
}
