import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.ts'

/**
 * The region of a profile, as the SDK finds it, but without asking the instance for its own: that is where the machine
 * is, and says nothing of a store that is not AWS.
 */
export async function profileRegion(profile: string | undefined, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const name = profile ?? (env.AWS_PROFILE || 'default')
  const credentials = env.AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws/credentials')
  const config = env.AWS_CONFIG_FILE || join(homedir(), '.aws/config')
  return (
    regionIn(await textOf(credentials), [name]) ??
    regionIn(await textOf(config), name === 'default' ? [name, 'profile default'] : [`profile ${name}`])
  )
}

/** The first `region` below one of these headings. */
export function regionIn(text: string, headings: readonly string[]): string | undefined {
  let isOurs = false
  for (const line of text.split('\n')) {
    const heading = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)?.[1]
    if (heading !== undefined) isOurs = headings.includes(heading.replace(/\s+/g, ' ').replaceAll('"', ''))
    // Without indentation: what is indented belongs to the setting above.
    const region = isOurs ? /^region\s*=\s*([^\s#;]+)/.exec(line)?.[1] : undefined
    if (region !== undefined) return region
  }
  return undefined
}

/** A file that cannot be read has no region: the credentials in it are looked for by the SDK, which says what is wrong. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(errnoOf(error) ?? '')) return ''
    throw error
  }
}
