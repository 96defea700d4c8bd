import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import type { TestProject } from 'vitest/node'
import { BINARIES, findBinary, installMissing, requireBinary } from './binary.ts'
import { isFree } from './free-port.ts'
import { setup } from './global-setup.ts'
import { startMysql } from './mariadb.ts'
import { startValkey } from './redis.ts'
import { until } from './until.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('requireBinary', () => {
  it.each([
    ['postgres', 'postgresql', 'SOJOURN_TEST_POSTGRES_URL'],
    ['redis', 'redis-server', 'SOJOURN_TEST_REDIS_URL'],
    ['mariadb', 'mariadb-server', 'SOJOURN_TEST_MARIADB_URL'],
  ] as const)('says the one command to run where there is no %s', (name, debian, variable) => {
    const nowhere = { ...BINARIES[name], folders: () => [] }
    expect(() => requireBinary(nowhere, { path: '/nowhere', install: false })).toThrow(
      `no ${BINARIES[name].names[0]}: run "sudo apt-get install --yes ${debian}", or set ${variable}`,
    )
  })

  it('says no variable where a URL would not do', () => {
    const nowhere = { ...BINARIES.pgbouncer, folders: () => [] }
    expect(() => requireBinary(nowhere, { path: '/nowhere', install: false })).toThrow(
      /^no pgbouncer: run "sudo apt-get install --yes pgbouncer"$/,
    )
  })

  it('looks on the PATH first, then in the usual folders', () => {
    const path = folderWith({ 'redis-server': '' })
    expect(requireBinary(BINARIES.redis, { path, install: false })).toBe(join(path, 'redis-server'))
    const other = { ...BINARIES.redis, folders: () => [path] }
    expect(requireBinary(other, { path: '/nowhere', install: false })).toBe(
      join(path, 'redis-server'),
    )
  })
})

describe('findBinary', () => {
  it('tells the mysqld of MySQL from that of MariaDB', () => {
    const mariadb = folderWith({ mysqld: 'mysqld  Ver 10.11.19-MariaDB-0+deb12u1 for debian' })
    const mysql = folderWith({ mysqld: 'mysqld  Ver 8.4.3 for Linux on x86_64 (MySQL Community)' })
    const old = folderWith({ mysqld: 'mysqld  Ver 5.7.44 for Linux on x86_64 (MySQL Community)' })
    const path = [mariadb, old, mysql].join(':')
    const only = { folders: () => [] }
    expect(findBinary({ ...BINARIES.mysql, ...only }, path)).toBe(join(mysql, 'mysqld'))
    expect(findBinary({ ...BINARIES.mariadb, ...only }, `${mysql}:${mariadb}`)).toBe(
      join(mariadb, 'mysqld'),
    )
    expect(findBinary({ ...BINARIES.mysql, ...only }, mariadb)).toBeUndefined()
  })
})

describe('installMissing', () => {
  it('returns the packages that are missing, and of those only that Debian has', () => {
    const nowhere = { folders: () => [], names: ['no-such-program'] }
    const binaries = [BINARIES.redis, { ...nowhere, debian: 'some-package' }, nowhere]
    expect(installMissing(binaries, false)).toEqual(['some-package'])
  })
})

describe('setup', () => {
  it('provides the servers that the environment names, and leaves them running', async () => {
    vi.stubEnv('SOJOURN_TEST_POSTGRES_URL', inject('postgresUrl'))
    vi.stubEnv('SOJOURN_TEST_REDIS_URL', inject('redisUrl'))
    vi.stubEnv('SOJOURN_TEST_MARIADB_URL', inject('mariadbUrl'))
    const provided: Record<string, string> = {}
    const project = { provide: (key: string, url: string) => (provided[key] = url) }
    const teardown = await setup(project as unknown as TestProject)
    await teardown()
    expect(provided).toEqual({
      postgresUrl: inject('postgresUrl'),
      redisUrl: inject('redisUrl'),
      mariadbUrl: inject('mariadbUrl'),
    })
    const client = new Client(inject('postgresUrl'))
    await client.connect()
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.end()
  })
})

describe.each([
  ['startValkey', startValkey, 'SOJOURN_TEST_VALKEY_URL', 'Valkey'],
  ['startMysql', startMysql, 'SOJOURN_TEST_MYSQL_URL', 'MySQL'],
] as const)('%s', (_, start, variable, name) => {
  it('takes the server that the environment names', async () => {
    vi.stubEnv(variable, inject('redisUrl'))
    const server = await start()
    expect(server?.url).toBe(inject('redisUrl'))
    await server?.stop()
  })

  it('starts one, or says why there is none', async () => {
    vi.stubEnv(variable, '')
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const server = await start()
    await server?.stop()
    const said = warn.mock.calls.flat().join()
    expect(said).toMatch(server ? /^$/ : new RegExp(`^skipped: ${name}, .* no ${variable}$`))
  })
})

describe('a process that started a server', () => {
  const redis = join(import.meta.dirname, 'redis.ts')
  const script = `
    import { startRedis } from ${JSON.stringify(redis)}
    const { port, folder } = await startRedis()
    console.log(JSON.stringify({ port, folder }))
    process.on('message', () => { throw new Error('ends early') })
    setInterval(() => {}, 1000)`

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL', 'an exception'])('takes it along by %s', async (end) => {
    const file = join(folderWith({}), 'start.ts')
    writeFileSync(file, script)
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] })
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    const { port, folder } = JSON.parse(line.toString()) as { port: number; folder: string }
    folders.push(...(end === 'SIGKILL' ? [folder] : []))
    expect(await isFree(port)).toBe(false)
    if (end.startsWith('SIG')) child.kill(end as NodeJS.Signals)
    else child.send('end')
    await until('the server is gone', () => isFree(port))
    // Only a killed process leaves the files behind.
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(existsSync(folder)).toBe(end === 'SIGKILL')
  })
})

/** A folder of programs that say what they are given. */
function folderWith(programs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-programs-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho '${text}'\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return folder
}
