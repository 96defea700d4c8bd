// A file that was renamed in src would live on in dist, and be published. This empties dist first.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
