/** Bodies in chunks (RFC 9112 §7.1), strictly: CRLF only, sizes that can be counted, extensions and trailers bounded. */

/** Takes a body in chunks apart, as its bytes come. One per body. */
export declare class ChunkedReader {
  /** The body and its trailers are over. */
  readonly done: boolean
  /** The trailer fields as lines, each `Name: value\r\n`, without those that may not be trailers (RFC 9110 §6.5.1). */
  readonly trailers: string
  /**
   * Reads on. Stops after a piece of data, so that a caller asks again until everything is read, the body is done, or it is
   * malformed.
   * @returns the index of the first byte that was not read, or MALFORMED (-1); the data is then `bytes[dataFrom, dataTo)`, empty
   * when there is none
   */
  read(bytes: Buffer, from: number, to: number): number
  dataFrom: number
  dataTo: number
}
