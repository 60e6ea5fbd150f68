/** What the threads or processes of a history run share beside the table: the time, and how many are not ready yet. */
export const SHARED_BYTES = 8
