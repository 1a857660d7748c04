/** A build may print for as long as it runs; what is kept of that is its beginning and its end. */

export type OutputCap = {
  /** @returns those of the lines that are to be kept now */
  take(lines: string[]): string[]
  /** @returns the end of what was not kept, once the build is over */
  end(): string[]
}

export type OutputLimits = {
  maxBytes: number
  /** Of what comes after that. */
  lastLines: number
}

export const outputLimits: OutputLimits = { maxBytes: 4 * 1024 * 1024, lastLines: 200 }

export function capOutput({ maxBytes, lastLines }: OutputLimits = outputLimits): OutputCap {
  let bytes = 0
  let left = 0
  let last: string[] = []

  function keepForLater(lines: string[]): string[] {
    const first = left === 0
    left += lines.length
    last = [...last, ...lines].slice(-lastLines)
    const megabytes = Math.round(maxBytes / 1024 / 1024)
    return first ? [` !     The output is longer than ${megabytes} MB: from here on only its end is kept.`] : []
  }

  return {
    take(lines) {
      if (left > 0) return keepForLater(lines)
      const fit = lines.findIndex((line) => (bytes += line.length + 1) > maxBytes)
      return fit === -1 ? lines : [...lines.slice(0, fit), ...keepForLater(lines.slice(fit))]
    },
    end() {
      const dropped = left - last.length
      const lines = dropped > 0 ? [` !     ${dropped} lines of output were left out here.`, ...last] : last
      left = 0
      last = []
      return lines
    },
  }
}
