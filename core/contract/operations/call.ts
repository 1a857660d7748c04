/** What a call of an operation sends and is answered, read off the table: types alone, so a client of it loads no schema. */
import type { z } from 'zod'
import type { OperationTable } from './index.ts'
import type { Method } from './operation.ts'

export type Route = keyof OperationTable
/** `/apps/:app` for each operation of a method. */
export type PathOf<M extends Method> = Route extends infer R ? (R extends `${M} ${infer P}` ? P : never) : never

type Declared<M extends Method, P extends string> = `${M} ${P}` extends infer R
  ? R extends Route
    ? OperationTable[R]
    : never
  : never

/** The names in a path: `app` and `address` of `/apps/:app/domains/:address`. */
type NamesIn<P extends string> = P extends `${string}/:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : P extends `${string}/:${infer Name}`
    ? Name
    : never

/** Texts as they were typed: whether one is a name of its kind is the API's to say. */
type Plain<T> = T extends string
  ? T extends { readonly __brand: string }
    ? string
    : T
  : T extends readonly (infer One)[]
    ? Plain<One>[]
    : T extends object
      ? { [Key in keyof T as Key extends { readonly __brand: string } ? string : Key]: Plain<T[Key]> }
      : T

/** A query is text; which text is fit is the API's to say as well. */
type QueryOf<Q> = { [Name in keyof Q]: string | (undefined extends Q[Name] ? undefined : never) }
type OptionalIfEmpty<Name extends string, T> = object extends T ? { [N in Name]?: T } : { [N in Name]: T }

type AskedOf<D, P extends string> = { [Name in NamesIn<P>]: string } & (D extends { query: infer Q extends z.ZodType }
  ? OptionalIfEmpty<'query', QueryOf<z.input<Q>>>
  : { query?: never }) &
  (D extends { body: infer B extends z.ZodType } ? OptionalIfEmpty<'body', Plain<z.input<B>>> : { body?: never })

/** What a call needs: the names in its path, its query and its body. */
export type Asked<M extends Method, P extends string> = P extends string ? AskedOf<Declared<M, P>, P> : never

/** As arguments: none when nothing is needed. */
export type Asking<M extends Method, P extends string> =
  object extends Asked<M, P> ? [asked?: Asked<M, P>] : [asked: Asked<M, P>]

/** The document of a success, or a line of an answer that goes on; null for none. */
export type Answer<M extends Method, P extends string> = AnswerOf<Declared<M, P>>
type AnswerOf<D> = D extends { answer: infer A extends z.ZodType }
  ? z.output<A> | (D extends { otherwise: { answer: infer Other extends z.ZodType } } ? z.output<Other> : never)
  : null
