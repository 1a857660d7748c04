/** Logs are events: a constant sentence and variable fields, as JSON lines on standard output. */
import { pino } from 'pino'

export type Fields = Record<string, unknown>
export type Log = {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
  child(fields: Fields): Log
  /** Absent: every event is wanted. For whoever would make one for nothing, many thousand times a second. */
  wants?(level: Level): boolean
}

const secretPaths = [
  'token',
  'password',
  'secret',
  'authorization',
  'env',
  '*.token',
  '*.password',
  '*.secret',
  '*.authorization',
  '*.env',
]

export function createLog(part: string, level: string): Log {
  const root = pino(
    {
      level,
      base: { part },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secretPaths, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 1, sync: true }),
  )
  return wrap(root)
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog }

type Level = 'debug' | 'info' | 'warn' | 'error'
type Pino = Record<Level, (fields: Fields, event: string) => void> & {
  child(fields: Fields): unknown
  isLevelEnabled(level: string): boolean
}

function wrap(logger: Pino): Log {
  const at =
    (level: Level) =>
    (event: string, fields: Fields = {}) => {
      logger[level](fields['error'] instanceof Error ? { ...fields, error: describe(fields['error']) } : fields, event)
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(fields) as Pino),
    wants: (level) => logger.isLevelEnabled(level),
  }
}

function describe(error: Error): Fields {
  return {
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describe(error.cause) } : {}),
  }
}
