import { homedir } from 'node:os'
import { join } from 'node:path'
import { LogcaskError } from '../base/errors.ts'

/**
 * Where an agent keeps its state when nothing else is said: systemd's StateDirectory=, else root's or the user's own place.
 * Throws `invalid` where there is none. `home` is asked last: users that systemd or a container makes up have no home, and
 * Node throws then.
 */
export function defaultStateDirectory(
  env: Readonly<Record<string, string | undefined>>,
  user: { isRoot: boolean; home: () => string } = { isRoot: process.getuid?.() === 0, home: homedir },
): string {
  // systemd puts several directories into one variable with colons between.
  const fromSystemd = env.STATE_DIRECTORY?.split(':')[0]
  if (fromSystemd) return fromSystemd
  if (user.isRoot) return '/var/lib/logcask'
  // The XDG specification has relative ones ignored.
  if (env.XDG_STATE_HOME?.startsWith('/')) return join(env.XDG_STATE_HOME, 'logcask')
  return join(homeOf(user), '.local', 'state', 'logcask')
}

function homeOf(user: { home: () => string }): string {
  try {
    return user.home()
  } catch (cause) {
    throw new LogcaskError('invalid', 'this user has no home, and nothing says where the state is kept', {
      hint: 'set state: in the configuration, $STATE_DIRECTORY, or --state DIR',
      cause,
    })
  }
}
