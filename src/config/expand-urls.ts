import { LogcaskError } from '../base/errors.ts'
import type { EnvironmentProblem } from './environment.ts'
import { expandUrl, type HostFacts } from './template.ts'

/** The settings of a file, with what stands in braces in the URLs of its destinations replaced. */
export function expandUrls(settings: unknown, machine: HostFacts, problems: EnvironmentProblem[]): unknown {
  if (!isFields(settings) || !Array.isArray(settings.destinations)) return settings
  const own = typeof settings.machineId === 'string' ? { ...machine, machineId: settings.machineId } : machine
  const destinations = settings.destinations.map((one: unknown, at) => {
    if (!isFields(one) || typeof one.url !== 'string') return one
    try {
      return { ...one, url: expandUrl(one.url, own) }
    } catch (error) {
      if (!(error instanceof LogcaskError)) throw error
      problems.push({ path: ['destinations', at, 'url'], message: error.message, fix: error.hint ?? '' })
      return one
    }
  })
  return { ...settings, destinations }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
