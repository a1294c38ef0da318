import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { defects } from './defects.ts'

/**
 * Runs histories against the product with one defect in it, until one of them shows it. Arguments: the defect's number,
 * the first seed and the last. The sources on disk stay as they are: the loader gives others.
 */
const [number, first, last] = process.argv.slice(2).map(Number)
const defect = defects[number ?? -1]
if (defect === undefined || first === undefined || last === undefined) throw new Error('run-mutant DEFECT FIRST LAST')

const root = fileURLToPath(new URL('../../../', import.meta.url))
const patched = new Map<string, string>()
for (const { file, from, to } of defect.patches) {
  const source = patched.get(file) ?? readFileSync(`${root}${file}`, 'utf8')
  if (source.split(from).length !== 2)
    throw new Error(`${file}: the text of the defect is there ${source.split(from).length - 1} times`)
  patched.set(
    file,
    source.replace(from, () => to),
  )
}
registerHooks({
  load(url, context, next) {
    const source = url.startsWith('file:') ? patched.get(fileURLToPath(url).slice(root.length)) : undefined
    return source === undefined ? next(url, context) : { format: 'module-typescript', source, shortCircuit: true }
  },
})

const { runHistory } = await import('../history.ts')
const { draw } = await import('../rescue/draw-rescue.ts')
let caught: { seed: number; violation: string } | undefined
let seed = first - 1
while (caught === undefined && seed < last) {
  seed++
  const history = draw(seed, defect.kinds)
  try {
    const [violation] = (await runHistory(history)).violations
    if (violation !== undefined) caught = { seed, violation }
  } catch (error) {
    caught = { seed, violation: `a history ended: ${String(error)}` }
  }
}
process.stdout.write(`${JSON.stringify({ seed, caught: caught?.violation })}\n`)
