import { mkdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { parse } from 'yaml'
import { systemClock } from '../../src/base/clock.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { readHeader } from '../../src/bucket/stream-header.ts'
import { configOf } from '../../src/config/load.ts'
import { contentsOf, holdingsBelow } from '../../test/scenarios/stored-content.ts'
import { tempDirectory } from '../../test/support/temp-directory.ts'
import { startProgram } from './debian-root.ts'
import { chart, helm, helmPath, type Manifest, noHelm, only, template } from './helm.ts'
import { installBlocks } from './install-page.ts'

const { executable } = inject('built')
const to = (url: string): string[] => ['--set', `destinations[0].url=${url}`]
const node = 'node-7'

const configIn = (manifests: readonly Manifest[]): Record<string, unknown> =>
  parse(only(manifests, 'ConfigMap').data['agent.yaml'])

describe.skipIf(noHelm !== undefined)(`the Helm chart${noHelm ? ` (${noHelm})` : ''}`, () => {
  beforeAll(async () => void (await helmPath()))

  it('has nothing that helm lint finds wrong', async () => {
    const { code, stdout } = await helm('lint', chart, '--strict', '--kube-version', '1.30.0', ...to('s3://a/b'))
    expect({ code, stdout }).toMatchObject({ code: 0 })
  })

  it('wants to know where to, and lets nobody undo what it stands on', async () => {
    expect((await helm('template', chart, '--kube-version', '1.30.0')).stderr).toContain('destinations')
    for (const wrong of [
      'settings.host=mine',
      'destinations[0].url=ftp://a',
      'terminationGracePeriodSeconds=20',
      'imagge=x',
    ])
      expect(
        (await helm('template', chart, '--kube-version', '1.30.0', ...to('s3://a'), '--set', wrong)).code,
        wrong,
      ).not.toBe(0)
  })

  it('gives the agent a configuration that it takes: the node is the host', async () => {
    const manifests = await template(
      ...to('s3://a/b'),
      '--set',
      'settings.rate=20MB/s,extraSources[0].name=node,extraSources[0].include[0]=/var/log/*.log',
    )
    const config = await configOf(configIn(manifests), 'the chart', { NODE_NAME: node })
    expect(config).toMatchObject({ host: node, stateDirectory: '/var/lib/logcask', rate: 20_000_000 })
    expect(config.sources.map(({ name }) => name)).toEqual(['pods', 'node'])
    expect(config.sources[0]?.include).toEqual(['/var/log/pods/*/*/*.log*'])
    const { env } = only(manifests, 'DaemonSet').spec.template.spec.containers[0]
    expect(env).toContainEqual({ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } })
  })

  it('runs one agent on each node, with its state there, the node’s machine id, and no right but to read', async () => {
    const { spec } = only(await template(...to('s3://a/b')), 'DaemonSet')
    const pod = spec.template.spec
    const [agent] = pod.containers
    expect(spec.updateStrategy.rollingUpdate.maxSurge).toBe(0)
    const volumes = new Map<string, Manifest>(pod.volumes.map((volume: Manifest) => [volume.name, volume]))
    const mounted = Object.fromEntries(
      agent.volumeMounts.map(({ name, mountPath, readOnly }: Manifest) => [
        mountPath,
        `${volumes.get(name)?.hostPath?.path ?? 'own'} ${readOnly ? 'ro' : 'rw'}`,
      ]),
    )
    expect(mounted).toEqual({
      '/etc/logcask': 'own ro',
      '/var/log': '/var/log ro',
      '/etc/machine-id': '/etc/machine-id ro',
      '/var/lib/logcask': '/var/lib/logcask rw',
      '/tmp': 'own rw',
    })
    expect(agent.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['DAC_READ_SEARCH'] },
    })
    expect(pod).toMatchObject({ automountServiceAccountToken: false, terminationGracePeriodSeconds: 60 })
    expect(pod.hostNetwork ?? pod.hostPID ?? false).toBe(false)
    expect(pod.tolerations).toEqual([{ operator: 'Exists' }])
  })

  it('another configuration is another pod: it is read at start', async () => {
    const sums = await Promise.all(
      ['s3://a/b', 's3://a/c', 's3://a/b'].map(
        async (url) =>
          only(await template(...to(url)), 'DaemonSet').spec.template.metadata.annotations['checksum/config'],
      ),
    )
    expect(new Set(sums).size).toBe(2)
  })

  it('docs/install.md: the command as written', async () => {
    const [block] = installBlocks('Kubernetes')
    const words = [...(block?.text ?? '').replaceAll('\\\n', ' ').matchAll(/(?:'[^']*'|\S)+/g)].map(([word]) =>
      word.replaceAll("'", ''),
    )
    expect(words.slice(0, 2)).toEqual(['helm', 'install'])
    const { code, stdout, stderr } = await helm('template', '--kube-version', '1.30.0', ...words.slice(2))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('role-arn: arn:aws:iam::111122223333:role/logcask')
  })

  it('kubelet’s way, by the chart’s own configuration: renamed, compressed late, gone with the pod, linked: once, and labelled', async () => {
    const root = await tempDirectory('node')
    const bucket = join(root, 'bucket')
    const manifests = await template(
      ...to(`file://${bucket}`),
      ...[
        '--set',
        'extraSources[0].name=by-link,extraSources[0].include[0]=/var/log/containers/*.log,extraSources[0].followSymlinks=true',
      ],
    )
    const text: string = only(manifests, 'ConfigMap').data['agent.yaml']
    await mkdir(join(root, 'state'))
    const config = join(root, 'agent.yaml')
    await writeFile(
      config,
      text
        .replaceAll('/var/log/', `${root}/var/log/`)
        .replace('/var/lib/logcask', join(root, 'state'))
        .replace('10s', '1s'),
    )

    const logs = join(root, 'var/log/pods')
    const path = (pod: string, name: string): string => join(logs, pod, 'main', name)
    const put = async (file: string, content: string): Promise<void> => {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content, { flag: 'a' })
    }
    const lines = (name: string, count: number): string =>
      Array.from({ length: count }, (_, at) => `${name} ${at}\n`).join('')
    const [web, job] = ['shop_web-7d9f-x2_1c2d-33', 'batch_job-1_9f8e-44']

    await put(path(web, '0.log'), lines('first', 9000))
    await put(path(job, '0.log'), lines('job', 50))
    await mkdir(join(root, 'var/log/containers'), { recursive: true })
    await symlink(path(web, '0.log'), join(root, 'var/log/containers/web-7d9f-x2_shop_main-1c2d.log'))
    const agent = startProgram(executable, ['agent', '-c', config], { PATH: '/nowhere', NODE_NAME: node })
    const until = async (...expected: string[]): Promise<void> => {
      const wanted = [...expected].sort()
      let found: string[] = []
      for (let attempt = 0; attempt < 300; attempt++) {
        found = [...contentsOf(await holdingsBelow(bucket)).values()].map(({ content }) => String(content)).sort()
        if (found.length === wanted.length && found.every((one, at) => one === wanted[at])) return
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      throw new Error(
        `holds ${found.map((one) => one.length)}, not ${wanted.map((one) => one.length)}\n${agent.said()}`,
      )
    }
    await until(lines('first', 9000), lines('job', 50))

    // Rotated, and compressed one rotation later.
    await rename(path(web, '0.log'), path(web, '0.log.20261121-150000'))
    await put(path(web, '0.log'), lines('second', 100))
    await until(lines('first', 9000), lines('second', 100), lines('job', 50))
    await rename(path(web, '0.log'), path(web, '0.log.20261121-160000'))
    await put(path(web, '0.log'), lines('third', 10))
    const old = path(web, '0.log.20261121-150000')
    await writeFile(`${old}.tmp`, gzipSync(await readFile(old)))
    await rename(`${old}.tmp`, `${old}.gz`)
    await unlink(old)
    // The pod's last words, and its directory right behind them.
    await put(path(job, '0.log'), 'its last words\n')
    await until(lines('first', 9000), lines('second', 100), lines('third', 10), `${lines('job', 50)}its last words\n`)
    await rm(join(logs, job), { recursive: true })
    expect(await agent.stop()).toBe(0)
    await until(lines('first', 9000), lines('second', 100), lines('third', 10), `${lines('job', 50)}its last words\n`)

    const store = createDirectoryBucket({ root: bucket, create: false }, systemClock)
    try {
      const labels = []
      for (const stream of contentsOf(await holdingsBelow(bucket)).keys())
        labels.push((await readHeader(store, node, stream))?.origin.labels)
      expect(labels.filter((one) => one?.namespace === 'batch')).toEqual([
        { namespace: 'batch', pod: 'job-1', uid: '9f8e-44', container: 'main' },
      ])
      expect(labels.filter((one) => one?.pod === 'web-7d9f-x2').length).toBe(3)
    } finally {
      await store.close()
    }
  })
})
