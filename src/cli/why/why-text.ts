import type { Comparison } from '../../agent/identity/evidence.ts'
import { judgeLook } from '../../agent/identity/rules.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { parseStreamId } from '../../format/keys.ts'
import { tableLines } from '../terminal/table.ts'
import type { Paint } from '../terminal/terminal.ts'
import { formatBytes, formatCount, formatDuration } from '../terminal/units.ts'
import type { WhyAnswer, WhyDelivery, WhyFacts, WhyRecord } from './why-facts.ts'

/** What the agent does with the file, for one destination, from the checkpoint alone. */
export function decideByRecord(facts: WhyFacts, record: WhyRecord, delivery: WhyDelivery): string {
  const { acked, sent, confirmed, stream } = delivery
  if (record.ended) {
    const gap = delivery.hasGap ? 'its end is recorded' : 'its end is still to be recorded'
    return `ended (${record.ended}) at ${formatCount(acked)}: ${gap}`
  }
  if (stream === undefined) return 'not known yet which stream it is: the destination is asked first'
  if (record.isSameFile && record.copyReason === 'compressed')
    return `holds that stream compressed; acked up to ${formatCount(acked)} of what it decodes to`
  if (!record.isSameFile || facts.file === undefined || sent === undefined)
    return `no file of that name is its own: the agent looks for it in its directory; acked up to ${formatCount(acked)}`
  const life = { size: facts.file.bytes, previousSize: record.bytes, isWatched: false, isCompressed: false }
  const verdict = judgeLook({
    ...life,
    deliveries: [{ destination: delivery.destination, sent, confirmed: confirmed ?? sent }],
  })
  if (verdict.kind === 'fork')
    return 'others delivered bytes there that are not this file’s: it forks into the next generation'
  if (verdict.kind === 'end')
    return 'truncated, rewritten, or its inode used again: that stream ends with a gap, and the next generation begins at 0'
  if (sent === 'short') return `shorter than acked: wait; the first byte that differs decides`
  const edited = sent === 'edited' ? ' (its first 64 bytes were edited after they were shipped)' : ''
  return `${acked === facts.file.bytes ? 'same stream, all of it is there' : `same stream, continue at ${formatCount(acked)}`}${edited}`
}

/** The same from what a destination has. */
export function decideByAnswer(facts: WhyFacts, answer: WhyAnswer): string {
  if (answer.problem !== undefined) return 'unknown: it did not answer, and that decides nothing'
  const resumed = answer.generations.find(({ stream }) => stream === answer.resumes)
  if (resumed) {
    const { comparison, length } = resumed
    if (comparison === 'short') return `shorter than what is there: wait; the first byte that differs decides`
    const isWhole = length === facts.file?.bytes
    return isWhole ? 'same stream, all of it is there' : `same stream, continue at ${formatCount(length)}`
  }
  if (answer.aliases.length > 0)
    return `an alias says that it holds ${answer.aliases.join(', ')}: as long as the bytes agree`
  if (answer.generations.some(({ length, isEnded }) => length > 0 && !isEnded))
    return `differs from what is there: fork, ${answer.next} begins at 0`
  if (answer.generations.length > 0) return `what is there has ended: ${answer.next} begins at 0`
  const copy =
    facts.copyOf.length > 0 ? `, unless its bytes are those of ${facts.copyOf.map(pathForPeople).join(' or ')}` : ''
  return `nothing is there: ${answer.next} begins at 0${copy}`
}

export function whyLines(facts: WhyFacts, paint: Paint): string[] {
  const { record } = facts
  return [
    paint.bold(pathForPeople(facts.path)),
    ...sourceLines(facts),
    ...(facts.file || record ? [birthLine(facts)] : []),
    ...(record ? [evidenceLine(facts, record), ...recordLines(facts, record, paint)] : []),
    ...facts.asked.flatMap((answer) => answerLines(facts, answer, paint)),
    ...(record || facts.asked.length > 0
      ? []
      : ['no record of it, and no destination was asked: name one with --to URL']),
  ]
}

function sourceLines({ isLink, record, source }: WhyFacts): string[] {
  const link = isLink ? ['a symbolic link: not followed (followSymlinks of a source)'] : []
  if (source.kind === 'matched') return [...link, `source ${source.name}`]
  if (source.kind === 'excluded')
    return [...link, `source ${source.name} would match it, but excludes it: ${source.patterns.join(' ')}`]
  if (source.kind === 'too old')
    return [
      ...link,
      `source ${source.name} leaves it out: it had not changed for longer than its since: ${formatDuration(source.sinceMs)}; it is shipped once it changes`,
    ]
  if (source.kind === 'unknown') return record ? [...link, `source ${record.source}`] : link
  return [
    ...link,
    `no source matches it${record ? ' any more' : ': it is not shipped'}; tried: ${source.patterns.join(' ') || 'none'}`,
  ]
}

