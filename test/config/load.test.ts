// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const source = '{ name: system, include: ["/var/log/*.log*"] }'
const minimal = `sources: [${source}]\ndestinations: [{ url: "s3://acme-logs/prod/" }]\n`

describe('a configuration', () => {
  it('needs sources and destinations, and has a default for everything else', async () => {
    const directory = await write({ 'agent.yaml': minimal })
    const { config, files } = await loadConfig(join(directory, 'agent.yaml'), { STATE_DIRECTORY: '/run/state' })
    expect(files).toEqual([join(directory, 'agent.yaml')])
    expect(config).toEqual({
      host: '{hostname}',
      stateDirectory: '/run/state',
      machineId: undefined,
      sources: [
        {
          name: 'system',
          include: ['/var/log/*.log*'],
          exclude: [],
          followSymlinks: false,
          copies: 'new-stream',
          to: ['acme-logs/prod'],
          sealAfterMs: 60_000,
          after: 'keep',
        },
      ],
      destinations: [{ name: 'acme-logs/prod', url: 's3://acme-logs/prod/', budget: { burst: 20, everyMs: 10_000 } }],
      scanIntervalMs: 60_000,
      drainTimeoutMs: 20_000,
      spoolBytes: 2 ** 30,
      log: { level: 'info' },
    })
  })

  it('says the same in YAML and in TOML', async () => {
    const directory = await write({
      'a.yaml': `
host: "web-1"
state: /tmp/state
machineId: 0123456789abcdef
scanInterval: 1m
drainTimeout: 0s
log: { level: debug }
sources:
  - name: app
    include: [/srv/*.log]
    exclude: ["*.xz"]
    olddir: old
    followSymlinks: true
    copies: ignore
    to: [eu]
    sealAfter: 1h30m
    minSize: 4KiB
    maxDelay: 5s
    since: 7d
destinations:
  - name: eu
    url: s3://eu/logs
    endpoint: https://minio:9000
    region: eu-1
    profile: p
    ca: /ca.pem
    cert: /cert.pem
    key: /key.pem
    rate: 20MB/s
    requestTimeout: 90s
    retention: 30d
    budget: { burst: 5, everySeconds: 0.5 }
`,
      'b.toml': `
host = "web-1"
state = "/tmp/state"
machineId = "0123456789abcdef"
scanInterval = "1m"
drainTimeout = "0s"
log.level = "debug"

[[sources]]
name = "app"
include = ["/srv/*.log"]
exclude = ["*.xz"]
olddir = "old"
followSymlinks = true
copies = "ignore"
to = ["eu"]
sealAfter = "1h30m"
minSize = "4KiB"
maxDelay = "5s"
since = "7d"

[[destinations]]
name = "eu"
url = "s3://eu/logs"
endpoint = "https://minio:9000"
region = "eu-1"
profile = "p"
ca = "/ca.pem"
cert = "/cert.pem"
key = "/key.pem"
rate = "20MB/s"
requestTimeout = "90s"
retention = "30d"
budget = { burst = 5, everySeconds = 0.5 }
`,
    })
    const yaml = await loadConfig(join(directory, 'a.yaml'), {})
    const toml = await loadConfig(join(directory, 'b.toml'), {})
    expect(toml.config).toEqual(yaml.config)
    expect(yaml.config.sources[0]).toMatchObject({
      gathering: { bytes: 4096, delayMs: 5_000 },
      sinceMs: 7 * 86_400_000,
    })
    expect(yaml.config.destinations[0]).toMatchObject({
      rate: 20e6,
      requestTimeoutMs: 90_000,
      retentionMs: 30 * 86_400_000,
      budget: { burst: 5, everyMs: 500 },
    })
    expect(yaml.config).toMatchObject({ drainTimeoutMs: 0, sources: [{ sealAfterMs: 5_400_000 }] })
  })

  it('is the first default file that is there', async () => {
    const directory = await write({ 'agent.toml': 'sources = []', 'other.yaml': minimal })
    const defaults = [join(directory, 'agent.yaml'), join(directory, 'other.yaml')]
    expect((await loadConfig(undefined, {}, defaults)).files).toEqual([join(directory, 'other.yaml')])
    const error = await loadConfig(undefined, {}, [join(directory, 'none.yaml')]).catch((reason) => reason)
    expect(error).toMatchObject({
      code: 'invalid',
      message: `there is no configuration: neither ${directory}/none.yaml`,
    })
    expect(error.hint).toContain('-c FILE')
  })

  it('takes values from the environment', async () => {
    const directory = await write({
      'agent.yaml': `host: "\${ROLE}-\${NUMBER:-1}"\nstate: "/srv/$\${literal}"\n${minimal}`,
    })
    const { config } = await loadConfig(join(directory, 'agent.yaml'), { ROLE: 'web' })
    expect(config.host).toBe('web-1')
    expect(config.stateDirectory).toBe('/srv/$' + '{literal}')
  })
})

