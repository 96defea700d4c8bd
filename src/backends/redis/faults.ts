// What a server says of a command that it does not know goes on with the arguments.
const QUOTED = /, with args beginning with:.*$/s

/**
 * What is thrown for a fault of the driver or the server. ioredis hangs the command on its errors, and with it the
 * value and the hashes, so this is a new error, with the name, the code and the message where that quotes nothing.
 */
export function faultOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('the driver threw no error')
  const { message } = error
  // Those of node-redis have names that only their classes tell, and its `TimeoutError` has no message.
  const name = error.name === 'Error' ? error.constructor.name : error.name
  const fault = new Error(message.replace(QUOTED, '') || 'the driver gave no message')
  fault.name = name
  return 'code' in error && typeof error.code === 'string'
    ? Object.assign(fault, { code: error.code })
    : fault
}
