/**
 * Whether a text has a UTF-8 form at all: one with a lone surrogate has none, and would come back from the
 * table as another text (U+FFFD in its place), so two keys could become one.
 */

/** `String.prototype.isWellFormed`, which every Node we run on has and the compiler's library does not yet. */
interface WellFormedString {
  isWellFormed(): boolean
}

/** Whether `text` is free of lone surrogates. Free for texts that V8 stores as Latin-1. */
export function isWellFormed(text: string): boolean {
  return (text as unknown as WellFormedString).isWellFormed()
}
