/** What a host has, what is assigned of it, and what is used. */
import type { HostView } from '../../../../core/contract/api.ts'
import { bytes, cores, count, mebibytes, percent } from '../../text/format.ts'
import { Card, Meter } from '../../ui/parts.tsx'
import { Table } from '../../ui/Table.tsx'

type Line = {
  what: string
  most: number
  assigned: number
  /** What is used of how much; null: not known, or nothing that is used. */
  used: { text: string; of?: string; share: number } | null
  format: (value: number) => string
}

function linesOf({ capacity, reserved, cpuMilliUsed, memoryMbUsed, disk }: HostView): Line[] {
  return [
    {
      what: 'CPU',
      most: capacity.cpuMilli,
      assigned: reserved.cpuMilli,
      used: { text: cores(cpuMilliUsed), share: cpuMilliUsed / capacity.cpuMilli },
      format: cores,
    },
    {
      what: 'Memory',
      most: capacity.memoryMb,
      assigned: reserved.memoryMb,
      used: { text: mebibytes(memoryMbUsed), share: memoryMbUsed / capacity.memoryMb },
      format: mebibytes,
    },
    {
      what: 'Disk',
      most: capacity.diskMb,
      assigned: reserved.diskMb,
      // More is promised than the disk holds, so what is used is measured against the disk itself.
      used: disk && {
        text: bytes(disk.usedBytes),
        of: ` of ${bytes(disk.totalBytes)}`,
        share: disk.usedBytes / disk.totalBytes,
      },
      format: mebibytes,
    },
    { what: 'Instances', most: capacity.slots, assigned: reserved.slots, used: null, format: count },
  ]
}

export const Capacity = ({ host }: { host: HostView }) => (
  <Card title="Capacity" flush>
    <Table
      head={[
        'What',
        ['Capacity', 'num wide'],
        ['Assigned', 'num'],
        ['Used', 'num'],
        ['Used and assigned', 'wide meter-column'],
      ]}
    >
      {linesOf(host).map(({ what, most, assigned, used, format }) => (
        <tr key={what}>
          <td className="strong">{what}</td>
          <td className="num wide">{format(most)}</td>
          <td className="num">
            {format(assigned)} <span className="faint">{percent(assigned / most)}</span>
          </td>
          <td className="num">
            {used === null ? (
              <span className="faint">–</span>
            ) : (
              <>
                {used.text}
                {used.of !== undefined && <span className="wide-only">{used.of}</span>}{' '}
                <span className="faint">{percent(used.share)}</span>
              </>
            )}
          </td>
          <td className="wide">
            <Meter
              used={used?.share ?? 0}
              assigned={assigned / most}
              label={what}
              text={percent(used?.share ?? assigned / most)}
            />
          </td>
        </tr>
      ))}
    </Table>
  </Card>
)