function birthLine({ file, path, record }: WhyFacts): string {
  const identity = file?.identity ?? record?.identity ?? ''
  const born = file?.born ? `born ${file.born}` : 'birth not known'
  const size = file ? `${formatCount(file.bytes)} bytes now` : 'no file has this name now'
  const first = record && record.firstPath !== path ? `, first seen as ${pathForPeople(record.firstPath)}` : ''
  const last = record && record.lastPath !== path ? `, last seen as ${pathForPeople(record.lastPath)}` : ''
  return `${born}, identity ${identity}${first}${last} · ${size}`
}

function evidenceLine({ agent, file }: WhyFacts, record: WhyRecord): string {
  const e1 =
    agent === 'stopped' ? 'E1 no agent runs: nobody holds it open' : 'E1 held open or not: only the running agent knows'
  if (!record.isSameFile) {
    const e2 = file ? 'E2 differs: the name stands for another file than the record' : 'E2 –'
    return `${e1} · ${e2}`
  }
  const compared = record.deliveries.filter(({ sent }) => sent !== undefined)
  const kinds = new Set(compared.map(({ sent }) => sent))
  const e3 = compared
    .filter(({ sent }) => kinds.size > 1 || sent === compared[0]?.sent)
    .map(({ destination, sent = 'same' }) =>
      kinds.size > 1 ? `${comparisonText[sent]} (${pathForPeople(destination)})` : comparisonText[sent],
    )
  const texts = kinds.size > 1 ? e3 : e3.slice(0, 1)
  return `${e1} · E2 ${record.identity.startsWith('0-') ? 'inode' : 'inode and birth'} equal · E3 ${texts.join(', ') || 'nothing shipped yet'}`
}

const comparisonText: Readonly<Record<Comparison, string>> = {
  same: 'first and last 4 KiB equal',
  edited: 'last 4 KiB equal, the first 64 bytes edited',
  short: 'shorter than acked',
  different: 'differs from what was shipped',
}

function recordLines(facts: WhyFacts, record: WhyRecord, paint: Paint): string[] {
  const { deliveries } = record
  const size = record.isSameFile ? (facts.file?.bytes ?? record.bytes) : record.bytes
  const rows = deliveries.map((one) => [
    pathForPeople(one.destination),
    one.stream ?? '–',
    formatCount(one.acked),
    formatBytes(record.ended ? 0 : Math.max(0, size - one.acked)),
    stateText(one, paint),
  ])
  const header = ['DESTINATION', 'STREAM', 'OFFSET', 'TO GO', 'STATE'].map((cell) => paint.bold(cell))
  return [
    ...(record.copyReason ? [`judged to hold another file's stream: ${record.copyReason}`] : []),
    ...decisionLines(facts, record, paint),
    ...(rows.length > 0 ? tableLines([header, ...rows], [2, 3]) : ['no destination of the configuration has a record']),
    ...deliveries
      .filter((one) => one.problem !== undefined)
      .map((one) => `${paint.red(`${pathForPeople(one.destination)} waits:`)} ${textForPeople(one.problem ?? '')}`),
  ]
}

/** One for all destinations where they agree. */
function decisionLines(facts: WhyFacts, record: WhyRecord, paint: Paint): string[] {
  const decided = record.deliveries.map((one) => [one.destination, decideByRecord(facts, record, one)] as const)
  const kinds = new Set(decided.map(([, decision]) => decision))
  if (kinds.size === 1) return [...kinds].map((decision) => `${paint.cyan('→')} ${decision}`)
  return decided.map(([name, decision]) => `${paint.cyan('→')} ${pathForPeople(name)}: ${decision}`)
}

function stateText(one: WhyDelivery, paint: Paint): string {
  const texts = [
    sealText(one.sealed, one.acked) || (one.hasGap ? '' : 'live'),
    one.hasGap ? paint.yellow('gap') : '',
    one.forkOf === undefined ? '' : paint.yellow(`fork of ${one.forkOf}`),
  ]
  return texts.filter((text) => text !== '').join(' · ')
}

function sealText(sealed: WhyDelivery['sealed'], length: number): string {
  if (sealed === undefined) return ''
  return sealed.length === length
    ? `sealed ${sealed.sha256.slice(0, 4)}…`
    : `outgrew its seal of ${formatCount(sealed.length)}`
}

function answerLines(facts: WhyFacts, answer: WhyAnswer, paint: Paint): string[] {
  const head = `${paint.cyan('→')} ${pathForPeople(answer.destination)}: ${decideByAnswer(facts, answer)}`
  if (answer.problem !== undefined) return [head, `  ${textForPeople(answer.problem)}`]
  return [
    head,
    ...answer.generations.map(({ stream, length, comparison, sealed, gaps }) => {
      const generation = parseStreamId(stream)?.generation ?? 0
      return `  ${[
        stream,
        ...(generation > 0 ? [`generation ${generation}`] : []),
        `${formatCount(length)} bytes`,
        facts.file ? comparisonText[comparison] : 'nothing to compare',
        ...(sealed ? [sealText(sealed, length)] : []),
        ...gaps.map(({ offset, end, reason }) =>
          paint.yellow(`gap ${formatCount(offset)}–${end === 'open' ? end : formatCount(end)} ${reason}`),
        ),
      ].join(' · ')}`
    }),
  ]
}
