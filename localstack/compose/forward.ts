import { connect, createServer } from 'node:net'

/** `forward.ts FROM TO`: hands connections from the container's address on to its loopback. Only for a port that is published to 127.0.0.1. */
const [from, to] = process.argv.slice(2).map(Number)
if (from === undefined || to === undefined) throw new Error('forward.ts FROM TO')
createServer((client) => {
  const server = connect(to, '127.0.0.1')
  client.pipe(server).pipe(client)
  client.on('error', () => server.destroy())
  server.on('error', () => client.destroy())
}).listen(from, '0.0.0.0')
