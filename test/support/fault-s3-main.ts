import { parseArgs } from 'node:util'
import { startFaultS3 } from './fault-s3.ts'
import { type FaultName, isFaultName, randomFaults } from './fault-s3-faults.ts'

/**
 * The fault server as a process of its own:
 *   node test/support/fault-s3-main.ts --port 0 --buckets a,b --versioned --faults lost=0.1,503=0.3 --seed 1
 * prints one line of JSON, {"port", "endpoint"}, and runs until SIGTERM. SIGUSR2 turns the faults off and on again.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    buckets: { type: 'string', default: 'bucket' },
    versioned: { type: 'boolean', default: false },
    faults: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
  },
})

const server = await startFaultS3({
  port: Number(values.port),
  buckets: values.buckets.split(','),
  versioned: values.versioned,
})
const random = randomFaults(parseFaults(values.faults), Number(values.seed))
let isOn = true
server.fault((request) => (isOn ? random(request) : undefined))
process.on('SIGUSR2', () => {
  isOn = !isOn
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void server.close())
console.log(JSON.stringify({ port: server.port, endpoint: server.endpoint }))

function parseFaults(text: string): Partial<Record<FaultName, number>> {
  const pairs = text.split(',').filter((part) => part !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', probability] = pair.split('=')
      if (!isFaultName(name)) throw new Error(`no fault is called ${name}`)
      return [name, Number(probability ?? 1)]
    }),
  )
}
