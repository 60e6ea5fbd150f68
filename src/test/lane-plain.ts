/** The channel as users run it, for tests that also run on instrumented copies. */
import { Bell } from '../channel/bell.js'
import { LaneClient } from '../channel/lane-client.js'
import { LaneFile } from '../channel/lane-file.js'
import { LaneWorker } from '../channel/lane-worker.js'
import { Ledger } from '../channel/ledger.js'
import { Message } from '../channel/message.js'
import type { LaneModules } from './lane-world.js'

export const PLAIN_MODULES: LaneModules = { LaneFile, LaneClient, LaneWorker, Ledger, Bell, Message }
