/** What the package.json of the checkout has that the published one is made from. */
export interface Manifest {
  name: string
  version: string
  description: string
  license: string
  type: string
  engines: Record<string, string>
  dependencies: Record<string, string>
}

/**
 * The package.json that is published: what is needed to run it, and no more. The runtime that a checkout brings along
 * (optionalDependencies, 120 MB) stays there, and so do scripts and `private`.
 */
export function publishedManifest(manifest: Manifest): Manifest & { bin: Record<string, string>; exports: object } {
  const { name, version, description, license, type, engines, dependencies } = manifest
  const bin = { [name]: 'src/main.js' }
  // What is not documented is not to be had.
  const exports = { '.': { types: './src/index.d.ts', default: './src/index.js' }, './package.json': './package.json' }
  return { name, version, description, license, type, bin, exports, engines, dependencies }
}
