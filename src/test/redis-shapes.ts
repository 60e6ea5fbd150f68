/**
 * What random commands are made of: for each command the lists that its arguments are drawn from, with names and
 * numbers that like to break things. No time here passes while a test runs, for two servers would not see it pass at
 * the same moment.
 */

const KEYS = ['a', 'b', 'c', '', '__proto__', 'constructor', 'k\0n', '\xff\xfe'] as const
const TEXTS = [
  ...[
    '1',
    '-1',
    'abc',
    '',
    '1.5',
    '  3',
    '007',
    '\r\n',
    '3.0e3',
    '1e-20',
    '0x1p3',
    'inf',
    '-0',
    '0.1',
    'nan',
  ],
  ...['9223372036854775807', '-9223372036854775808', 'x'.repeat(50)],
] as const
const NUMBERS = [
  ...[
    '0',
    '2',
    '-2',
    '5',
    '100',
    '-100',
    '9223372036854775808',
    '+1',
    '01',
    ' 1',
    '1 ',
    '1\0',
    '0x10',
    '-0.1',
  ],
  ...[
    '1e400',
    '1e5000',
    '1e-4940',
    '5e-4951',
    '1e-6000',
    '123456789.123456789',
    '.5',
    '5.',
    '.',
    '1e',
    '1e17',
  ],
  ...['-inf', 'infinity', '99999999999999999999.99', '2147483648', '-2147483649'],
  ...TEXTS,
] as const
const POSITIONS = [
  ...['0', '1', '-1', '2', '-2', '5', '100', '-100', 'abc', '', '1.5', '-0', '600000000'],
  ...['-9223372036854775808', '9223372036854775807', '9223372036854775808'],
] as const
/** Moments beyond 2^53 ms are left out: Hearth refuses them, Redis does not. */
const TIMES = [
  ...['400000', '1000000', '0', '-1', 'abc', '99999999999', '1.5', '', '1\0', '+5', '-9223372036854775808'],
] as const
const OPTIONS = [
  ...[
    'EX',
    'PX',
    'NX',
    'XX',
    'GET',
    'KEEPTTL',
    'EXAT',
    'PXAT',
    'GT',
    'LT',
    'PERSIST',
    'ex',
    'persist',
    'nope',
  ],
  ...TIMES,
] as const
const GLOBS = ['*', 'a', '[a-c]', '?', '__*', '\\', '[', '[^a]', '*\0*', '[a-', ''] as const
/** Those of walks that begin: what another server's cursor means to a server is its own affair. */
const CURSORS = ['0', '', '+0', '-0', 'abc', ' 0', '-', '18446744073709551616'] as const

export type Shape = readonly [name: string, ...lists: (readonly string[])[]]

export const SHAPES: readonly Shape[] = [
  ...[[], [OPTIONS], [OPTIONS, OPTIONS], [OPTIONS, OPTIONS, OPTIONS], [OPTIONS, TIMES, OPTIONS]].map(
    (options): Shape => ['SET', KEYS, TEXTS, ...options],
  ),
  ...[[], [OPTIONS], [OPTIONS, TIMES], [OPTIONS, TIMES, OPTIONS]].map(
    (options): Shape => ['GETEX', KEYS, ...options],
  ),
  ...['EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT'].flatMap((name): Shape[] => [
    [name, KEYS, TIMES],
    [name, KEYS, TIMES, OPTIONS],
    [name, KEYS, TIMES, OPTIONS, OPTIONS],
  ]),
  ...['GET', 'GETDEL', 'STRLEN', 'UNLINK', 'TYPE', 'INCR', 'DECR', 'PERSIST', 'TTL', 'PTTL'].map(
    (name): Shape => [name, KEYS],
  ),
  ...['EXPIRETIME', 'PEXPIRETIME'].map((name): Shape => [name, KEYS]),
  ...['GETSET', 'SETNX', 'APPEND'].map((name): Shape => [name, KEYS, TEXTS]),
  ...['DEL', 'EXISTS', 'TOUCH', 'MGET'].map((name): Shape => [name, KEYS, KEYS]),
  ...['INCRBY', 'DECRBY', 'INCRBYFLOAT', 'INCRBYFLOAT'].map((name): Shape => [name, KEYS, NUMBERS]),
  ...['GETRANGE', 'GETRANGE', 'SUBSTR'].map((name): Shape => [name, KEYS, POSITIONS, POSITIONS]),
  ['SETRANGE', KEYS, POSITIONS, TEXTS],
  ['SETRANGE', KEYS, POSITIONS, TEXTS],
  ['SETEX', KEYS, TIMES, TEXTS],
  ['PSETEX', KEYS, TIMES, TEXTS],
  ['MSET', KEYS, TEXTS, KEYS, TEXTS],
  ['MSET', KEYS, TEXTS, KEYS],
  ['MSETNX', KEYS, TEXTS, KEYS, TEXTS],
  ...['RENAME', 'RENAMENX', 'COPY', 'COPY'].map((name): Shape => [name, KEYS, KEYS]),
  ['COPY', KEYS, KEYS, ['REPLACE', 'replace', 'DB', 'nope']],
  ['COPY', KEYS, KEYS, ['DB'], POSITIONS, ['REPLACE', 'DB']],
  ['PUBLISH', KEYS, TEXTS],
  ['PUBSUB', ['CHANNELS', 'numsub', 'nope'], GLOBS],
  ['PUBSUB', ['NUMPAT', 'NUMSUB', 'CHANNELS', 'nope']],
  ['UNWATCH'],
  ['KEYS', GLOBS],
  ['SCAN', CURSORS, ['COUNT'], ['100', '0', '-1', 'abc']],
  ['SCAN', ['0'], ['COUNT', 'TYPE', 'nope'], ['1000', 'string', 'list'], ['COUNT'], ['1000']],
  ['SCAN', ['0'], ['COUNT'], ['1000'], ['MATCH'], GLOBS],
  ['RANDOMKEY'],
  ['DBSIZE'],
  ['FLUSHALL', OPTIONS],
  ['FLUSHDB'],
  ['PING', TEXTS],
  ['ECHO', TEXTS],
  ['SELECT', POSITIONS],
  ['AUTH', TEXTS],
  ['AUTH', ['default', 'x'], TEXTS],
  ['HELLO', ['4', '1', 'abc', '', '3.0']],
  ['CLIENT', ['GETNAME', 'getname', 'nope', '', 'SETNAME', 'NO-EVICT'], OPTIONS],
  ['CLIENT', ['GETNAME', 'nope', 'SETNAME']],
  ['CONFIG', ['GET', 'nope', 'SET'], ['save', '__proto__', 'appendonly']],
  ['CONFIG', ['GET', 'nope']],
  ['COMMAND', ['nope', 'INFO'], ['nope']],
  ['SHUTDOWN', ['nope', '']],
  ['NOPE', TEXTS, KEYS],
]

/** As a time, the largest integer is a moment beyond 2^53 ms, and the small ones pass while a test runs. */
const UNFIT_AS_TIME = /^(?:9223372036854775807|[1-9]\d{0,2})$/

/** Any argument of any command, for commands with the wrong number of them. */
export const ARGUMENTS: readonly string[] = [...KEYS, ...TEXTS, ...OPTIONS, ...POSITIONS].filter(
  (text) => !UNFIT_AS_TIME.test(text),
)
/** Not sent with arguments of any kind: they answer with what is each server's own, or change the connection. */
export const OWN_ANSWERS: ReadonlySet<string> = new Set([
  'HELLO',
  'COMMAND',
  'SHUTDOWN',
  'SCAN',
  'CONFIG',
  'CLIENT',
])
