/** Lists that the API answers in pages: the first one, and on from there. */
import { useEffect } from 'react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { ApiError, get } from './client.ts'
import type { Asked } from './queries.ts'

type Page<Name extends string, T> = { [K in Name]: T[] } & { next?: string | null }

export type Listed<T> = Pick<Asked<T>, 'error' | 'isLoading' | 'again'> & {
  /** undefined: not known yet. */
  items: T[] | undefined
  /** Reads the next page; left out where all is read. */
  more?: { read: () => void; busy: boolean }
}

type Options = {
  /** Reads on by itself: for what is searched, counted or chosen from as a whole. */
  all?: boolean
  /** Not everybody may see it: then there is nothing, and no error. */
  optional?: boolean
}

/**
 * @param path below the origin; null: nothing is asked yet
 * @param name of the field that holds the items
 */
export function useList<T>(
  path: string | null,
  name: string,
  { all = false, optional = false }: Options = {},
): Listed<T> {
  const result = useInfiniteQuery({
    queryKey: [path, 'pages'],
    enabled: path !== null,
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }): Promise<Page<string, T>> => {
      try {
        return await get<Page<string, T>>(withCursor(path ?? '', pageParam), signal)
      } catch (error) {
        if (optional && error instanceof ApiError && [403, 404].includes(error.status)) return { [name]: [] }
        throw error
      }
    },
    getNextPageParam: ({ next }) => next ?? null,
  })
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = result
  useEffect(() => {
    if (all && hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [all, hasNextPage, isFetchingNextPage, fetchNextPage])
  return {
    items: data?.pages.flatMap((page) => page[name] ?? []),
    error: error instanceof ApiError ? error : error ? new ApiError(0, '', String(error)) : null,
    isLoading: path !== null && result.isLoading,
    again: () => void refetch(),
    ...(!all && hasNextPage ? { more: { read: () => void fetchNextPage(), busy: isFetchingNextPage } } : {}),
  }
}

const withCursor = (path: string, cursor: string | null): string =>
  cursor === null ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`
