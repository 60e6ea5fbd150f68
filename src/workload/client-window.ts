/**
 * A window of requests over a `Client`: numbers of 32 bits as original 001 has them, a missing key read as 0.
 * For one thread.
 */
import { Client } from '../client/client.js'
import { codecs } from '../codec/codecs.js'
import { PENDING, type RequestWindow } from './drive.js'

/** Longer than any server that lives takes, however busy its machine is. */
const TIMEOUT_MS = 30_000

export class ClientWindow implements RequestWindow {
  readonly #client: Client<number, number>

  private constructor(client: Client<number, number>) {
    this.#client = client
  }

  /** To the server of that name, with room for `width` requests in flight. Rejects with OperationError. */
  static async connect(name: string, width: number): Promise<ClientWindow> {
    const { uint32 } = codecs
    const options = { keys: uint32, values: uint32, window: width, timeoutMs: TIMEOUT_MS }
    return new ClientWindow(await Client.connect(name, options))
  }

  put(key: number, value: number): number {
    return this.#client.submit('set', key, value)
  }

  get(key: number): number {
    return this.#client.submit('get', key)
  }

  poll(id: number): number {
    const answer = this.#client.poll(id)
    return answer === undefined ? PENDING : numberOf(answer.value)
  }

  wait(id: number): number {
    return numberOf(this.#client.sync.result(id))
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

/** A PUT answers nothing, and a GET of a missing key neither. */
function numberOf(value: unknown): number {
  return value === undefined ? 0 : (value as number)
}
