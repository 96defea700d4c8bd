// The HTTP suite in one file, for runtimes with a server of their own: prints one line of JSON.
import { collect } from './cases.ts'
import { runCases } from './runner.ts'
import { onServer } from './serve.ts'

collect(onServer)
console.log(JSON.stringify(await runCases()))
