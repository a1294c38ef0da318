import type { Clock } from '../../base/clock.ts'
import type { Supervisor } from '../../base/supervisor.ts'
import { countText, formatBytes } from '../terminal/units.ts'
import type { StatusRecord } from './agent-status.ts'

/** systemd gives up on a start after 90 s: a store that hangs that long must not keep the others from being delivered to. */
const readyAtTheLatestMs = 60_000
const lookEveryMs = 200
const statusEveryMs = 30_000

/**
 * Tells the service manager when the agent is ready, how it stands, and, as long as events and scans come round, that it
 * lives: this loop itself stands still with the process. Ends when aborted.
 */
export async function keepNotified(
  supervisor: Supervisor,
  status: () => StatusRecord,
  isStalled: () => boolean,
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  signal: AbortSignal,
  onProblem: (error: unknown) => void,
): Promise<void> {
  const watching = keepAlive(supervisor, isStalled, clock, signal, onProblem)
  const startedMs = clock.monotonic()
  while (!signal.aborted && (status().notReady ?? []).length > 0 && clock.monotonic() - startedMs < readyAtTheLatestMs)
    await clock.sleep(lookEveryMs, signal).catch(() => {})
  let said = ''
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const text = noticeText(status())
    if (text !== said) await supervisor.tell(...(isFirst ? ['READY=1'] : []), `STATUS=${text}`).catch(onProblem)
    said = text
    await clock.sleep(statusEveryMs, signal).catch(() => {})
  }
  await watching
}

/** At half of the time, as sd_watchdog_enabled(3) asks for. */
async function keepAlive(
  supervisor: Supervisor,
  isStalled: () => boolean,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  onProblem: (error: unknown) => void,
): Promise<void> {
  const { watchdogMs } = supervisor
  if (watchdogMs === undefined) return
  while (!signal.aborted) {
    if (!isStalled()) await supervisor.tell('WATCHDOG=1').catch(onProblem)
    await clock.sleep(watchdogMs / 2, signal).catch(() => {})
  }
}

/** `214 files · eu ok · us DOWN, 1.1 GiB behind`, as `systemctl status` shows it. */
export function noticeText({ files, destinations, losses, notReady = [] }: StatusRecord): string {
  return [
    countText(files, 'file'),
    ...destinations.map(({ name, state, behindBytes }) => {
      const word = state === 'down' ? 'DOWN' : state
      return state === 'ok' || behindBytes === 0
        ? `${name} ${word}`
        : `${name} ${word}, ${formatBytes(behindBytes)} behind`
    }),
    ...(losses > 0 ? [countText(losses, 'gap')] : []),
    ...(notReady.length > 0 ? ['not ready'] : []),
  ].join(' · ')
}