describe('fragments', () => {
  it('add sources and destinations in the order of their names', async () => {
    const directory = await write({
      'agent.yaml': minimal,
      'agent.d/20-b.toml': '[[sources]]\nname = "b"\ninclude = ["/b"]\n',
      'agent.d/10-a.yaml': 'sources: [{ name: a, include: [/a] }]\ndestinations: [{ url: "file:///mnt/nas" }]',
      'agent.d/.swp.yaml': 'broken: [',
      'agent.d/README': 'no settings',
      'agent.d/empty.yml': '# nothing yet\n',
    })
    const { config, files } = await loadConfig(join(directory, 'agent.yaml'), {})
    expect(files.map((file) => file.slice(directory.length + 1))).toEqual([
      'agent.yaml',
      'agent.d/10-a.yaml',
      'agent.d/20-b.toml',
      'agent.d/empty.yml',
    ])
    expect(config.sources.map(({ name, to }) => [name, to])).toEqual(
      ['system', 'a', 'b'].map((name) => [name, ['acme-logs/prod', '/mnt/nas']]),
    )
  })

  it('must not set what is set already, and the message names both files', async () => {
    const directory = await write({ 'agent.yaml': `host: a\n${minimal}`, 'agent.d/x.yaml': '\nhost: b\n' })
    expect(await problem(join(directory, 'agent.yaml'))).toEqual([
      `${directory}/agent.d/x.yaml:2: host: is set in ${directory}/agent.yaml as well`,
      'keep one of them',
    ])
  })
})

