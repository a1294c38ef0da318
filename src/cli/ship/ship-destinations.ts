import { nameOfAddress, parseStoreUrl, placeOfAddress } from '../../config/store-url.ts'
import { type CommandInput, rateOf, usageError } from '../command.ts'
import type { AgentDestination } from '../compose/compose-agent.ts'
import { storeSettings } from '../compose/open-bucket.ts'

/** The destinations that `--to` names, with what the other options say of all of them. */
export function destinationsOf(input: CommandInput, urls: readonly string[]): AgentDestination[] {
  const rate = rateOf(input.values, 'rate')
  return namedDestinations(
    urls.map((url) => ({ url, ...storeSettings(input.values), rate })),
    ({ url }) => `--to ${url}`,
  ).map((one) => ({ ...one, budget: { burst: 1_000_000, everyMs: 1 } }))
}

/** Each with a name, its own or its place's; throws where one is named twice. `shown` is how messages call it. */
export function namedDestinations<T extends { url: string; name?: string | undefined; endpoint?: string | undefined }>(
  given: readonly T[],
  shown: (one: T) => string,
): (T & { name: string })[] {
  const addresses = given.map(({ url }) => parseStoreUrl(url))
  const places = addresses.map((address, at) => placeOfAddress(address, given[at]?.endpoint))
  const doubled = given.find((_, at) => places.indexOf(places[at] ?? '') !== at)
  if (doubled !== undefined) throw usageError(`${shown(doubled)}: is named twice`, 'name each destination once')
  const names = addresses.map((address, at) => given[at]?.name ?? nameOfAddress(address))
  return given.map((one, at) => {
    const isOnly = names.filter((other) => other === names[at]).length === 1
    return { ...one, name: (isOnly ? names[at] : undefined) ?? one.url }
  })
}
