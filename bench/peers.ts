import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { toolsDirectory } from '../test/real/install.ts'

/** Another tool that copies files to S3: with its own defaults, as somebody would type it. */
export interface Peer {
  name: string
  /** Of a file, or of all in a directory. */
  copy(path: string, isDirectory: boolean, endpoint: string, to: string): string[]
}

/** The command on the PATH, or as the tests of real servers have installed it. */
function find(name: string, installed: string): string | undefined {
  const candidates = [name, join(toolsDirectory, installed)]
  return candidates.find(
    (one) => (one === name || existsSync(one)) && spawnSync(one, ['version']).error === undefined && works(one),
  )
}

function works(command: string): boolean {
  return ['--version', 'version'].some((flag) => spawnSync(command, [flag]).status === 0)
}

export function aws(): string | undefined {
  return find('aws', 'awscli/venv/bin/aws')
}

export function findPeers(): { name: string; peer: Peer | undefined }[] {
  const awsCommand = aws()
  const rclone = find('rclone', 'rclone/rclone')
  const s5cmd = find('s5cmd', 's5cmd/s5cmd')
  return [
    {
      name: 'aws s3 cp',
      peer:
        awsCommand === undefined
          ? undefined
          : {
              name: 'aws s3 cp',
              copy: (path, isDirectory, endpoint, to) => [
                awsCommand,
                's3',
                'cp',
                '--quiet',
                '--endpoint-url',
                endpoint,
                ...(isDirectory ? ['--recursive'] : []),
                path,
                `s3://bench/${to}/`,
              ],
            },
    },
    {
      name: 'rclone copy',
      peer:
        rclone === undefined
          ? undefined
          : {
              name: 'rclone copy',
              copy: (path, _, endpoint, to) => [
                rclone,
                'copy',
                '--s3-provider',
                'Other',
                '--s3-env-auth',
                '--s3-no-check-bucket',
                '--s3-endpoint',
                endpoint,
                path,
                `:s3:bench/${to}`,
              ],
            },
    },
    {
      name: 's5cmd cp',
      peer:
        s5cmd === undefined
          ? undefined
          : {
              name: 's5cmd cp',
              copy: (path, isDirectory, endpoint, to) => [
                s5cmd,
                '--endpoint-url',
                endpoint,
                'cp',
                isDirectory ? `${path}/` : path,
                `s3://bench/${to}/`,
              ],
            },
    },
  ]
}
