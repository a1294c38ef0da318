/** Quantities as people read them. What they write is parsed in base/quantity.ts. */

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `1.2 GiB`. Binary, as the sizes that other tools show for files and memory. */
export function formatBytes(bytes: number): string {
  const power = bytePower(bytes)
  return `${scaled(bytes, power)} ${byteUnits[power]}`
}

/** `1.2/1.5 GiB`: both in the unit of the whole. */
export function formatBytesOf(bytes: number, total: number): string {
  const power = bytePower(total)
  return `${scaled(bytes, power)}/${scaled(total, power)} ${byteUnits[power]}`
}

/** `214 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

function bytePower(bytes: number): number {
  let power = 0
  // 1023.95 KiB would read "1024 KiB" once rounded.
  while (power < byteUnits.length - 1 && bytes / 1024 ** power >= (power === 0 ? 1024 : 1023.95)) power++
  return power
}

function scaled(bytes: number, power: number): string {
  const value = bytes / 1024 ** power
  return power === 0 || value >= 99.95 ? String(Math.round(value)) : value.toFixed(1)
}

/** `104,857,600`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `1 segment`, `4,711 segments`. */
export function countText(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

const durationUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** `1h30m`, as it is written in a configuration: `parseDuration` gives back the same whole milliseconds. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms)
  let text = ''
  for (const [name, unit] of durationUnits) {
    if (rest >= unit) text += `${Math.floor(rest / unit)}${name}`
    rest %= unit
  }
  return text === '' ? '0s' : text
}

/** `1 h 30 m`, for people: the two largest units, and seconds as the smallest. */
export function formatSpan(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return ms < 9_950 && ms > 0 ? `${Number((ms / 1000).toPrecision(2))} s` : `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's')
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm')
  const hours = Math.round(minutes / 60)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** `now`, `9 s ago`, `14 m ago`, `3 d ago`: one unit, rounded down. */
export function formatAge(ms: number): string {
  if (ms < 1000) return 'now'
  const [name, unit] = durationUnits.find(([, size]) => ms >= size) ?? ['s', 1000]
  return `${Math.floor(ms / unit)} ${name} ago`
}

/** `$8.40`, `$0.002`; cents, and below ten of them one significant digit. */
export function formatDollars(dollars: number): string {
  if (dollars === 0) return '$0'
  if (dollars < 0.001) return '<$0.001'
  if (dollars < 0.095) return `$${Number(dollars.toPrecision(1))}`
  return dollars < 1000 ? `$${dollars.toFixed(2)}` : `$${formatCount(Math.round(dollars))}`
}
