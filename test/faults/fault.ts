import type { SessionBackend } from '../../src/index.ts'

/** A backend on an engine's driver, for one trial. */
export interface Connection {
  readonly backend: SessionBackend
  /** Waits until what this connection has written is on a replica too; false when it cannot say so. */
  readonly confirm?: (() => Promise<boolean>) | undefined
  close(): Promise<void>
}

/** An engine that runs, with the means to harm it. */
export interface RunningEngine {
  readonly port: number
  /** Why a fault cannot be made on this machine, by its name. */
  readonly unable?: Readonly<Record<string, string>> | undefined
  kill(signal: NodeJS.Signals): Promise<void>
  restart(): Promise<void>
  /** Leaves the engine no room for new data. */
  fill?(): Promise<void>
  /** Gives it room again. */
  drain?(): Promise<void>
  /** Sets how many bytes it may hold in memory; 0 for no limit. */
  limitMemory?(bytes: number): Promise<void>
  /** Makes a replica the master: because the master is killed while its replicas lag behind, or as planned. */
  failOver?(how: 'killed' | 'planned'): Promise<void>
  stop(): Promise<void>
}

/** How an engine is started and reached. */
export interface Engine {
  readonly name: string
  /** Starts it; `onSmallDisk` where the trial is to fill its disk. */
  start(options: { readonly onSmallDisk: boolean }): Promise<RunningEngine>
  /** Connects each driver, by its name, to the engine on `port` or, where a proxy stands before it, on the proxy's. */
  readonly drivers: Readonly<
    Record<string, (options: ConnectOptions) => Connection | Promise<Connection>>
  >
}

/** Where a backend is to connect, and how long its calls may take. */
export interface ConnectOptions {
  readonly port: number
  readonly timeoutMs: number
  readonly running: RunningEngine
  /** Asks for connections whose writes can be confirmed. */
  readonly confirms: boolean
}

/** What may be done to the connections between client and engine. */
export interface Wire {
  cut(): void
  cutOnNext(): Promise<void>
  stall(): void
  resume(): void
}

/** A fault, done to an engine under load. */
export interface Fault {
  readonly name: string
  /** The engines it is for. */
  readonly engines: readonly string[]
  /** Whether the client connects through a proxy that the fault can cut. */
  readonly throughProxy?: boolean | undefined
  readonly onSmallDisk?: boolean | undefined
  /** How large the values are at the most, in bytes. Default: 256. */
  readonly valueBytes?: number | undefined
  /**
   * Where a replica takes over: whether the last acknowledged changes may be lost, only those that no replica has
   * confirmed, or none.
   */
  readonly failover?: 'acknowledged' | 'unconfirmed' | 'none' | undefined
  /** How long the engine may take until it is well again, in milliseconds. Default: 15,000. */
  readonly recoversWithinMs?: number | undefined
  /** The drivers that may get over it without one failed operation. */
  readonly unnoticedBy?: readonly string[] | undefined
  /** Does it once, and comes back when the engine is well again. */
  run(scene: Scene): Promise<void>
}

/** What a fault finds. */
export interface Scene {
  readonly engine: RunningEngine
  readonly wire: Wire
  readonly timeoutMs: number
  /** Waits until operations have failed, for `withinMs` at the most. */
  readonly noticed: (withinMs: number) => Promise<void>
}
