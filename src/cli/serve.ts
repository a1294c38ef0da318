import { sha256 } from '../base/hash.ts'
import { textForPeople } from '../base/path-bytes.ts'
import { type Command, type CommandInput, expectArguments, isSet, jsonOption } from './command.ts'
import { queueHelp, queueOptions } from './compact/compact-queue.ts'
import { withCode } from './compact/trouble-code.ts'
import { openBucket, storeHelp, storeOptions, storeSettings } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { runServer } from './serve/serve-run.ts'
import { type ServePlan, servePlan } from './serve/serve-settings.ts'
import { readTls } from './serve/serve-tls.ts'
import { shellWord } from './terminal/shell-word.ts'
import { formatDuration } from './terminal/units.ts'

export const command: Command = {
  name: 'serve',
  options: {
    ...storeOptions,
    ...jsonOption,
    ...queueOptions,
    config: { type: 'string', short: 'c' },
    from: { type: 'string' },
    to: { type: 'string' },
    listen: { type: 'string' },
    interval: { type: 'string' },
    as: { type: 'string' },
    check: { type: 'boolean' },
    'new-token': { type: 'boolean' },
  },
  help: `
logcask serve --from URL [--to DIR] [--listen ADDRESS]
logcask serve [-c FILE]
logcask serve --new-token

Answers over HTTP what is in a bucket: hosts, their streams and what is odd about them, content by ranges, live follow.
With --to it is the compactor as well (see logcask help compact), and content comes from its files. The bucket is only
read.
  --from URL          the bucket
  --to DIR            publish complete files there, and let them grow; only its last part is made
  --listen ADDRESS    default: 127.0.0.1:8470. Also unix:/run/logcask/serve.sock. An address that others reach needs
                      TLS, and a token or client certificate for who asks: in the configuration
  --interval 5s, --as TEMPLATE   as for compact
  -c, --config FILE   default: /etc/logcask/server.yaml, then server.toml; flags come before it
  --check             say what is wrong with the settings, and end
  --new-token         print a new token on stdout, and what to write into the configuration for it on stderr
  --json              events, and refused requests, as JSON lines on stdout

Paths: / is a web page: hosts, streams, content that is followed live. /api/v1/openapi.json describes the API.
/metrics for Prometheus, /healthz, /readyz.

A configuration
  from: s3://acme-logs/prod
  to: /srv/logs
  listen: 0.0.0.0:8470
  tls: { cert: /etc/logcask/server.crt, key: /etc/logcask/server.key }
  tokens:
    - { name: web-team, sha256: 9f31…, hosts: ["web-*"] }
${queueHelp.replace('\nEvents\n', '\nEvents, in the configuration events: { queue: …, listEvery: 24h }\n')}

${storeHelp}

Examples
  logcask serve --from s3://acme-logs/prod --to /srv/logs
  logcask serve --from file:///mnt/nas --listen 127.0.0.1:8000
  curl http://127.0.0.1:8470/api/v1/hosts
  TOKEN=$(logcask serve --new-token)

Exit status: 0 stopped · 1 failed · 2 usage or configuration · 75 the address or the directory cannot be had now
`,
  run: serve,
}

async function serve(input: CommandInput): Promise<number> {
  const { values, positionals, clock, terminal } = input
  expectArguments(positionals, 'logcask serve --from URL [--to DIR], or -c FILE', 0, 0)
  if (isSet(values, 'new-token')) return newToken(input)
  const plan = await servePlan(input)
  const tls = plan.tls && (await readTls(plan.tls))
  if (isSet(values, 'check')) {
    terminal.say('nothing is wrong with the settings; the bucket and the directory were not asked')
    if (plan.root !== undefined) terminal.say(restText(plan))
    return exits.done
  }
  const warn = (warning: Error): void =>
    terminal.warn(withCode(textForPeople(warning.message), 'store-warning', terminal.paintMessage))
  const bucket = await openBucket(plan.from, storeSettings(values), 'read', clock, { warn })
  try {
    await runServer(input, plan, bucket, tls)
    terminal.say(plan.root === undefined ? 'stopped' : 'stopped; all that was published is on disk')
    return exits.done
  } finally {
    await bucket.close()
  }
}

/** How it hears of news; what that costs depends on what is there. */
function restText({ from, pace, queue }: ServePlan): string {
  const how =
    queue === undefined
      ? `each host is asked every ${formatDuration(pace.intervalMinMs)} to ${formatDuration(pace.intervalMaxMs)}, and all is listed every ${formatDuration(pace.fullIntervalMs)}`
      : `the queue is asked 180 times an hour, and all is listed every ${formatDuration(queue.listEveryMs)}`
  return `at rest ${how}: logcask compact --from ${shellWord(from)} --dry-run says what that costs`
}

/** As long as its SHA-256 has no shorter way back than trying them all. */
const tokenBytes = 32

async function newToken({ terminal, clock }: CommandInput): Promise<number> {
  const token = `logcask_${clock.id(tokenBytes)}`
  await terminal.line(token)
  terminal.say(`tokens:\n  - { name: NAME, sha256: ${sha256(Buffer.from(token))}, hosts: ["*"] }`)
  terminal.say('It is shown once. Give it to its reader: Authorization: Bearer …')
  return exits.done
}
