// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test
import { describe, expect, it } from 'vitest'
import { type EnvironmentProblem, substituteEnvironment } from '../../src/config/environment.ts'
import { defaultStateDirectory } from '../../src/config/state-directory.ts'
import { checkHostTemplate, expandHost, expandUrl } from '../../src/config/template.ts'

const env = { NAME: 'web', EMPTY: '', NESTED: '${NAME}' }

describe('the environment in settings', () => {
  it.each([
    ['plain', 'plain'],
    ['${NAME}', 'web'],
    ['a-${NAME}-${NAME}', 'a-web-web'],
    ['${NONE:-x:-y}', 'x:-y'],
    ['${NONE:-}', ''],
    ['${EMPTY}', ''],
    ['${EMPTY:-set}', 'set'],
    ['${NAME:-x}', 'web'],
    ['${NESTED}', '${NAME}'],
    ['$${NAME}', '${NAME}'],
    ['$NAME $ {}', '$NAME $ {}'],
  ])('%s is %j', (text, expected) => {
    const problems: EnvironmentProblem[] = []
    expect(substituteEnvironment(text, env, problems)).toBe(expected)
    expect(problems).toEqual([])
  })

  it('is looked for in every string, and nowhere else', () => {
    const date = new Date(0)
    const value = { a: ['${NAME}', 1, true, null], b: { '${NAME}': '${NAME}' }, date }
    expect(substituteEnvironment(value, env, [])).toEqual({ a: ['web', 1, true, null], b: { '${NAME}': 'web' }, date })
  })

  it('what is not set, or no name, is a problem with its path', () => {
    const problems: EnvironmentProblem[] = []
    substituteEnvironment({ a: ['${NONE}', '${1}', '${OPEN'] }, env, problems)
    expect(problems.map(({ path, message }) => [path, message])).toEqual([
      [['a', 0], 'the environment has no NONE'],
      [['a', 1], '${1} is no ${NAME} or ${NAME:-default}'],
      [['a', 2], '${OPEN is no ${NAME} or ${NAME:-default}'],
    ])
  })
})

describe('the host', () => {
  it.each([
    ['{hostname}', 'web-1'],
    ['{machine_id}', 'abc'],
    ['eu.{hostname}.{machine_id}', 'eu.web-1.abc'],
    ['{instance_id}', 'i-0abc'],
    ['{aws_userid}', 'AROA1:i-0abc'],
    ['fixed', 'fixed'],
  ])('%s is %s', (template, host) => {
    const facts = { hostname: 'web-1', machineId: 'abc', instanceId: 'i-0abc', awsUserId: 'AROA1:i-0abc' }
    expect(expandHost(template, facts)).toBe(host)
  })

  it.each(['{}', '{host}', 'a}', '{', '{HOSTNAME}', '{instance}'])('%s is refused', (template) => {
    expect(() => checkHostTemplate(template)).toThrow(/stands for nothing/)
  })

  it('is refused where the machine has no id, and where a key cannot hold it', () => {
    expect(() => expandHost('{machine_id}', { hostname: 'a', machineId: undefined })).toThrow(/has no machine id/)
    expect(() => expandHost('{hostname}', { hostname: '', machineId: undefined })).toThrow(/is empty/)
    expect(() => expandHost('{hostname}', { hostname: 'a'.repeat(201), machineId: undefined })).toThrow(/longer than/)
  })
})

describe("a destination's URL", () => {
  it('may hold the names of the machine, and no others', () => {
    const facts = { hostname: 'web-1', machineId: 'abc' }
    expect(expandUrl('s3://logs/{hostname}/{machine_id}/', facts)).toBe('s3://logs/web-1/abc/')
    expect(() => expandUrl('s3://logs/{instance_id}', facts)).toThrow(/stands for nothing/)
    expect(() => expandUrl('s3://logs/{machine_id}', { ...facts, machineId: undefined })).toThrow(/has no machine id/)
  })
})

describe('the state directory, when nothing is said,', () => {
  const user = { isRoot: false, home: () => '/home/ann' }
  it.each([
    ["is systemd's", { STATE_DIRECTORY: '/var/lib/logcask:/var/lib/other' }, user, '/var/lib/logcask'],
    ["is root's", {}, { isRoot: true, home: () => '/root' }, '/var/lib/logcask'],
    ['is below XDG_STATE_HOME', { XDG_STATE_HOME: '/x' }, user, '/x/logcask'],
    ["is the user's where that is relative", { XDG_STATE_HOME: 'x' }, user, '/home/ann/.local/state/logcask'],
    ["is the user's", {}, user, '/home/ann/.local/state/logcask'],
  ])('%s', (_, env, who, path) => expect(defaultStateDirectory(env, who)).toBe(path))

  it('is not looked for at home where it is named: a user that systemd made up has none', () => {
    const homeless = {
      isRoot: false,
      home: () => {
        throw new Error('uv_os_homedir returned ENOENT')
      },
    }
    expect(defaultStateDirectory({ STATE_DIRECTORY: '/var/lib/logcask' }, homeless)).toBe('/var/lib/logcask')
    expect(defaultStateDirectory({ XDG_STATE_HOME: '/x' }, homeless)).toBe('/x/logcask')
    expect(() => defaultStateDirectory({}, homeless)).toThrow('this user has no home')
  })
})
