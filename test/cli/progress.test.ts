import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { noteOf } from '../../src/cli/ship/run-report.ts'
import { measure, type Progress, renderProgress, showProgress, startMeter } from '../../src/cli/terminal/progress.ts'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import { capturedTerminal } from './captured-terminal.ts'

const mib = 2 ** 20
const halfway: Progress = { bytes: 60 * mib, bytesTotal: 120 * mib, files: 41, filesTotal: 1052 }
const plain = createPaint(false)

describe('the line of a progress', () => {
  it.each([
    ['a bar where there is room', 120, '████████████░░░░░░░░░░░░ 60.0/120 MiB · 20.0 MiB/s · ETA 3 s · 41/1,052 files'],
    [
      'a shorter bar in 80 columns',
      80,
      '████████████░░░░░░░░░░░░ 60.0/120 MiB · 20.0 MiB/s · ETA 3 s · 41/1,052 files',
    ],
    ['the text alone where a bar does not fit', 60, '60.0/120 MiB · 20.0 MiB/s · ETA 3 s · 41/1,052 files'],
    ['never more than the columns there are', 30, '60.0/120 MiB · 20.0 MiB/s · E'],
  ])('has %s', (_, width, line) => {
    const rendered = renderProgress(halfway, 20 * mib, { isLive: true, width, paintMessage: plain })
    expect(rendered.length).toBeLessThan(width)
    expect(rendered).toBe(line)
  })

  it.each([
    ['a rate and an ETA', halfway, 20 * mib, '50 % · 60.0/120 MiB · 20.0 MiB/s · ETA 3 s · 41/1,052 files'],
    ['no rate before one was measured', halfway, undefined, '50 % · 60.0/120 MiB · 41/1,052 files'],
    ['no ETA where nothing moves', halfway, 0, '50 % · 60.0/120 MiB · 0 B/s · stalled · 41/1,052 files'],
    [
      'no ETA when all bytes are there',
      { ...halfway, bytes: 120 * mib },
      mib,
      '100 % · 120/120 MiB · 1.0 MiB/s · 41/1,052 files',
    ],
    [
      'a share of the files where there are no bytes',
      { bytes: 0, bytesTotal: 0, files: 1, filesTotal: 4 },
      undefined,
      '25 % · 0/0 B · 1/4 files',
    ],
    [
      'what stands in the way',
      { ...halfway, note: 'us DOWN' },
      undefined,
      '50 % · 60.0/120 MiB · 41/1,052 files · us DOWN',
    ],
  ])('into a log has %s', (_, progress, rate, line) => {
    expect(renderProgress(progress, rate, { isLive: false, width: 80, paintMessage: plain })).toBe(line)
  })
})

describe('the rate', () => {
  it('is the mean at first, and then forgets, whatever the intervals', () => {
    const first = measure(startMeter(0, 0), 10 * mib, 1000)
    expect(first.bytesPerSecond).toBe(10 * mib)
    const oneStep = measure(first, 10 * mib, 11_000).bytesPerSecond ?? 0
    let many = first
    for (let at = 1100; at <= 11_000; at += 100) many = measure(many, 10 * mib, at)
    expect(oneStep).toBeCloseTo(many.bytesPerSecond ?? 0, 3)
    expect(oneStep).toBeLessThan(2 * mib)
  })

  it('takes no notice of a clock that did not move', () => {
    const meter = startMeter(0, 5)
    expect(measure(meter, 100, 5)).toBe(meter)
  })
})

describe('showing progress', () => {
  it('redraws one line on a terminal and removes it at the end', () => {
    const { terminal, stderr } = capturedTerminal({ isTTY: true })
    const time = steppedClock()
    const stop = showProgress(terminal, time.clock, () => halfway)
    time.step()
    time.step()
    stop()
    expect(
      stderr()
        .split('\r\u001b[2K')
        .map((line) => line.slice(-5)),
    ).toEqual(['', 'files', 'files', ''])
    expect(time.waiting()).toBe(0)
  })

  it('prints a plain line now and then into a pipe, without escapes', () => {
    const { terminal, stderr } = capturedTerminal({ isTTY: false })
    const time = steppedClock()
    const stop = showProgress(terminal, time.clock, () => halfway)
    time.step()
    expect(time.lastMs()).toBe(10_000)
    stop()
    expect(stderr()).toBe('50 % · 60.0/120 MiB · 0 B/s · stalled · 41/1,052 files\n')
  })

  it('is no stall before five seconds', () => {
    const { terminal, stderr } = capturedTerminal({ isTTY: true })
    const time = steppedClock()
    const stop = showProgress(terminal, time.clock, () => halfway)
    for (let step = 0; step < 49; step++) time.step()
    expect(stderr()).not.toContain('stalled')
    time.step()
    expect(stderr()).toContain('stalled')
    stop()
  })

  it('says nothing with --quiet', () => {
    const { terminal, stderr } = capturedTerminal({ isTTY: true, quiet: true })
    const time = steppedClock()
    showProgress(terminal, time.clock, () => halfway)()
    expect(time.lastMs()).toBe(0)
    expect(stderr()).toBe('')
  })
})

describe('the note', () => {
  it('tells a destination that refuses from one that fails', () => {
    const at = (name: string, state: string) => ({ name, destination: { health: { state } } })
    expect(noteOf([at('a', 'ok'), at('b', 'probing')])).toBeUndefined()
    expect(noteOf([at('a', 'ok'), at('eu', 'unavailable'), at('us', 'down')])).toBe('eu fails, us refuses')
  })
})

/** A clock whose timers fire when the test says so. */
function steppedClock() {
  let now = 0
  let last = 0
  const timers: { at: number; callback: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async () => {},
    random: () => 0.5,
    id: () => '00',
    timer: (ms, callback) => {
      last = ms
      const timer = { at: now + ms, callback }
      timers.push(timer)
      return () => {
        const index = timers.indexOf(timer)
        if (index >= 0) timers.splice(index, 1)
      }
    },
  }
  const step = () => {
    const timer = timers.shift()
    now = timer?.at ?? now
    timer?.callback()
  }
  return { clock, step, waiting: () => timers.length, lastMs: () => last }
}
