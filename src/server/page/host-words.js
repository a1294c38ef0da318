import { links } from './client.js'
import { el } from './dom.js'
import { countText, hourMs, hourText, plural, shown } from './words.js'

/** When an agent of the host last said that it lives. */
export function signText({ sign, lastDigestHour }) {
  if (sign === 'none') return [el('span', { class: 'pill' }, 'no agent'), ' delivered by ship']
  if (sign === 'alive') return el('span', { class: 'pill good' }, 'alive')
  const since = lastDigestHour === null ? 'for more than 7 d' : `since ${hourText(hourMs(lastDigestHour))} UTC`
  return [el('span', { class: 'pill bad' }, 'silent'), ` ${since}`]
}

/** By name: who is missing is not to be looked for. */
export function silentNotice(silent) {
  if (silent.length === 0) return undefined
  const named = silent.slice(0, 12)
  return el(
    'div',
    { class: 'notice bad' },
    el('strong', {}, plural(silent.length, 'silent host')),
    ': ',
    named.map(({ host }, at) => [
      at > 0 && ', ',
      el('a', { class: 'name', href: links.host(host) }, el('bdi', {}, shown(host))),
    ]),
    silent.length > named.length && `, and ${countText(silent.length - named.length)} more`,
    '. No agent of theirs gave a sign of life in the last three hours: off, stopped, or cut off from the bucket.',
  )
}

/** The first visit: nothing is wrong, and nothing is there. */
export function nothingYet() {
  return el(
    'div',
    { class: 'panel stack' },
    el('h1', {}, 'Nothing has been delivered yet'),
    el('p', {}, 'The bucket answers, and holds no stream that you may read. On a machine that has logs:'),
    el(
      'pre',
      { class: 'hint', tabindex: '0' },
      'logcask ship /var/log/syslog --to URL     # once, to the URL of this bucket\nlogcask agent /var/log/syslog --to URL    # all the time',
    ),
    el('p', { class: 'muted' }, 'This page looks again every 5 seconds.'),
  )
}
