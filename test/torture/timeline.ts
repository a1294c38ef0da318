import { appendFileSync } from 'node:fs'

/** What happened to whom, with the time that the agents' logs have, too: for whoever looks for a cause. */
export type Note = (text: string) => void

export function openTimeline(file: string): Note {
  return (text) => appendFileSync(file, `${new Date().toISOString()} ${text}\n`)
}
