import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { toolsDirectory } from '../real/install.ts'

/** AWS's own command line, where there is one: as CI has installed it, or on the PATH. */
export const aws = [process.env.LOGCASK_TEST_AWS ?? '', join(toolsDirectory, 'awscli/venv/bin/aws'), 'aws'].find(
  (one) => one !== '' && spawnSync(one, ['--version']).status === 0,
)
export const noAws = aws === undefined ? ' (not run: no aws here)' : ''

/** It, for a place's PATH. Its first version knows the region by this name only. */
export const awsScript = `AWS_DEFAULT_REGION=$AWS_REGION exec '${aws}' "$@"`
