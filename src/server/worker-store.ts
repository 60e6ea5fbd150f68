/** The one place that says how a thread of a node opens the table that the main thread has made. */
import { DirectStore, type DirectStoreHandle } from '../store/direct-store.js'

/** `hasWriter`: it is only read here, by the time that its writer tells. */
export function openStore(handle: DirectStoreHandle, hasWriter = false): DirectStore {
  return DirectStore.attach(handle, { isSequenced: hasWriter, asksWriter: hasWriter })
}
