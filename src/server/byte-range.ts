/** What a client asks of a content that has `length` bytes now: the half-open range to send, and how. Pure. */
export type ContentPlan =
  | { kind: 'whole'; start: 0; end: number }
  | { kind: 'part'; start: number; end: number }
  | { kind: 'unchanged' }
  | { kind: 'unsatisfiable' }

export interface Conditions {
  range?: string | undefined
  ifRange?: string | undefined
  ifNoneMatch?: string | undefined
}

/**
 * RFC 9110, sections 13 and 14: If-None-Match comes first, then Range, if If-Range has the same strong ETag. Several
 * ranges at once, another unit and what cannot be read are answered with the whole, as it allows.
 */
export function planContent(length: number, etag: string, asked: Conditions): ContentPlan {
  const { range, ifRange, ifNoneMatch } = asked
  if (ifNoneMatch !== undefined && holdsTag(ifNoneMatch, etag)) return { kind: 'unchanged' }
  const whole: ContentPlan = { kind: 'whole', start: 0, end: length }
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== etag)) return whole
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(range.replaceAll(/[ \t]/g, ''))
  const [first = '', last = ''] = match?.slice(1) ?? []
  if (match === null || (first === '' && last === '')) return whole
  if (first === '') {
    const count = Math.min(length, Number(last))
    return count === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: length - count, end: length }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return whole
  if (start >= length) return { kind: 'unsatisfiable' }
  return { kind: 'part', start, end: last === '' ? length : Math.min(length, Number(last) + 1) }
}

/** If-None-Match compares weakly: a proxy may have weakened ours. */
function holdsTag(header: string, etag: string): boolean {
  return header.split(',').some((one) => {
    const tag = one.trim()
    return tag === '*' || tag.replace(/^W\//, '') === etag
  })
}
