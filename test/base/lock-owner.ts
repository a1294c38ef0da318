import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { systemClock } from '../../src/base/clock.ts'
import { isCode } from '../../src/base/errors.ts'
import { acquireLock } from '../../src/base/lock.ts'

/** A process that wants the lock at argv[2]: prints `held`, and holds it until it is killed or its input ends; or `conflict`. */
const [, , path = '', times = '0'] = process.argv

if (times === '0') {
  try {
    const lock = await acquireLock(path, systemClock)
    process.stdout.write('held\n')
    process.stdin.on('end', () => void lock.release()).resume()
  } catch (error) {
    if (!isCode(error, 'conflict')) throw error
    process.stdout.write('conflict\n')
  }
} else {
  // Takes it again and again; `<path>.inside` exists while one is inside, so that two at once are seen.
  let won = 0
  while (won < Number(times)) {
    try {
      const lock = await acquireLock(path, systemClock)
      won++
      closeSync(openSync(`${path}.inside`, 'wx'))
      unlinkSync(`${path}.inside`)
      await lock.release()
    } catch (error) {
      if (!isCode(error, 'conflict')) throw error
    }
  }
  writeSync(1, `won ${won}\n`)
}
