import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where an agent keeps its state when nothing else is said: systemd's StateDirectory=, else root's or the user's own place. */
export function defaultStateDirectory(
  env: Readonly<Record<string, string | undefined>>,
  user: { isRoot: boolean; home: string } = { isRoot: process.getuid?.() === 0, home: homedir() },
): string {
  // systemd puts several directories into one variable with colons between.
  const fromSystemd = env.STATE_DIRECTORY?.split(':')[0]
  if (fromSystemd) return fromSystemd
  if (user.isRoot) return '/var/lib/logcask'
  // The XDG specification has relative ones ignored.
  const stateHome = env.XDG_STATE_HOME?.startsWith('/') ? env.XDG_STATE_HOME : join(user.home, '.local', 'state')
  return join(stateHome, 'logcask')
}
