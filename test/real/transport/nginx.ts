import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { until } from '../../scenarios/logcask-process.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import type { Authority, Certificate } from '../../support/tls.ts'
import { ProcessGroup } from '../process-group.ts'

export interface Nginx {
  endpoint: string
  /** By whom requests came that reached the store: the names on their certificates, in order. */
  clients(): Promise<string[]>
}

/** TLS in front of a store, for clients that an authority vouches for. Five requests to a connection: then a new one is due. */
export async function startNginx(program: string, store: string, server: Certificate, clients: Authority) {
  const directory = await tempDirectory('nginx')
  const port = await freePort()
  const path = (name: string): string => join(directory, name)
  await mkdir(path('logs'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${path(`temp-${kind}`)};`,
  )
  await writeFile(
    path('nginx.conf'),
    `daemon off; master_process off; pid ${path('pid')}; error_log ${path('logs/error.log')};
events { worker_connections 128; }
http {
  log_format who '$ssl_client_verify $ssl_client_s_dn $status';
  access_log ${path('logs/access.log')} who;
  ${temporary.join('\n  ')}
  client_max_body_size 0;
  keepalive_requests 5;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${server.certFile};
    ssl_certificate_key ${server.keyFile};
    ssl_client_certificate ${clients.certFile};
    ssl_verify_client on;
    location / {
      proxy_pass ${store};
      proxy_set_header Host $http_host;
      proxy_http_version 1.1;
      proxy_request_buffering off;
    }
  }
}
`,
  )
  const group = new ProcessGroup([program, '-p', directory, '-c', path('nginx.conf')], { logFile: path('out.log') })
  onTestFinished(() => group.stop())
  const nginx: Nginx = {
    endpoint: `https://127.0.0.1:${port}`,
    async clients() {
      const lines = (await readFile(path('logs/access.log'), 'utf8')).trim().split('\n')
      return lines.flatMap((line) => /^SUCCESS CN=(\S+) /.exec(line)?.[1] ?? [])
    },
  }
  await until('nginx listens', async () => group.hasEnded || (await isOpen(port)))
  if (group.hasEnded) throw new Error(`nginx ended: ${await readFile(path('out.log'), 'utf8')}`)
  return nginx
}

async function isOpen(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}`)
    return true
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
