export interface EnvironmentProblem {
  path: readonly (string | number)[]
  message: string
  fix: string
}

/**
 * `value` with every `${NAME}` and `${NAME:-default}` in its strings replaced; `$${` stands for `${`. As in a shell,
 * the default is taken where the variable is unset or empty.
 */
export function substituteEnvironment(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  problems: EnvironmentProblem[],
  path: readonly (string | number)[] = [],
): unknown {
  if (typeof value === 'string') return substituteText(value, env, problems, path)
  if (Array.isArray(value)) {
    return value.map((item, index) => substituteEnvironment(item, env, problems, [...path, index]))
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, substituteEnvironment(item, env, problems, [...path, key])]),
  )
}

function substituteText(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  problems: EnvironmentProblem[],
  path: readonly (string | number)[],
): string {
  return text.replace(/(\$?)\$\{([^}]*)(\}?)/g, (whole, dollar: string, inner: string, close: string) => {
    if (dollar !== '') return whole.slice(1)
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner)
    if (close === '' || match === null) {
      problems.push({
        path,
        message: `${whole} is no \${NAME} or \${NAME:-default}`,
        fix: `write $\${ where \${ itself is meant`,
      })
      return ''
    }
    const [, name = '', preset] = match
    const found = env[name]
    if (preset !== undefined) return found || preset
    if (found === undefined) {
      problems.push({
        path,
        message: `the environment has no ${name}`,
        fix: `set it where logcask is started, or write \${${name}:-default}`,
      })
    }
    return found ?? ''
  })
}
