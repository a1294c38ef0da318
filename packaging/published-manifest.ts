/** What the package.json of the checkout has that the published one is made from. */
export interface Manifest {
  name: string
  version: string
  description: string
  license: string
  type: string
  engines: Record<string, string>
  dependencies: Record<string, string>
  /** Where it is developed; npm's provenance holds it against the job that publishes. */
  repository?: unknown
}

export type PublishedManifest = Manifest & { bin: Record<string, string>; exports: object; publishConfig: object }

/**
 * The package.json that is published: what is needed to run it, and no more. The runtime that a checkout brings along
 * (optionalDependencies, 120 MB) stays there, and so do scripts and `private`.
 */
export function publishedManifest(manifest: Manifest): PublishedManifest {
  const { name, version, description, license, type, engines, dependencies, repository } = manifest
  const bin = { [name]: 'src/main.js' }
  // What is not documented is not to be had.
  const exports = { '.': { types: './src/index.d.ts', default: './src/index.js' }, './package.json': './package.json' }
  // Whoever installs it can ask npm (npm audit signatures) from which commit it was built, and by whom.
  const publishConfig = { access: 'public', provenance: true }
  const where = repository === undefined ? {} : { repository }
  return { name, version, description, license, type, ...where, bin, exports, engines, dependencies, publishConfig }
}
