/** What stands against a release of this version, each with what to do. Pure. */
export function whatIsMissing(facts: { version: string; changes: string; dirty: readonly string[] }): string[] {
  const missing: string[] = []
  const [heading] = facts.changes.match(new RegExp(`^## ${facts.version.replaceAll('.', '\\.')} .*$`, 'm')) ?? []
  if (heading === undefined)
    missing.push(`CHANGELOG.md has no entry "## ${facts.version} (YYYY-MM-DD)": write what changed`)
  else if (!/\(\d{4}-\d{2}-\d{2}\)$/.test(heading))
    missing.push(`CHANGELOG.md: "${heading}" has no date: put it there in brackets, as YYYY-MM-DD`)
  const entry = facts.changes.split(/^## /m).find((one) => one.startsWith(`${facts.version} `)) ?? ''
  if (heading !== undefined && !/^- /m.test(entry))
    missing.push(`CHANGELOG.md: ${facts.version} says nothing: what changed?`)
  if (facts.dirty.length > 0)
    missing.push(`${facts.dirty.length} files are not committed (${facts.dirty[0]} …): commit them, or leave them out`)
  return missing
}
