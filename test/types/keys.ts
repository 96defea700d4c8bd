import { generateKey, isHandle, isKey } from '../../src/index.ts'
import type { Handle, Key, SecretHash, Store } from '../../src/index.ts'

declare const key: Key
declare const handle: Handle
declare const secretHash: SecretHash
declare const text: string
declare const store: Store

// Each is a string to whoever reads it.
export const texts: readonly string[] = [key, handle, secretHash, generateKey()]

// None takes another's place.
// @ts-expect-error
export const keyOfHandle: Key = handle
// @ts-expect-error
export const keyOfHash: Key = secretHash
// @ts-expect-error
export const handleOfKey: Handle = key
// @ts-expect-error
export const handleOfHash: Handle = secretHash
// @ts-expect-error
export const hashOfKey: SecretHash = key
// @ts-expect-error
export const hashOfHandle: SecretHash = handle

// A plain string is none of them until it has been checked, and a hash is never made by a check.
// @ts-expect-error
export const keyOfText: Key = text
// @ts-expect-error
export const handleOfText: Handle = text
// @ts-expect-error
export const hashOfText: SecretHash = text
export const checkedKey: Key | undefined = isKey(text) ? text : undefined
export const checkedHandle: Handle | undefined = isHandle(text) ? text : undefined
// @ts-expect-error
export const wronglyChecked: Key | undefined = isHandle(text) ? text : undefined

// A store never sees a key, and its arguments cannot be swapped.
void store.read(handle)
// @ts-expect-error
void store.read(key)
// @ts-expect-error
void store.read(text)
void store.touch(handle, secretHash, 1, 2)
// @ts-expect-error
void store.touch(secretHash, handle, 1, 2)
// @ts-expect-error
void store.touch(handle, key, 1, 2)
// @ts-expect-error
void store.update(key, secretHash, { value: 'v' })
// @ts-expect-error
void store.delete(handle, key)
