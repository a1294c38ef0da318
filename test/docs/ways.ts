import type { PageBlock } from './page-blocks.ts'
import { ourCommands } from './shell-text.ts'

/** Blocks of a page: all, those of a section, or the one that holds these words. */
export interface Which {
  page: string
  /** Its name, or what is in it: /./ leaves out what stands above the first one. */
  section?: string | RegExp
  has?: string
}

/** Blocks that a test reads from the page and runs. */
export interface Followed extends Which {
  by: string
  /** Words of that test, by which it takes them. */
  takes: string
}

/** Blocks that are run nowhere, and why; what can be looked at without running them is. */
export interface NotRun extends Which {
  why: string
}

const install = 'docs/install.md'
const terraformNeedsAws = 'Terraform makes it in an account; terraform/test/run validates and tests the modules'

export const notRun: readonly NotRun[] = [
  { page: 'README.md', has: 'npm run demo', why: '.ci/run does just this, from a clean checkout' },
  { page: 'docs/archive.md', has: 'CREATE EXTERNAL TABLE', why: 'Athena needs an account' },
  { page: 'docs/archive.md', has: 'max_by(p', why: 'Athena needs an account' },
  {
    page: 'docs/archive.md',
    has: 'abandoned-uploads',
    why: 'a lifecycle is set by its owner; terraform/ sets the same',
  },
  { page: 'docs/aws.md', section: 'Try it on this machine first', why: 'localstack/test does it, twice in a row' },
  { page: 'docs/aws.md', has: 'terraform apply', why: terraformNeedsAws },
  { page: 'docs/aws.md', has: 'terraform output -raw aws_config', why: terraformNeedsAws },
  { page: 'docs/farewell.md', has: 'preStop', why: 'kubelet runs it; the command is the one that the CI job has' },
  {
    page: 'docs/fleet.md',
    has: 'aws sqs create-queue',
    why: 'shortened by …; localstack/resources.json has it in full',
  },
  {
    page: install,
    section: 'A container',
    why: 'needs an engine; packaging/test/image.test.ts does its steps by hand',
  },
  { page: install, section: 'npm', why: 'needs a registry; test/packaging/pack.test.ts installs the package itself' },
  {
    page: 'docs/transport.md',
    has: 'ssl_client_certificate',
    why: 'nginx has it; test/real/transport runs behind one that is set up so',
  },
  {
    page: 'docs/transport.md',
    has: 'systemctl edit',
    why: 'an environment for systemd; test/bucket/s3-proxy.test.ts has what it says',
  },
  { page: 'localstack/README.md', why: 'localstack/test does it, twice in a row' },
  { page: 'packaging/prometheus/README.md', why: "Prometheus' own configuration" },
  ...['localstack', 'on-premises', 'single-region', 'two-regions-two-accounts'].map((name) => ({
    ...{ page: `terraform/examples/${name}/README.md`, why: terraformNeedsAws },
  })),
  ...['agent-role', 'compactor', 'vault-bucket'].map((name) => ({
    ...{ page: `terraform/modules/${name}/README.md`, why: terraformNeedsAws },
  })),
]

export const followed: readonly Followed[] = [
  { page: 'README.md', by: 'test/docs/readme.test.ts', takes: "open('README.md')" },
  {
    page: 'docs/archive.md',
    has: 'read_json(',
    by: 'test/scenarios/programs/duckdb.test.ts',
    takes: "blocksBelow(page, 'DuckDB')",
  },
  ...['complete-lifecycle-action', 'prerotate', 'make test'].map(farewell),
  ...['archive', 'farewell', 'fleet', 'format', 'page', 'server'].map(inCommands),
  { page: 'docs/aws.md', has: 'aws_vpc_endpoint', by: 'terraform/test/docs.test.ts', takes: "blocks('hcl')" },
  { page: 'docs/aws.md', has: 'module "rescue"', by: 'terraform/test/docs.test.ts', takes: "blocks('hcl')" },
  { page: 'docs/aws.md', has: '"Statement"', by: 'terraform/test/docs.test.ts', takes: "blocks('json')" },
  inCommands('aws'),
  { page: 'docs/library.md', by: 'test/docs/library.test.ts', takes: "open('docs/library.md')" },
  { page: install, section: 'Debian and Ubuntu', by: 'packaging/test/booted.test.ts', takes: 'installBlocks(debian' },
  { page: install, section: 'Fedora, RHEL, Amazon Linux', by: 'packaging/test/rpm.test.ts', takes: 'installBlocks(' },
  { page: install, section: 'One executable', by: 'packaging/test/install-page.test.ts', takes: 'installBlocks(' },
  { page: install, section: 'Kubernetes', by: 'packaging/test/helm.test.ts', takes: "installBlocks('Kubernetes')" },
  { page: 'docs/moving-in.md', section: '', by: 'test/docs/moving-in.test.ts', takes: "'Start'" },
  ...['moving-in', 'reading', 'recovery'].map((name) => ({
    ...{ page: `docs/${name}.md`, section: /./, by: `test/docs/${name}.test.ts`, takes: 'headingsOf(page)' },
  })),
  ...['An agent', 'Back again'].map((section) => ({
    ...{ page: 'docs/upgrade.md', section, by: 'test/docs/upgrade.test.ts', takes: `'${section}'` },
  })),
]

function farewell(words: string): Followed {
  return { page: 'docs/farewell.md', has: words, by: 'test/scenarios/farewell.test.ts', takes: `block('${words}')` }
}

function inCommands(name: string): Followed {
  return { page: `docs/${name}.md`, by: 'test/docs/commands.test.ts', takes: `open('docs/${name}.md')` }
}

export function isOf(block: PageBlock, { page, section, has }: Which): boolean {
  if (block.page !== page || (has !== undefined && !block.text.includes(has))) return false
  return section instanceof RegExp ? section.test(block.section) : section === undefined || block.section === section
}

/** The test that runs a block; the first entry that fits counts. */
export function runnerOf(block: PageBlock): string | undefined {
  if (notRun.some((entry) => isOf(block, entry))) return undefined
  return followed.find((entry) => isOf(block, entry))?.by
}

/** A drawing, a list of names, or somebody else's: nothing that one would type or write into a file of ours. */
export function isPicture({ kind, text }: PageBlock): boolean {
  const programs =
    /^(?:\w+=\S+ )*(?:logcask|npm|npx|node|aws|terraform|docker|helm|systemctl|curl|cp|localstack\/\w+) /m
  return (kind === '' || kind === 'text') && !programs.test(text) && ourCommands(text).length === 0
}
