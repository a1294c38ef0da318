/** Quantities as people write them. Each answers undefined for what is none: the caller knows where it stood. */

const byteUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `20MB` (decimal) or `20MiB` (binary) in bytes; the unit is needed, and `M` alone is none: nobody knows which of the two. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgt]?i?b)$/i.exec(text)
  const unit = byteUnits[match?.[2]?.toLowerCase() ?? '']
  return unit === undefined ? undefined : whole(Number(match?.[1]) * unit)
}

/** `20MB/s` in bytes per second. */
export function parseRate(text: string): number | undefined {
  return text.endsWith('/s') ? parseBytes(text.slice(0, -2)) : undefined
}

/** `10m`, `1h30m`, `250ms` or `1.5s` in milliseconds: each unit at most once, the larger before the smaller. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]) ?)+$/.test(`${text} `)) return undefined
  let total = 0
  let last = Number.POSITIVE_INFINITY
  for (const [, number, name = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    const unit = durationUnits[name] ?? 0
    if (unit >= last) return undefined
    total += Number(number) * unit
    last = unit
  }
  return whole(total)
}

function whole(value: number): number | undefined {
  const rounded = Math.round(value)
  return Number.isSafeInteger(rounded) ? rounded : undefined
}
