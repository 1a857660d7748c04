/** Which part of a list is asked for. */
import { z } from 'zod'

export const MAX_PAGE = 1000

export const pageFields = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).optional().describe('How many at most.'),
  cursor: z.string().max(1000).optional().describe('What the page before has as next; left out: from the beginning.'),
}
export const pageQuery = z.object(pageFields)
