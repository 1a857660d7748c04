/** What is sent to the API, by noun: bodies and queries. */
export * from './app.ts'
export * from './code.ts'
export * from './page.ts'
export * from './platform.ts'
export * from './running.ts'
export * from './tenancy.ts'
export * from './traffic.ts'
