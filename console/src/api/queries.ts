/** What live changes do not carry: asked for once, kept, and asked for again when an event says that it may have changed. */
import { QueryClient, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { ApiError, call, get, part } from './client.ts'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 300_000,
      refetchOnReconnect: true,
      retry: (failures, error) =>
        failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
    },
  },
})

export type Asked<T> = {
  data: T | undefined
  error: ApiError | null
  isLoading: boolean
  again: () => void
}

type Options = {
  /** Not every controller has it, and not everybody may see it: then there is nothing, and no error. */
  optional?: boolean
}

/** @param path below the origin; null: nothing is asked yet */
export function useGet<T>(path: string | null, { optional = false }: Options = {}): Asked<T> {
  const result: UseQueryResult<T | null, Error> = useQuery({
    queryKey: [path],
    enabled: path !== null,
    queryFn: async ({ signal }) => {
      try {
        return await get<T>(path ?? '', signal)
      } catch (error) {
        if (optional && error instanceof ApiError && [403, 404].includes(error.status)) return null
        throw error
      }
    },
  })
  return {
    data: result.data ?? undefined,
    error:
      result.error instanceof ApiError ? result.error : result.error ? new ApiError(0, '', String(result.error)) : null,
    isLoading: path !== null && result.isLoading,
    again: () => void result.refetch(),
  }
}

/** What begins with the path is asked for again where it is shown, and before it is shown again. @param gone but not what is below this */
export const refresh = (prefix: string, gone: string | null = null): Promise<void> =>
  queryClient.invalidateQueries({
    predicate: ({ queryKey: [path] }) =>
      typeof path === 'string' && path.startsWith(prefix) && (gone === null || !path.startsWith(gone)),
  })

/** Removes one of a list (`LIST/ID`), which is asked for again where it is shown. @throws ApiError */
export async function remove(list: string, id: string): Promise<void> {
  const one = `${list}/${part(id)}`
  await call('DELETE', one)
  await refresh(list, one)
}
