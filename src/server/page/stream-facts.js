import { links } from './client.js'
import { el } from './dom.js'
import { findings, stateOf, statePill } from './life-line.js'
import { ageText, bytesText, countText, shown, timeText } from './words.js'

/** The name of a stream's file, with what is odd about it. */
export function streamHeading(detail) {
  return [
    el('h1', {}, el('bdi', { class: 'name' }, detail.shown ?? '(its name cannot be read)')),
    statePill(stateOf(detail, detail.generations)),
    findings(detail),
  ]
}

export function streamFacts(host, detail, { start, end }) {
  const fact = (name, value, isWide) =>
    value !== null &&
    value !== undefined &&
    el('div', { class: isWide && 'wide' }, el('dt', {}, name), el('dd', { class: 'number-facts' }, value))
  const length = Math.max(detail.bytes, end - start)
  const labels = Object.entries(detail.labels)
  const others = detail.generations.filter((one) => one !== detail.stream)
  const link = (one) => el('a', { class: 'name', href: links.stream(host, one) }, one)
  return [
    fact('Bytes', `${countText(length)} (${bytesText(length)})`),
    fact('Born', detail.born && `${timeText(detail.born)} UTC`),
    fact('Last grew', detail.last && `${timeText(detail.last)} UTC, ${ageText(detail.last)}`),
    fact('Segments', countText(detail.segments)),
    fact(
      'Published',
      detail.published === null
        ? null
        : detail.published === detail.bytes
          ? 'all of it'
          : `${countText(detail.published)} bytes`,
    ),
    fact('Agent', detail.agent && shown(detail.agent)),
    fact('Machine', detail.machine && el('span', { class: 'mono' }, shown(detail.machine))),
    labels.length > 0 &&
      fact(
        'Labels',
        labels.map(([name, value]) => el('span', { class: 'pill plain' }, el('bdi', {}, shown(`${name}=${value}`)))),
      ),
    detail.forkOf && fact('Fork of', link(detail.forkOf.stream)),
    others.length > 0 &&
      fact(
        'Generations',
        others.map((one) => [link(one), ' ']),
      ),
    detail.sha256.length > 0 && fact('Seal', el('code', {}, detail.sha256.join(' ')), true),
  ]
}