describe('a broken configuration is refused with file, line, setting and remedy:', () => {
  it.each([
    [
      'an unknown setting',
      `scanIntervall: 3s\n${minimal}`,
      'FILE:1: scanIntervall: unknown setting',
      'did you mean scanInterval?',
    ],
    [
      'an unknown setting that is like none',
      `zzz: 1\n${minimal}`,
      'FILE:1: zzz: unknown setting',
      /^there are host, state, machineId/,
    ],
    [
      'an unknown setting of a destination',
      `sources: [${source}]\ndestinations:\n  - url: file:///a\n  - url: file:///b\n    ratee: 1MB/s\n`,
      'FILE:5: destinations[1].ratee: unknown setting',
      'did you mean rate?',
    ],
    [
      'an unknown setting of a budget',
      `sources: [${source}]\ndestinations: [{ url: "file:///a", budget: { brust: 3 } }]`,
      'FILE:2: destinations[0].budget.brust: unknown setting',
      'did you mean burst?',
    ],
    [
      'a URL of an unknown scheme',
      `sources: [${source}]\ndestinations:\n  - url: file:///a\n  - url: ftp://x/y\n`,
      'FILE:4: destinations[1].url: ftp://x/y: has the unknown scheme ftp:',
      'write file:///dir or s3://bucket/prefix',
    ],
    ['no sources', 'destinations: [{ url: "file:///a" }]', 'FILE: has no sources', /^add, for example: sources:/],
    ['no destinations', `sources: [${source}]`, 'FILE: has no destinations', /^add, for example: destinations:/],
    ['an empty list', `sources: []\ndestinations: [{ url: "file:///a" }]`, 'FILE: has no sources', /^add/],
    ['a missing name', 'sources: [{ include: [/a] }]', 'FILE:1: sources[0].name: is missing', 'it is text'],
    [
      'text for a list',
      'sources: [{ name: a, include: /a }]',
      'FILE:1: sources[0].include: must be a list, not "/a"',
      undefined,
    ],
    ['an empty value', 'host:\n', 'FILE:1: host: must be text, not empty', undefined],
    ['a number for text', 'host: 7\n', 'FILE:1: host: must be text, not 7', undefined],
    [
      'a number for a duration',
      'scanInterval: 30\n',
      'FILE:1: scanInterval: must be a duration such as 30s, not 30',
      undefined,
    ],
    ['a duration that is none', 'scanInterval: soon\n', 'FILE:1: scanInterval: soon is no duration', 'write it as 30s'],
    [
      'a duration out of bounds',
      'scanInterval: 5ms\n',
      'FILE:1: scanInterval: 5ms is not between 1s and 1h',
      /^more often,/,
    ],
    [
      'a rate without a unit',
      destination('rate: 20M'),
      'FILE:2: destinations[0].rate: 20M is no rate',
      'write it as 20MB/s or 512KiB/s',
    ],
    [
      'a rate that is too slow',
      destination('rate: 1kB/s'),
      'FILE:2: destinations[0].rate: 1kB/s is less than 10kB/s',
      /slower/,
    ],
    [
      'a budget that is none',
      destination('budget: 10 EUR'),
      'FILE:2: destinations[0].budget: 10 EUR is no budget',
      'write it as 10 USD/month',
    ],
    [
      'a budget that is too small',
      destination('budget: 0.01 USD/month'),
      /budget: 0.01 USD\/month is less than 0.1/,
      /would wait/,
    ],
    [
      'a number for a budget',
      destination('budget: 10'),
      /^FILE:2: destinations\[0\].budget: must be a price such as 10 USD\/month, or segments/,
      undefined,
    ],
    [
      'a delay without a size',
      'sources: [{ name: a, include: [/a], maxDelay: 5s }]',
      'FILE:1: sources[0]: has maxDelay without minSize',
      'set minSize: 4KiB beside it, or leave it out',
    ],
    [
      'a size that is none',
      'sources: [{ name: a, include: [/a], minSize: 4096 }]',
      'FILE:1: sources[0].minSize: must be a size such as 4KiB, not 4096',
      undefined,
    ],
    ['a rate of 0', 'rate: 0MB/s\n', 'FILE:1: rate: 0MB/s is less than 10kB/s', /slower/],
    [
      'a budget of nothing',
      destination('budget: { burst: 0 }'),
      'FILE:2: destinations[0].budget.burst: must be at least 1: nothing would ever be sent',
      undefined,
    ],
    [
      'a certificate without its key',
      destination('cert: /c.pem'),
      'FILE:2: destinations[0]: has only one of cert and key',
      'set both, or neither',
    ],
    [
      'an endpoint with a path',
      destination('endpoint: "http://a/b"'),
      /endpoint: must be an http or https URL without a path/,
      undefined,
    ],
    ['a relative path', destination('ca: ca.pem'), 'FILE:2: destinations[0].ca: must be an absolute path', undefined],
    [
      'a choice that is none',
      'log: { level: wran }',
      'FILE:1: log.level: must be one of debug, info, warn, error',
      'did you mean warn?',
    ],
    [
      'a relative glob',
      'sources: [{ name: a, include: ["log/*"] }]',
      'FILE:1: sources[0].include[0]: log/* is not absolute',
      /begin with \//,
    ],
    [
      'an exclusion among the inclusions',
      'sources: [{ name: a, include: ["!/a"] }]',
      'FILE:1: sources[0].include[0]: !/a excludes',
      'write /a under exclude:',
    ],
    [
      'a glob with ..',
      'sources: [{ name: a, include: ["/a/../b"] }]',
      'FILE:1: sources[0].include[0]: /a/../b holds . or ..',
      undefined,
    ],
    [
      'an exclusion that never matches',
      'sources: [{ name: a, include: [/a], exclude: [old/*.gz] }]',
      /exclude\[0\]: old\/\*\.gz would never match/,
      /\*\*\/old/,
    ],
    [
      'an unknown template',
      'host: "{hostnam}"',
      'FILE:1: host: {hostnam}: {hostnam} stands for nothing (did you mean {hostname}?)',
      'there are {hostname}, {machine_id}, {instance_id} and {aws_userid}',
    ],
    [
      'an unknown name in a URL',
      `sources: [${source}]\ndestinations:\n  - url: "s3://logs/{host}/"\n`,
      'FILE:3: destinations[0].url: s3://logs/{host}/: {host} stands for nothing',
      'there are {hostname} and {machine_id}',
    ],
    [
      'an unknown name in a rename',
      'sources: [{ name: a, include: [/a], rename: "{name}.{mtim}" }]',
      'FILE:1: sources[0].rename: {name}.{mtim}: {mtim} stands for nothing (did you mean {mtime}?)',
      undefined,
    ],
    [
      'a rename that leads out',
      'sources: [{ name: a, include: [/a], rename: "../{name}" }]',
      'FILE:1: sources[0].rename: ../{name}: holds a part . or ..',
      'leave it out',
    ],
    [
      'a rename by no regular expression',
      'sources: [{ name: a, include: [/a], rename: { from: "(", to: "x" } }]',
      'FILE:1: sources[0].rename.from: ( is no regular expression',
      /JavaScript/,
    ],
    [
      'a label that is no name',
      'sources: [{ name: a, include: [/a], labels: { Service: web } }]',
      /^FILE:1: sources\[0\]\.labels\.Service: must be up to 31 small letters/,
      undefined,
    ],
    [
      'the label that rename makes',
      'sources: [{ name: a, include: [/a], labels: { name: web } }]',
      'FILE:1: sources[0].labels: has a label name',
      'it is what rename: makes: set that',
    ],
    [
      'labels from an expression that names none',
      'sources: [{ name: a, include: [/a], labelsFrom: "^/(a)" }]',
      'FILE:1: sources[0].labelsFrom: ^/(a) names no label',
      /name what is in brackets/,
    ],
    [
      'a label name from an expression',
      'sources: [{ name: a, include: [/a], labelsFrom: "^/(?<name>a)" }]',
      'FILE:1: sources[0].labelsFrom: names a label name',
      /small letters/,
    ],
    [
      'a variable that is not set',
      'host: "${NOT_SET}"',
      'FILE:1: host: the environment has no NOT_SET',
      /write \$\{NOT_SET:-default\}/,
    ],
    ['a broken variable', 'host: "${NO"', /is no \$\{NAME\}/, /write \$\$\{/],
    [
      'two sources with one name',
      `sources: [${source}, ${source}]\ndestinations: [{ url: "file:///a" }]`,
      'FILE:1: sources[1].name: system is the name of sources[0], too',
      'give one of them another',
    ],
    [
      'two destinations at one place',
      `sources: [${source}]\ndestinations: [{ url: "s3://b/p" }, { url: "s3://b/p/", name: other }]`,
      'FILE:2: destinations[1].url: s3://b/p/ is destinations[0] as well',
      'keep one of them',
    ],
    [
      'two destinations with one name',
      `sources: [${source}]\ndestinations: [{ url: "s3://b", endpoint: "http://x" }, { url: "s3://b", endpoint: "http://y" }]`,
      'FILE:2: destinations[1].name: b is the name of destinations[0], too',
      'give one of them another name:',
    ],
    [
      'a route to nowhere',
      'sources: [{ name: a, include: [/a], to: [eu, use] }]\ndestinations: [{ name: eu, url: "file:///e" }, { name: us, url: "file:///u" }]',
      'FILE:1: sources[0].to[1]: no destination is named use',
      'did you mean us?',
    ],
    ['a syntax error', 'host: a\nsources: [\n', /^FILE:\d+:\d+: is not YAML: /, /validate/],
    ['a key that stands twice', 'host: a\nhost: b\n', 'FILE:2:1: is not YAML: Map keys must be unique', /validate/],
    ['a tag of its own', 'host: !secret a\n', /^FILE:1:7: is not YAML: Unresolved tag/, /validate/],
    ['an alias of nothing', 'host: *a\n', /^FILE(:1:7)?: is not YAML: .*alias/, /validate/],
    ['a list instead of settings', '- a\n', 'FILE: must be settings (key: value), not a list', undefined],
  ])('%s', async (_, text, message, fix) => {
    const directory = await write({ 'agent.yaml': text })
    const [found, remedy] = await problem(join(directory, 'agent.yaml'))
    const told = found.replaceAll(join(directory, 'agent.yaml'), 'FILE')
    if (typeof message === 'string') expect(told).toBe(message)
    else expect(told).toMatch(message)
    if (fix instanceof RegExp) expect(remedy).toMatch(fix)
    else if (fix !== undefined) expect(remedy).toBe(fix)
  })

  it('several problems at once, in the order of the lines', async () => {
    const directory = await write({ 'agent.yaml': 'hots: a\nscanInterval: x\nlog: { level: no }\n' })
    const [message, fix] = await problem(join(directory, 'agent.yaml'))
    expect(message.replaceAll(directory, '').split('\n')).toEqual([
      'the configuration has 3 problems',
      '/agent.yaml:1: hots: unknown setting; did you mean host?',
      '/agent.yaml:2: scanInterval: x is no duration; write it as 30s',
      '/agent.yaml:3: log.level: must be one of debug, info, warn, error',
    ])
    expect(fix).toContain('logcask validate')
  })

  it('TOML that is none', async () => {
    const directory = await write({ 'agent.toml': 'host = "a"\nsources = [\n' })
    const [message] = await problem(join(directory, 'agent.toml'))
    expect(message).toMatch(/agent\.toml:\d+:\d+: is not TOML: /)
  })

  it.each([
    ['a file that is not there', 'none.yaml', 'there is no such file'],
    ['a file of another kind', 'agent.ini', 'is neither YAML nor TOML by its name'],
    ['a directory', 'dir.yaml', 'cannot be read: EISDIR'],
    ['bytes that are no text', 'latin.yaml', 'is not UTF-8'],
    ['a file that is far too large', 'large.yaml', 'is larger than 1 MiB'],
  ])('%s', async (_, name, message) => {
    const directory = await write({ 'dir.yaml/x': '', 'agent.ini': '', 'large.yaml': ' '.repeat(1024 * 1024 + 1) })
    await writeFile(join(directory, 'latin.yaml'), Buffer.from('host: caf\xe9', 'latin1'))
    const [found, fix] = await problem(join(directory, name))
    expect(found).toContain(`${join(directory, name)}: ${message}`)
    expect(fix).not.toBe('')
  })
})

function destination(setting: string): string {
  return `sources: [${source}]\ndestinations: [{ url: "file:///a", ${setting} }]`
}

async function write(files: Record<string, string>): Promise<string> {
  const directory = await tempDirectory('config')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  return directory
}

/** Message and hint of what the file is refused with. */
async function problem(file: string): Promise<[message: string, hint: string]> {
  const error = await loadConfig(file, {}).then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(LogcaskError)
  expect(error.code).toBe('invalid')
  return [error.message, error.hint ?? '']
}
