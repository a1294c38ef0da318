import { nameOfAddress, parseStoreUrl, placeOfAddress } from '../config/store-url.ts'
import { type CommandInput, rateOf, textOf, usageError } from './command.ts'
import type { AgentDestination } from './compose-agent.ts'
import { storeSettings } from './open-bucket.ts'

/** The destinations that `--to` names, with what the other options say of all of them. */
export function destinationsOf(input: CommandInput, urls: readonly string[]): AgentDestination[] {
  const rate = rateOf(input.values, 'rate')
  const addresses = urls.map(parseStoreUrl)
  const places = addresses.map((address) => placeOfAddress(address, textOf(input.values, 'endpoint')))
  const doubled = urls.find((_, at) => places.indexOf(places[at] ?? '') !== at)
  if (doubled !== undefined) throw usageError(`--to ${doubled}: is named twice`, 'name each destination once')
  const names = addresses.map(nameOfAddress)
  return urls.map((url, at) => {
    const name = names.filter((other) => other === names[at]).length > 1 ? url : (names[at] ?? url)
    return { name, url, ...storeSettings(input.values), rate, budget: { burst: 1_000_000, everyMs: 1 } }
  })
}
