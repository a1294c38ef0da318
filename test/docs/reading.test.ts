import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { checkout, loadKnown, problemOf } from './known-words.ts'
import { MovingPlace } from './moving-place.ts'
import { type Block, blocksBelow, headingsOf } from './page.ts'
import { freePort } from './port.ts'

const page = await readFile(join(checkout, 'docs/reading.md'), 'utf8')
const log = '/var/log/nginx/access.log'

function lines(host: string, from: number, count: number): string {
  const one = (at: number): string => `10.0.0.${at % 9} ${host} GET /${'abc'[at % 3]} ${at % 5 === 0 ? 500 : 200} \n`
  return Array.from({ length: count }, (_, at) => one(from + at)).join('')
}

/** Two hosts' logs in a bucket; on web-1 one was rotated. */
async function setUp(): Promise<MovingPlace> {
  const place = await MovingPlace.open()
  const ship = (host: string) =>
    place.follow({
      kind: 'sh',
      text: `logcask ship ${log} --to s3://acme-logs --host ${host} --state /var/lib/${host} --quiet`,
    })
  for (const host of ['web-1', 'web-2']) {
    await place.file(log, lines(host, 0, 40))
    await ship(host)
    await place.follow({ kind: 'sh', text: `mv ${log} ${log}.${host}` })
  }
  await place.file(log, lines('web-1', 40, 10))
  await ship('web-1')
  return place
}

/** What the page leaves running until one stops it. */
function endless({ text }: Block): Block {
  const each = text.trim().split('\n')
  return { kind: 'sh', text: each.map((line) => `timeout 6 ${line} || test $? = 124`).join('\n') }
}

it('docs/reading.md, followed to the letter', { timeout: 300_000 }, async () => {
  const place = await setUp()
  const said = new Map<string, string>()
  for (const heading of headingsOf(page)) {
    for (const block of blocksBelow(page, heading)) {
      if (block.kind === 'sh server') continue
      const run = block.kind === 'sh endless' ? endless(block) : block
      said.set(heading, (said.get(heading) ?? '') + (await place.follow(run)))
    }
  }
  const all = await readFile(place.path('/srv/access.log'), 'utf8')
  expect(all).toBe(lines('web-1', 0, 40) + lines('web-1', 40, 10))
  expect(said.get('What is there')).toMatch(/^web-1\nweb-2\n/)
  expect(said.get('Many files')).toMatch(/^50$/m)
  expect(said.get('By time')).toContain(lines('web-1', 0, 50))
  expect(said.get('By time')).toContain('nothing was delivered in that time')
  expect(said.get('As it grows')).toContain(lines('web-1', 40, 10))
  const path = place.path(log)
  expect(said.get('Search')).toContain(`web-1:${path}:${lines('web-1', 40, 1)}`)
  expect(said.get('Search')).toContain(`web-2:${path}:40\n`)
  expect(said.get('Search')).toMatch(/^\{"host":"web-1".*"line":1,"offset":0,/m)

  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  // It outlives the shell that started it: its output goes elsewhere, and it is ended by its id.
  const started = `logcask serve --from s3://acme-logs --listen 127.0.0.1:${port} </dev/null >/srv/serve.log 2>&1 & echo $!`
  const pid = Number(await place.follow({ kind: 'sh', text: started }))
  onTestFinished(() => {
    process.kill(pid, 'SIGTERM')
  })
  const ready = `until logcask ls ${url} >/dev/null 2>&1; do sleep 0.2; done`
  await place.follow({ kind: 'sh', text: ready })
  const [block] = blocksBelow(page, 'From a server')
  const text = block!.text.replaceAll('https://logs.example:8470', url).replace('…', '')
  const answered = await place.follow({ kind: 'sh', text })
  expect(answered).toContain(lines('web-1', 0, 50))
  expect(answered).toContain(`web-2:${path}:${lines('web-2', 0, 1)}`)
})

it('docs/reading.md names only what is there', async () => {
  const known = await loadKnown()
  const commands = [...page.matchAll(/(?:^|`)(logcask [^`\n|>]+)/gm)].map(([, span = '']) => span.trim())
  expect(commands.length).toBeGreaterThan(20)
  expect(commands.flatMap((span) => problemOf(span.replaceAll(/'[^']*'/g, 'X'), known) ?? [])).toEqual([])
})
