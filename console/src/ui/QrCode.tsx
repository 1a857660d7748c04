/** A text as a QR code (ISO/IEC 18004), dark on light in both themes: that is what cameras read. */
import './qr-code.css'
import { useMemo } from 'react'
import encodeQR from 'qr'

/** Of light modules around it, which the standard asks for. */
const BORDER = 4

export function QrCode({ text, label }: { text: string; label: string }) {
  const rows = useMemo(() => encodeQR(text, 'raw', { ecc: 'medium', border: BORDER }), [text])
  return (
    <svg className="qr-code" viewBox={`0 0 ${rows.length} ${rows.length}`} role="img" aria-label={label}>
      <path d={pathOf(rows)} />
    </svg>
  )
}

/** One stroke for each run of dark modules in a row. */
function pathOf(rows: boolean[][]): string {
  const runs: string[] = []
  for (const [y, row] of rows.entries())
    for (let x = 0; x < row.length; x++) {
      const from = x
      while (row[x]) x++
      if (x > from) runs.push(`M${from} ${y}h${x - from}v1h${from - x}z`)
    }
  return runs.join('')
}
