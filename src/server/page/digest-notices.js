import { el } from './dom.js'
import { hourMs, hourText, plural } from './words.js'

const hour = 3_600_000

/** What the signs of life tell: hours without any, two agents at once, a history that somebody changed. */
export function digestNotices({ silentHours, severalAgents, broken }) {
  const spans = []
  for (const one of silentHours) {
    const ms = hourMs(one)
    const last = spans.at(-1)
    if (last?.toMs === ms) last.toMs += hour
    else spans.push({ fromMs: ms, toMs: ms + hour })
  }
  const named = spans.slice(-5).toReversed()
  const whys = {
    unreadable: 'cannot be read',
    'other predecessor': 'names another one before it',
    'predecessor missing': 'names one before it that is not there',
  }
  return [
    spans.length > 0 &&
      el(
        'div',
        { class: 'notice warn' },
        'No sign of life in the last 7 days: ',
        named
          .map(
            ({ fromMs, toMs }) =>
              `${hourText(fromMs)} to ${hourText(toMs).slice(11)} UTC (${(toMs - fromMs) / hour} h)`,
          )
          .join('; '),
        spans.length > named.length && `; and ${plural(spans.length - named.length, 'time')} before`,
        '.',
      ),
    severalAgents.length > 0 &&
      el(
        'div',
        { class: 'notice warn' },
        `Several agents at once in ${plural(severalAgents.length, 'hour')}, last ${hourText(hourMs(severalAgents.at(-1).hour))} UTC: costs requests; were two state directories started?`,
      ),
    broken.length > 0 &&
      el(
        'div',
        { class: 'notice bad' },
        `${plural(broken.length, 'sign')} of life not as left by the agent: `,
        broken
          .slice(0, 3)
          .map(({ hour: at, why }) => `${hourText(hourMs(at))} UTC ${whys[why]}`)
          .join('; '),
        '.',
      ),
  ]
}
