/** The unique id that AWS knows the present credentials by, as policies have it in aws:userid. */
export async function callerUserId(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> {
  // Hardly anybody needs it, and it costs memory.
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  const client = new STSClient({ region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1', maxAttempts: 2 })
  try {
    const { UserId } = await client.send(new GetCallerIdentityCommand({}), { abortSignal: signal })
    if (UserId) return UserId
    throw new Error('its answer holds no UserId')
  } finally {
    client.destroy()
  }
}
