import type { Place, Principal } from './engine.ts'

/** Who asks, and where. Accounts: 1111… of the instances and the single region, 2222… and 3333… of the two vaults. */
const apps = '111122223333'

function session(account: string, role: string, name: string, id: string, policies: readonly string[]): Principal {
  return {
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${name}`,
    policies,
    context: { 'aws:userid': `${id}:${name}`, 'aws:PrincipalArn': `arn:aws:iam::${account}:role/${role}` },
  }
}

const onInstance = {
  'ec2:SourceInstanceARN': `arn:aws:ec2:eu-central-1:${apps}:instance/i-0aaa`,
  'ec2:RoleDelivery': '2.0',
  'aws:Ec2InstanceSourceVpc': 'vpc-0a',
  'aws:SourceVpc': 'vpc-0a',
  'aws:Ec2InstanceSourcePrivateIPv4': '10.0.0.5',
  'aws:VpcSourceIp': '10.0.0.5',
}

function withContext(principal: Principal, context: Record<string, string>): Principal {
  return { ...principal, context: { ...principal.context, ...context } }
}

const instance = (policies: readonly string[], name = 'i-0aaa'): Principal =>
  withContext(session(apps, 'log-agent', name, 'AROAAGENT', policies), onInstance)

const agent = instance(['single-region.agent'])
const agentOfTwo = instance(['two-regions.agent'])
const byInternet = (address: string, policy = 'two-regions.agent'): Principal =>
  withContext(session(apps, 'log-agent', 'i-0aaa', 'AROAAGENT', [policy]), {
    'ec2:SourceInstanceARN': onInstance['ec2:SourceInstanceARN'],
    'ec2:RoleDelivery': onInstance['ec2:RoleDelivery'],
    'aws:Ec2InstanceSourceVpc': onInstance['aws:Ec2InstanceSourceVpc'],
    'aws:Ec2InstanceSourcePrivateIPv4': onInstance['aws:Ec2InstanceSourcePrivateIPv4'],
    'aws:SourceIp': address,
  })
const machine = withContext(session(apps, 'log-agent-on-premises', '4711', 'AROAMACHINE', ['on-premises.agent']), {
  'aws:PrincipalTag/x509Subject/CN': 'db-1.example.com',
  'aws:SourceIp': '203.0.113.9',
})

export const cast = {
  agent,
  /** Its credentials, used from elsewhere. */
  thiefInOtherVpc: withContext(agent, { 'aws:SourceVpc': 'vpc-0evil' }),
  thiefInSameVpc: withContext(agent, { 'aws:VpcSourceIp': '10.0.0.66' }),
  thiefByInternet: byInternet('203.0.113.77', 'single-region.agent'),
  thiefByImdsV1: withContext(agent, { 'ec2:RoleDelivery': '1.0' }),
  agentOffInstance: session(apps, 'log-agent', 'test', 'AROAAGENT', ['single-region.agent']),
  otherAgent: instance(['single-region.agent'], 'i-0bbb'),
  agentOfTwo,
  thiefOfTwoInOtherVpc: withContext(agentOfTwo, { 'aws:SourceVpc': 'vpc-0evil' }),
  /** To the other region, by a NAT gateway. */
  agentOfTwoByNat: byInternet('198.51.100.7'),
  thiefOfTwoByInternet: byInternet('203.0.113.77'),
  thiefOfTwoByImdsV1: withContext(agentOfTwo, { 'ec2:RoleDelivery': '1.0' }),
  agentOfTwoOffInstance: withContext(session(apps, 'log-agent', 'test', 'AROAAGENT', ['two-regions.agent']), {
    'aws:SourceVpc': 'vpc-0b',
  }),
  /** The role that the vaults name, whatever its own policies say. */
  namedAgent: instance(['everything']),
  agentWithKey: session(apps, 'log-agent', 'i-0aaa', 'AROAAGENT', ['everything.agent']),
  machine,
  thiefOfMachine: withContext(machine, { 'aws:SourceIp': '198.51.100.1' }),
  compactor: session(apps, 'log-compactor-task', '0123', 'AROATASK', ['single-region.compactor']),
  compactorWithKey: session(apps, 'log-compactor-task', '0123', 'AROATASK', ['everything.compactor']),
  /** Everything that its own policies can give. */
  operator: session(apps, 'operator', 'jo', 'AROAOPERATOR', ['everything']),
  admin: session(apps, 'log-vault-admin', 'ci', 'AROAADMIN', ['everything']),
  root: {
    arn: `arn:aws:iam::${apps}:root`,
    policies: ['everything'],
    context: { 'aws:PrincipalArn': `arn:aws:iam::${apps}:root`, 'aws:userid': apps },
  },
  replication: session(apps, 'acme-source-replication', 's3', 'AROAREPLICATION', ['everything.replication']),
  namedReplication: session(apps, 'acme-source-replication', 's3', 'AROAREPLICATION', ['everything']),
  adminOfEu: session('222233334444', 'log-vault-admin', 'ci', 'AROAADMINEU', ['everything']),
  adminOfUs: session('333344445555', 'log-vault-admin', 'ci', 'AROAADMINUS', ['everything']),
  operatorOfEu: session('222233334444', 'operator', 'jo', 'AROAOPERATOREU', ['everything']),
  operatorOfUs: session('333344445555', 'operator', 'jo', 'AROAOPERATORUS', ['everything']),
  operatorElsewhere: session('444455556666', 'operator', 'jo', 'AROAOPERATORELSEWHERE', ['everything']),
  s3: { arn: 's3.amazonaws.com', policies: [], context: { 'aws:PrincipalIsAWSService': 'true' } },
  auditor: session(apps, 'auditor', 'ann', 'AROAAUDITOR', ['everything']),
  agentElsewhere: session('444455556666', 'log-agent', 'i-0ccc', 'AROAELSEWHERE', ['everything']),
  stranger: session('999999999999', 'admin', 'eve', 'AROASTRANGER', ['everything']),
  anonymous: { arn: 'anonymous', policies: [], context: {} },
} satisfies Record<string, Principal>

const bucket = (name: string, account: string, policy?: string): Place => ({
  arn: `arn:aws:s3:::${name}`,
  account,
  ...(policy === undefined ? {} : { policy }),
})

export const places = {
  vault: bucket('acme-logs', apps, 'single-region.vault'),
  /** The same bucket before its policy is there, or where somebody forgot it: the roles must be safe by themselves. */
  bareVault: bucket('acme-logs', apps),
  archive: bucket('acme-archive', apps, 'single-region.archive'),
  bareArchive: bucket('acme-archive', apps),
  elsewhere: bucket('acme-accounts', apps),
  eu: bucket('acme-logs-eu', '222233334444', 'two-regions.eu'),
  us: bucket('acme-logs-us', '333344445555', 'two-regions.us'),
  bareEu: bucket('acme-logs-eu', apps),
  bareUs: bucket('acme-logs-us', apps),
  onPremises: bucket('acme-logs', apps, 'on-premises.vault'),
  source: bucket('acme-source', apps, 'everything.source'),
  bareSource: bucket('acme-source', apps),
  keyedArchive: bucket('acme-keyed-archive', apps),
  replica: bucket('acme-replica', '222233334444', 'everything.replica'),
  queue: { arn: `arn:aws:sqs:eu-central-1:${apps}:log-compactor`, account: apps, policy: 'single-region.queue' },
  otherQueue: { arn: `arn:aws:sqs:eu-central-1:${apps}:payments`, account: apps },
  key: {
    arn: `arn:aws:kms:eu-central-1:${apps}:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
    account: apps,
    policy: 'everything.key',
  },
  otherKey: {
    arn: `arn:aws:kms:eu-central-1:${apps}:key/00000000-12ab-34cd-56ef-1234567890ab`,
    account: apps,
    policy: 'everything.key',
  },
  thirdKey: {
    arn: `arn:aws:kms:eu-central-1:${apps}:key/99999999-12ab-34cd-56ef-1234567890ab`,
    account: apps,
    policy: 'everything.key',
  },
  /** As if it were of this account: what the role may ask for. Its own policy is the other account's to write. */
  replicaKey: {
    arn: 'arn:aws:kms:us-east-1:222233334444:key/5678abcd-12ab-34cd-56ef-1234567890ab',
    account: apps,
    policy: 'everything.key',
  },
  bareReplica: bucket('acme-replica', apps),
} satisfies Record<string, Place>
